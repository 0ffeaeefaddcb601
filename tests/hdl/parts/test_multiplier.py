# SPDX-License-Identifier: Apache-2.0
"""Tests of the multiplier: products by digits, and by constants, against multiplication in Python."""

from __future__ import annotations

from random import Random

import pytest
from amaranth.hdl import Module, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from symtrack.hdl.parts.multiplier import Multiples, addends, times
from tests.hdl.helpers.simulate import Dut, simulate


class Product(wiring.Component):
    """A word times a factor, and times a constant."""

    def __init__(self, word_bits: int, factor_bits: int, constant: int) -> None:
        self.constant = constant
        super().__init__(
            {
                "advance": In(1),
                "word": In(signed(word_bits)),
                "factor": In(factor_bits),
                "product": Out(signed(word_bits + factor_bits)),
                "multiple": Out(signed(word_bits + constant.bit_length())),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        parts = addends(m, self.word, Multiples(m, self.factor), self.advance, "part")
        m.d.comb += [self.product.eq(sum(parts)), self.multiple.eq(times(self.word, self.constant))]
        return m


def compare(word_bits: int, factor_bits: int, constant: int, pairs: list[tuple[int, int]], wrong: int = 0) -> None:
    async def program(dut: Dut) -> None:
        for word, factor in pairs:
            dut.set(factor=factor ^ wrong, advance=0)
            await dut.tick()
            dut.set(word=word, advance=1)
            assert dut.get("multiple") == word * constant
            await dut.tick()
            dut.set(word=~word)
            await dut.tick()
            dut.set(advance=0)
            await dut.tick()  # which changes nothing
            assert dut.get("product") == word * factor, (word, factor)

    simulate(Product(word_bits, factor_bits, constant), program)


@pytest.mark.parametrize("word_bits", [2, 3, 4, 5])
@pytest.mark.parametrize("factor_bits", [1, 2, 3])
def test_every_pair_of_a_small_format(word_bits: int, factor_bits: int) -> None:
    words = range(-(1 << word_bits - 1), 1 << word_bits - 1)
    compare(word_bits, factor_bits, 1, [(word, factor) for word in words for factor in range(1 << factor_bits)])


@pytest.mark.parametrize(("word_bits", "factor_bits", "constant"), [(16, 12, 5), (17, 16, 8), (29, 16, 127), (6, 1, 3)])
def test_wide_formats(word_bits: int, factor_bits: int, constant: int) -> None:
    rng, low, high = Random(word_bits), -(1 << word_bits - 1), (1 << word_bits - 1) - 1
    words = [low, low + 1, -1, 0, 1, high, *(rng.randint(low, high) for _ in range(60))]
    most = (1 << factor_bits) - 1
    compare(word_bits, factor_bits, constant, [(w, f) for w in words for f in (0, 1, most, rng.randint(0, most))])


def test_a_wrong_factor_is_found() -> None:
    with pytest.raises(AssertionError):
        compare(6, 4, 1, [(1, 3)], wrong=1)
