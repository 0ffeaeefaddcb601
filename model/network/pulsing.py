# SPDX-License-Identifier: Apache-2.0
"""Updates of an array with all vectors of a batch, in one compiled call: magnitudes, trains and pulses.

    magnitude = min(round(|value| / max|value| * full), 2**magnitude_bits - 1)

with `full` and BL of `model.network.update_management`. What is between the three parts stays in a cache: some updates
at a time go through all of them.
"""

from __future__ import annotations

import numpy as np

from symtrack.model.compiled import njit
from symtrack.model.devices.kernels import update_lines, update_shares
from symtrack.model.devices.records import LANES
from symtrack.model.devices.trains import clear, new_trains
from symtrack.model.tile.trains import make_trains, new_room

_CACHE = 1 << 19  # bytes of the words of columns at a time


@njit(cache=True, error_model="numpy")
def _magnitudes(values, maxima, full, high, first, result):  # type: ignore[no-untyped-def]
    """Signed magnitudes of vectors from ``first`` on.

    In floats, which hold all quotients that are not clipped: these have 16 bits, and values are below 2**36.
    """
    for k in range(len(result)):
        largest, twice = np.float64(maxima[first + k]), np.float64(2 * full[first + k])
        if largest == 0:  # no slots
            continue
        for line in range(values.shape[1]):
            value = values[first + k, line]
            size = np.int32(min((twice * abs(value) + largest) / (2 * largest), high))
            result[k, line] = -size if value < 0 else size


@njit(cache=True)
def _updates_at_once(count, lanes, halves):  # type: ignore[no-untyped-def]
    blocks = (lanes + LANES - 1) // LANES
    return max(min(count, _CACHE // (blocks * LANES * 2 * 4 * 2 * halves)), 1)


@njit(cache=True)
def _make(x, delta, plan, form, sources, room, first, size, signed, trains):  # type: ignore[no-untyped-def]
    """The trains of some updates; returns their slots."""
    (x_max, delta_max, bl, full), (high, _, halves, turned, choppers, row_choppers) = plan, form
    clear(trains)
    rows, columns = signed[1][:size], signed[0][:size]
    _magnitudes(x, x_max, full, high, first, columns)
    _magnitudes(delta, delta_max, full, high, first, rows)
    some = bl[first : first + size]
    return make_trains(columns, rows, some, choppers, row_choppers, halves, turned, sources, room, trains)


@njit(cache=True)
def _rooms(x, delta, form, sources):  # type: ignore[no-untyped-def]
    """How many updates go together, and room for their magnitudes, for an update, and for their trains."""
    lines, lanes = (x.shape[1], delta.shape[1]) if form[3] else (delta.shape[1], x.shape[1])
    some = _updates_at_once(len(x), lanes, form[2])
    signed = np.empty((some, x.shape[1]), np.int32), np.empty((some, delta.shape[1]), np.int32)
    return some, signed, new_room(sources, form[1]), new_trains(2 * some * form[2], lines, lanes)


@njit(cache=True)
def update_alone(x, delta, plan, form, sources, array):  # type: ignore[no-untyped-def]
    """Pulse an array with n outer products, one after the other.

    Parameters
    ----------
    x, delta
        Values int64[n, C] and int64[n, R].
    plan
        Of update management.
    form
        Largest magnitude, longest train, its words, whether columns are the lines of the array, and the choppers of
        columns and rows.
    sources
        Of the periphery, see `model.tile.trains`; they step.
    array
        `model.devices.block.Memory`.

    Returns
    -------
    tuple[int, int]
        Coincidences and slots.
    """
    some, signed, room, trains = _rooms(x, delta, form, sources)
    pulses, slots = 0, 0
    for first in range(0, len(x), some):
        size = min(some, len(x) - first)
        slots += _make(x, delta, plan, form, sources, room, first, size, signed, trains)
        pulses += update_lines(0, 1, trains, array)
    return pulses, slots


@njit(cache=True)
def update_shared(threads, x, delta, plan, form, sources, array):  # type: ignore[no-untyped-def]
    """`update_alone` with equal shares of the rows for the threads."""
    some, signed, room, trains = _rooms(x, delta, form, sources)
    pulses, slots = 0, 0
    for first in range(0, len(x), some):
        size = min(some, len(x) - first)
        slots += _make(x, delta, plan, form, sources, room, first, size, signed, trains)
        of_lanes, fires, counts, numbers, events = trains
        # fmt: off
        (
            records, words, shows, lanes, steps, references,
            sigma, fraction, multiplicative, near, keys, kind, places, tables,
        ) = array
        pulses += update_shares(
            threads, of_lanes, fires, counts, numbers, events, records, words, shows, lanes, steps, references,
            sigma, fraction, multiplicative, near, keys, kind, places, tables,
        )
        # fmt: on
    return pulses, slots
