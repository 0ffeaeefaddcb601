# SPDX-License-Identifier: Apache-2.0
"""Memory layout of an array: blocks of `LANES` neighbouring cells of a row, word by word as vectors take them.

    block of cell (i, j) = i * blocks + j // LANES,     blocks of a row = ceil(C / LANES),     lane = j % LANES

Errors are the sparse side of an update, so that a row which fires meets whole blocks of inputs. A row that is no
multiple of `LANES` cells long ends with cells that are never pulsed. What products read lies apart, column after
column, and so do the references, which only they need, and scale and origin of the positions, because linear responses
have none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from symtrack.model.arithmetic.formats import WEIGHT_BITS
from symtrack.model.devices.cells import Cells
from symtrack.model.devices.pulse_noise import DRAW_BITS
from symtrack.model.spec.fixed import Int

LANES = 32  # cells of a block; fewer and the compiler would unroll loops instead of using vectors
# Words of a cell. Of two that follow each other the first is that of the down, the second that of the up pulse.
STATE, NUMBER, LOW, HIGH, STEP, SLOPE = 0, 1, 2, 3, 4, 6
WORDS = 8
_SIGMA_BITS = 16  # times a draw it fits an int32
_LINE = 64  # bytes of a cache line, on which blocks begin

Records = NDArray[np.int32]


def blocks_of(columns: int) -> int:
    """Blocks of a row."""
    return -(-columns // LANES)


def in_blocks(values: NDArray[Any]) -> NDArray[Any]:
    """Values of all cells [..., R, C] in the order of the blocks [..., R * blocks * LANES]; zero is where none are."""
    rows, columns = values.shape[-2:]
    result = np.zeros((*values.shape[:-2], rows, blocks_of(columns) * LANES), dtype=values.dtype)
    result[..., :columns] = values
    return result.reshape(*values.shape[:-2], -1)


def make_records(cells: Cells) -> Records:
    """Records int32[R * blocks, WORDS, LANES] of cells that have seen no pulse and whose states are 0.

    Raises
    ------
    ValueError
        A step or a slope does not fit its 32 bits.
    """
    rows, columns = cells.shape
    shape = rows * blocks_of(columns), WORDS, LANES
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


def make_places(cells: Cells) -> Int:
    """Scale and origin of every cell, int64[2, cells of all blocks]; a single zero each for responses without them."""
    if cells.place is None:
        return np.zeros((2, 1), dtype=np.int64)
    return in_blocks(np.asarray(cells.place, dtype=np.int64))
