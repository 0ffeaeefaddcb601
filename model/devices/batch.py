# SPDX-License-Identifier: Apache-2.0
"""Compiled inner loop of all pulsing: applies queues of pulses to a batch of cells side by side.

A queue is a word and a count: bit k of the word says whether pulse k of the batch goes up. For all k in order, every
cell whose count is above k makes a step,

    d = change(v) upwards, -change(v) downwards
    v <- clip(v + d + noise, low, high),   noise = round(base * (sigma * xi)),   base = d if multiplicative, else +-step

with xi the draw of the cell's next pulse, `model.devices.pulse_noise`. At the end the word that products read is
(v - reference) with `READ_BITS` fractional bits, rounded down.

A cell's pulses depend on each other, those of different cells do not: cells are the lanes of vector instructions, in
the order of their counts, so that at every k the first lanes are the busy ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from symtrack.model.arithmetic.formats import READ_DROP, READ_MAX
from symtrack.model.compiled import njit
from symtrack.model.devices.pulse_noise import cell_keys, normal_draw, pulse_word
from symtrack.model.devices.records import HIGH, LOW, NUMBER, SLOPE, STATE, STEP
from symtrack.model.devices.responses import (
    LINEAR,
    TABLE,
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

BATCH = 512  # cells; more fill vectors better, and their lanes must fit a cache near the core
QUEUE = 32  # pulses of one cell in one batch

_VECTOR = 16  # lanes are stepped in whole multiples of this, idle ones masked

# Where the words of the lanes begin in one buffer: the compiler vectorises a loop only if it sees that what the loop
# reads and what it writes do not overlap.
_PARTS = 17
_STATE, _NUMBER, _LOW, _HIGH, _STEP, _STEP_UP, _SLOPE, _SLOPE_UP = (np.int64(BATCH * part) for part in range(8))
_KEY, _AGAIN, _QUEUE, _COUNT, _NOISE = (np.int64(BATCH * part) for part in range(8, 13))
_FACTOR, _SHIFT, _LEFT, _RIGHT = (np.int64(BATCH * part) for part in range(13, _PARTS))
_SCALE, _ORIGIN = np.int64(0), np.int64(BATCH)
_ONE = np.uint32(1)
_READ_DROP, _READ_MAX = np.int64(READ_DROP), np.int64(READ_MAX)


class Batch(NamedTuple):
    """A batch to be filled, `cells`, `queues` and `counts`, and room to work it off."""

    cells: Int
    queues: NDArray[np.uint32]
    counts: Int
    lane: Int  # of each cell
    above: Int  # entry k: cells with at least k pulses
    lanes: NDArray[np.int32]
    place: Int


@njit(cache=True)
def new_batch() -> Batch:
    """An empty batch."""
    return Batch(
        cells=np.zeros(BATCH, np.int64),
        queues=np.zeros(BATCH, np.uint32),
        counts=np.zeros(BATCH, np.int64),
        lane=np.zeros(BATCH, np.int64),
        above=np.zeros(QUEUE + 1, np.int64),
        lanes=np.zeros(_PARTS * BATCH, np.int32),
        place=np.zeros(2 * BATCH, np.int64),
    )


@njit(cache=True)
def _sort(counts: Int, size: int, lane: Int, above: Int) -> int:
    """Lanes in falling order of the counts, by a counting sort; returns the largest count."""
    most = 0
    for i in range(size):
        most = max(most, counts[i])
    above[: most + 1] = 0
    for i in range(size):
        above[counts[i]] += 1
    total = 0
    for k in range(most, -1, -1):  # from histogram to the first lane of each count ...
        total += above[k]
        above[k] = total - above[k]
    for i in range(size):
        lane[i] = above[counts[i]]
        above[counts[i]] += 1  # ... and in the end to the first lane behind it
    return most


@njit(cache=True, forceinline=True)
def _noise(busy, k, lanes, sigma):  # type: ignore[no-untyped-def]
    """Lane NOISE of pulse k: sigma times a draw."""
    for i in range(busy):
        number = np.uint32(np.uint32(lanes[_NUMBER + i]) + np.uint32(k))
        word = pulse_word(np.uint32(lanes[_KEY + i]), np.uint32(lanes[_AGAIN + i]), number)
        lanes[_NOISE + i] = np.int32(sigma * normal_draw(word))


@njit(cache=True, forceinline=True)
def _move(lanes, i, k, move, step, multiplicative, fraction):  # type: ignore[no-untyped-def]
    """Move lane i by ``move`` and its noise, if it has pulse k; ``step`` is the signed size of the step."""
    old, base = np.int64(lanes[_STATE + i]), move if multiplicative else step
    noise = (base * np.int64(lanes[_NOISE + i]) + (np.int64(1) << np.int64(fraction - 1))) >> np.int64(fraction)
    new = min(max(old + move + noise, np.int64(lanes[_LOW + i])), np.int64(lanes[_HIGH + i]))
    lanes[_STATE + i] = np.int32(new) if np.int32(k) < lanes[_COUNT + i] else np.int32(old)


# A loop for every stage: those without tables are vectorised, and the ones with them have little else to do.


@njit(cache=True, forceinline=True)
def _linear(busy, k, lanes, multiplicative, fraction):  # type: ignore[no-untyped-def]
    """Pulse k of LINEAR."""
    for i in range(busy):
        up = (np.uint32(lanes[_QUEUE + i]) >> np.uint32(k)) & _ONE
        steps, slopes = (lanes[_STEP + i], lanes[_STEP_UP + i]), (lanes[_SLOPE + i], lanes[_SLOPE_UP + i])
        step = np.int64(steps[1] if up else np.int32(-steps[0]))
        bend = drift(np.int64(lanes[_STATE + i]), np.int64(slopes[1] if up else slopes[0]))
        _move(lanes, i, k, step - bend, step, multiplicative, fraction)


@njit(cache=True, forceinline=True)
def _scaled(busy, k, lanes, multiplicative, fraction):  # type: ignore[no-untyped-def]
    """Pulse k of the other kinds, from lane FACTOR."""
    for i in range(busy):
        up = (np.uint32(lanes[_QUEUE + i]) >> np.uint32(k)) & _ONE
        size = np.int32(lanes[_STEP_UP + i] if up else lanes[_STEP + i])
        change = scaled(size, lanes[_FACTOR + i])
        move, step = (change, np.int64(size)) if up else (-change, -np.int64(size))
        _move(lanes, i, k, move, step, multiplicative, fraction)


@njit(cache=True, forceinline=True)
def _table_factors(busy, k, lanes, place, tables):  # type: ignore[no-untyped-def]
    """Lane FACTOR of TABLE."""
    for i in range(busy):
        position = np.int64(lanes[_STATE + i]) * place[_SCALE + i] + place[_ORIGIN + i]
        lanes[_LEFT + i], lanes[_FACTOR + i] = segment(position)
    for i in range(busy):
        up = (np.uint32(lanes[_QUEUE + i]) >> np.uint32(k)) & _ONE
        lanes[_LEFT + i], lanes[_RIGHT + i] = entries(tables[up], lanes[_LEFT + i])
    for i in range(busy):
        lanes[_FACTOR + i] = table_factor(np.int64(lanes[_FACTOR + i]), lanes[_LEFT + i], lanes[_RIGHT + i])


@njit(cache=True, forceinline=True)
def _look_up(busy, lanes, table):  # type: ignore[no-untyped-def]
    """Lanes LEFT and RIGHT from the index in LEFT."""
    for i in range(busy):
        lanes[_LEFT + i], lanes[_RIGHT + i] = entries(table, lanes[_LEFT + i])


@njit(cache=True, forceinline=True)
def _power_factors(busy, k, lanes, place, tables):  # type: ignore[no-untyped-def]
    """Lane FACTOR of POWER."""
    for i in range(busy):
        up = (np.uint32(lanes[_QUEUE + i]) >> np.uint32(k)) & _ONE
        state = np.int64(lanes[_STATE + i])
        above, below = np.int64(lanes[_HIGH + i]) - state, state - np.int64(lanes[_LOW + i])
        lanes[_FACTOR + i] = omega(above if up else below, place[_SCALE + i])
    for i in range(busy):
        lanes[_FACTOR + i], lanes[_SHIFT + i] = normalized(lanes[_FACTOR + i])
        lanes[_LEFT + i] = log_index(lanes[_FACTOR + i])
    _look_up(busy, lanes, tables[0])
    for i in range(busy):
        log = minus_log2(lanes[_FACTOR + i], lanes[_SHIFT + i], lanes[_LEFT + i], lanes[_RIGHT + i])
        lanes[_FACTOR + i] = log
    for i in range(busy):
        up = (np.uint32(lanes[_QUEUE + i]) >> np.uint32(k)) & _ONE
        exponents = lanes[_SLOPE + i], lanes[_SLOPE_UP + i]
        lanes[_FACTOR + i] = power_log2(lanes[_FACTOR + i], exponents[1] if up else exponents[0])
        lanes[_LEFT + i] = exp_index(lanes[_FACTOR + i])
    _look_up(busy, lanes, tables[1])
    for i in range(busy):
        lanes[_FACTOR + i] = exp2(lanes[_FACTOR + i], lanes[_LEFT + i], lanes[_RIGHT + i])


@njit(cache=True)
def pulse_batch(  # type: ignore[no-untyped-def]
    batch, size, records, words, reference, sigma, fraction, multiplicative, keys, kind, places, tables
):
    """Apply the queues of a batch: its first ``size`` cells, all different, have 0 to `QUEUE` pulses each.

    Parameters
    ----------
    records, places
        Of the array, see `model.devices.records`.
    words
        int32[cells], what products read.
    reference
        int64[cells].
    sigma, fraction
        `noise_words` of the cells.
    keys
        `halves` of the key of the array.
    kind, tables
        Of the response.

    Returns
    -------
    int
        The number of pulses.
    """
    cells, queues, counts, lane, above, lanes, place = batch
    most = _sort(counts, size, lane, above)
    total = 0
    for i in range(size):
        record, at = records[cells[i]], lane[i]
        lanes[_STATE + at], lanes[_NUMBER + at] = record[STATE], record[NUMBER]
        lanes[_LOW + at], lanes[_HIGH + at] = record[LOW], record[HIGH]
        lanes[_STEP + at], lanes[_STEP_UP + at] = record[STEP], record[STEP + 1]
        lanes[_SLOPE + at], lanes[_SLOPE_UP + at] = record[SLOPE], record[SLOPE + 1]
        lanes[_KEY + at], lanes[_QUEUE + at], lanes[_COUNT + at] = cells[i], np.int32(queues[i]), counts[i]
        record[NUMBER] = np.int32(np.uint32(record[NUMBER]) + np.uint32(counts[i]))
        total += counts[i]
    if kind != LINEAR:
        for i in range(size):
            place[_SCALE + lane[i]], place[_ORIGIN + lane[i]] = places[0, cells[i]], places[1, cells[i]]
    if sigma:
        for i in range((size + _VECTOR - 1) // _VECTOR * _VECTOR):
            key, again = cell_keys(np.uint32(lanes[_KEY + i]), keys[0], keys[1])
            lanes[_KEY + i], lanes[_AGAIN + i] = np.int32(key), np.int32(again)

    for k in range(most):
        busy = (above[k + 1] + _VECTOR - 1) // _VECTOR * _VECTOR
        if sigma:
            _noise(busy, k, lanes, sigma)
        if kind == LINEAR:
            _linear(busy, k, lanes, multiplicative, fraction)
            continue
        if kind == TABLE:
            _table_factors(busy, k, lanes, place, tables)
        else:
            _power_factors(busy, k, lanes, place, tables)
        _scaled(busy, k, lanes, multiplicative, fraction)

    for i in range(size):
        state = lanes[_STATE + lane[i]]
        records[cells[i], STATE] = state
        words[cells[i]] = read_word(np.int64(state) - reference[cells[i]])
    return total


@njit(cache=True, forceinline=True)
def read_word(weight):  # type: ignore[no-untyped-def]
    """What a read sees of a weight, an int32."""
    return np.int32(min(max(weight >> _READ_DROP, -_READ_MAX - 1), _READ_MAX))
