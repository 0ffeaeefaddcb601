# SPDX-License-Identifier: Apache-2.0
"""Memory layout of an array: blocks of `LANES` neighbouring cells of a line, word by word as vectors take them.

    block of cell (i, j) = i * blocks + j // LANES,     blocks of a row = ceil(C / LANES),     lane = j % LANES

The lines are the rows, and in arrays of many rows the columns, with i and j, R and C exchanged: the fewer lines fire in
an update, the fewer blocks it meets, and of the inputs of a wide layer most are silent, while those that are not meet
all errors alike. A line that is no multiple of `LANES` cells long ends with cells that are never pulsed. What products
read lies apart, column after column, and so do the references, which only they need, and scale and origin of the
positions, because linear responses have none.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symtrack.model.arithmetic.formats import WEIGHT_BITS
from symtrack.model.devices.cells import Cells
from symtrack.model.devices.pulse_noise import DRAW_BITS, DRAW_MAX
from symtrack.model.spec.fixed import Int

LANES = 32  # cells of a block; fewer and the compiler would unroll loops instead of using vectors
# Words of a cell. Of two that follow each other the first is that of the down, the second that of the up pulse.
STATE, NUMBER, LOW, HIGH, STEP, SLOPE = 0, 1, 2, 3, 4, 6
WORDS = 8
ROWS_OF_LANES = 2 * LANES  # from so many rows on they are the lanes
_SIGMA_BITS = 16  # times a draw it fits an int32
_LINE = 64  # bytes of a cache line, on which blocks begin

Records = NDArray[np.int32]


def lanes_are_rows(rows: int) -> bool:
    """Whether the lines of an array are its columns."""
    return rows >= ROWS_OF_LANES


def in_blocks(values: NDArray[Any]) -> NDArray[Any]:
    """Values of all cells [..., R, C] in the order of the blocks [..., R * blocks * LANES]; zero is where none are."""
    lines = values.swapaxes(-1, -2) if lanes_are_rows(values.shape[-2]) else values
    result = np.zeros((*lines.shape[:-1], -(-lines.shape[-1] // LANES) * LANES), dtype=values.dtype)
    result[..., : lines.shape[-1]] = lines
    return result.reshape(*values.shape[:-2], -1)


def of_blocks(values: NDArray[Any], rows: int, columns: int) -> NDArray[Any]:
    """Back from `in_blocks`: a view of values [blocks, LANES] as those of all cells [R, C]."""
    turned = lanes_are_rows(rows)
    lines, lanes = (columns, rows) if turned else (rows, columns)
    result = values.reshape(lines, -1)[:, :lanes]
    return result.T if turned else result


def column_of_blocks(values: NDArray[Any], rows: int, columns: int, column: int) -> NDArray[Any]:
    """One column of `of_blocks`, [R], without the others."""
    if lanes_are_rows(rows):
        return values.reshape(columns, -1, LANES)[column].reshape(-1)[:rows]
    return values.reshape(rows, -1, LANES)[:, column // LANES, column % LANES]


def make_records(cells: Cells) -> Records:
    """Records int32[blocks of all lines, WORDS, LANES] of cells that have seen no pulse and whose states are 0.

    Raises
    ------
    ValueError
        A step or a slope does not fit its 32 bits.
    """
    shape = in_blocks(cells.low).size // LANES, WORDS, LANES
    buffer = np.zeros(int(np.prod(shape)) + _LINE, dtype=np.int32)
    start = -(buffer.ctypes.data // buffer.itemsize) % (_LINE // buffer.itemsize)
    records = buffer[start : start + int(np.prod(shape))].reshape(shape)
    parts = {LOW: ("low", cells.low), HIGH: ("high", cells.high)}
    for up in (0, 1):
        parts |= {STEP + up: ("step", cells.step[up]), SLOPE + up: ("slope", cells.slope[up])}
    limits = np.iinfo(np.int32)
    for word, (name, values) in parts.items():
        if values.min() < limits.min or values.max() > limits.max:
            raise ValueError(f"{name} of the cells: must be from {limits.min} to {limits.max}")
        records[:, word] = in_blocks(values).reshape(-1, LANES)
    return records


def noise_words(cells: Cells) -> tuple[np.int32, int]:
    """The standard deviation of the write noise as a word, and the fractional bits of that word times a draw."""
    drop = max(cells.noise.bit_length() - _SIGMA_BITS, 0)
    return np.int32(cells.noise + (1 << drop >> 1) >> drop), WEIGHT_BITS - drop + DRAW_BITS


def fits_words(cells: Cells) -> bool:
    """Whether 32 bits hold the largest step of every cell with the largest draw of noise."""
    sigma, fraction = noise_words(cells)
    backwards = (-int(cells.changes(up, state).min()) for up, state in product((0, 1), (cells.low, cells.high)))
    largest = max(cells.largest_change(), int(cells.step.max()), *backwards) + 1
    return largest + (largest * int(sigma) * DRAW_MAX >> fraction) + 1 < 1 << 31


def make_places(cells: Cells) -> Int:
    """Scale and origin of every cell, int64[2, cells of all blocks]; a single zero each for responses without them."""
    if cells.place is None:
        return np.zeros((2, 1), dtype=np.int64)
    return in_blocks(np.asarray(cells.place, dtype=np.int64))
