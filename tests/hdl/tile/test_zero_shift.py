# SPDX-License-Identifier: Apache-2.0
"""Tests of zero-shifting slots: as many as asked for, and their polarities."""

from __future__ import annotations

from random import Random

import pytest

from symtrack.hdl.tile.zero_shift import ZeroShift
from tests.hdl.helpers.simulate import Dut, Flip, simulate


def compare(*, seed: int = 0, flip: Flip | None = None) -> None:
    """Runs of all lengths, cut off at times, with waits."""
    rng = Random(seed)

    async def program(dut: Dut) -> None:
        assert dut.get("pending") == 0
        for pulses in (1, 2, 7, 16, 5):
            dut.set(pulses=pulses, begin=1, issue=rng.getrandbits(1))
            await dut.tick()
            dut.set(begin=0)
            slot, end = 0, rng.choice((pulses, pulses, pulses // 2))
            while slot < end:
                issue = rng.getrandbits(1)
                dut.set(issue=issue)
                assert dut.read("pending", "up", "last") == (1, 1 - slot % 2, slot == pulses - 1)
                await dut.tick()
                slot += issue
            dut.set(issue=0)
            assert dut.get("pending") == (end < pulses)

    simulate(ZeroShift(), program, flip)


@pytest.mark.parametrize("seed", range(8))
def test_slots(seed: int) -> None:
    compare(seed=seed)


@pytest.mark.parametrize("port", ["begin", "issue", "pulses"])
def test_a_flipped_bit_is_found(port: str) -> None:
    caught = 0
    for cycle in range(30):
        try:
            compare(flip=Flip(port, 1, cycle))
        except AssertionError:
            caught += 1
    assert caught > 0
