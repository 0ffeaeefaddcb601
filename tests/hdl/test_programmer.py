"""Corrections of one lane against the equations of docs/tile.md, section 9, with the threshold beside it."""

from __future__ import annotations

from random import Random

import pytest

from hdl.programmer import Programmer
from model.config import TileConfig
from tests.hdl.simulate import AWKWARD, Dut, Flip, simulate


def expected(d: int, tolerance: int, pulses: int, last: bool) -> tuple[int, int]:
    """Corrections and outside; ``pulses`` has the sign of d or is zero."""
    outside = abs(d) > tolerance
    correction = -pulses if pulses else (d < 0) - (d > 0)
    return (correction if outside and not last else 0), int(outside)


def compare(config: TileConfig, *, seed: int = 0, cycles: int = 400, flip: Flip | None = None) -> None:
    rng, form, most = Random(seed), config.difference_format, config.pulses_max
    high = (1 << config.reference_format.width) - 1

    async def program(dut: Dut) -> None:
        held, seen = (0, 0), set()
        for _ in range(cycles):
            tolerance = rng.choice((0, 1, rng.randint(0, high), high))
            edge = rng.choice((tolerance, tolerance + 1, -tolerance, -tolerance - 1))
            d = min(
                max(rng.choice((0, form.low, form.high, edge, rng.randint(form.low, form.high))), form.low), form.high
            )
            enter, last = rng.random() < 0.7, rng.random() < 0.2
            before_d, before_tolerance = held
            pulses = rng.choice((0, rng.randint(0, most), most)) * ((before_d > 0) - (before_d < 0))
            dut.set(difference=d, tolerance=tolerance, enter=enter, pulses=pulses, last=last)
            result = dut.read("corrections", "outside")
            assert result == expected(before_d, before_tolerance, pulses, last)
            seen.add((result[0] > 0) - (result[0] < 0))
            await dut.tick()
            held = (d, tolerance) if enter else held
        assert seen == {-1, 0, 1}

    simulate(Programmer(config), program, flip)


@pytest.mark.parametrize("name", AWKWARD)
def test_corrections(name: str) -> None:
    compare(AWKWARD[name], seed=len(name))


@pytest.mark.parametrize("port", ["enter", "difference", "tolerance"])
def test_a_flipped_bit_is_found(port: str) -> None:
    config = AWKWARD["17x7"]
    mask = {"enter": 1, "difference": 1 << config.reference_format.width, "tolerance": 1 << 10}[port]
    for cycle in range(20, 80):
        try:
            compare(config, cycles=100, flip=Flip(port, mask, cycle))
        except AssertionError:
            return
    pytest.fail(f"{port}: not found in 60 cycles")
