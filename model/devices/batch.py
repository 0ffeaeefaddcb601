# SPDX-License-Identifier: Apache-2.0
"""Compiled inner loop of all pulsing: applies pulses to a batch of cells side by side.

Pulse k of a batch steps every cell that gets more than k pulses, for all k in order:

    v <- clip(step(v) with the noise of pulse n + k of the cell, low, high);   at the end  w = v - reference, n += count

A cell's pulses depend on each other, those of different cells do not: cells are the lanes of vector instructions, in
the order of their counts, so that at every k the first lanes are the busy ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from symtrack.model.arithmetic.formats import WEIGHT_BITS
from symtrack.model.arithmetic.noise import NORMAL_BITS, STEP, compiled_normal_from, compiled_word_at
from symtrack.model.compiled import njit
from symtrack.model.devices.responses import (
    LINEAR,
    TABLE,
    entries,
    exp2,
    exp_index,
    linear_change,
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
PULSES_MAX = 64  # of one cell in one batch

_VECTOR = 16  # lanes are stepped in whole multiples of this, idle ones masked
_WEIGHT_HALF = 1 << (WEIGHT_BITS - 1)
_NORMAL_HALF = 1 << (NORMAL_BITS - 1)

# Where the words of the lanes begin in one buffer: the compiler vectorises a loop only if it sees that what the loop
# reads and what it writes do not overlap.
_PARTS = 11
_STATE, _SIZE, _SLOPE, _LOW, _HIGH, _COUNT, _DRAW = (np.int64(BATCH * part) for part in range(7))
_FACTOR, _SHIFT, _LEFT, _RIGHT = (np.int64(BATCH * part) for part in range(7, _PARTS))
_SCALE, _ORIGIN = np.int64(0), np.int64(BATCH)


class Batch(NamedTuple):
    """A batch to be filled, `cells` and `counts`, and room to work it off."""

    cells: Int
    counts: Int
    lane: Int  # of each cell
    above: Int  # entry k: cells with at least k pulses
    lanes: NDArray[np.int32]
    noise: Int
    key: NDArray[np.uint64]
    word: NDArray[np.uint64]
    place: Int


@njit(cache=True)
def new_batch() -> Batch:
    """An empty batch."""
    return Batch(
        cells=np.zeros(BATCH, np.int64),
        counts=np.zeros(BATCH, np.int64),
        lane=np.zeros(BATCH, np.int64),
        above=np.zeros(PULSES_MAX + 1, np.int64),
        lanes=np.zeros(_PARTS * BATCH, np.int32),
        noise=np.zeros(BATCH, np.int64),
        key=np.zeros(BATCH, np.uint64),
        word=np.zeros(BATCH, np.uint64),
        place=np.zeros(2 * BATCH, np.int64),
    )


@njit(cache=True, forceinline=True)
def moved(state: int, up: int, change: int, noise: int, multiplicative: bool, draw: int) -> int:
    """The state after a step of size ``change`` and its noise; ``draw`` is standard normal in units of 2**-20."""
    if multiplicative:
        sigma = (noise * draw + _NORMAL_HALF) >> NORMAL_BITS
        change += (change * sigma + _WEIGHT_HALF) >> WEIGHT_BITS
    else:
        change += (noise * draw + _NORMAL_HALF) >> NORMAL_BITS
    return state + change if up else state - change


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
def _look_up(busy, lanes, table):  # type: ignore[no-untyped-def]
    """Lanes LEFT and RIGHT from the index in LEFT."""
    for i in range(busy):
        lanes[_LEFT + i], lanes[_RIGHT + i] = entries(table, lanes[_LEFT + i])


# A loop for every stage: those without tables are vectorised, and the ones with them have little else to do.


@njit(cache=True, forceinline=True)
def _table_factors(busy, lanes, place, table):  # type: ignore[no-untyped-def]
    """Lane FACTOR of TABLE."""
    for i in range(busy):
        position = np.int64(lanes[_STATE + i]) * place[_SCALE + i] + place[_ORIGIN + i]
        lanes[_LEFT + i], lanes[_FACTOR + i] = segment(position)
    _look_up(busy, lanes, table)
    for i in range(busy):
        lanes[_FACTOR + i] = table_factor(np.int64(lanes[_FACTOR + i]), lanes[_LEFT + i], lanes[_RIGHT + i])


@njit(cache=True, forceinline=True)
def _power_factors(busy, up, lanes, place, tables):  # type: ignore[no-untyped-def]
    """Lane FACTOR of POWER."""
    for i in range(busy):
        state = np.int64(lanes[_STATE + i])
        distance = np.int64(lanes[_HIGH + i]) - state if up else state - np.int64(lanes[_LOW + i])
        lanes[_FACTOR + i] = omega(distance, place[_SCALE + i])
    for i in range(busy):
        lanes[_FACTOR + i], lanes[_SHIFT + i] = normalized(lanes[_FACTOR + i])
        lanes[_LEFT + i] = log_index(lanes[_FACTOR + i])
    _look_up(busy, lanes, tables[0])
    for i in range(busy):
        log = minus_log2(lanes[_FACTOR + i], lanes[_SHIFT + i], lanes[_LEFT + i], lanes[_RIGHT + i])
        lanes[_FACTOR + i] = log
    for i in range(busy):
        lanes[_FACTOR + i] = power_log2(lanes[_FACTOR + i], lanes[_SLOPE + i])
        lanes[_LEFT + i] = exp_index(lanes[_FACTOR + i])
    _look_up(busy, lanes, tables[1])
    for i in range(busy):
        lanes[_FACTOR + i] = exp2(lanes[_FACTOR + i], lanes[_LEFT + i], lanes[_RIGHT + i])


@njit(cache=True)
def pulse_batch(batch, size, up, records, weights, noisy, multiplicative, normal, kind, places, tables):  # type: ignore[no-untyped-def]
    """Apply the pulses of a batch: its first ``size`` cells, all different, get 0 to `PULSES_MAX` pulses of one
    polarity each.

    Parameters
    ----------
    records, weights, places
        Of the array, see `model.devices.records`.
    noisy
        Whether any cell has write noise.
    normal
        `normal_table()` as int32.
    kind, tables
        Of the response.

    Returns
    -------
    int
        The number of pulses.
    """
    cells, counts, lane, above, lanes, noise, key, word, place = batch
    table = tables[up]
    most = _sort(counts, size, lane, above)
    for i in range(size):
        record, at = records[cells[i]], lane[i]
        pulse = record["up"] if up else record["down"]
        lanes[_STATE + at] = weights[cells[i]] + record["reference"]
        lanes[_SIZE + at] = pulse["step"]
        lanes[_SLOPE + at] = pulse["slope"]
        lanes[_LOW + at] = record["low"]
        lanes[_HIGH + at] = record["high"]
        lanes[_COUNT + at] = counts[i]
        noise[at] = pulse["noise"]
        key[at] = record["key"] + record["number"] * STEP  # so that draw k of this key is draw n + k of the cell
    if kind != LINEAR:
        for i in range(size):
            place[_SCALE + lane[i]], place[_ORIGIN + lane[i]] = places[0, cells[i]], places[1, cells[i]]

    for k in range(most):
        busy = (above[k + 1] + _VECTOR - 1) // _VECTOR * _VECTOR
        if noisy:
            for i in range(busy):
                word[i] = compiled_word_at(key[i], np.uint64(k))
            for i in range(busy):
                lanes[_DRAW + i] = compiled_normal_from(word[i], normal)
        if kind == LINEAR:
            for i in range(busy):
                old, draw = np.int64(lanes[_STATE + i]), np.int64(lanes[_DRAW + i])
                change = linear_change(up, old, np.int64(lanes[_SIZE + i]), np.int64(lanes[_SLOPE + i]))
                new = moved(old, up, change, noise[i], multiplicative, draw)
                new = min(max(new, np.int64(lanes[_LOW + i])), np.int64(lanes[_HIGH + i]))
                lanes[_STATE + i] = new if k < lanes[_COUNT + i] else old
            continue
        if kind == TABLE:
            _table_factors(busy, lanes, place, table)
        else:
            _power_factors(busy, up, lanes, place, tables)
        for i in range(busy):
            old, draw = np.int64(lanes[_STATE + i]), np.int64(lanes[_DRAW + i])
            change = scaled(lanes[_SIZE + i], lanes[_FACTOR + i])
            new = moved(old, up, change, noise[i], multiplicative, draw)
            new = min(max(new, np.int64(lanes[_LOW + i])), np.int64(lanes[_HIGH + i]))
            lanes[_STATE + i] = new if k < lanes[_COUNT + i] else old

    total = 0
    for i in range(size):
        record = records[cells[i]]
        weights[cells[i]] = lanes[_STATE + lane[i]] - record["reference"]
        record["number"] += np.uint64(counts[i])
        total += counts[i]
    return total
