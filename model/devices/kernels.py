# SPDX-License-Identifier: Apache-2.0
"""Compiled kernels that apply pulse trains to an array; all sums are integers, so threads cannot change a bit.

The trains of one update are packed into one word per line and quadrant (slot s of the quadrant is bit s). A cell then
steps popcount(row word & column word) times, and lines that never fire cost nothing:

    n_ij = sum over slots of row_i * column_j,   polarity that of the quadrant.

These pulses first go to the queue of the cell, a word with a bit for each, and all cells that have any are stepped
together when the updates are over, or a queue is full.
"""

from __future__ import annotations

import numpy as np
from numba import prange
from numpy.typing import NDArray

from symtrack.model.compiled import njit
from symtrack.model.devices.batch import BATCH, QUEUE, new_batch, pulse_batch
from symtrack.model.spec.fixed import Int

QUADRANTS = 4
LANES = 32  # rows whose queues grow together; fewer and the compiler would unroll loops instead of using vectors
_HALVES, _SLOTS = 2, 32  # of the words

Words = NDArray[np.uint64]

_ONE = np.uint64(1)
_M1, _M2, _M4 = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333), np.uint64(0x0F0F0F0F0F0F0F0F)
_BYTES = np.uint64(0x0101010101010101)
_S1, _S2, _S4, _S56 = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)
_N1, _N2, _N4 = np.uint32(0x55555555), np.uint32(0x33333333), np.uint32(0x0F0F0F0F)
_SHORT_BYTES = np.uint32(0x01010101)
_T1, _T2, _T4, _T24 = np.uint32(1), np.uint32(2), np.uint32(4), np.uint32(24)
_SHORT_ONE, _NONE = np.uint32(1), np.uint32(0)


@njit(cache=True)
def popcount(word: np.uint64) -> np.int64:
    """Ones in a word (the compiler knows this form and emits one instruction)."""
    word = word - ((word >> _S1) & _M1)
    word = (word & _M2) + ((word >> _S2) & _M2)
    word = (word + (word >> _S4)) & _M4
    return np.int64((word * _BYTES) >> _S56)


