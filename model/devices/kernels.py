# SPDX-License-Identifier: Apache-2.0
"""Compiled kernels that apply pulse trains to an array; all sums are integers, so threads cannot change a bit.

The trains of one update are packed into one word per line and quadrant (slot s of the quadrant is bit s). A cell then
steps popcount(row word & column word) times, and lines that never fire cost nothing:

    n_ij = sum over slots of row_i * column_j,   polarity that of the quadrant.
"""

from __future__ import annotations

import numpy as np
from numba import prange
from numpy.typing import NDArray

from symtrack.model.compiled import njit
from symtrack.model.devices.batch import BATCH, PULSES_MAX, new_batch, pulse_batch
from symtrack.model.spec.fixed import Int

QUADRANTS = 4
CACHED_CELLS = 1024  # whose records fit a cache near the core

Words = NDArray[np.uint64]

_ONE = np.uint64(1)
_M1, _M2, _M4 = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333), np.uint64(0x0F0F0F0F0F0F0F0F)
_BYTES = np.uint64(0x0101010101010101)
_S1, _S2, _S4, _S56 = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)


@njit(cache=True)
def popcount(word: np.uint64) -> np.int64:
    """Ones in a word (the compiler knows this form and emits one instruction)."""
    word = word - ((word >> _S1) & _M1)
    word = (word & _M2) + ((word >> _S2) & _M2)
    word = (word + (word >> _S4)) & _M4
    return np.int64((word * _BYTES) >> _S56)


@njit(cache=True)
def pack(lines: NDArray[np.uint8], quadrant: NDArray[np.uint8]) -> Words:
    """Trains uint8[S, lines] to words uint64[4, lines]."""
    words = np.zeros((QUADRANTS, lines.shape[1]), dtype=np.uint64)
    seen = np.zeros(QUADRANTS, dtype=np.uint64)
    for slot in range(lines.shape[0]):
        q = quadrant[slot]
        for line in range(lines.shape[1]):
            words[q, line] |= np.uint64(lines[slot, line] != 0) << seen[q]
        seen[q] += _ONE
    return words


@njit(cache=True)
def _firing(words: Words) -> Int:
    """Lines that fire in any quadrant of any update of ``words`` [n, 4, lines]."""
    fires = np.zeros(words.shape[2], np.bool_)
    for k in range(words.shape[0]):
        for q in range(words.shape[1]):
            for line in range(words.shape[2]):
                fires[line] |= words[k, q, line] != 0
    return np.flatnonzero(fires)


@njit(cache=True)
def _firing_each(words: Words) -> tuple[Int, Int]:
    """The lines that fire in each quadrant of each update, int64[n, 4, lines], of which so many count, int64[n, 4]."""
    lines, counts = np.empty(words.shape, np.int64), np.zeros(words.shape[:2], np.int64)
    for k in range(words.shape[0]):
        for q in range(words.shape[1]):
            count = 0
            for line in range(words.shape[2]):
                lines[k, q, count] = line
                count += words[k, q, line] != 0
            counts[k, q] = count
    return lines, counts


@njit(cache=True)
def _update_columns(batch, rows, row_words, words, columns, up, *array):  # type: ignore[no-untyped-def]
    """Coincidences of one quadrant in some columns, applied; returns their number.

    rows: those that fire. words: of all columns.
    """
    total, size = 0, 0
    for column in columns:
        word = words[column]
        if word == 0:
            continue
        for row in rows:
            both = row_words[row] & word
            batch.cells[size] = column * row_words.size + row
            batch.counts[size] = popcount(both)
            size += both != 0  # without a branch, which nobody could predict
            if size == BATCH:
                total += pulse_batch(batch, size, up, *array)
                size = 0
    return total + pulse_batch(batch, size, up, *array) if size else total


@njit(cache=True)
def packed(rows, columns, up, quadrant):  # type: ignore[no-untyped-def]
    """The lines of the slots of one update as the words of `model.tile.interface.PackedTrains`."""
    polarity = np.zeros((1, QUADRANTS), dtype=np.int64)
    for slot in range(quadrant.size):
        polarity[0, quadrant[slot]] = up[slot]
    shape = (1, QUADRANTS)
    return (
        pack(rows, quadrant).reshape((*shape, rows.shape[1])),
        pack(columns, quadrant).reshape((*shape, columns.shape[1])),
        polarity,
    )


@njit(cache=True)
def _updates(row_words, column_words, polarity, share, shares, *array):  # type: ignore[no-untyped-def]
    """All updates in the firing columns of one of equal shares.

    A few columns at a time see all updates, so that their cells stay in the cache; quadrant after quadrant, so that a
    batch has one polarity and no cell twice.
    """
    firing = _firing(column_words)
    first, last = firing.size * share // shares, firing.size * (share + 1) // shares
    rows, counts = _firing_each(row_words)
    together = max(1, CACHED_CELLS // row_words.shape[2])
    batch, total = new_batch(), 0
    for start in range(first, last, together):
        columns = firing[start : min(start + together, last)]
        for k in range(len(polarity)):
            for q in range(QUADRANTS):
                fire = rows[k, q, : counts[k, q]]
                words = row_words[k, q], column_words[k, q]
                total += _update_columns(batch, fire, *words, columns, polarity[k, q], *array)
    return total


@njit(cache=True)
def update_serial(row_words, column_words, polarity, *array):  # type: ignore[no-untyped-def]
    """The updates of packed trains one after the other, see `DeviceArray.update_all`; ``array`` as in `pulse_batch`."""
    return _updates(row_words, column_words, polarity, 0, 1, *array)


@njit(cache=True, parallel=True)
def update_parallel(threads, row_words, column_words, polarity, *array):  # type: ignore[no-untyped-def]
    """`update_serial` with equal shares of the columns for the threads."""
    total = 0
    for thread in prange(threads):
        total += _updates(row_words, column_words, polarity, thread, threads, *array)
    return total


@njit(cache=True)
def pulse_cells(first, counts, *array):  # type: ignore[no-untyped-def]
    """Signed pulse counts int64[n] to cells ``first`` to ``first + n - 1``."""
    batch = new_batch()
    for done in range(0, np.abs(counts).max(), PULSES_MAX):
        for up in range(2):
            size = 0
            for k in range(counts.size):
                left = (counts[k] if up else -counts[k]) - done
                batch.cells[size] = first + k
                batch.counts[size] = min(left, PULSES_MAX)
                size += left > 0
                if size == BATCH:
                    pulse_batch(batch, size, up, *array)
                    size = 0
            pulse_batch(batch, size, up, *array)
