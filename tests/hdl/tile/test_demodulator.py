# SPDX-License-Identifier: Apache-2.0
"""Tests of the demodulator: d = c·(r − s) against exact fractions, and its width holds every difference."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import product
from random import Random

import pytest

from symtrack.hdl.tile.demodulator import Demodulator
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import Reference
from tests.hdl.helpers.simulate import Dut, simulate

Case = tuple[int, int, int, int, int]


def compare(config: TileConfig, cases: Iterable[Case], *, wrong: int = 0, wrong_q: int = 0) -> None:
    """d for r, Qref, Q, mode and sign; ``wrong...`` flip bits of the Qref and Q that the component gets."""
    one = 1 << config.reference_fraction_bits

    async def program(dut: Dut) -> None:
        for code, reference, q, mode, negative in cases:
            latched, shown = mode == Reference.LATCHED, q ^ wrong_q if mode == Reference.FILTERED else 0
            dut.set(code=code, reference=reference ^ wrong, latched=latched, q=shown, negative=negative)
            subtracted = {int(Reference.LATCHED): reference, int(Reference.FILTERED): q}.get(mode, 0)
            d = code - Fraction(subtracted, one)
            assert dut.get("difference") == (-d if negative else d) * one

    simulate(Demodulator(config), program)


@pytest.mark.parametrize("fraction", [0, 1])
def test_every_case_of_a_small_format(fraction: int) -> None:
    config = TileConfig(adc_bits=3, reference_fraction_bits=fraction, filter_shift=0)
    code, word = config.code_format, config.reference_format
    words = range(word.low, word.high + 1)
    compare(config, product(range(code.low, code.high + 1), words, words, range(4), range(2)))


@pytest.mark.parametrize(("bits", "fraction"), [(9, 6), (16, 12), (2, 12), (16, 0), (3, 3)])
def test_large_formats(bits: int, fraction: int) -> None:
    config, rng = TileConfig(adc_bits=bits, reference_fraction_bits=fraction, filter_shift=0), Random(bits)
    code, word = config.code_format, config.reference_format
    words = (word.low, 0, word.high)
    ends = product((code.low, code.high), words, words, range(4), range(2))
    some = [
        (rng.randint(code.low, code.high), *(rng.randint(word.low, word.high) for _ in range(2)), k >> 1 & 3, k & 1)
        for k in range(600)
    ]
    compare(config, [*ends, *some])


def test_one_flipped_bit_is_found_in_the_mode_that_subtracts_it() -> None:
    config = TileConfig()
    for mode in range(4):
        case = (100, -77, 55, mode, 0)
        for wrong, wrong_q, matters in ((1, 0, mode == Reference.LATCHED), (0, 1, mode == Reference.FILTERED)):
            if matters:
                with pytest.raises(AssertionError):
                    compare(config, [case], wrong=wrong, wrong_q=wrong_q)
            else:
                compare(config, [case], wrong=wrong, wrong_q=wrong_q)
