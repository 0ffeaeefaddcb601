# SPDX-License-Identifier: Apache-2.0
"""Tests of the low-pass filter against exact fractions: all pairs of words of small formats, random ones of large."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import product
from random import Random

import pytest

from symtrack.hdl.tile.low_pass import LowPass
from symtrack.model.spec.config import TileConfig
from tests.hdl.helpers.simulate import Dut, simulate
from tests.hdl.references.naive_blocks import halves_upwards


def config(adc_bits: int, shift: int, fraction: int) -> TileConfig:
    return TileConfig(adc_bits=adc_bits, filter_shift=shift, reference_fraction_bits=fraction)


def halves_downwards(value: Fraction) -> int:
    """The nearest integer, a wrong one for halves."""
    return -halves_upwards(-value)


def compare(
    built: TileConfig,
    naive: TileConfig,
    pairs: Iterable[tuple[int, int]],
    *,
    rounding: Callable[[Fraction], int] = halves_upwards,
    wrong: int = 0,
    wrong_enable: int = 0,
) -> None:
    """Q after one step and with the filter off, for pairs of r and Q; ``wrong...`` flip bits of the inputs."""
    one = 1 << naive.reference_fraction_bits

    async def program(dut: Dut) -> None:
        for code, q in pairs:
            for enable in (1, 0):
                dut.set(code=code, q=q ^ wrong, enable=enable ^ wrong_enable, advance=1)
                await dut.tick()
                dut.set(code=~code, q=~q, enable=1 - enable, advance=0)  # the step is on its way
                await dut.tick()
                step = rounding(Fraction(code * one - q, 1 << naive.filter_shift)) if enable else 0
                assert dut.get("q_next") == q + step, f"r = {code}, Q = {q}"

    simulate(LowPass(built), program)


def legal(form: TileConfig) -> tuple[range, range]:
    """All codes, and all values of Q between the smallest and the largest of them."""
    code, fraction = form.code_format, form.reference_fraction_bits
    return range(code.low, code.high + 1), range(code.low << fraction, (code.high << fraction) + 1)


@pytest.mark.parametrize(("shift", "fraction"), [(0, 0), (0, 3), (1, 1), (2, 3), (3, 3), (4, 5)])
def test_every_pair_of_a_small_format(shift: int, fraction: int) -> None:
    form = config(3, shift, fraction)
    compare(form, form, product(*legal(form)))


@pytest.mark.parametrize(("bits", "shift", "fraction"), [(9, 2, 6), (2, 8, 8), (16, 8, 12), (16, 0, 0), (9, 0, 6)])
def test_large_formats(bits: int, shift: int, fraction: int) -> None:
    form, rng = config(bits, shift, fraction), Random(bits)
    codes, words = legal(form)
    ends = list(product((codes[0], codes[-1]), (words[0], words[0] + 1, 0, words[-1] - 1, words[-1])))
    compare(form, form, [*ends, *((rng.choice(codes), rng.choice(words)) for _ in range(500))])


def test_another_shift_another_rounding_and_a_flipped_bit_are_found() -> None:
    form = config(3, 2, 3)
    with pytest.raises(AssertionError):
        compare(form, config(3, 3, 3), product(*legal(form)))
    compare(form, form, [(0, -2)])  # a half
    with pytest.raises(AssertionError):
        compare(form, form, [(0, -2)], rounding=halves_downwards)
    with pytest.raises(AssertionError):
        compare(form, form, [(0, -2)], wrong=4)
    with pytest.raises(AssertionError):
        compare(form, form, [(0, -2)], wrong_enable=1)


def test_a_constant_is_reached_to_half_an_lsb() -> None:
    form = config(5, 3, 3)

    async def program(dut: Dut) -> None:
        dut.set(enable=1, advance=1)
        for start, code in ((-16, 15), (15, -16), (0, 1), (-1, 0)):
            q = start << 3
            for _ in range(200):
                dut.set(code=code, q=q)
                await dut.tick()
                following = dut.get("q_next")
                assert abs(8 * code - following) <= abs(8 * code - q), "a step must not pass r"
                q = following
            assert abs(8 * code - q) <= 4

    simulate(LowPass(form), program)
