"""Slots of a calibration: as many as asked for, their polarities, and when the random bit is used."""

from __future__ import annotations

from random import Random

import pytest

from hdl.zero_shift import ZeroShift
from tests.hdl.simulate import Dut, Flip, simulate


def compare(*, seed: int = 0, flip: Flip | None = None) -> None:
    """Runs of all lengths, cut off at times, with waits."""
    rng = Random(seed)

    async def program(dut: Dut) -> None:
        for pulses in (0, 1, 2, 7, 0, 16, 5):
            random = rng.getrandbits(1)
            dut.set(pulses=pulses, random=random, restart=1, issue=0)
            await dut.tick()
            dut.set(restart=0)
            slot, end = 0, rng.choice((pulses, pulses, pulses // 2))
            while slot < end:
                chance, issue = rng.getrandbits(1), rng.getrandbits(1)
                dut.set(chance=chance, issue=issue)
                up = chance if random else 1 - slot % 2
                assert dut.read("pending", "up", "last", "draw") == (1, up, slot == pulses - 1, issue & random)
                await dut.tick()
                slot += issue
            dut.set(issue=0)
            assert dut.get("pending") == (end < pulses)

    simulate(ZeroShift(), program, flip)


@pytest.mark.parametrize("seed", range(8))
def test_slots(seed: int) -> None:
    compare(seed=seed)


@pytest.mark.parametrize("port", ["restart", "issue", "pulses", "random"])
def test_a_flipped_bit_is_found(port: str) -> None:
    caught = 0
    for cycle in range(3, 30):
        try:
            compare(flip=Flip(port, 1, cycle))
        except AssertionError:
            caught += 1
    # the random bit and the number of pulses are looked at between the edges only
    assert (caught > 0) == (port in ("restart", "issue"))
