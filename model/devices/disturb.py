# SPDX-License-Identifier: Apache-2.0
"""Half-select disturb, retention loss and fractional steps of the cells of an array.

    half-select   m slots in which exactly one line of the cell fires move v by m * h steps
    retention     v <- clip(v - v / lifetime), once per training update
    flow          a steps, a real number, in parts: v <- clip(v +/- part * change(v)), no part of a cell of typical
                  size longer than 2**-FINE_BITS of its range: what pulses do on average if dw_min goes to 0

In a slot a cell whose row or column fires alone sees part of the voltage and makes the fraction h of a step.
Half-selected cells flow, without noise, when the pulses of the update are done; of both polarities the parts alternate.
h has HALF_SELECT_BITS fractional bits, 1 / lifetime WEIGHT_BITS.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symtrack.model.arithmetic.formats import WEIGHT_BITS
from symtrack.model.compiled import njit
from symtrack.model.devices.cells import HALF_SELECT_BITS, Cells
from symtrack.model.devices.responses import change_of
from symtrack.model.devices.trains import QUADRANTS, Words, pack, popcount
from symtrack.model.spec.fixed import Int, round_shift

FINE_BITS = 7

_round_shift = njit(round_shift)


def half_selected(
    rows: NDArray[np.uint8], columns: NDArray[np.uint8], up: NDArray[np.uint8], quadrant: NDArray[np.uint8]
) -> Int:
    """Slots of an update in which exactly one line of a cell fires, int64[2, R, C], downwards and upwards.

    The arguments are those of `model.devices.array.DeviceArray.update`.
    """
    counts = np.zeros((2, rows.shape[1], columns.shape[1]), dtype=np.int64)
    polarity = np.zeros(QUADRANTS, dtype=np.int64)
    polarity[quadrant] = up
    _count(pack(rows, quadrant), pack(columns, quadrant), polarity, counts)
    return counts


def half_selected_by_writes(shape: tuple[int, int], column: int, pulses: Int) -> Int:
    """The same for ``pulses`` [R], signed counts, to the cells of one column.

    All rows begin their pulses together, one polarity after the other: the column fires as long as the longest train.
    """
    counts = np.zeros((2, *shape), dtype=np.int64)
    for up in (0, 1):
        fired = np.maximum(pulses if up else -pulses, 0)
        counts[up] = fired[:, None]
        counts[up, :, column] = fired.max() - fired
    return counts


def disturbed(cells: Cells, state: Int, counts: Int) -> Int:
    """States [R, C] after ``counts`` [2, R, C] half-selected slots, downwards and upwards."""
    return flow(cells, state, counts * cells.half_select, HALF_SELECT_BITS)


def flow(cells: Cells, state: Int, steps: Int, bits: int) -> Int:
    """States [R, C] after real numbers of steps [2, R, C], downwards and upwards, with ``bits`` fractional bits."""
    if not steps.any():
        return state
    part = 1 << (bits - min(_halvings(cells), bits))
    result = state.copy()
    place = np.zeros_like(cells.step) if cells.place is None else cells.place
    _flow(
        int(cells.kind), result, steps, part, bits, cells.step, cells.slope, cells.low, cells.high, place, cells.tables
    )
    return result


def relaxed(cells: Cells, state: Int) -> Int:
    """States [R, C] after one update's share of the drift."""
    result: Int = np.clip(state - round_shift(state * cells.decay, WEIGHT_BITS), cells.low, cells.high)
    return result


def _halvings(cells: Cells) -> int:
    """How often a step is halved: until the median cell makes at least 2**FINE_BITS of them across its range."""
    steps = cells.step.max(axis=0) << FINE_BITS
    ratio = int(np.median(steps // np.maximum(cells.high - cells.low, 1)))
    return min(ratio.bit_length(), FINE_BITS)


@njit(cache=True)
def _flow(kind, state, steps, part, bits, step, slope, low, high, place, tables):  # type: ignore[no-untyped-def]
    for r in range(state.shape[0]):
        for c in range(state.shape[1]):
            v, most, scale, origin = state[r, c], max(steps[0, r, c], steps[1, r, c]), place[0, r, c], place[1, r, c]
            for done in range(0, most, part):
                for up in (0, 1):
                    share = min(max(steps[up, r, c] - done, 0), part)
                    bend = step[up, r, c], slope[up, r, c], low[r, c], high[r, c], scale, origin
                    change = _round_shift(share * change_of(kind, up, v, *bend, tables), bits)
                    v = min(max(v + change if up else v - change, low[r, c]), high[r, c])
            state[r, c] = v


@njit(cache=True)
def _count(row_words: Words, column_words: Words, polarity: Int, counts: Int) -> None:
    for q in range(QUADRANTS):
        for row in range(row_words.shape[1]):
            for column in range(column_words.shape[1]):
                counts[polarity[q], row, column] += popcount(row_words[q, row] ^ column_words[q, column])
