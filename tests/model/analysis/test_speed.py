# SPDX-License-Identifier: Apache-2.0
"""Tests of the golden model's benchmark: what it measures; the command line is tested with its script."""

import pytest

from symtrack.model.analysis import speed as benchmark
from symtrack.model.devices.presets import FAMILIES


def test_every_family_is_timed_over_the_same_coincidences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "REPEAT_S", 1e-4)
    entries = list(benchmark.families(size=17, repeats=2, seed=1))
    assert [entry["device"] for entry in entries] == list(FAMILIES)
    assert len({entry["coincidences"] for entry in entries}) == 1
    assert all(entry["ms_per_update"] > 0 for entry in entries)
