# SPDX-License-Identifier: Apache-2.0
"""Coincidence statistics of the tile's random sources, measured over long runs.

    P(row and column fire) = p_row * p_column,   p = magnitude / 2**magnitude_bits

for any row line and column line, and for the counts k, l of two cells over trains of BL slots

    cov(k, l) = BL * (product of p over the distinct lines of both cells - p_k * p_l),   p_k = p_row * p_column

are what independent words give; these functions measure both. Results are floats for people to read, nothing of
the tile is computed from them. About 10 ns per slot and pair of lines. Source: docs/tile.md, section 3.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symtrack.model.compiled import njit
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.validated import check
from symtrack.model.tile.random_source import Sources

_CHUNK = 1 << 16  # slots at a time, so that words stay in the cache


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell of the crossbar and the magnitudes of its two lines."""

    row: int
    column: int
    row_magnitude: int
    column_magnitude: int


@dataclass(frozen=True)
class Correlation:
    """Correlation of the counts of two cells: measured, expected of independent words, distance in standard errors."""

    measured: float
    expected: float
    z: float


def pair_coincidences(
    config: TileConfig,
    row: int,
    column: int,
    row_magnitudes: Sequence[int],
    column_magnitudes: Sequence[int],
    slots: int,
) -> Int:
    """Coincidences of a row line and a column line in the first ``slots`` slots after reset, on a grid.

    Parameters
    ----------
    row, column : the two lines.
    row_magnitudes, column_magnitudes : the grid, in any order; all of its points see the same words.
    slots : length of the run.

    Returns
    -------
    int64[len(row_magnitudes), len(column_magnitudes)]

    Raises
    ------
    ValueError
        A line, a magnitude or the number of slots is out of range.
    """
    row = check("row", row, 0, config.rows - 1)
    column = check("column", column, 0, config.columns - 1)
    slots = check("slots", slots, 1, 1 << 40)
    row_order, row_bins = _bins("row_magnitudes", row_magnitudes, config.magnitude_bits)
    column_order, column_bins = _bins("column_magnitudes", column_magnitudes, config.magnitude_bits)
    histogram = np.zeros((row_order.size + 1, column_order.size + 1), np.int64)
    for words in _line_words(config, [row], [column], slots, _CHUNK):
        _add_to_histogram(words, row_bins, column_bins, histogram)
    fired = histogram.cumsum(0).cumsum(1)[:-1, :-1]
    return fired[np.ix_(row_order.argsort(), column_order.argsort())]


def relative_error(coincidences: int, slots: int, probability: float) -> tuple[float, float]:
    """How far the measured probability is off, relative to the expected one and in standard errors."""
    expected = slots * probability
    off = coincidences - expected
    return off / expected, off / math.sqrt(expected * (1 - probability))