@njit(cache=True, forceinline=True)
def short_popcount(word: np.uint32) -> np.uint32:
    """`popcount` of a uint32, as one: more of them fit a vector."""
    word = np.uint32(word - ((word >> _T1) & _N1))
    word = np.uint32((word & _N2) + ((word >> _T2) & _N2))
    word = np.uint32(np.uint32(word + (word >> _T4)) & _N4)
    return np.uint32(np.uint32(word * _SHORT_BYTES) >> _T24)


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
def _row_words(words, rows):  # type: ignore[no-untyped-def]
    """Row words of updates in halves of 32 slots, of the rows that fire, filled up to what LANES divides.

    words: uint64[n, 4, R]. rows: int64[N]. Returns the words, uint32[n * 4 * 2 * N']; the slots in which any of LANES
    rows fires, uint32[n * 4 * 2 * blocks]; and those in which any row does, uint32[n * 4, 2].
    """
    count, blocks = words.shape[0] * QUADRANTS, (rows.size + LANES - 1) // LANES
    short = np.zeros((count, _HALVES, blocks * LANES), np.uint32)
    block, fires = np.zeros((count, _HALVES, blocks), np.uint32), np.zeros((count, _HALVES), np.uint32)
    for at in range(count):
        for i in range(rows.size):
            word = words[at // QUADRANTS, at % QUADRANTS, rows[i]]
            if word:
                for half in range(_HALVES):
                    slots = np.uint32(word >> np.uint64(_SLOTS * half))
                    short[at, half, i] = slots
                    block[at, half, i // LANES] |= slots
                    fires[at, half] |= slots
    return short.reshape(-1), block.reshape(-1), fires


@njit(cache=True)
def _firing(words: Words) -> Int:
    """Lines that fire in any quadrant of any update of ``words`` [n, 4, lines]."""
    fires = np.zeros(words.shape[2], np.bool_)
    for k in range(words.shape[0]):
        for q in range(words.shape[1]):
            for line in range(words.shape[2]):
                fires[line] |= words[k, q, line] != 0
    return np.flatnonzero(fires)


# Indices are unsigned where loops depend on them: there is nothing to check for negative ones. Parts of arrays are told
# by their index, as a view would be counted as a reference.


@njit(cache=True, forceinline=True)
def _longest(row_words, here, pulses, there, word):  # type: ignore[no-untyped-def]
    """The longest of LANES queues after the coincidences with a column's word."""
    longest = _NONE
    for i in range(LANES):
        both = np.uint32(row_words[here + np.uint64(i)] & word)
        longest = max(longest, np.uint32(pulses[there + np.uint64(LANES + i)] + short_popcount(both)))
    return np.int64(longest)


@njit(cache=True, forceinline=True)
def _append(row_words, here, pulses, there, word, ones):  # type: ignore[no-untyped-def]
    """Coincidences of LANES rows with a column's word to their queues; ``ones`` is all ones for pulses upwards."""
    for i in range(LANES):
        queue, count = there + np.uint64(i), there + np.uint64(LANES + i)
        new = short_popcount(np.uint32(row_words[here + np.uint64(i)] & word))
        bits = np.uint32(np.uint32(np.uint32(_SHORT_ONE << new) - _SHORT_ONE) & ones)
        pulses[queue] = np.uint32(pulses[queue] | np.uint32(bits << pulses[count]))
        pulses[count] = np.uint32(pulses[count] + new)


@njit(cache=True)
def _drain(first, rows, pulses, there, batch, size, *array):  # type: ignore[no-untyped-def]
    """Put the queues of at most LANES cells into the batch, which is worked off when it is full.

    The cells are ``first + rows``. Returns pulses worked off and the size of the batch.
    """
    total = 0
    if size + rows.size > BATCH:
        total = pulse_batch(batch, size, *array)
        size = 0
    end = np.uint64(size)
    for i in range(rows.size):
        queue, count = there + np.uint64(i), there + np.uint64(LANES + i)
        batch.cells[end] = first + rows[i]
        batch.queues[end] = pulses[queue]
        batch.counts[end] = pulses[count]
        end += np.uint64(pulses[count] != 0)  # without a branch, which nobody could predict
        pulses[queue], pulses[count] = _NONE, _NONE
    return total, np.int64(end)


@njit(cache=True)
def _firing_words(words, columns, half, fires, now, column_words):  # type: ignore[no-untyped-def]
    """Which of the columns have slots in common with ``fires``, and these; returns their number."""
    count = np.uint64(0)
    for k in range(columns.size):
        word = np.uint32(np.uint32(words[columns[k]] >> np.uint64(_SLOTS * half)) & fires)
        now[count] = k
        column_words[count] = word
        count += np.uint64(word != 0)
    return np.int64(count)


@njit(cache=True)
def _updates(row_words, column_words, polarity, share, shares, *array):  # type: ignore[no-untyped-def]
    """All updates in the firing columns of one of equal shares.

    ``pulses`` has the queues of the cells of rows and columns that fire: for LANES rows of a column their words, then
    how many pulses are in each; ``most`` as many as the longest of such a block may have.
    """
    firing, height = _firing(column_words), row_words.shape[2]
    columns = firing[firing.size * share // shares : firing.size * (share + 1) // shares]
    rows = _firing(row_words)
    if columns.size == 0 or rows.size == 0:
        return 0
    lines, block_lines, any_line = _row_words(row_words, rows)
    blocks = (rows.size + LANES - 1) // LANES
    pulses = np.zeros(columns.size * blocks * LANES * 2, np.uint32)
    most = np.zeros(columns.size * blocks, np.int64)
    now, words = np.empty(columns.size, np.int64), np.empty(columns.size, np.uint32)
    batch, total = new_batch(), 0
    for at in range(len(polarity) * QUADRANTS):
        ones = np.uint32(0xFFFFFFFF) if polarity[at // QUADRANTS, at % QUADRANTS] else _NONE
        for half in range(_HALVES):
            fires = any_line[at, half]
            if not fires:
                continue
            line = column_words[at // QUADRANTS, at % QUADRANTS]
            row = np.uint64((at * _HALVES + half) * blocks)
            for k in range(_firing_words(line, columns, half, fires, now, words)):
                word, own = words[k], np.uint64(now[k] * blocks)
                for block in range(np.uint64(blocks)):
                    both = np.uint32(block_lines[row + block] & word)
                    if not both:
                        continue
                    here, there = (row + block) * np.uint64(LANES), (own + block) * np.uint64(LANES * 2)
                    longest = most[own + block] + np.int64(short_popcount(both))
                    if longest > QUEUE:
                        longest = _longest(lines, here, pulses, there, word)
                    if longest > QUEUE:
                        start = np.int64(block) * LANES
                        some = rows[start : start + LANES]
                        _, size = _drain(columns[now[k]] * height, some, pulses, there, batch, 0, *array)
                        total += pulse_batch(batch, size, *array)
                        longest = np.int64(short_popcount(both))
                    most[own + block] = longest
                    _append(lines, here, pulses, there, word, ones)
    size = 0
    for k in range(columns.size):
        for block in range(blocks):
            own = k * blocks + block
            if most[own]:
                some, there = rows[block * LANES : (block + 1) * LANES], np.uint64(own * LANES * 2)
                done, size = _drain(columns[k] * height, some, pulses, there, batch, size, *array)
                total += done
    return total + pulse_batch(batch, size, *array)


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
    for done in range(0, np.abs(counts).max(), QUEUE):
        size = 0
        for k in range(counts.size):
            left = min(np.abs(counts[k]) - done, QUEUE)
            batch.cells[size] = first + k
            batch.queues[size] = np.uint32(0xFFFFFFFF) if counts[k] > 0 else _NONE
            batch.counts[size] = left
            size += left > 0
            if size == BATCH:
                pulse_batch(batch, size, *array)
                size = 0
        if size:
            pulse_batch(batch, size, *array)
