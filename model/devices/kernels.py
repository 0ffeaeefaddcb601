# SPDX-License-Identifier: Apache-2.0
"""Compiled kernels that apply pulse trains to an array; all sums are integers, so threads cannot change a bit.

The trains of an update are words, see `model.devices.trains`. A cell steps popcount(row word & column word) times, and
lines that never fire cost nothing:

    n_ij = sum over slots of row_i * column_j,   polarity that of the quadrant.

Line by line these pulses first go to the queues of the cells, words with a bit for each. All cells of a block that have
any step together when the updates are over, or a queue is full.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from symtrack.model.arithmetic.formats import read_word
from symtrack.model.compiled import njit
from symtrack.model.devices.block import (
    COUNT,
    QUEUE,
    QUEUES,
    STRAYS,
    Memory,
    are_strays,
    new_room,
    new_strays,
    pulse_block,
    step_strays,
    stray,
    waiting,
)
from symtrack.model.devices.records import LANES, STATE, WORDS
from symtrack.model.devices.trains import Trains, from_words, packed

_N1, _N2, _N4 = np.uint32(0x55555555), np.uint32(0x33333333), np.uint32(0x0F0F0F0F)
_BYTES = np.uint32(0x01010101)
_T1, _T2, _T4, _T24 = np.uint32(1), np.uint32(2), np.uint32(4), np.uint32(24)
_ONE, _NONE = np.uint32(1), np.uint32(0)
_LANES = np.uint64(LANES)


@njit(cache=True, forceinline=True)
def popcount(word: np.uint32) -> np.uint32:
    """Ones in a word, a uint32 (the compiler knows this form and emits one instruction)."""
    word = np.uint32(word - ((word >> _T1) & _N1))
    word = np.uint32((word & _N2) + ((word >> _T2) & _N2))
    word = np.uint32(np.uint32(word + (word >> _T4)) & _N4)
    return np.uint32(np.uint32(word * _BYTES) >> _T24)


# Indices are unsigned where loops depend on them: there is nothing to check for negative ones. Parts of arrays are told
# by their index, as a view would be counted as a reference.


@njit(cache=True, forceinline=True)
def _longest(lanes, words, here, first, change):  # type: ignore[no-untyped-def]
    """The longest queue of a block after an event; ``change`` is first xor second."""
    longest = _NONE
    for i in range(_LANES):
        both = np.uint32(words[here + i] & np.uint32(first ^ (words[here + _LANES + i] & change)))
        longest = max(longest, np.uint32(np.uint32(lanes[COUNT + np.int64(i)]) + popcount(both)))
    return np.int64(longest)


@njit(cache=True, forceinline=True)
def _append(lanes, words, here, first, change, flip):  # type: ignore[no-untyped-def]
    """The coincidences of an event to the queues of a block; ``change`` is first xor second."""
    for i in range(_LANES):
        minus, count = words[here + _LANES + i], np.uint32(lanes[COUNT + np.int64(i)])
        new = popcount(np.uint32(words[here + i] & np.uint32(first ^ (minus & change))))
        bits = np.uint32(np.uint32(np.uint32(_ONE << new) - _ONE) & np.uint32(minus ^ flip))
        lanes[QUEUES + np.int64(i)] |= np.int32(np.uint32(bits << count))
        lanes[COUNT + np.int64(i)] = np.int32(np.uint32(count + new))


@njit(cache=True)
def update_lines(share, shares, trains, array):  # type: ignore[no-untyped-def]
    """All updates of one of equal shares of the lines, taken in turn; returns the number of coincidences."""
    words, fires, counts, numbers, events = trains
    blocks, lines = fires.shape[1], counts.size
    room, strays, total, astray = new_room(), new_strays(), 0, 0
    (cells, queues), across, steps = strays, array.lanes, array.steps
    blocks_of_line, which = (across + LANES - 1) // LANES, np.empty(LANES + 1, np.int64)
    lanes, apart = room.lanes, new_room()
    for line in range(share, lines, shares):  # neighbours are alike, so that all threads have as much to do
        if not counts[line]:
            continue
        for block in range(blocks):
            most, event, last = np.int64(0), 0, counts[line]
            while event <= last:
                both, first, change, flip, here, more = _NONE, _NONE, _NONE, _NONE, np.uint64(0), np.int64(0)
                if event < last:
                    k = numbers[line, event]
                    first, second = events[line, event, 0], events[line, event, 1]
                    both, flip = np.uint32(fires[k, block] & np.uint32(first | second)), events[line, event, 2]
                    if not both:
                        event += 1
                        continue
                    here, change = np.uint64(k * blocks + block) * np.uint64(2 * LANES), np.uint32(first ^ second)
                    more = np.int64(popcount(both))
                    if most + more > QUEUE:
                        more = _longest(lanes, words, here, first, change) - most
                if most and (event == last or most + more > QUEUE):
                    active, longest, pulses = waiting(lanes)
                    total += pulses
                    if event == last and are_strays(active, longest):
                        found = 0
                        for lane in range(LANES):  # without branches, which nobody could predict
                            which[found] = lane
                            found += lanes[COUNT + lane] != 0
                        for n in range(found):
                            if astray == STRAYS:
                                step_strays(apart, strays, astray, array)
                                astray = 0
                            lane = which[n]
                            record = (line * blocks_of_line + block) * WORDS * LANES + lane
                            cell = line * steps[0] + (block * LANES + lane) * steps[1]
                            stray(lanes, lane, record, cell, cells, queues, astray)
                            astray += 1
                    else:
                        pulse_block(room, line, block, longest, array)
                    most, more = np.int64(0), np.int64(popcount(both))
                if event < last:
                    _append(lanes, words, here, first, change, flip)
                    most += more
                event += 1
    if astray:
        step_strays(apart, strays, astray, array)
    return total


@njit(cache=True)
def update_slots(rows, columns, up, quadrant, turned, array):  # type: ignore[no-untyped-def]
    """One update of slots uint8[S, R] and uint8[S, C], see `DeviceArray.update`."""
    row_words, column_words, polarity = packed(rows, columns, up, quadrant)
    return update_lines(0, 1, from_words(row_words, column_words, polarity, turned), array)


# fmt: off
@njit(cache=True, parallel=True)
def update_shares(  # type: ignore[no-untyped-def]
    threads, of_lanes, fires, counts, numbers, events, records, words, shows, lanes, steps, references,
    sigma, fraction, multiplicative, near, keys, kind, places, tables,
):
    # fmt: on
    """`update_lines` of all shares side by side; the parts of trains and memory, as tuples cannot cross to threads."""
    total = 0
    for thread in prange(threads):
        trains = Trains(of_lanes, fires, counts, numbers, events)
        noise, response = (sigma, fraction, multiplicative, near, keys), (kind, places, tables)
        array = Memory(records, words, shows, lanes, steps, references, *noise, *response)
        total += update_lines(thread, threads, trains, array)
    return total


@njit(cache=True)
def pulse_cells(first_line, first_lane, counts, array):  # type: ignore[no-untyped-def]
    """Signed pulse counts int64[m, n] to the cells of m lines and n lanes, which are all from the first on, or one."""
    room = new_room()
    lanes, start = room.lanes, first_lane % LANES
    for line in range(counts.shape[0]):
        for first in range(0, counts.shape[1], LANES):
            last = min(first + LANES, counts.shape[1])
            done, most = 0, 0
            for k in range(first, last):
                most = max(most, abs(counts[line, k]))
            while done < most:
                for k in range(first, last):
                    lane = start + k - first
                    lanes[QUEUES + lane] = -1 if counts[line, k] > 0 else 0
                    lanes[COUNT + lane] = min(max(abs(counts[line, k]) - done, 0), QUEUE)
                pulse_block(room, first_line + line, (first_lane + first) // LANES, min(most - done, QUEUE), array)
                done += QUEUE


@njit(cache=True)
def column_words(array, column, turned, words):  # type: ignore[no-untyped-def]
    """What products read of a column into ``words`` int32[R]; ``turned``: the lines are the columns."""
    rows, blocks = words.size, (array.lanes + LANES - 1) // LANES
    for i in range(rows):
        if array.shows:
            words[i] = array.words[column * rows + i]
            continue
        line, lane = (column, i) if turned else (i, column)
        block, lane = line * blocks + lane // LANES, lane % LANES
        state = array.records[(block * WORDS + STATE) * LANES + lane]
        words[i] = read_word(state - array.references[block * LANES + lane])
