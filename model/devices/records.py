# SPDX-License-Identifier: Apache-2.0
"""Memory layout of an array: one record of 32 bytes, half a cache line, for every cell, column after column.

Cell (i, j) is number ``j * R + i``: inputs are the sparse side of an update and a transfer goes through one column, so
that what is visited together lies together. What products read lies apart from the records in the same order, and so do
the references, which only they need, and scale and origin of the positions, because linear responses have none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symtrack.model.arithmetic.formats import WEIGHT_BITS
from symtrack.model.devices.cells import Cells
from symtrack.model.devices.pulse_noise import DRAW_BITS
from symtrack.model.spec.fixed import Int

# Words of a record. Of two that follow each other the first is that of the down, the second that of the up pulse.
STATE, NUMBER, LOW, HIGH, STEP, SLOPE = 0, 1, 2, 3, 4, 6
WORDS = 8

_SIGMA_BITS = 16  # times a draw it fits an int32

Records = NDArray[np.int32]


def make_records(cells: Cells) -> Records:
    """Records int32[C * R, WORDS] of cells that have seen no pulse and whose states are 0.

    Raises
    ------
    ValueError
        A step or a slope does not fit its 32 bits.
    """
    rows, columns = cells.shape
    size = rows * columns * WORDS
    buffer = np.zeros(size + WORDS, dtype=np.int32)
    start = -(buffer.ctypes.data // buffer.itemsize) % WORDS  # a record on two cache lines would cost two
    records = buffer[start : start + size].reshape(-1, WORDS)
    parts = {LOW: ("low", cells.low), HIGH: ("high", cells.high)}
    for up in (0, 1):
        parts |= {STEP + up: ("step", cells.step[up]), SLOPE + up: ("slope", cells.slope[up])}
    limits = np.iinfo(np.int32)
    for word, (name, values) in parts.items():
        if values.min() < limits.min or values.max() > limits.max:
            raise ValueError(f"{name} of the cells: must be from {limits.min} to {limits.max}")
        records[:, word] = values.ravel(order="F")
    return records


def noise_words(cells: Cells) -> tuple[np.int32, int]:
    """The standard deviation of the write noise as a word, and the fractional bits of that word times a draw."""
    drop = max(cells.noise.bit_length() - _SIGMA_BITS, 0)
    return np.int32(cells.noise + (1 << drop >> 1) >> drop), WEIGHT_BITS - drop + DRAW_BITS


def make_places(cells: Cells) -> Int:
    """Scale and origin of every cell, int64[2, C * R]; a single zero each where the response has no positions."""
    if cells.place is None:
        return np.zeros((2, 1), dtype=np.int64)
    return np.ascontiguousarray(cells.place.transpose(0, 2, 1).reshape(2, -1), dtype=np.int64)
