# SPDX-License-Identifier: Apache-2.0
"""Tests of the random source: a register that takes many bits per step equals one that is shifted bit by bit."""

from __future__ import annotations

from dataclasses import replace
from math import gcd
from random import Random

import pytest

from symtrack.hdl.tile.random_source import RandomSource
from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.model.spec.random_specs import SourceSpec
from tests.hdl.helpers.simulate import Dut, Flip, simulate
from tests.hdl.references.naive_blocks import Register

SPEC = NAMED["small"].column_bank.sources[1]
SHARED = NAMED["small"].replace(shared_sources=1).column_bank.sources[1]
PRIMITIVE, IRREDUCIBLE = 0b1_0001_1101, 0b1_0001_1011  # of degree 8: x has the orders 255 and 51


def compare(spec: SourceSpec, *, naive: SourceSpec | None = None, flip: Flip | None = None, seed: int = 1) -> None:
    """Every word of 150 cycles, with random waits."""
    rng, register = Random(seed), Register(naive or spec)

    async def program(dut: Dut) -> None:
        for _ in range(150):
            advance = rng.random() < 0.7
            dut.set(advance=advance)
            assert dut.get("word") == sum(word << spec.bits * k for k, word in enumerate(register.words))
            await dut.tick()
            if advance:
                register.step()

    simulate(RandomSource(spec), program, flip)


@pytest.mark.parametrize("spec", [SPEC, SHARED], ids=["independent", "shared"])
@pytest.mark.parametrize("bits", [1, 2, 3, 8, 12, 15, 16])
@pytest.mark.parametrize("seed", [1, 0x80000000, 0xFFFFFFFF])
def test_words(bits: int, seed: int, spec: SourceSpec) -> None:
    compare(replace(spec, bits=bits, seed=seed), seed=bits)


def test_the_second_word_is_the_one_that_comes_next_without_sharing() -> None:
    alone, together = Register(replace(SHARED, words=1)), Register(SHARED)
    for _ in range(20):
        expected = []
        for _ in range(2):
            expected.append(alone.word)
            alone.step()
        assert together.words == expected
        together.step()


def test_other_polynomials_seeds_and_a_flipped_bit_are_found() -> None:
    with pytest.raises(AssertionError):
        compare(SHARED, naive=replace(SHARED, polynomial=SHARED.polynomial ^ 1 << 9))
    for naive in (
        replace(SPEC, polynomial=SPEC.polynomial ^ 1 << 9),
        replace(SPEC, polynomial=NAMED["small"].chopper_source.polynomial),
        replace(SPEC, seed=SPEC.seed ^ 1),
    ):
        with pytest.raises(AssertionError):
            compare(SPEC, naive=naive)
    with pytest.raises(AssertionError):
        compare(SPEC, flip=Flip("advance", 1, 20))


@pytest.mark.parametrize(("polynomial", "order"), [(PRIMITIVE, 255), (IRREDUCIBLE, 51)])
@pytest.mark.parametrize("bits", [1, 2, 3, 5])
def test_period_of_a_short_register(polynomial: int, order: int, bits: int) -> None:
    """The states repeat after order/gcd(bits, order) steps; words of eight bits are the states."""
    short = replace(SPEC, polynomial=polynomial, seed=1, bits=bits)
    register, period = Register(short), order // gcd(bits, order)

    async def program(dut: Dut) -> tuple[list[int], list[int]]:
        words, states = [], []
        dut.set(advance=1)
        for _ in range(2 * period):
            words.append(dut.get("word"))
            states.append(register.state)
            register.step()
            await dut.tick()
        return words, states

    words, states = simulate(RandomSource(short), program)
    assert words == [state >> (8 - bits) for state in states]
    assert words[:period] == words[period:]
    assert len(set(states)) == period
    if bits == 1 and polynomial == PRIMITIVE:
        assert sum(words[:255]) == 128


def test_polynomials_of_awkward_tiles_are_primitive_and_distinct() -> None:
    """x**(2**32 - 1) = 1 and no power to a maximal divisor is; squaring by repeated shift and add."""

    def power(exponent: int, polynomial: int) -> int:
        result = 1
        for bit in f"{exponent:b}":
            product = 0
            for position in range(32):
                if result >> position & 1:
                    product ^= result << position
            product <<= int(bit)
            for position in range(64, 31, -1):
                if product >> position & 1:
                    product ^= polynomial << (position - 32)
            result = product
        return result

    config = TileConfig(rows=17, columns=3, lanes=2)
    specs = [*config.row_bank.sources, *config.column_bank.sources, config.chopper_source]
    assert len({spec.polynomial for spec in specs}) == len(specs)
    order = (1 << 32) - 1
    for spec in specs:
        assert power(order, spec.polynomial) == 1
        assert all(power(order // factor, spec.polynomial) != 1 for factor in (3, 5, 17, 257, 65537))


def test_reset_gives_the_seed_back() -> None:
    register = Register(SPEC)

    async def program(dut: Dut) -> None:
        dut.set(advance=1)
        for _ in range(5):
            await dut.tick()
        assert dut.get("word") != register.word
        await dut.reset()
        assert dut.get("word") == register.word

    simulate(RandomSource(SPEC), program)


@pytest.mark.parametrize("spec", [SPEC, SHARED], ids=["independent", "shared"])
def test_a_load_takes_the_place_of_a_step(spec: SourceSpec) -> None:
    register = Register(spec)

    async def program(dut: Dut) -> None:
        rng = Random(3)
        for _ in range(60):
            load, advance, state = rng.random() < 0.3, rng.random() < 0.5, rng.getrandbits(32)
            dut.set(load=load, advance=advance, from_next=state)
            words, rest = dut.read("word", "rest")
            assert words % (1 << spec.bits) << (32 - spec.bits) | rest == register.state
            await dut.tick()
            if load:
                register.state = state
            elif advance:
                register.step()

    simulate(RandomSource(spec), program)
