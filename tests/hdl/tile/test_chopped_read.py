# SPDX-License-Identifier: Apache-2.0
"""Tests of the chopped read: d = c·r against exact fractions, four moves later, and 0 in lanes without a row."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

from symtrack.hdl.tile.chopped_read import ChoppedRead
from symtrack.model.spec.config import TileConfig
from tests.hdl.helpers.simulate import Dut, Flip, simulate

LATENCY = 4


def compare(config: TileConfig, *, flip: Flip | None = None, moves: int = 120) -> None:
    """The differences of random beats with random waits; ends of the range come often."""
    rng, form, lanes = Random(config.adc_bits), config.code_format, config.lanes
    one = 1 << config.reference_fraction_bits
    expected: list[tuple[list[Fraction], int]] = []

    async def program(dut: Dut) -> None:
        while len(expected) < moves:
            codes = [rng.choice((form.low, form.high, rng.randint(form.low, form.high))) for _ in range(lanes)]
            used, negative, advance = rng.getrandbits(lanes), rng.getrandbits(lanes), rng.random() < 0.8
            dut.set(advance=advance, code=codes, used=used, negative=negative)
            await dut.tick()
            if advance:
                signs = [1 - 2 * (negative >> lane & 1) for lane in range(lanes)]
                d = [Fraction(s * r * (used >> lane & 1)) for lane, (s, r) in enumerate(zip(signs, codes, strict=True))]
                expected.append((d, used))
            if len(expected) >= LATENCY:
                differences, in_use = dut.read("difference", "in_use")
                assert ([Fraction(d, one) for d in differences], in_use) == expected[-LATENCY]

    simulate(ChoppedRead(config), program, flip)


@pytest.mark.parametrize(("bits", "fraction"), [(2, 0), (9, 6), (16, 12), (16, 0)])
@pytest.mark.parametrize("lanes", [1, 3])
def test_beats(bits: int, fraction: int, lanes: int) -> None:
    compare(
        TileConfig(
            rows=3, lanes=lanes, adc_bits=bits, reference_fraction_bits=fraction, filter_shift=0, symmetric_point=0
        )
    )


@pytest.mark.parametrize("port", ["code", "used", "negative", "advance"])
def test_one_flipped_bit_is_found(port: str) -> None:
    with pytest.raises(AssertionError):
        compare(TileConfig(rows=3, lanes=3, symmetric_point=0), flip=Flip(port, 1, 28))  # in a cycle that moves
