# SPDX-License-Identifier: Apache-2.0
"""Tests of the write noise of pulses: its words, the shape of its draws up to four sigma, and their independence."""

from __future__ import annotations

from math import erfc, sqrt

import numpy as np
import pytest

from symtrack.model.arithmetic.noise import derive_key
from symtrack.model.compiled import njit
from symtrack.model.devices.pulse_noise import DRAW_BITS, DRAW_MAX, cell_keys, halves, normal_draw, pulse_word
from tests.model.references import pulse_noise as equations

KEY = derive_key(3, "pulse noise")
CELLS, PULSES = 1 << 11, 1 << 11


@njit
def _fill(first, second, words, draws):  # type: ignore[no-untyped-def]
    for cell in range(words.shape[0]):
        keys = cell_keys(np.uint32(cell), first, second)
        for number in range(words.shape[1]):
            words[cell, number] = pulse_word(*keys, np.uint32(number))
            draws[cell, number] = normal_draw(words[cell, number])


def sample(key: int, cells: int = CELLS, pulses: int = PULSES) -> tuple[np.ndarray, np.ndarray]:
    """Words and draws [cells, pulses]."""
    words, draws = np.zeros((cells, pulses), np.uint32), np.zeros((cells, pulses), np.int32)
    _fill(*halves(key), words, draws)
    return words, draws / (1 << DRAW_BITS)


@pytest.mark.parametrize("key", [KEY, 0, 2**64 - 1])
def test_words_and_draws_are_those_of_the_equations(key: int) -> None:
    words, draws = sample(key, 5, 300)
    expected = [[equations.word(key, cell, number) for number in range(300)] for cell in range(5)]
    assert words.tolist() == expected
    assert (draws * 4096).tolist() == [[equations.draw(word) for word in line] for line in expected]


@pytest.mark.parametrize("word", [0, 2**32 - 1, 0x0F0F0F0F, 0x80000000])
def test_draws_of_the_outermost_words(word: int) -> None:
    assert normal_draw(np.uint32(word)) == equations.draw(word)


def test_the_shape_is_that_of_the_normal_distribution() -> None:
    """Moments, and shares up to four standard deviations, within five standard errors and what the docstring says."""
    _, draws = sample(KEY)
    error = 5 / sqrt(draws.size)
    assert abs(draws.mean()) < error
    assert abs(draws.var() - 1) < error * sqrt(2) + 0.0003
    assert abs((draws**3).mean()) < error * sqrt(15)
    assert abs((draws**4).mean() - 3) < error * sqrt(96) + 0.003
    assert abs((draws**6).mean() - 15) < error * sqrt(10395 - 225) + 0.03
    for limit in (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0):
        share = erfc(limit / sqrt(2))
        for tail, part in ((draws > limit, share / 2), (draws < -limit, share / 2)):
            assert abs(tail.mean() - part) < error * sqrt(part) + 0.04 * part
    assert np.abs(draws).max() < 5.7 < DRAW_MAX / (1 << DRAW_BITS)


@pytest.mark.slow
def test_the_shape_over_all_words() -> None:
    """Exactly what the docstring says, from a count of all 2**32 words."""

    @njit
    def count(result):  # type: ignore[no-untyped-def]
        for word in range(1 << 32):
            result[normal_draw(np.uint32(word)) + (1 << 15)] += 1

    counts = np.zeros(1 << 16, np.int64)
    count(counts)
    share, draw = counts / (1 << 32), (np.arange(1 << 16) - (1 << 15)) / (1 << DRAW_BITS)
    moments = [float((share * draw**power).sum()) for power in range(5)]
    assert moments[0] == 1
    assert abs(moments[1]) < 1e-8
    assert moments[2] == pytest.approx(1.0002, abs=5e-5)
    assert abs(moments[3]) < 1e-6
    assert moments[4] / moments[2] ** 2 == pytest.approx(3.0006, abs=5e-5)
    for limit in (1, 2, 3, 4):
        assert share[np.abs(draw) > limit].sum() == pytest.approx(erfc(limit / sqrt(2)), rel=0.04)
    assert np.abs(draw[counts > 0]).max() == pytest.approx(5.69, abs=0.01)
    assert np.abs(draw[counts > 0]).max() < DRAW_MAX / (1 << DRAW_BITS)


@pytest.mark.parametrize("lag", [1, 2, 3, 16, 17])
def test_neighbours_in_cell_and_number_are_uncorrelated(lag: int) -> None:
    """Draws, their squares, and single bits of words."""
    words, draws = sample(KEY)
    squares, error = draws**2 - 1, 5 / sqrt(draws.size)
    for values, scale in ((draws, 1.0), (squares, 2.0)):
        assert abs((values[lag:] * values[:-lag]).mean()) < error * scale * 1.01
        assert abs((values[:, lag:] * values[:, :-lag]).mean()) < error * scale * 1.01
    for bit in (0, 7, 15, 16, 24, 31):
        bits = (words >> np.uint32(bit) & np.uint32(1)).astype(np.float64) * 2 - 1
        assert abs((bits[lag:] * bits[:-lag]).mean()) < error
        assert abs((bits[:, lag:] * bits[:, :-lag]).mean()) < error


def test_cells_and_arrays_have_streams_of_their_own() -> None:
    """No two cells of an array share a key, and arrays whose keys share a half differ everywhere."""
    first, second = halves(KEY)
    keys = [int(cell_keys(np.uint32(cell), first, second)[0]) for cell in range(100_000)]
    assert len(set(keys)) == len(keys)
    words, draws = sample(KEY, 256, 256)
    for other in (KEY ^ 1, KEY ^ (1 << 32), KEY ^ (1 << 63), KEY + 1):
        others, other_draws = sample(other, 256, 256)
        assert (words == others).mean() < 1e-3
        assert abs((draws * other_draws).mean()) < 5 / 256
    assert np.unique(words).size > words.size - 16


def test_streams_that_meet_part_again() -> None:
    """Two cells, one of which begins where the other one is after 1000 pulses, and two whose second keys are close."""
    key, again = (np.uint32(0x12345678), np.uint32(0x9ABCDEF0))
    later = np.uint32((int(key) + 1000 * 0x9E3779B9) % 2**32)
    many = 1 << 16

    @njit
    def stream(key, again, start, draws):  # type: ignore[no-untyped-def]
        for number in range(draws.size):
            draws[number] = normal_draw(pulse_word(key, again, np.uint32(start + number)))

    def drawn(key: np.uint32, again: np.uint32, start: int) -> np.ndarray:
        draws = np.zeros(many)
        stream(key, again, start, draws)
        return draws / (1 << DRAW_BITS)

    first = drawn(key, again, 1000)
    assert np.array_equal(first, drawn(later, again, 0))  # the twin: with one key they would be the same
    for other in (int(again) + 1, int(again) ^ 1 << 31, int(again) + 0x85EBCA6B, int(again) + 12345):
        draws = drawn(later, np.uint32(other % 2**32), 0)
        assert abs((first * draws).mean()) < 5 / 256
        assert abs(((first**2 - 1) * (draws**2 - 1)).mean()) < 2 * 5 / 256