def joint_counts(config: TileConfig, first: Cell, second: Cell, bl: int, trains: int) -> Int:
    """Histogram of the counts of two cells over the first ``trains`` trains of ``bl`` slots after reset.

    Returns
    -------
    int64[bl + 1, bl + 1], entry [k, l] is how often the first cell counted k and the second l.

    Raises
    ------
    ValueError
        A line, a magnitude, ``bl`` or ``trains`` is out of range, or a shared line has two magnitudes.
    """
    bl = check("bl", bl, 1, config.bl_max)
    trains = check("trains", trains, 1, 1 << 40)
    for cell in (first, second):
        check("row", cell.row, 0, config.rows - 1)
        check("column", cell.column, 0, config.columns - 1)
        for side in ("row", "column"):
            check(f"{side}_magnitude", getattr(cell, f"{side}_magnitude"), 1, config.magnitude_format.high)
    for side in ("row", "column"):
        if getattr(first, side) == getattr(second, side):
            values = [getattr(cell, f"{side}_magnitude") for cell in (first, second)]
            if values[0] != values[1]:
                raise ValueError(f"{side}_magnitude = {values}: must be equal, the cells share the {side}")
    magnitudes = np.array(
        [first.row_magnitude, second.row_magnitude, first.column_magnitude, second.column_magnitude], np.int64
    )
    joint = np.zeros((bl + 1, bl + 1), np.int64)
    chunk = max(1, _CHUNK // bl) * bl
    for words in _line_words(config, [first.row, second.row], [first.column, second.column], trains * bl, chunk):
        _add_to_joint(words, magnitudes, bl, joint)
    return joint


def correlation(config: TileConfig, first: Cell, second: Cell, joint: Int) -> Correlation:
    """Compare a `joint_counts` histogram, from here or from recorded lines, with independent words.

    The standard error of the covariance is taken from the spread of the products of both deviations.

    Raises
    ------
    ValueError
        The histogram shows no spread.
    """
    bl, trains = joint.shape[0] - 1, int(joint.sum())
    lines = {
        (side, getattr(cell, side)): getattr(cell, f"{side}_magnitude") / (1 << config.magnitude_bits)
        for cell in (first, second)
        for side in ("row", "column")
    }
    p, q = (lines["row", cell.row] * lines["column", cell.column] for cell in (first, second))
    expected = bl * (math.prod(lines.values()) - p * q)
    product = np.outer(np.arange(bl + 1) - bl * p, np.arange(bl + 1) - bl * q)
    mean = float((joint * product).sum()) / trains
    error = math.sqrt(max(0.0, float((joint * product**2).sum()) / trains - mean**2) / trains)
    if error == 0:
        raise ValueError(f"joint holds {trains} trains without any spread: must hold more")
    scale = bl * math.sqrt(p * (1 - p) * q * (1 - q))
    return Correlation(mean / scale, expected / scale, (mean - expected) / error)


def _line_words(
    config: TileConfig, rows: Sequence[int], columns: Sequence[int], slots: int, chunk: int
) -> Iterator[Int]:
    """Words int64[n, 2 * lines] that some lines combine, row lines first, two a line."""
    each = config.row_bank.sources[0].words
    of_rows = [k for line in rows for k in config.row_bank.pair(line)]
    of_columns = [len(config.row_bank.sources) * each + k for line in columns for k in config.column_bank.pair(line)]
    used, seeds = of_rows + of_columns, config.seeds
    sources = Sources(tuple(config.sources[k // each] for k in used))
    sources.state[:] = [seeds[k // each] for k in used]
    operands = [place * each + k % each for place, k in enumerate(used)]
    for start in range(0, slots, chunk):
        yield sources.words(min(chunk, slots - start))[:, operands]


def _bins(name: str, magnitudes: Sequence[int], bits: int) -> tuple[Int, NDArray[np.uint32]]:
    """The order that sorts the magnitudes, and for every word how many of them do not fire."""
    for magnitude in magnitudes:
        check(name, magnitude, 0, (1 << bits) - 1)
    grid = np.array(magnitudes, np.int64)
    order = np.argsort(grid, kind="stable")
    bins = np.searchsorted(grid[order], np.arange(1 << bits), side="right").astype(np.uint32)
    return order, bins


@njit(cache=True)
def _add_to_histogram(
    words: Int, row_bins: NDArray[np.uint32], column_bins: NDArray[np.uint32], histogram: Int
) -> None:
    for t in range(words.shape[0]):
        histogram[row_bins[words[t, 0] ^ words[t, 1]], column_bins[words[t, 2] ^ words[t, 3]]] += 1


@njit(cache=True)
def _add_to_joint(words: Int, magnitudes: Int, bl: int, joint: Int) -> None:
    fires = np.empty(4, np.int64)
    for start in range(0, words.shape[0], bl):
        first = second = 0
        for t in range(start, start + bl):
            for line in range(4):
                fires[line] = magnitudes[line] > words[t, 2 * line] ^ words[t, 2 * line + 1]
            first += fires[0] & fires[2]
            second += fires[1] & fires[3]
        joint[first, second] += 1
