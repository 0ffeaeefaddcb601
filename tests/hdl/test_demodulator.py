"""d = c·(r − ref) against exact fractions, and its width holds every difference."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import product
from random import Random

import pytest

from hdl.demodulator import Demodulator
from model.config import Reference, TileConfig
from tests.hdl.simulate import Dut, simulate

Case = tuple[int, int, int, int]


def compare(config: TileConfig, cases: Iterable[Case], *, wrong: int = 0) -> None:
    """d for r, Qref, mode and sign; ``wrong`` flips bits of the Qref that the component gets."""
    one = 1 << config.reference_fraction_bits

    async def program(dut: Dut) -> None:
        for code, reference, mode, negative in cases:
            dut.set(code=code, reference=reference ^ wrong, mode=mode, negative=negative)
            d = Fraction(code) - (Fraction(reference, one) if mode == Reference.LATCHED else 0)
            assert dut.get("difference") == (-d if negative else d) * one

    simulate(Demodulator(config), program)


@pytest.mark.parametrize("fraction", [0, 1, 3])
def test_every_case_of_a_small_format(fraction: int) -> None:
    config = TileConfig(adc_bits=3, reference_fraction_bits=fraction, filter_shift=0)
    code, word = config.code_format, config.reference_format
    compare(config, product(range(code.low, code.high + 1), range(word.low, word.high + 1), range(4), range(2)))


@pytest.mark.parametrize(("bits", "fraction"), [(9, 6), (16, 12), (2, 12), (16, 0)])
def test_large_formats(bits: int, fraction: int) -> None:
    config, rng = TileConfig(adc_bits=bits, reference_fraction_bits=fraction, filter_shift=0), Random(bits)
    code, word = config.code_format, config.reference_format
    ends = product((code.low, code.high), (word.low, 0, word.high), range(4), range(2))
    some = ((rng.randint(code.low, code.high), rng.randint(word.low, word.high), 1, k % 2) for k in range(400))
    compare(config, [*ends, *some])


def test_one_flipped_bit_of_the_reference_is_found() -> None:
    config = TileConfig()
    compare(config, [(100, -77, 0, 0)], wrong=1)  # with the reference off it must not matter
    with pytest.raises(AssertionError):
        compare(config, [(100, -77, 1, 0)], wrong=1)
