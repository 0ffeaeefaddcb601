# SPDX-License-Identifier: Apache-2.0
"""Tests of the feedback polynomials: primitive, dense and distinct, by arithmetic of this file's own."""

from __future__ import annotations

import pytest

from symtrack.model.spec.config import NAMED, TileConfig, source_state
from symtrack.model.spec.polynomials import (
    DEGREE,
    ORDER_FACTORS,
    PRODUCT_TERMS,
    dense_primitive,
    is_primitive,
    mix64,
    power_of_x,
    sparse_primitives,
    square,
)
from symtrack.model.spec.random_specs import SourceSpec
from symtrack.model.tile.random_bank import Bank
from symtrack.model.tile.random_source import Sources

LARGEST = TileConfig(rows=1024, columns=1024, lanes=64, row_chopper=1)


def multiply(a: int, b: int, polynomial: int) -> int:
    """Shift and add over GF(2), reduced bit by bit."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a, b = a << 1, b >> 1
        if a >> DEGREE & 1:
            a ^= polynomial
    return product


def naive_power(base: int, exponent: int, polynomial: int) -> int:
    result = 1
    while exponent:
        if exponent & 1:
            result = multiply(result, base, polynomial)
        base, exponent = multiply(base, base, polynomial), exponent >> 1
    return result


def shortest_recurrence(bits: list[int]) -> int:
    """Berlekamp-Massey: characteristic polynomial, bit k for x**k, of the shortest recurrence of a bit sequence."""
    connection, previous, length, gap = 1, 1, 0, 1  # bit k of a connection polynomial weighs the bit k steps ago
    for n in range(len(bits)):
        if sum(bits[n - k] for k in range(length + 1) if connection >> k & 1) % 2 == 0:
            gap += 1
        elif 2 * length <= n:
            connection, previous, length, gap = connection ^ previous << gap, connection, n + 1 - length, 1
        else:
            connection, gap = connection ^ previous << gap, gap + 1
    return int(f"{connection:0{length + 1}b}"[::-1], 2)


def test_factors_make_up_the_order() -> None:
    product = 1
    for factor in ORDER_FACTORS:
        assert all(factor % divisor for divisor in range(2, int(factor**0.5) + 1))
        product *= factor
    assert product == (1 << DEGREE) - 1


def test_sources_of_the_largest_tile_are_primitive_dense_and_distinct() -> None:
    specs = LARGEST.sources
    assert len(specs) == 2 * 64 + 1 + len(LARGEST.dither_bank.sources) + len(LARGEST.row_chopper_bank.sources)
    assert len({spec.polynomial for spec in specs}) == len({spec.seed for spec in specs}) == len(specs)
    order = (1 << DEGREE) - 1
    for spec in specs:
        assert 12 <= spec.polynomial.bit_count() <= 22
        assert 0 < spec.seed <= order
        assert naive_power(2, order, spec.polynomial) == 1
        assert all(naive_power(2, order // factor, spec.polynomial) != 1 for factor in ORDER_FACTORS)


def test_shared_sources_of_the_largest_tile_are_primitive_sparse_and_distinct() -> None:
    """The sum of any two follows a recurrence of many terms, the product of theirs, which share no factor."""
    specs = [spec for spec in LARGEST.replace(shared_sources=1).sources if spec.words == 2]
    assert len(specs) == 2 * 32 + 8 + 32
    polynomials = [spec.polynomial for spec in specs]
    assert len(set(polynomials)) == len({spec.seed for spec in specs}) == len(specs)
    order = (1 << DEGREE) - 1
    for index, polynomial in enumerate(polynomials):
        assert polynomial.bit_count() == 5
        assert naive_power(2, order, polynomial) == 1
        assert all(naive_power(2, order // factor, polynomial) != 1 for factor in ORDER_FACTORS)
        for other in polynomials[:index]:
            assert multiply(polynomial, other, 1 << 70).bit_count() >= PRODUCT_TERMS == 13
    assert len(sparse_primitives()) >= len(LARGEST.replace(shared_sources=1).sources)


def test_a_line_of_shared_sources_has_no_shorter_recurrence_than_the_product() -> None:
    """Berlekamp-Massey of a bit of a line, word by word: degree 64, as that of two sources that share nothing."""
    bank = TileConfig(rows=5, columns=5, lanes=1, shared_sources=1).row_bank
    for line, bit in ((0, 11), (2, 5), (4, 0)):
        bits = (Bank(bank).line_words(200)[:, line] >> bit & 1).tolist()
        assert shortest_recurrence(bits) >> 2 * DEGREE == 1


@pytest.mark.parametrize("bits", range(1, 17))
def test_word_bits_follow_a_primitive_recurrence(bits: int) -> None:
    """Every bit of a word is a maximal or decimated sequence of the polynomial, and has no shorter recurrence."""
    polynomial = dense_primitive(bits)
    top = (Sources((SourceSpec(polynomial, 12345, bits),)).words(100)[:, 0] >> (bits - 1)).tolist()
    recurrence = shortest_recurrence(top)
    assert recurrence >> DEGREE == 1
    if bits == 1:
        assert recurrence == polynomial
    assert is_primitive(recurrence) == (bits % 3 != 0 and bits % 5 != 0)


@pytest.mark.parametrize(
    "polynomial",
    [
        (1 << 32) | 1,
        1 << 32,
        (1 << 31) | 0b101,
        dense_primitive(0) ^ 2,
        multiply(0b111, 0b1011, 1 << 40) | (1 << 32) | 1,
        (1 << 33) | dense_primitive(1),
    ],
)
def test_others_are_not_primitive(polynomial: int) -> None:
    order = (1 << DEGREE) - 1
    primitive = (
        polynomial >> DEGREE == 1
        and naive_power(2, order, polynomial) == 1
        and all(naive_power(2, order // factor, polynomial) != 1 for factor in ORDER_FACTORS)
    )
    assert is_primitive(polynomial) == primitive
    assert not primitive


def test_powers_and_squares() -> None:
    polynomial = dense_primitive(3)
    for exponent in (0, 1, 31, 32, 33, 47, 12345, (1 << 32) - 2):
        assert power_of_x(exponent, polynomial) == naive_power(2, exponent, polynomial)
    for value in (0, 1, 0xFFFFFFFF, 0x80000001, 0x12345678):
        assert square(value, polynomial) == multiply(value, value, polynomial)


def test_mix64_is_the_published_finaliser() -> None:
    state, outputs = 1234567, []
    for _ in range(5):
        state = (state + 0x9E3779B97F4A7C15) & ((1 << 64) - 1)
        outputs.append(mix64(state))
    assert outputs == [  # SplitMix64, seed 1234567: the published test values
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_seeds_of_configurations_differ() -> None:
    first, second = (NAMED["small"].replace(seed=seed) for seed in (1, 2))
    assert not set(first.seeds) & set(second.seeds)


def test_seeds_of_the_largest_tile_are_those_of_the_document() -> None:
    for seed in (0, 1, 2**32 - 1):
        seeds = LARGEST.replace(seed=seed).seeds
        assert list(seeds) == [mix64(seed * 2**16 + k + 1) // 2**32 for k in range(len(LARGEST.sources))]
        assert len(set(seeds)) == len(seeds)
        assert 0 not in seeds


def test_no_source_gets_the_seed_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symtrack.model.spec.config.mix64", lambda value: 0xFFFFFFFF)
    assert source_state(5, 3) == 1


def test_the_first_candidate_is_that_of_attempt_zero() -> None:
    """With index 30 the one before it, if there were one, would be a dense primitive polynomial, too."""
    before = (1 << 32) | mix64((30 << 32) - 1) >> 32 | 1
    assert is_primitive(before)
    assert 12 <= before.bit_count() <= 22
    assert dense_primitive(30) == 0x1EA2D9F91 != before
