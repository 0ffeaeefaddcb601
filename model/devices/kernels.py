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
    """Lines that fire in any of the quadrants of ``words``."""
    lines = np.empty(words.shape[1], np.int64)
    count = 0
    for line in range(words.shape[1]):
        if words[:, line].any():
            lines[count] = line
            count += 1
    return lines[:count]


@njit(cache=True)
def _update_columns(row_words, column_words, polarity, columns, *array):  # type: ignore[no-untyped-def]
    """Coincidences in some columns, applied; returns their number.

    Quadrant after quadrant, so that a batch has one polarity and no cell twice.
    """
    batch = new_batch()
    total = 0
    for q in range(QUADRANTS):
        rows = _firing(row_words[q : q + 1])
        size = 0
        for column in columns:
            word = column_words[q, column]
            if word == 0:
                continue
            for row in rows:
                both = row_words[q, row] & word
                batch.cells[size] = column * row_words.shape[1] + row
                batch.counts[size] = popcount(both)
                size += both != 0  # without a branch, which nobody could predict
                if size == BATCH:
                    total += pulse_batch(batch, size, polarity[q], *array)
                    size = 0
        total += pulse_batch(batch, size, polarity[q], *array)
    return total


@njit(cache=True)
def _unpack(rows, columns, up, quadrant):  # type: ignore[no-untyped-def]
    polarity = np.zeros(QUADRANTS, dtype=np.int64)
    for slot in range(quadrant.size):
        polarity[quadrant[slot]] = up[slot]
    return pack(rows, quadrant), pack(columns, quadrant), polarity


@njit(cache=True)
def update_serial(rows, columns, up, quadrant, *array):  # type: ignore[no-untyped-def]
    """An update from the lines of its slots, see `DeviceArray.update`; ``array`` as in `pulse_batch`."""
    row_words, column_words, polarity = _unpack(rows, columns, up, quadrant)
    return _update_columns(row_words, column_words, polarity, _firing(column_words), *array)


@njit(cache=True, parallel=True)
def update_parallel(threads, rows, columns, up, quadrant, *array):  # type: ignore[no-untyped-def]
    """`update_serial` with equal shares of the firing columns for the threads."""
    row_words, column_words, polarity = _unpack(rows, columns, up, quadrant)
    firing = _firing(column_words)
    total = 0
    for thread in prange(threads):
        share = firing[firing.size * thread // threads : firing.size * (thread + 1) // threads]
        total += _update_columns(row_words, column_words, polarity, share, *array)
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
