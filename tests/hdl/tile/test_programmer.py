# SPDX-License-Identifier: Apache-2.0
"""Tests of write and verify of one lane against the equations of docs/tile.md, section 9."""

from __future__ import annotations

from random import Random

import pytest

from symtrack.hdl.tile.programmer import Programmer
from symtrack.model.spec.config import TileConfig
from tests.hdl.helpers.simulate import AWKWARD, Dut, Flip, simulate_again


def compare(config: TileConfig, *, seed: int = 0, cycles: int = 400, flip: Flip | None = None) -> None:
    rng, form = Random(seed), config.difference_format
    high = (1 << config.reference_format.width) - 1

    async def program(dut: Dut) -> None:
        stages: list[tuple[int, bool] | None] = [None] * 5
        seen = set()
        for _ in range(cycles):
            tolerance = rng.choice((0, 1, rng.randint(0, high), high))
            edge = rng.choice((tolerance, tolerance + 1, -tolerance, -tolerance - 1))
            d = rng.choice((0, form.low, form.high, edge, rng.randint(form.low, form.high)))
            d = min(max(d, form.low), form.high)
            advance, last = rng.random() < 0.7, rng.random() < 0.2
            dut.set(difference=d, tolerance=tolerance, advance=advance, last=last)
            if stages[-1]:
                sign, outside = stages[-1]
                assert dut.read("outside", "correct") == (outside, outside and not last)
                assert not outside or dut.get("least") == sign
                seen.add((sign, outside))
            await dut.tick()
            if advance:
                stages = [(-1 if d < 0 else 1, abs(d) > tolerance), *stages[:-1]]
        assert len(seen) == 4

    simulate_again(Programmer, config, program, flip)


@pytest.mark.parametrize("name", AWKWARD)
def test_judgement(name: str) -> None:
    compare(AWKWARD[name], seed=len(name))


@pytest.mark.parametrize("port", ["advance", "difference", "tolerance"])
def test_a_flipped_bit_is_found(port: str) -> None:
    config = AWKWARD["17x7"]
    mask = {"advance": 1, "difference": 1 << config.reference_format.width, "tolerance": 1 << 10}[port]
    for cycle in range(20, 80):
        try:
            compare(config, cycles=100, flip=Flip(port, mask, cycle))
        except AssertionError:
            return
    pytest.fail(f"{port}: not found in 60 cycles")
