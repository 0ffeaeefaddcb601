# SPDX-License-Identifier: Apache-2.0
"""Tests of the reference latch against exact fractions: every word of small formats and every shift."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from random import Random

import pytest

from symtrack.hdl.tile.reference_latch import ReferenceLatch
from symtrack.model.spec.config import TileConfig
from tests.hdl.helpers.simulate import Dut, simulate
from tests.hdl.references.naive_blocks import coarse


def config(bits: int, fraction: int, shift: int) -> TileConfig:
    return TileConfig(adc_bits=bits, reference_fraction_bits=fraction, filter_shift=0, latch_shift=shift)


def compare(
    built: TileConfig, naive: TileConfig, words: Iterable[int], *, wrong_q: int = 0, wrong_latch: int = 0
) -> None:
    """The reference for every word of Q, latched and not; ``wrong_...`` flip bits of what the component gets."""
    one, rng = 1 << naive.reference_fraction_bits, Random(0)
    form = naive.reference_format

    async def program(dut: Dut) -> None:
        for q in words:
            q_ref = rng.randint(form.low, form.high)
            for latch in (0, 1):
                dut.set(q=q ^ wrong_q, q_ref=q_ref, latch=latch ^ wrong_latch)
                expected = coarse(naive, Fraction(q, one)) * one if latch else q_ref
                assert dut.get("reference") == expected, f"Q = {q}"

    simulate(ReferenceLatch(built), program)


def every(form: TileConfig) -> range:
    return range(form.reference_format.low, form.reference_format.high + 1)


@pytest.mark.parametrize(
    ("bits", "fraction", "shift"),
    [(2, 0, 0), *((3, 3, shift) for shift in range(5)), *((6, 0, shift) for shift in (1, 3, 4))],
)
def test_every_word_of_a_small_format(bits: int, fraction: int, shift: int) -> None:
    form = config(bits, fraction, shift)
    compare(form, form, every(form))


@pytest.mark.parametrize(("bits", "fraction", "shift"), [(9, 6, 0), (9, 6, 7), (9, 6, 12), (16, 12, 12), (16, 0, 12)])
def test_large_formats(bits: int, fraction: int, shift: int) -> None:
    form, rng = config(bits, fraction, shift), Random(bits)
    low, high = form.reference_format.low, form.reference_format.high
    halves = [(2 * k + 1 << shift) >> 1 for k in (-3, -2, -1, 0, 1, 2)]
    words = [low, low + 1, -1, 0, 1, high - 1, high, high - (1 << shift >> 1), high + 1 - (1 << shift >> 1)]
    words += [half + off for half in halves for off in (-1, 0, 1)] + [rng.randint(low, high) for _ in range(300)]
    compare(form, form, [word for word in words if low <= word <= high])


def test_multiples_by_hand() -> None:
    """Six bits in steps of eight: the largest word is 31, the largest multiple 24."""
    form = config(6, 0, 3)

    async def program(dut: Dut) -> None:
        dut.set(latch=1)
        for q, expected in ((3, 0), (4, 8), (-4, 0), (-5, -8), (27, 24), (28, 24), (31, 24), (-32, -32), (-28, -24)):
            dut.set(q=q)
            assert dut.get("reference") == expected

    simulate(ReferenceLatch(form), program)


def test_another_shift_a_flipped_bit_and_a_flipped_latch_are_found() -> None:
    form = config(3, 3, 2)
    for shift in (0, 1, 3):
        with pytest.raises(AssertionError):
            compare(config(3, 3, shift), form, every(form))
    compare(form, form, every(form), wrong_q=1)  # below half a multiple nothing matters
    for bit in range(1, 6):
        with pytest.raises(AssertionError):
            compare(form, form, every(form), wrong_q=1 << bit)
    with pytest.raises(AssertionError):
        compare(form, form, every(form), wrong_latch=1)
