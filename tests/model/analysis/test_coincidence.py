# SPDX-License-Identifier: Apache-2.0
"""Tests of the coincidence statistics, with the real random sources and with sources that are known to be bad."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from symtrack.model.analysis import coincidence
from symtrack.model.analysis.coincidence import Cell, correlation, joint_counts, pair_coincidences, relative_error
from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.model.spec.polynomials import dense_primitive
from symtrack.model.spec.random_specs import SourceSpec
from symtrack.model.tile.operations import Periphery
from symtrack.model.tile.random_source import Sources

GRID = [4014, 82, 0, 2048, 1024, 410]  # not in order, and sorted by a permutation that is not its own inverse


def cell(row: int, column: int) -> Cell:
    return Cell(row=row, column=column, row_magnitude=700 + 90 * row, column_magnitude=2600 - 50 * column)


@pytest.mark.parametrize("shared", [0, 1])
def test_counts_equal_those_of_the_periphery(shared: int) -> None:
    config = NAMED["odd"].replace(shared_sources=shared)
    periphery, slots = Periphery(config), 0
    counts = np.zeros((config.rows, config.columns), np.int64)
    joint = np.zeros((32, 32), np.int64)
    first, second = cell(3, 5), cell(16, 5)
    rows, columns = (
        [700 + 90 * row for row in range(config.rows)],
        [2600 - 50 * column for column in range(config.columns)],
    )
    for _ in range(60):
        result = periphery.update([0] * config.columns, columns, [0] * config.rows, rows, 31)
        slots += result.up.size
        step = result.rows.T.astype(np.int64) @ result.columns.astype(np.int64)
        counts += step
        joint[step[3, 5], step[16, 5]] += 1
    for row, column in ((0, 0), (3, 5), (16, 6)):
        grid = pair_coincidences(config, row, column, [1, rows[row]], [columns[column], 7], slots)
        assert grid[1, 0] == counts[row, column]
    assert np.array_equal(joint_counts(config, first, second, 31, 60), joint)


@pytest.mark.parametrize("shared", [0, 1])
@pytest.mark.parametrize(("row", "column"), [(0, 0), (3, 7), (15, 15)])
def test_coincidences_on_a_grid(row: int, column: int, shared: int) -> None:
    config, slots = NAMED["small"].replace(shared_sources=shared), 1_000_000
    counts = pair_coincidences(config, row, column, GRID, GRID[::-1], slots)
    for (i, p), (k, q) in product(enumerate(GRID), enumerate(GRID[::-1])):
        if p * q == 0:
            assert counts[i, k] == 0
        else:
            assert abs(relative_error(int(counts[i, k]), slots, p * q / 4096**2)[1]) < 4


@pytest.mark.parametrize(
    ("first", "second"),
    [((0, 0), (0, 1)), ((2, 3), (9, 3)), ((0, 0), (1, 1)), ((0, 0), (5, 5)), ((4, 7), (4, 7)), ((15, 0), (0, 15))],
)
@pytest.mark.parametrize("shared", [0, 1])
def test_correlation_of_counts(first: tuple[int, int], second: tuple[int, int], shared: int) -> None:
    config = NAMED["small"].replace(shared_sources=shared)
    cells = cell(*first), cell(*second)
    result = correlation(config, *cells, joint_counts(config, *cells, 31, 40_000))
    assert abs(result.z) < 4
    assert abs(result.measured - result.expected) < 0.03
    if first == second:
        assert result.expected == pytest.approx(1)
    elif first[0] != second[0] and first[1] != second[1]:
        assert result.expected == pytest.approx(0)
    else:
        assert result.expected > 0.05


@pytest.mark.parametrize(("magnitude", "excess"), [(410, 1.5), (82, 11.5)])
def test_one_source_for_both_sides_is_found(monkeypatch: pytest.MonkeyPatch, magnitude: int, excess: float) -> None:
    """The published mistake: both sides from one shift register, two clocks apart."""
    slots = 200_000
    bits = Sources((SourceSpec(dense_primitive(0), 1, 1),)).words(slots + 13)[:, 0]
    register = sum(bits[k : slots + 2 + k] << k for k in range(12))
    zeros = np.zeros(slots, np.int64)
    words = np.stack([register[:-2], zeros, register[2:], zeros], axis=1)
    monkeypatch.setattr(coincidence, "_line_words", lambda *_: iter([words]))
    counts = pair_coincidences(NAMED["small"], 0, 0, [magnitude], [magnitude], slots)
    assert relative_error(int(counts[0, 0]), slots, (magnitude / 4096) ** 2)[0] == pytest.approx(excess, rel=0.1)


def test_errors_are_told_in_standard_errors_of_the_binomial() -> None:
    """Of 400 slots with p = 1/4: 100 expected, sqrt(400 p (1 - p)) = sqrt(75)."""
    assert relative_error(115, 400, 0.25) == pytest.approx((0.15, 15 / math.sqrt(75)))


def test_counts_that_move_together_are_found() -> None:
    """The counts of one cell, passed off as those of two cells in the same row."""
    config, first, second = NAMED["small"], cell(0, 0), cell(0, 1)
    joint = joint_counts(config, first, first, 31, 5_000)
    assert abs(correlation(config, first, second, joint).z) > 10


def test_correlation_of_a_histogram_is_that_of_its_trains() -> None:
    """Train by train, in floating point: the covariance about the expected counts, and its standard error."""
    config, bl = NAMED["small"], 3
    first, second = (Cell(row=row, column=row, row_magnitude=2048, column_magnitude=1024) for row in (0, 1))
    joint = np.random.default_rng(1).integers(0, 9, (bl + 1, bl + 1))
    counts = np.repeat(np.argwhere(joint >= 0), joint.ravel(), axis=0)
    p = 0.5 * 0.25
    products = (counts - bl * p).prod(axis=1)
    result = correlation(config, first, second, joint)
    assert result.measured == pytest.approx(products.mean() / (bl * p * (1 - p)))
    assert result.expected == 0
    assert result.z == pytest.approx(products.mean() / (products.std() / np.sqrt(len(products))))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: pair_coincidences(c, 16, 0, [1], [1], 9), "^row = 16: must be from 0 to 15$"),
        (lambda c: pair_coincidences(c, 0, -1, [1], [1], 9), "^column = -1: must be from 0 to 15$"),
        (lambda c: pair_coincidences(c, 0, 0, [4096], [1], 9), "^row_magnitudes = 4096: must be from 0 to 4095$"),
        (lambda c: pair_coincidences(c, 0, 0, [1], [-1], 9), "^column_magnitudes = -1: must be from 0 to 4095$"),
        (lambda c: pair_coincidences(c, 0, 0, [1], [1], 0), "^slots = 0: must be from 1 to"),
        (
            lambda c: pair_coincidences(c, 0, 0, [1], [1], 2**40 + 1),
            "^slots = 1099511627777: must be from 1 to 1099511627776$",
        ),
        (lambda c: joint_counts(c, cell(0, 0), cell(0, 1), 31, 2**40 + 1), f"^trains = {2**40 + 1}: must be from 1 to"),
        (lambda c: joint_counts(c, cell(0, 0), cell(16, 0), 5, 9), "^row = 16: must be from 0 to 15$"),
        (lambda c: joint_counts(c, cell(0, 0), cell(0, 0), 32, 9), "^bl = 32: must be from 1 to 31$"),
        (lambda c: joint_counts(c, cell(0, 0), cell(0, 0), 3, 0), "^trains = 0: must be from 1 to"),
        (
            lambda c: joint_counts(c, cell(0, 0), Cell(row=0, column=1, row_magnitude=5, column_magnitude=5), 3, 9),
            r"^row_magnitude = \[700, 5\]: must be equal, the cells share the row$",
        ),
        (
            lambda c: joint_counts(c, cell(0, 0), Cell(row=1, column=1, row_magnitude=0, column_magnitude=5), 3, 9),
            "^row_magnitude = 0: must be from 1 to 4095$",
        ),
        (
            lambda c: correlation(c, cell(0, 0), cell(1, 1), joint_counts(c, cell(0, 0), cell(1, 1), 3, 1)),
            "^joint holds 1 trains without any spread",
        ),
    ],
)
def test_bad_arguments(call: Callable[[TileConfig], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(NAMED["small"])
