# SPDX-License-Identifier: Apache-2.0
"""Compiled inner loop of all pulsing: applies the queues of the cells of a block, which are the lanes of vectors.

A queue is a word and a count: bit k of the word says whether pulse k goes up. For all k in order, every cell whose
count is above k makes a step,

    d = change(v) upwards, -change(v) downwards
    v <- clip(v + d + noise, low, high),   noise = round(base * (sigma * xi)),   base = d if multiplicative, else +-step

with xi the draw of the cell's next pulse, `model.devices.pulse_noise`. At the end the word that products read is
(v - reference) with `READ_BITS` fractional bits, rounded down.

A cell's pulses depend on each other, those of different cells do not; lanes whose queue is at its end are masked.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from symtrack.model.arithmetic.formats import READ_DROP, READ_MAX
from symtrack.model.compiled import njit
from symtrack.model.devices.pulse_noise import (
    cell_keys,
    draw_end,
    draw_position,
    draw_scale,
    word_end,
    word_middle,
    word_start,
)
from symtrack.model.devices.records import HIGH, LANES, LOW, NUMBER, SLOPE, STATE, STEP, WORDS
from symtrack.model.devices.responses import (
    LINEAR,
    TABLE,
    Table,
    drift,
    entries,
    exp2,
    exp_index,
    log_index,
    minus_log2,
    normalized,
    omega,
    power_log2,
    scaled,
    segment,
    table_factor,
)
from symtrack.model.spec.fixed import Int

QUEUE = 32  # pulses of one cell at a time
STRAYS = 512  # of which groups with queues of like length are made

# Where the words of the lanes begin in one buffer, first those of the records: the compiler vectorises a loop only if
# it sees that what the loop reads and what it writes do not overlap.
_PARTS = 20
_STATE, _NUMBER, _LOW, _HIGH = (np.int64(LANES * word) for word in (STATE, NUMBER, LOW, HIGH))
_STEP, _STEP_UP, _SLOPE, _SLOPE_UP = (np.int64(LANES * word) for word in (STEP, STEP + 1, SLOPE, SLOPE + 1))
QUEUES, COUNT, _KEY, _AGAIN, _NOISE = (np.int64(LANES * part) for part in range(WORDS, 13))
_NEXT, _SCALES = (np.int64(LANES * part) for part in (13, 14))
_FACTOR, _SHIFT, _LEFT, _RIGHT = (np.int64(LANES * part) for part in range(16, _PARTS))
_BOTH = 2 * LANES
_ONE, _BIAS = np.uint32(1), np.int64(1 << 62)
# What a stray and a block cost, and each of their steps; measured, no result depends on them.
_STRAY, _STRAY_STEP, _BLOCK, _BLOCK_STEP = 120, 7, 560, 198
_READ_DROP, _READ_MAX = np.int64(READ_DROP), np.int64(READ_MAX)
_RECORD = np.uint64(WORDS * LANES)

_SCALE, _ORIGIN = np.int64(0), np.int64(LANES)


class Room(NamedTuple):
    """Room for the work on a block: words of its lanes, and scale and origin of their positions."""

    lanes: NDArray[np.int32]
    place: Int


@njit(cache=True)
def new_room() -> Room:
    """For the queues of a block, which are empty, and the work on them."""
    return Room(np.zeros(_PARTS * LANES, np.int32), np.zeros(2 * LANES, np.int64))


@njit(cache=True, forceinline=True)
def _noise(k, lanes, sigma):  # type: ignore[no-untyped-def]
    """Lanes NOISE and NEXT of the pulses k and k + 1: sigma times a draw.

    Link by link, and both pulses at once: the multiplications of one take long, and a core fills the time with others.
    """
    for i in range(LANES):
        number = np.uint32(np.uint32(lanes[_NUMBER + i]) + np.uint32(k))
        lanes[_NOISE + i] = np.int32(word_start(np.uint32(lanes[_KEY + i]), number))
        lanes[_NEXT + i] = np.int32(word_start(np.uint32(lanes[_KEY + i]), np.uint32(number + _ONE)))
    for i in range(LANES):
        again = np.uint32(lanes[_AGAIN + i])
        lanes[_NOISE + i] = np.int32(word_middle(np.uint32(lanes[_NOISE + i]), again))
        lanes[_NEXT + i] = np.int32(word_middle(np.uint32(lanes[_NEXT + i]), again))
    for i in range(_BOTH):
        lanes[_NOISE + i] = np.int32(word_end(np.uint32(lanes[_NOISE + i])))
    for i in range(_BOTH):
        lanes[_NOISE + i] = draw_position(np.uint32(lanes[_NOISE + i]))
    for i in range(_BOTH):
        lanes[_SCALES + i] = draw_scale(lanes[_NOISE + i])
    for i in range(_BOTH):
        lanes[_NOISE + i] = np.int32(sigma * draw_end(lanes[_NOISE + i], lanes[_SCALES + i]))


@njit(cache=True, forceinline=True)
def _of_pulse(k, lanes, i, down):  # type: ignore[no-untyped-def]
    """What pulse k of lane i takes of two words, of which that of the down pulse is at ``down``, and its direction.

    By masks, as the compiler would choose between addresses instead, and no vector loads from those.
    """
    up = np.int32(-np.int32((lanes[QUEUES + i] & np.int32(1 << k)) != 0))
    below, above = lanes[down + i], lanes[down + LANES + i]
    return np.int32(below ^ ((below ^ above) & up)), up


@njit(cache=True, forceinline=True)
def _move(lanes, i, k, move, step, multiplicative, fraction):  # type: ignore[no-untyped-def]
    """Move lane i by ``move`` and its noise, if it has pulse k; ``step`` is the signed size of the step.

    Both are int32, as are all changes that cells with `fits_words` make; a distance to a bound is a uint32. The bias,
    which the quotient loses again, makes the product positive: vectors of AVX2 shift 64 bits only without a sign.
    """
    old, base = lanes[_STATE + i], move if multiplicative else step
    product = np.int64(base) * np.int64(lanes[_NOISE + i]) + ((np.int64(1) << np.int64(fraction - 1)) + _BIAS)
    noise = np.int32(np.uint64(product) >> np.uint64(fraction)) - np.int32(_BIAS >> np.int64(fraction))
    change = np.int32(move + np.int32(noise))
    down = np.int32(change >> np.int32(31))
    above, below = np.int32(lanes[_HIGH + i] - old), np.int32(old - lanes[_LOW + i])
    room, size = np.uint32(above ^ ((above ^ below) & down)), np.uint32((change ^ down) - down)
    going = np.int32(-np.int32(np.int32(k) < lanes[COUNT + i]))
    moved = np.int32(np.int32(min(size, room)) & going)
    lanes[_STATE + i] = np.int32(old + np.int32((moved ^ down) - down))


@njit(cache=True, forceinline=True)
def _move_far(lanes, i, k, move, step, multiplicative, fraction):  # type: ignore[no-untyped-def]
    """`_move` in 64 bits, for any cells."""
    old, base = np.int64(lanes[_STATE + i]), move if multiplicative else step
    noise = (base * np.int64(lanes[_NOISE + i]) + (np.int64(1) << np.int64(fraction - 1))) >> np.int64(fraction)
    new = min(max(old + move + noise, np.int64(lanes[_LOW + i])), np.int64(lanes[_HIGH + i]))
    going = np.int32(-np.int32(np.int32(k) < lanes[COUNT + i]))
    lanes[_STATE + i] ^= np.int32((np.int32(new) ^ lanes[_STATE + i]) & going)


# A loop for every stage: those without tables are vectorised, and the ones with them have little else to do.


@njit(cache=True, forceinline=True)
def _linear_move(k, lanes, i):  # type: ignore[no-untyped-def]
    """LINEAR: what pulse k makes of lane i without noise, and the signed size of the step."""
    size, up = _of_pulse(k, lanes, i, _STEP)
    slope, _ = _of_pulse(k, lanes, i, _SLOPE)
    step = np.int32((size ^ ~up) - ~up)
    return np.int64(step) - drift(np.int64(lanes[_STATE + i]), np.int64(slope)), step


@njit(cache=True, forceinline=True)
def _scaled_move(k, lanes, i):  # type: ignore[no-untyped-def]
    """The other kinds: the same, from lane FACTOR."""
    size, up = _of_pulse(k, lanes, i, _STEP)
    change = scaled(size, lanes[_FACTOR + i])
    return (change, np.int64(size)) if up else (-change, -np.int64(size))


# Loops are split by what is the same in all lanes, as the compiler does not.


@njit(cache=True, forceinline=True)
def _linear(k, lanes, near, multiplicative, fraction):  # type: ignore[no-untyped-def]
    """Pulse k of LINEAR."""
    if near:
        for i in range(LANES):
            move, step = _linear_move(k, lanes, i)
            _move(lanes, i, k, np.int32(move), step, multiplicative, fraction)
    else:
        for i in range(LANES):
            move, step = _linear_move(k, lanes, i)
            _move_far(lanes, i, k, move, np.int64(step), multiplicative, fraction)


@njit(cache=True, forceinline=True)
def _scaled(k, lanes, near, multiplicative, fraction):  # type: ignore[no-untyped-def]
    """Pulse k of the other kinds."""
    if near:
        for i in range(LANES):
            move, step = _scaled_move(k, lanes, i)
            _move(lanes, i, k, np.int32(move), np.int32(step), multiplicative, fraction)
    else:
        for i in range(LANES):
            move, step = _scaled_move(k, lanes, i)
            _move_far(lanes, i, k, move, step, multiplicative, fraction)


@njit(cache=True, forceinline=True)
def _table_factors(k, lanes, place, tables):  # type: ignore[no-untyped-def]
    """Lane FACTOR of TABLE."""
    for i in range(LANES):
        position = np.int64(lanes[_STATE + i]) * place[_SCALE + i] + place[_ORIGIN + i]
        lanes[_LEFT + i], lanes[_FACTOR + i] = segment(position)
    for i in range(LANES):
        up = (np.uint32(lanes[QUEUES + i]) >> np.uint32(k)) & _ONE
        lanes[_LEFT + i], lanes[_RIGHT + i] = entries(tables[up], lanes[_LEFT + i])
    for i in range(LANES):
        lanes[_FACTOR + i] = table_factor(np.int64(lanes[_FACTOR + i]), lanes[_LEFT + i], lanes[_RIGHT + i])


@njit(cache=True, forceinline=True)
def _look_up(lanes, table):  # type: ignore[no-untyped-def]
    """Lanes LEFT and RIGHT from the index in LEFT."""
    for i in range(LANES):
        lanes[_LEFT + i], lanes[_RIGHT + i] = entries(table, lanes[_LEFT + i])


@njit(cache=True, forceinline=True)
def _power_factors(k, lanes, place, tables):  # type: ignore[no-untyped-def]
    """Lane FACTOR of POWER."""
    for i in range(LANES):
        up = (np.uint32(lanes[QUEUES + i]) >> np.uint32(k)) & _ONE
        state = np.int64(lanes[_STATE + i])
        above, below = np.int64(lanes[_HIGH + i]) - state, state - np.int64(lanes[_LOW + i])
        lanes[_FACTOR + i] = omega(above if up else below, place[_SCALE + i])
    for i in range(LANES):
        lanes[_FACTOR + i], lanes[_SHIFT + i] = normalized(lanes[_FACTOR + i])
        lanes[_LEFT + i] = log_index(lanes[_FACTOR + i])
    _look_up(lanes, tables[0])
    for i in range(LANES):
        log = minus_log2(lanes[_FACTOR + i], lanes[_SHIFT + i], lanes[_LEFT + i], lanes[_RIGHT + i])
        lanes[_FACTOR + i] = log
    for i in range(LANES):
        exponent, _ = _of_pulse(k, lanes, i, _SLOPE)
        lanes[_FACTOR + i] = power_log2(lanes[_FACTOR + i], exponent)
        lanes[_LEFT + i] = exp_index(lanes[_FACTOR + i])
    _look_up(lanes, tables[1])
    for i in range(LANES):
        lanes[_FACTOR + i] = exp2(lanes[_FACTOR + i], lanes[_LEFT + i], lanes[_RIGHT + i])


class Memory(NamedTuple):
    """An array for compiled code; what is of its cells is in blocks, see `model.devices.records`.

    Attributes
    ----------
    records, references : int32 and int64 in one dimension.
    words, shows : int32[C * R], what products read, and whether it follows the states.
    lanes : lines of the array whose cells are side by side.
    steps : from a cell to that of the next line, and to that of the next lane, in ``words`` and in numbers of cells.
    sigma, fraction : `noise_words` of the cells.
    near : `fits_words` of the cells.
    keys : `halves` of the key of the array.
    kind, places, tables : of the response.
    """

    records: NDArray[np.int32]
    words: NDArray[np.int32]
    shows: bool
    lanes: int
    steps: tuple[int, int]
    references: Int
    sigma: np.int32
    fraction: int
    multiplicative: bool
    near: bool
    keys: NDArray[np.uint32]
    kind: int
    places: Int
    tables: Table


@njit(cache=True, forceinline=True)
def _step(room, most, array):  # type: ignore[no-untyped-def]
    """Apply the queues of the lanes, of which the longest has ``most`` pulses, whose cells' numbers are in KEY."""
    _, _, _, _, _, _, sigma, fraction, multiplicative, near, keys, kind, _, tables = array
    lanes, place = room
    if sigma:
        for i in range(LANES):
            key, again = cell_keys(np.uint32(lanes[_KEY + i]), keys[0], keys[1])
            lanes[_KEY + i], lanes[_AGAIN + i] = np.int32(key), np.int32(again)
    for k in range(most):
        if sigma and k % 2 == 0:
            _noise(k, lanes, sigma)
        elif sigma:
            for i in range(LANES):
                lanes[_NOISE + i] = lanes[_NEXT + i]
        if kind == LINEAR:
            _linear(k, lanes, near, multiplicative, fraction)
            continue
        if kind == TABLE:
            _table_factors(k, lanes, place, tables)
        else:
            _power_factors(k, lanes, place, tables)
        _scaled(k, lanes, near, multiplicative, fraction)
    for i in range(LANES):
        lanes[_NUMBER + i] += lanes[COUNT + i]


