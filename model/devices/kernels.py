"""Compiled loops over the cells of a device array. Every sum is an integer, so threads cannot change a bit.

The trains of one update are packed into one word per line and quadrant (slot s of the quadrant is bit s). A cell then
steps popcount(row word & column word) times, and lines that never fire cost nothing:

    n_ij = sum over slots of row_i * column_j,   polarity that of the quadrant.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from model.devices.cells import WEIGHT_BITS
from model.fixed import Int
from model.noise import NORMAL_BITS, compiled_normal_from, compiled_word_at

QUADRANTS = 4

_WEIGHT_HALF = 1 << (WEIGHT_BITS - 1)
_NORMAL_HALF = 1 << (NORMAL_BITS - 1)
_ONE = np.uint64(1)
_M1, _M2, _M4 = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333), np.uint64(0x0F0F0F0F0F0F0F0F)
_BYTES = np.uint64(0x0101010101010101)
_S1, _S2, _S4, _S56 = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)

Words = NDArray[np.uint64]


@njit(cache=True)
def popcount(word: np.uint64) -> np.int64:
    """Ones in a word (the compiler knows this form and emits one instruction)."""
    word = word - ((word >> _S1) & _M1)
    word = (word & _M2) + ((word >> _S2) & _M2)
    word = (word + (word >> _S4)) & _M4
    return np.int64((word * _BYTES) >> _S56)


@njit(cache=True, forceinline=True)
def step(state: int, up: int, size: int, slope: int, noise: int, multiplicative: bool, draw: int) -> int:
    """One pulse of a cell before clipping; ``draw`` is standard normal in units of 2**-20."""
    drift = (slope * state + _WEIGHT_HALF) >> WEIGHT_BITS
    change = size - drift if up else size + drift
    if multiplicative:
        sigma = (noise * draw + _NORMAL_HALF) >> NORMAL_BITS
        change += (change * sigma + _WEIGHT_HALF) >> WEIGHT_BITS
    else:
        change += (noise * draw + _NORMAL_HALF) >> NORMAL_BITS
    return state + change if up else state - change


@njit(cache=True, forceinline=True)
def pulse_cell(
    row: int,
    column: int,
    count: int,
    up: int,
    state: NDArray[np.int32],
    pulses: Int,
    steps: Int,
    slopes: Int,
    noises: Int,
    low: Int,
    high: Int,
    multiplicative: bool,
    key: np.uint64,
    table: Int,
) -> None:
    """``count`` pulses of one polarity to one cell; its pulse number keys the noise and measures its endurance."""
    value = np.int64(state[row, column])
    size, slope, noise = steps[up, row, column], slopes[up, row, column], noises[up, row, column]
    bottom, top = low[row, column], high[row, column]
    first = np.uint64(pulses[row, column])
    cell_key = compiled_word_at(key, np.uint64(row * state.shape[1] + column))
    for k in range(count):
        draw = np.int64(0)
        if noise != 0:
            draw = compiled_normal_from(compiled_word_at(cell_key, first + np.uint64(k)), table)
        value = min(max(step(value, up, size, slope, noise, multiplicative, draw), bottom), top)
    state[row, column] = value
    pulses[row, column] += count


@njit(cache=True)
def pack(lines: NDArray[np.uint8], quadrant: NDArray[np.uint8]) -> Words:
    """Trains uint8[S, lines] to words uint64[4, lines]."""
    words = np.zeros((QUADRANTS, lines.shape[1]), dtype=np.uint64)
    seen = np.zeros(QUADRANTS, dtype=np.uint64)
    for slot in range(lines.shape[0]):
        q = quadrant[slot]
        bit = _ONE << seen[q]
        seen[q] += _ONE
        for line in range(lines.shape[1]):
            if lines[slot, line]:
                words[q, line] |= bit
    return words


@njit(cache=True)
def _active(words: Words) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the lines that fire at all, int64[4, lines], and how many there are, int64[4]."""
    indices = np.zeros(words.shape, dtype=np.int64)
    counts = np.zeros(QUADRANTS, dtype=np.int64)
    for q in range(QUADRANTS):
        for line in range(words.shape[1]):
            if words[q, line]:
                indices[q, counts[q]] = line
                counts[q] += 1
    return indices, counts


@njit(cache=True, forceinline=True)
def _update_row(row, row_words, column_words, active, counts, polarity, *cell):  # type: ignore[no-untyped-def]
    """Coincidences of one row, applied; a row is the unit of work of a thread."""
    total = 0
    for q in range(QUADRANTS):
        row_word = row_words[q, row]
        if row_word == 0:
            continue
        for k in range(counts[q]):
            column = active[q, k]
            both = row_word & column_words[q, column]
            if both:
                count = popcount(both)
                pulse_cell(row, column, count, polarity[q], *cell)
                total += count
    return total


@njit(cache=True)
def update_serial(row_words, column_words, polarity, *cell):  # type: ignore[no-untyped-def]
    """An update from packed trains; polarity int64[4], ``cell`` as in `pulse_cell`. Returns the coincidences."""
    active, counts = _active(column_words)
    total = 0
    for row in range(row_words.shape[1]):
        total += _update_row(row, row_words, column_words, active, counts, polarity, *cell)
    return total


@njit(cache=True, parallel=True)
def update_parallel(row_words, column_words, polarity, *cell):  # type: ignore[no-untyped-def]
    """`update_serial` with the rows spread over threads."""
    active, counts = _active(column_words)
    total = 0
    for row in prange(row_words.shape[1]):
        total += _update_row(row, row_words, column_words, active, counts, polarity, *cell)
    return total


@njit(cache=True)
def pulse_column(column, counts, *cell):  # type: ignore[no-untyped-def]
    """Signed pulse counts int64[R] to the cells of one column."""
    for row in range(counts.shape[0]):
        if counts[row] != 0:
            pulse_cell(row, column, abs(counts[row]), 1 if counts[row] > 0 else 0, *cell)


@njit(cache=True)
def pulse_all(counts, *cell):  # type: ignore[no-untyped-def]
    """Signed pulse counts int64[R, C] to all cells."""
    for column in range(counts.shape[1]):
        pulse_column(column, counts[:, column], *cell)
