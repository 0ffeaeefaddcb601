"""What a pulse does to cells it is not meant for, and what time does to all of them.

    half-select   v <- clip(v +/- m * h * change(v)),   m slots in which exactly one line of the cell fires
    retention     v <- clip(v - v / lifetime)           once per training update

In a slot a cell whose row or column fires alone sees part of the voltage and makes the fraction h of a step, without
noise and all m at the same v, since m * h is small. It follows the pulses of its quadrant's polarity: first downwards,
then upwards. h has HALF_SELECT_BITS fractional bits, 1 / lifetime WEIGHT_BITS. A device without granularity makes
real numbers of steps, here too without noise:

    moved         v <- clip(v +/- a * change(v)),       a the number of steps, one after the other and the fraction last
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from model.devices.cells import HALF_SELECT_BITS, Cells
from model.devices.kernels import QUADRANTS, Words, pack, popcount
from model.devices.responses import WEIGHT_BITS
from model.fixed import Int, round_shift


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
    for up in (0, 1):
        if counts[up].any():
            state = _stepped(cells, state, up, counts[up] * cells.half_select, HALF_SELECT_BITS)
    return state


def moved(cells: Cells, state: Int, steps: Int, bits: int) -> Int:
    """States [R, C] after real numbers of steps, signed and with ``bits`` fractional bits."""
    for done in range(0, int(np.abs(steps).max()), 1 << bits):
        for up, sign in ((0, -1), (1, 1)):
            share = np.clip(sign * steps - done, 0, 1 << bits)
            if share.any():
                state = _stepped(cells, state, up, share, bits)
    return state


def relaxed(cells: Cells, state: Int) -> Int:
    """States [R, C] after one update's share of the drift."""
    result: Int = np.clip(state - round_shift(state * cells.decay, WEIGHT_BITS), cells.low, cells.high)
    return result


def _stepped(cells: Cells, state: Int, up: int, shares: Int, bits: int) -> Int:
    change = round_shift(shares * cells.changes(up, state), bits)
    result: Int = np.clip(state + change if up else state - change, cells.low, cells.high)
    return result


@njit(cache=True)
def _count(row_words: Words, column_words: Words, polarity: Int, counts: Int) -> None:
    for q in range(QUADRANTS):
        for row in range(row_words.shape[1]):
            for column in range(column_words.shape[1]):
                counts[polarity[q], row, column] += popcount(row_words[q, row] ^ column_words[q, column])