@njit(cache=True, forceinline=True)
def waiting(lanes):  # type: ignore[no-untyped-def]
    """Of the queues: how many are not empty, the pulses of the longest, and of all."""
    active, most, total = np.int32(0), np.int32(0), np.int32(0)
    for i in range(LANES):
        count = lanes[COUNT + i]
        active, most, total = np.int32(active + (count != 0)), max(most, count), np.int32(total + count)
    return np.int64(active), np.int64(most), np.int64(total)


@njit(cache=True, forceinline=True)
def pulse_block(room, line, block, most, array):  # type: ignore[no-untyped-def]
    """Apply the queues of the cells of a block of a line, of which the longest has ``most`` pulses, and empty them.

    The queues are parts of the lanes of ``room``: words from `QUEUES` on, and their 0 to `QUEUE` pulses from `COUNT`.
    """
    records, words, shows, across, steps, references, _, _, _, _, _, kind, places, _ = array
    lanes, place = room
    number, cell = line * ((across + LANES - 1) // LANES) + block, line * steps[0] + block * LANES * steps[1]
    record = np.uint64(number * WORDS * LANES)
    for i in range(_RECORD):
        lanes[i] = records[record + i]
    if kind != LINEAR:
        for i in range(LANES):
            place[i], place[LANES + i] = places[0, number * LANES + i], places[1, number * LANES + i]
    for i in range(LANES):
        lanes[_KEY + i] = np.int32(np.uint32(np.uint32(cell) + np.uint32(np.uint32(i) * np.uint32(steps[1]))))

    _step(room, most, array)

    for i in range(2 * LANES):
        records[record + np.uint64(i)] = lanes[i]
    first, shown = np.uint64(number * LANES), LANES if shows else 0
    for i in range(shown):
        lanes[_LEFT + i] = read_word(np.int64(lanes[_STATE + i]) - references[first + np.uint64(i)])
    for i in range(min(shown, across - block * LANES)):
        words[cell + i * steps[1]] = lanes[_LEFT + i]
    for i in range(2 * LANES):
        lanes[QUEUES + i] = 0


class Strays(NamedTuple):
    """Cells of several blocks, which step together.

    Attributes
    ----------
    cells : int64[2, n], where the words of each begin among the records, and its number.
    queues : int32[2, n], the word of its queue, and the pulses in it.
    """

    cells: Int
    queues: NDArray[np.int32]


@njit(cache=True)
def new_strays() -> Strays:
    """Room for `STRAYS` of them."""
    return Strays(np.empty((2, STRAYS), np.int64), np.empty((2, STRAYS), np.int32))


@njit(cache=True)
def step_strays(room, strays, count, array):  # type: ignore[no-untyped-def]
    """Apply the queues of so many strays: in order of length, so that few lanes wait for the longest beside them."""
    cells, queues = strays
    starts, order = np.zeros(QUEUE + 2, np.int64), np.empty(STRAYS, np.int64)
    for n in range(count):
        starts[queues[1, n] + 1] += 1
    for pulses in range(QUEUE):
        starts[pulses + 1] += starts[pulses]
    for n in range(count):
        place = queues[1, n]
        order[starts[place]] = n
        starts[place] += 1
    for first in range(0, count, LANES):
        _step_some(room, cells, queues, order, first, min(first + LANES, count), array)


@njit(cache=True)
def _step_some(room, cells, queues, order, first, last, array):  # type: ignore[no-untyped-def]
    """Apply the queues of strays, at most as many as there are lanes; the last of them is the longest."""
    records, words, shows, _, _, references, _, _, _, _, _, kind, places, _ = array
    lanes, place = room
    for i in range(last - first):
        n = order[first + i]
        record = cells[0, n]
        for word in range(WORDS):
            lanes[word * LANES + i] = records[record + word * LANES]
        lanes[_KEY + i] = np.int32(np.uint32(cells[1, n]))
        lanes[QUEUES + i], lanes[COUNT + i] = queues[0, n], queues[1, n]
        if kind != LINEAR:
            at = record // (WORDS * LANES) * LANES + record % LANES
            place[i], place[LANES + i] = places[0, at], places[1, at]
    _step(room, np.int64(lanes[COUNT + last - first - 1]), array)
    for i in range(last - first):
        record, cell = cells[0, order[first + i]], cells[1, order[first + i]]
        records[record + STATE * LANES] = lanes[_STATE + i]
        records[record + NUMBER * LANES] = lanes[_NUMBER + i]
        if shows:
            reference = references[record // (WORDS * LANES) * LANES + record % LANES]
            words[cell] = read_word(np.int64(lanes[_STATE + i]) - reference)
    for i in range(2 * LANES):
        lanes[QUEUES + i] = 0


@njit(cache=True, forceinline=True)
def stray(lanes, lane, record, cell, cells, queues, count):  # type: ignore[no-untyped-def]
    """The queue of a lane becomes that of a stray, the last of so many."""
    queues[0, count], queues[1, count] = lanes[QUEUES + lane], lanes[COUNT + lane]
    lanes[QUEUES + lane], lanes[COUNT + lane] = 0, 0
    cells[0, count], cells[1, count] = record, cell


@njit(cache=True, forceinline=True)
def are_strays(active, most):  # type: ignore[no-untyped-def]
    """Whether so many cells of a block cost less time as strays, in eighths of a step of a lane."""
    return active * (_STRAY + most * _STRAY_STEP) < _BLOCK + most * _BLOCK_STEP


@njit(cache=True, forceinline=True)
def read_word(weight):  # type: ignore[no-untyped-def]
    """What a read sees of a weight, an int32."""
    return np.int32(min(max(weight >> _READ_DROP, -_READ_MAX - 1), _READ_MAX))
