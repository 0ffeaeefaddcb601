# SPDX-License-Identifier: Apache-2.0
"""Tests of the seed loader: which seeds are taken, when, and what is refused."""

from __future__ import annotations

from random import Random

import pytest

from symtrack.hdl.tile.seed_loader import SeedLoader
from symtrack.model.spec.config import NAMED
from tests.hdl.helpers.simulate import Dut, Flip, simulate

SEEDS = (0, 1, 1 << 31, 0xFFFFFFFF)


def compare(seed: int = 1, *, cycles: int = 400, flip: Flip | None = None) -> set[str]:
    """A stream that waits at random, also in operations: every output in every cycle. What happened is returned."""
    rng, seen = Random(seed), set[str]()

    async def program(dut: Dut) -> None:
        offer: int | None = None
        waited = False  # it was on offer in the cycle before
        looked: int | None = None  # the seed that was looked at in the cycle before
        resting = True
        for _ in range(cycles):
            if offer is None and rng.random() < 0.7:
                offer = rng.choice((*SEEDS, 1 << rng.randrange(32), rng.getrandbits(32)))
            resting = rng.random() < (0.9 if resting else 0.3)
            state = rng.getrandbits(32) if offer is None else offer
            dut.set(seeds__valid=offer is not None, seeds__state=state, resting=resting)
            taken = looked is not None
            assert dut.get("seeds__ready") == taken
            assert dut.read("load", "refused") == (int(taken and looked != 0), int(looked == 0))
            if taken:
                seen.update(("refused" if offer == 0 else "loaded", "resting" if resting else "in an operation"))
                offer = looked = None
            elif waited and resting:
                looked = offer
            elif waited:
                seen.add("waits")
            waited = offer is not None
            await dut.tick()

    simulate(SeedLoader(NAMED["tiny"]), program, flip)
    return seen


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_cycle(seed: int) -> None:
    assert compare(seed) == {"refused", "loaded", "resting", "in an operation", "waits"}


def test_a_seed_that_is_offered_after_a_reset_is_looked_at_again() -> None:
    async def program(dut: Dut) -> None:
        for seed in (3, 0):
            dut.set(seeds__valid=1, seeds__state=seed, resting=1)
            await dut.tick()
            await dut.tick()
            assert dut.get("seeds__ready") == 1
            await dut.reset()
            dut.set(seeds__valid=0)
            assert dut.read("seeds__ready", "refused") == (0, 0)
            await dut.tick()

    simulate(SeedLoader(NAMED["tiny"]), program)


@pytest.mark.parametrize(("port", "mask"), [("resting", 1), ("seeds__valid", 1), ("seeds__state", 1 << 31)])
def test_a_flipped_bit_is_found(port: str, mask: int) -> None:
    for cycle in range(20, 60):
        try:
            compare(flip=Flip(port, mask, cycle))
        except AssertionError:
            return
    pytest.fail(f"{port}: found in none of 40 cycles")
