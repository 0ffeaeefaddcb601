# SPDX-License-Identifier: Apache-2.0
"""Pulse trains of many updates in the form that arrays take: words of slots, as events of lines and blocks of lanes.

Slot s of a quadrant is bit s of a word. A line whose value has one sign fires in two of the four quadrants, of which a
cell sees one, that of the signs of its row and its column.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from symtrack.model.compiled import njit
from symtrack.model.devices.records import LANES
from symtrack.model.spec.fixed import Int

QUADRANTS = 4
WORD = 32  # slots of a word; longer trains have two

Words = NDArray[np.uint64]

_M1, _M2, _M4 = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333), np.uint64(0x0F0F0F0F0F0F0F0F)
_BYTES = np.uint64(0x0101010101010101)
_S1, _S2, _S4, _S56 = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)
_NONE, _ALL = np.uint32(0), np.uint32(0xFFFFFFFF)


class Trains(NamedTuple):
    """Trains of many updates, in order: what a line meets in each event of its own.

    In an event of a line the cell of lane j makes a pulse for every bit of

        word[k, j] & (second if minus[k, j] else first),   upwards where flip xor minus[k, j],

    with k, first, second and flip those of the event. Masks are all ones or zero. Lines are rows and lanes columns, or
    the other way round, as the array has it.

    Attributes
    ----------
    words : uint32, k by k and block by block the words of the lanes and then their masks ``minus``.
    fires : uint32[m, blocks], the slots in which any lane of a block fires.
    counts : int64[lines], events of the lines.
    numbers : int64[lines, events], k of each.
    events : uint32[lines, events, 3], first, second and flip of each.
    """

    words: NDArray[np.uint32]
    fires: NDArray[np.uint32]
    counts: Int
    numbers: Int
    events: NDArray[np.uint32]


@njit(cache=True)
def new_trains(count: int, lines: int, lanes: int) -> Trains:
    """Room for ``count`` events of every line, and as many words of every lane; there are none yet."""
    blocks = (lanes + LANES - 1) // LANES
    return Trains(
        words=np.zeros(count * blocks * 2 * LANES, np.uint32),
        fires=np.zeros((count, blocks), np.uint32),
        counts=np.zeros(lines, np.int64),
        numbers=np.empty((lines, count), np.int64),
        events=np.empty((lines, count, 3), np.uint32),
    )


@njit(cache=True)
def clear(trains: Trains) -> None:
    """Take out all events, without which words are not looked at."""
    trains.counts[...] = 0


# These take the parts of trains, as every access to a part of a tuple would be counted as a reference.


@njit(cache=True, forceinline=True)
def add_lanes(words, fires, k, added, first, signs, shift, slots):  # type: ignore[no-untyped-def]
    """Lanes fire in the slots of k: uint64 words from ``first`` on and their bits from ``shift`` on, of these slots.

    signs: uint64, whose uppermost bit makes the mask of a lane.
    """
    blocks = fires.shape[1]
    for block in range(blocks):
        here, at, any_fires = np.uint64((k * blocks + block) * 2 * LANES), np.uint64(block * LANES), _NONE
        for lane in range(np.uint64(LANES)):
            word = np.uint32(added[np.uint64(first) + at + lane] >> shift) & slots
            words[here + lane] = word
            words[here + np.uint64(LANES) + lane] = np.uint32(np.int64(signs[at + lane]) >> 63)
            any_fires |= word
        fires[k, block] = any_fires


@njit(cache=True, forceinline=True)
def add_event(counts, numbers, events, i, k, first, second, flip):  # type: ignore[no-untyped-def]
    """An event of line i, unless it fires in no slot."""
    here = counts[i]
    numbers[i, here] = k
    events[i, here, 0], events[i, here, 1], events[i, here, 2] = first, second, flip
    counts[i] = here + ((first | second) != _NONE)


@njit(cache=True)
def packed(rows, columns, up, quadrant):  # type: ignore[no-untyped-def]
    """The lines of the slots of one update as words, uint64[1, 4, R] and uint64[1, 4, C], and the polarity [1, 4]."""
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
        seen[q] += np.uint64(1)
    return words


@njit(cache=True)
def from_words(row_words: Words, column_words: Words, polarity: Int, turned: bool) -> Trains:
    """Trains of words uint64[n, 4, R] and uint64[n, 4, C] of n updates, whose lines may fire in any quadrant.

    polarity: int64[n, 4], 1 where coincidences of the quadrant are pulses upwards.
    turned: the lines are the columns.
    """
    line_words, lane_words = (column_words, row_words) if turned else (row_words, column_words)
    halves, lines, lanes = 1, line_words.shape[2], lane_words.shape[2]
    for _, word in np.ndenumerate(lane_words):
        halves = 2 if word >> np.uint64(WORD) else halves
    count = row_words.shape[0] * QUADRANTS * halves
    trains = new_trains(count, lines, lanes)
    words, fires, counts, numbers, events = trains
    padded = np.zeros(trains.fires.shape[1] * LANES, np.uint64)
    positive = np.zeros(padded.size, np.uint64)
    for k in range(count):
        update, q, shift = k // (QUADRANTS * halves), k // halves % QUADRANTS, np.uint64(k % halves * WORD)
        padded[:lanes] = lane_words[update, q]
        add_lanes(words, fires, k, padded, 0, positive, shift, _ALL)
        for i in range(lines):
            slots = np.uint32(line_words[update, q, i] >> shift)
            add_event(counts, numbers, events, i, k, slots, slots, _ALL if polarity[update, q] else _NONE)
    return trains
