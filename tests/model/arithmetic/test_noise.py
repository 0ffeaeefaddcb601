# SPDX-License-Identifier: Apache-2.0
"""Tests of the counter-based random numbers: their statistics, and that a draw depends on key and number alone."""

from statistics import NormalDist

import numpy as np
import pytest

from symtrack.model.arithmetic.noise import (
    NORMAL_BITS,
    STEP,
    compiled_normal_from,
    compiled_word_at,
    derive_key,
    normals,
    permutation,
    uniforms,
    words,
)
from symtrack.model.arithmetic.quantile import normal_table
from symtrack.model.spec.polynomials import MASK64, mix64

DRAWS = 1 << 18


def test_table_is_the_normal_quantile() -> None:
    """Third opinion: the quantile of Python's statistics module, scaled to mean square one half."""
    table = normal_table()
    quantile = np.array([NormalDist().inv_cdf((k + 0.5) / len(table)) for k in range(len(table))])
    quantile *= np.sqrt(0.5 / np.mean(quantile**2)) * (1 << NORMAL_BITS)
    assert np.abs(table - quantile).max() < 0.51
    assert table.sum() == 0
    assert np.array_equal(table, -table[::-1])


def test_words_are_those_of_mix64() -> None:
    key = derive_key(7, "array", 3)
    expected = [mix64(key + (n + 1) * int(STEP) & MASK64) for n in range(5, 9)]
    assert words(key, 4, first=5).tolist() == expected
    assert [int(compiled_word_at(np.uint64(key), np.uint64(n))) for n in range(5, 9)] == expected


def test_compiled_draws_are_those_of_arrays() -> None:
    key, table = derive_key(1, "a"), normal_table()
    key_word = np.uint64(key)
    compiled = [compiled_normal_from(np.uint64(compiled_word_at(key_word, np.uint64(n))), table) for n in range(100)]
    assert normals(key, 100).tolist() == compiled
    assert normals(key, 30, first=70).tolist() == compiled[70:]


def test_normals_have_the_moments_of_the_normal_distribution() -> None:
    draws = normals(derive_key(2, "moments"), DRAWS) / (1 << NORMAL_BITS)
    error = 5 / np.sqrt(DRAWS)  # five standard errors of the mean
    assert abs(draws.mean()) < error
    assert abs(draws.var() - 1) < error * np.sqrt(2)
    assert abs((draws**3).mean()) < error * np.sqrt(15)
    assert abs((draws**4).mean() - 3) < error * np.sqrt(96) + 0.02  # a sum of two cut tails falls a little short


@pytest.mark.parametrize("lag", [1, 2, 17])
def test_draws_of_one_stream_and_of_neighbouring_cells_are_uncorrelated(lag: int) -> None:
    draws = normals(derive_key(3, "lag"), DRAWS) / (1 << NORMAL_BITS)
    assert abs((draws[lag:] * draws[:-lag]).mean()) < 5 / np.sqrt(DRAWS)
    cell_keys = words(derive_key(3, "cells"), 512)
    cells = np.stack([normals(int(key), 512) for key in cell_keys]) / (1 << NORMAL_BITS)
    assert abs((cells[lag:] * cells[:-lag]).mean()) < 5 / np.sqrt(cells.size)


def test_different_names_and_seeds_give_different_streams() -> None:
    keys = {derive_key(seed, *names) for seed in (0, 1, 2**32) for names in (("a",), ("b",), ("a", 0), ("a", 1))}
    assert len(keys) == 12


def test_uniforms_fill_their_range_evenly() -> None:
    draws = uniforms(derive_key(4, "uniform"), DRAWS, 10)
    share = np.bincount(draws, minlength=10) / DRAWS
    assert share.size == 10
    assert np.abs(share - 0.1).max() < 5 * np.sqrt(0.09 / DRAWS)


def test_permutation_holds_every_index_once() -> None:
    order = permutation(derive_key(5, "order"), 101)
    assert sorted(order.tolist()) == list(range(101))
    assert order.tolist() != permutation(derive_key(6, "order"), 101).tolist()
