# SPDX-License-Identifier: Apache-2.0
"""Compiled kernels that apply pulse trains to an array; all sums are integers, so threads cannot change a bit.

The trains of an update are words, slot s of a quadrant in bit s of them. A cell then steps
popcount(row word & column word) times, and lines that never fire cost nothing:

    n_ij = sum over slots of row_i * column_j,   polarity that of the quadrant.

Row by row these pulses first go to the queues of the cells, words with a bit for each. All cells of a block that have
any step together when the updates are over, or a queue is full.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import prange
from numpy.typing import NDArray

from symtrack.model.compiled import njit
from symtrack.model.devices.block import COUNT, QUEUE, QUEUES, new_room, pulse_block
from symtrack.model.devices.records import LANES
from symtrack.model.spec.fixed import Int

QUADRANTS = 4
_HALVES, _SLOTS = 2, 32  # of the words

Words = NDArray[np.uint64]

_ONE = np.uint64(1)
_M1, _M2, _M4 = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333), np.uint64(0x0F0F0F0F0F0F0F0F)
_BYTES = np.uint64(0x0101010101010101)
_S1, _S2, _S4, _S56 = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)
_N1, _N2, _N4 = np.uint32(0x55555555), np.uint32(0x33333333), np.uint32(0x0F0F0F0F)
_SHORT_BYTES = np.uint32(0x01010101)
_T1, _T2, _T4, _T24 = np.uint32(1), np.uint32(2), np.uint32(4), np.uint32(24)
_SHORT_ONE, _NONE, _ALL = np.uint32(1), np.uint32(0), np.uint32(0xFFFFFFFF)
_LANES = np.uint64(LANES)


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


class Trains(NamedTuple):
    """Trains of many updates, in order: what a row meets in each event of its own.

    In event e of row i the cell of column j makes a pulse for every bit of

        word[k, j] & (second if turned[k, j] else first),   upwards where flip xor turned[k, j],

    with k, first, second and flip those of the event. Masks are all ones or zero.

    Attributes
    ----------
    columns : uint32[m, blocks, 2, LANES], words of the columns and their masks ``turned``.
    fires : uint32[m, blocks], the slots in which any column of a block fires.
    counts : int64[R], events of the rows.
    index : int64[R, events], k of each.
    events : uint32[R, events, 3], first, second and flip of each.
    """

    columns: NDArray[np.uint32]
    fires: NDArray[np.uint32]
    counts: Int
    index: Int
    events: NDArray[np.uint32]


@njit(cache=True)
def unpacked(row_words: Words, column_words: Words, polarity: Int) -> Trains:
    """Trains of packed words, see `DeviceArray.update_all`, whose lines may fire in any quadrant of an update."""
    count, rows = row_words.shape[0] * QUADRANTS * _HALVES, row_words.shape[2]
    blocks = (column_words.shape[2] + LANES - 1) // LANES
    columns, fires = np.zeros((count, blocks, 2, LANES), np.uint32), np.zeros((count, blocks), np.uint32)
    counts, index = np.zeros(rows, np.int64), np.empty((rows, count), np.int64)
    events = np.empty((rows, count, 3), np.uint32)
    for k in range(count):
        update, q, shift = k // (QUADRANTS * _HALVES), k // _HALVES % QUADRANTS, np.uint64(k % _HALVES * _SLOTS)
        for j in range(column_words.shape[2]):
            word = np.uint32(column_words[update, q, j] >> shift)
            columns[k, j // LANES, 0, j % LANES] = word
            fires[k, j // LANES] |= word
        for i in range(rows):
            word = np.uint32(row_words[update, q, i] >> shift)
            if word:
                here = counts[i]
                index[i, here], counts[i] = k, here + 1
                events[i, here, 0], events[i, here, 1] = word, word
                events[i, here, 2] = _ALL if polarity[update, q] else _NONE
    return Trains(columns, fires, counts, index, events)


# Indices are unsigned where loops depend on them: there is nothing to check for negative ones. Parts of arrays are told
# by their index, as a view would be counted as a reference.


@njit(cache=True, forceinline=True)
def _longest(lanes, columns, here, first, change):  # type: ignore[no-untyped-def]
    """The longest queue of a block after an event; ``change`` is first xor second."""
    longest = _NONE
    for i in range(_LANES):
        both = np.uint32(columns[here + i] & np.uint32(first ^ (columns[here + _LANES + i] & change)))
        longest = max(longest, np.uint32(np.uint32(lanes[COUNT + np.int64(i)]) + short_popcount(both)))
    return np.int64(longest)


@njit(cache=True, forceinline=True)
def _append(lanes, columns, here, first, change, flip):  # type: ignore[no-untyped-def]
    """The coincidences of an event to the queues of a block; ``change`` is first xor second."""
    for i in range(_LANES):
        minus, count = columns[here + _LANES + i], np.uint32(lanes[COUNT + np.int64(i)])
        new = short_popcount(np.uint32(columns[here + i] & np.uint32(first ^ (minus & change))))
        bits = np.uint32(np.uint32(np.uint32(_SHORT_ONE << new) - _SHORT_ONE) & np.uint32(minus ^ flip))
        lanes[QUEUES + np.int64(i)] |= np.int32(np.uint32(bits << count))
        lanes[COUNT + np.int64(i)] = np.int32(np.uint32(count + new))


@njit(cache=True)
def _updates(share, shares, trains, array):  # type: ignore[no-untyped-def]
    """All updates of every row of one of equal shares of the rows."""
    columns, blocks = trains.columns.reshape(-1), trains.fires.shape[1]
    room, total, rows = new_room(), 0, trains.counts.size
    lanes = room.lanes
    for row in range(rows * share // shares, rows * (share + 1) // shares):
        for block in range(blocks):
            most = np.int64(0)
            for event in range(trains.counts[row]):
                k = trains.index[row, event]
                first, second = trains.events[row, event, 0], trains.events[row, event, 1]
                both = np.uint32(trains.fires[k, block] & np.uint32(first | second))
                if not both:
                    continue
                here, change = np.uint64(k * blocks + block) * np.uint64(2 * LANES), np.uint32(first ^ second)
                longest = most + np.int64(short_popcount(both))
                if longest > QUEUE:
                    longest = _longest(lanes, columns, here, first, change)
                if longest > QUEUE:
                    total += pulse_block(room, row, block, array)
                    longest = np.int64(short_popcount(both))
                most = longest
                _append(lanes, columns, here, first, change, trains.events[row, event, 2])
            if most:
                total += pulse_block(room, row, block, array)
    return total


@njit(cache=True)
def update_serial(trains, array):  # type: ignore[no-untyped-def]
    """The updates one after the other; ``array`` is a `Memory`. Returns the number of coincidences."""
    return _updates(0, 1, trains, array)


@njit(cache=True, parallel=True)
def update_parallel(threads, trains, array):  # type: ignore[no-untyped-def]
    """`update_serial` with equal shares of the rows for the threads."""
    total = 0
    for thread in prange(threads):
        total += _updates(thread, threads, trains, array)
    return total


@njit(cache=True)
def pulse_cells(column, counts, array):  # type: ignore[no-untyped-def]
    """Signed pulse counts int64[R, n] to the cells of n columns from ``column`` on, a single one or all."""
    room, start = new_room(), column % LANES
    lanes = room.lanes
    for row in range(counts.shape[0]):
        for first in range(0, counts.shape[1], LANES):
            last = min(first + LANES, counts.shape[1])
            done, most = 0, 0
            for j in range(first, last):
                most = max(most, abs(counts[row, j]))
            while done < most:
                for j in range(first, last):
                    lane = start + j - first
                    lanes[QUEUES + lane] = -1 if counts[row, j] > 0 else 0
                    lanes[COUNT + lane] = min(max(abs(counts[row, j]) - done, 0), QUEUE)
                pulse_block(room, row, (column + first) // LANES, array)
                done += QUEUE
