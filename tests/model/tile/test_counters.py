# SPDX-License-Identifier: Apache-2.0
"""Tests of the golden event counters: they saturate."""

from __future__ import annotations

import numpy as np

from symtrack.model.spec.config import TileConfig
from symtrack.model.tile.counters import Status


def test_counters_saturate() -> None:
    status = Status(TileConfig(counter_bits=8))
    for _ in range(300):
        status.count_slots(100)
        status.count_read()
        status.count_pulses(np.array([-3, 0, 2]))
        assert status.slots <= status.reads * 100
    assert (status.slots, status.reads, status.transfer_pulses) == (255, 255, 255)


def test_counters_count_magnitudes() -> None:
    status = Status(TileConfig())
    status.count_pulses(np.array([-3, 0, 2]))
    status.count_slots(0)
    status.count_slots(7)
    assert (status.slots, status.reads, status.transfer_pulses) == (7, 0, 5)
    assert {name: int(value) for name, value in status.state_arrays().items()} == {
        "slots": 7,
        "reads": 0,
        "transfer_pulses": 5,
        "hidden_saturated": 0,
        "pulses_clamped": 0,
    }


def test_a_restored_status_goes_on() -> None:
    first, second = Status(TileConfig(counter_bits=8)), Status(TileConfig(counter_bits=8))
    first.slots, first.reads, first.transfer_pulses = 200, 3, 254
    first.pulses_clamped = True
    second.restore(first.state_arrays())
    for status in (first, second):
        status.count_slots(60)
        status.count_pulses(np.array([1]))
    assert vars(first) == vars(second)
    assert second.pulses_clamped is True
    assert second.hidden_saturated is False
