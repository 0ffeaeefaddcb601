# SPDX-License-Identifier: Apache-2.0
"""Golden pulse trains of many updates, line by line instead of slot by slot, in the form that arrays take.

    word_l(q) has bit s where magnitude_l > (a xor b)(q, s),   a and b the sources of line l

Where few lines can fire only these are looked at. The words of the slots of a quadrant, `FIELDS` of them in one of 64
bits, are compared together, and the sources make their steps side by side. What a source adds in a step is linear,

    state * x**bits mod p = (state << bits) + sum over the bits k of its word of x**(32 + k) mod p.

The same as `model.tile.pulse_train` with `model.tile.random_source` gives. Source: docs/tile.md, sections 3 and 5.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from symtrack.model.compiled import njit
from symtrack.model.devices.records import LANES
from symtrack.model.devices.trains import QUADRANTS, WORD, add_event, add_lanes
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.polynomials import DEGREE
from symtrack.model.tile.pulse_train import COLUMN_SIDE, ROW_SIDE
from symtrack.model.tile.quadrants import is_present
from symtrack.model.tile.random_bank import Bank

FIELDS, FIELD_BITS = 3, 21  # words of slots in one of 64 bits, each with room for a sign
_SIGN = np.uint64(FIELD_BITS - 1)  # the bit of a field that stays where a line fires
_EVERY = np.uint64(1 | 1 << FIELD_BITS | 1 << 2 * FIELD_BITS)  # a one in every field
_ALL_FIELDS = np.uint64((1 << FIELDS) - 1)
_WORD, _MINUS = np.uint64(WORD), np.uint64(1 << 63)
_LIMIT = np.uint64((1 << FIELD_BITS - 1) - 1)
_NEVER = np.uint64(int(_LIMIT) * int(_EVERY))

SIDE_BY_SIDE = 32  # sources or lines; fewer and the compiler would unroll loops instead of using vectors
_BITS, _BITS_MAX = 12, 16  # of a word: usually, and at most
_WORTH = 5  # lines that take as long as `SIDE_BY_SIDE` at once
_NONE, _ALL = np.uint32(0), np.uint32(0xFFFFFFFF)


class Sources(NamedTuple):
    """The sources of both sides, those of the rows first.

    Attributes
    ----------
    row_state, column_state : int64[n], those of the banks, which step.
    leaps : uint32, for every group of sources what bit k of their words adds, counted from the top, k by k.
    operands : int64, where the words of sources that lines combine are, see `_fill`; none if sources have one word.
    each : words of a source in a step.
    bits : width of a word.
    top : ``2**31``. Compiled code tests bits by masks; if it knew that each has one bit, it would shift, which is slow.
    row_split, column_split : first operands among the words of a side; line l has l modulo the split, and that behind
        the first operands whose number is l // split.
    rows, columns : lines of the sides.
    """

    row_state: Int
    column_state: Int
    leaps: NDArray[np.uint32]
    operands: Int
    each: int
    bits: int
    top: int
    row_split: int
    column_split: int
    rows: int
    columns: int


def sources_of(row_bank: Bank, column_bank: Bank, *, bits: int, rows: int, columns: int) -> Sources:
    """The sources of two banks with words of so many bits, for the first rows and columns."""
    assert max(row_bank.split, column_bank.split) <= SIDE_BY_SIDE, "first operands must stand side by side"
    feedback = np.concatenate((row_bank.feedback, column_bank.feedback))  # [n, 2, 256]
    powers = [feedback[:, k // 8, 1 << k % 8] for k in reversed(range(bits))]
    groups = -(-len(feedback) // SIDE_BY_SIDE)
    leaps = np.zeros((_BITS_MAX, groups * SIDE_BY_SIDE), np.uint32)
    leaps[:bits, : len(feedback)] = powers
    each = row_bank.each
    sources = np.arange(len(feedback) if each > 1 else 0)
    return Sources(
        row_state=row_bank.state,
        column_state=column_bank.state,
        leaps=leaps.reshape(_BITS_MAX, groups, SIDE_BY_SIDE).transpose(1, 0, 2).ravel(),
        operands=np.add.outer(sources, np.arange(each) * groups * SIDE_BY_SIDE).ravel(),
        each=each,
        bits=bits,
        top=1 << DEGREE - 1,
        row_split=row_bank.split,
        column_split=column_bank.split,
        rows=rows,
        columns=columns,
    )


class Side(NamedTuple):
    """The lines of a side in an update, and as many as stand side by side behind them, which never fire.

    Attributes
    ----------
    limits : uint64, ``2**20 + magnitude - 1`` in every field, and bit 63 where the chopped value is negative.
    words : uint64, slots in which the line fires with positive lines of the other side, then those with negative ones.
    """

    limits: NDArray[np.uint64]
    words: NDArray[np.uint64]


class Room(NamedTuple):
    """Room for the work on an update.

    Attributes
    ----------
    states : uint32, of all sources.
    now, words : uint32, of all sources word by word, and of all operands; the same if sources have one word.
    fields : uint64, words of slots: quadrant by quadrant, `FIELDS` slots of all operands each.
    rows, columns : the sides.
    """

    states: NDArray[np.uint32]
    now: NDArray[np.uint32]
    words: NDArray[np.uint32]
    fields: NDArray[np.uint64]
    rows: Side
    columns: Side


@njit(cache=True)
def _new_side(lines: int) -> Side:
    room = (lines + LANES - 1) // LANES * LANES + SIDE_BY_SIDE
    return Side(np.full(room, _NEVER, np.uint64), np.zeros(2 * room, np.uint64))


@njit(cache=True)
def new_room(sources: Sources, longest: int) -> Room:
    """For updates of these sources with trains of at most ``longest`` slots."""
    count, operands = sources.leaps.size // _BITS_MAX, sources.operands.size
    now = np.zeros(count * sources.each, np.uint32)
    words = np.zeros((operands + SIDE_BY_SIDE - 1) // SIDE_BY_SIDE * SIDE_BY_SIDE, np.uint32) if operands else now
    return Room(
        states=np.zeros(count, np.uint32),
        now=now,
        words=words,
        fields=np.zeros(QUADRANTS * ((longest + FIELDS - 1) // FIELDS) * words.size + SIDE_BY_SIDE, np.uint64),
        rows=_new_side(sources.rows),
        columns=_new_side(sources.columns),
    )


@njit(cache=True, forceinline=True)
def _step(states, words, start, leaps, group, bits, top, most):  # type: ignore[no-untyped-def]
    """The words of a group of sources, among those from ``start`` on, and their step.

    most: a constant that ``bits`` does not exceed.
    """
    first, drop = np.uint64(group * SIDE_BY_SIDE), np.uint32(DEGREE - bits)
    here = np.uint64(start) + first
    leap, left = first * np.uint64(_BITS_MAX), np.uint32(bits)
    for i in range(np.uint64(SIDE_BY_SIDE)):
        state = states[first + i]
        word = np.uint32(state >> drop)
        following = np.uint32(state << left)
        for k in range(most):
            bit = np.uint32(-np.int32(np.uint32(state & np.uint32(top >> np.uint32(k))) != _NONE))  # all ones or zero
            following = np.uint32(following ^ np.uint32(leaps[leap + np.uint64(k * SIDE_BY_SIDE) + i] & bit))
        words[here + i], states[first + i] = word, following


@njit(cache=True, forceinline=True)
def _put(fields, here, words, shift):  # type: ignore[no-untyped-def]
    """The words of a slot into their fields, the first of which has no shift."""
    for i in range(np.uint64(words.size)):
        word = np.uint64(words[i]) << shift
        fields[here + i] = word | (fields[here + i] if shift else np.uint64(0))


@njit(cache=True, forceinline=True)
def _fill(states, now, words, fields, leaps, operands, bits, top, runs, bl):  # type: ignore[no-untyped-def]
    """The fields of so many quadrants of ``bl`` slots each.

    First words of all sources come first in ``now``, then second ones. They are put together by their sources for the
    lines, as which ``operands`` has their places.
    """
    groups = states.size // SIDE_BY_SIDE
    for run in range(runs):
        for slot in range(bl):
            for start in range(0, now.size, states.size):
                for group in range(groups):
                    if bits <= _BITS:
                        _step(states, now, start, leaps, group, bits, top, _BITS)
                    else:
                        _step(states, now, start, leaps, group, bits, top, _BITS_MAX)
            for k in range(operands.size):
                words[k] = now[operands[k]]
            together = run * ((bl + FIELDS - 1) // FIELDS) + slot // FIELDS
            _put(fields, np.uint64(together * words.size), words, np.uint64(slot % FIELDS * FIELD_BITS))


@njit(cache=True, forceinline=True)
def _load(values, k, choppers, limits):  # type: ignore[no-untyped-def]
    """Magnitudes and chopped signs of update k; returns how many lines can fire, and a mask of their signs."""
    active, negative = np.uint64(0), np.uint64(0)
    for line in range(np.uint64(values.shape[1])):
        value = np.int64(values[k, line])
        size, sign = np.uint64(abs(value)), np.uint64((value < 0) ^ (choppers[line] < 0))
        limits[line] = ((_LIMIT + size) * _EVERY) | (sign << np.uint64(63))
        active += np.uint64(size != 0)
        negative += np.uint64(size != 0) & sign
    return np.int64(active), np.int64(negative < active) | np.int64(negative != 0) << 1


@njit(cache=True, forceinline=True)
def _compare(fields, limits, words, line, word, first, second, bits):  # type: ignore[no-untyped-def]
    """A word of fields for lines side by side: the first source of each follows that before, the second is the same.

    first, second: where the fields are of lines that are positive, and of those that are negative.
    bits: where the slots go in the words, the first of which are overwritten.
    """
    (plus, minus), positive, negative = first, fields[second[0]], fields[second[1]]
    for i in range(np.uint64(SIDE_BY_SIDE)):
        limit, ours, theirs = limits[line + i], fields[plus + i] ^ positive, fields[minus + i] ^ negative
        word_of = ours ^ ((ours ^ theirs) & np.uint64(np.int64(limit) >> 63))  # a choice would be one of addresses
        fires = _slots((limit & ~_MINUS) - word_of) << bits
        words[word + i] = fires | (words[word + i] if bits else np.uint64(0))


@njit(cache=True, forceinline=True)
def _slots(difference):  # type: ignore[no-untyped-def]
    """In which of the fields a line fires, neighbouring bits."""
    signs = difference >> _SIGN & _EVERY
    return (signs | signs >> _SIGN | signs >> (_SIGN + _SIGN)) & _ALL_FIELDS


@njit(cache=True, forceinline=True)
def _fire_side_by_side(fields, limits, words, runs, stride, first, split, lines, parts):  # type: ignore[no-untyped-def]
    """`_fire` of many lines. Those that stand side by side may be of the next sources, which then overwrite them."""
    negative = words.size // 2
    for start in range(0, lines, split):
        line, own = np.uint64(start), first + split + start // split
        for other in range(2):
            plus, minus = runs[2 * other], runs[2 * other + 1]
            for part in range(parts):
                here = part * stride
                ones = np.uint64(plus + here + first), np.uint64(minus + here + first)
                others = np.uint64(plus + here + own), np.uint64(minus + here + own)
                word, bits = line + np.uint64(other * negative), np.uint64(part * FIELDS)
                _compare(fields, limits, words, line, word, ones, others, bits)


@njit(cache=True, forceinline=True)
def _fire_one_by_one(fields, limits, words, runs, stride, first, split, lines, parts):  # type: ignore[no-untyped-def]
    """`_fire` of few lines."""
    negative, source, own = words.size // 2, first, first + split
    for i in range(words.size):
        words[i] = np.uint64(0)
    for line in range(lines):
        limit = limits[line]
        if limit & ~_MINUS != _NEVER:
            sign, limit = np.int64(limit >> np.uint64(63)), limit & ~_MINUS
            for other in range(2):
                here = runs[2 * other + sign]
                a, b = np.uint64(here + source), np.uint64(here + own)
                word = _slots(limit - (fields[a] ^ fields[b]))
                if parts > 1:  # apart, as for two of them vectors are not worth it
                    a, b = a + np.uint64(stride), b + np.uint64(stride)
                    word |= _slots(limit - (fields[a] ^ fields[b])) << np.uint64(FIELDS)
                for part in range(np.uint64(2), np.uint64(parts)):
                    a, b = a + np.uint64(stride), b + np.uint64(stride)
                    word |= _slots(limit - (fields[a] ^ fields[b])) << (part * np.uint64(FIELDS))
                words[other * negative + line] = word
        source += 1
        if source == first + split:
            source, own = first, own + 1


@njit(cache=True, forceinline=True)
def _fire(active, fields, limits, words, runs, stride, first, split, lines, parts):  # type: ignore[no-untyped-def]
    """The words of a side, ``active`` lines of which can fire, from quadrants of so many parts.

    runs: where the fields of the quadrant begin of lines of the other side's sign and, after it, this side's.
    first: the number of the side's first source.
    """
    if active > _WORTH * ((lines + split - 1) // split):
        _fire_side_by_side(fields, limits, words, runs, stride, first, split, lines, parts)
    else:
        _fire_one_by_one(fields, limits, words, runs, stride, first, split, lines, parts)


@njit(cache=True)
def make_trains(x, delta, bl, choppers, row_choppers, halves, turned, sources, room, trains):  # type: ignore[no-untyped-def]
    """Add the trains of n updates, one after the other, to what is empty.

    Parameters
    ----------
    x, delta
        Signed magnitudes [n, C] and [n, R], not chopped.
    bl
        int64[n], slots of a quadrant.
    choppers, row_choppers
        int64, +1 or -1.
    halves
        Words of the longest train.
    turned
        The columns are the lines of the trains.
    sources, room
        `sources_of` the banks, which step, and `new_room`.
    trains
        Room for 2 * n * halves events.

    Returns
    -------
    int
        The number of slots.
    """
    row_state, column_state, leaps, operands, each, bits, top = sources[:7]
    row_split, column_split, row_count, column_count = sources[7:]
    states, now, combined, fields, rows, columns = room
    (row_limits, row_words), (column_limits, column_words) = rows, columns
    words, fires, counts, numbers, events = trains
    count, stride, columns_first = row_state.size, combined.size, row_state.size * each
    for k in range(count):
        states[k] = np.uint32(row_state[k])
    for k in range(column_state.size):
        states[count + k] = np.uint32(column_state[k])
    slots, of_rows, of_columns = 0, np.zeros(QUADRANTS, np.int64), np.zeros(QUADRANTS, np.int64)
    (line_limits, line_words), (lane_limits, lane_words) = (columns, rows) if turned else (rows, columns)
    lines = column_count if turned else row_count
    second, second_lane = line_words.size // 2, lane_words.size // 2
    for k in range(bl.size):
        if bl[k] == 0:
            continue
        active_rows, row_mask = _load(delta, k, row_choppers, row_limits)
        active, column_mask = _load(x, k, choppers, column_limits)
        parts, runs = (bl[k] + FIELDS - 1) // FIELDS, 0
        for q in range(QUADRANTS):
            row, column = q >> ROW_SIDE & 1, q >> COLUMN_SIDE & 1
            of_rows[2 * column + row] = of_columns[2 * row + column] = runs * parts * stride
            runs += is_present(q, row_mask, column_mask)
        if runs == 0:
            continue
        _fill(states, now, combined, fields, leaps, operands, bits, np.uint32(top), runs, bl[k])
        slots += runs * bl[k]
        _fire(active_rows, fields, row_limits, row_words, of_rows, stride, 0, row_split, row_count, parts)
        column_form = columns_first, column_split, column_count, parts
        _fire(active, fields, column_limits, column_words, of_columns, stride, *column_form)
        line_mask, lane_mask = (column_mask, row_mask) if turned else (row_mask, column_mask)
        every = np.uint64((1 << bl[k]) - 1)
        for half in range(halves):
            shift = np.uint64(half) * _WORD
            slots_of = np.uint32(every >> shift)
            for sign in range(2):
                if line_mask >> sign & 1:
                    at = (2 * k + sign) * halves + half
                    add_lanes(words, fires, at, lane_words, sign * second_lane, lane_limits, shift, slots_of)
            for i in range(lines):
                limit = line_limits[i]
                if limit & ~_MINUS != _NEVER:
                    sign = np.int64(limit >> np.uint64(63))
                    one = np.uint32(line_words[i] >> shift) & slots_of if lane_mask & 1 else _NONE
                    other = np.uint32(line_words[second + i] >> shift) & slots_of if lane_mask & 2 else _NONE
                    at, flip = (2 * k + sign) * halves + half, _ALL if sign else _NONE
                    add_event(counts, numbers, events, i, at, one, other, flip)
    for k in range(count):
        row_state[k] = states[k]
    for k in range(column_state.size):
        column_state[k] = states[count + k]
    return slots
