# SPDX-License-Identifier: Apache-2.0
"""Memory layout of an array: one record of 64 bytes, a cache line, for every cell, column after column.

Cell (i, j) is number ``j * R + i``: inputs are the sparse side of an update and a transfer goes through one column, so
that what is visited together lies together; a cell visited alone costs one line. The visible weights lie apart from
the records in the same order, because products read nothing else, and so do scale and origin of the positions, because
linear responses have none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symtrack.model.arithmetic.noise import word_at
from symtrack.model.devices.cells import Cells
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.polynomials import MASK64

_PULSE = [("step", np.int32), ("slope", np.int32), ("noise", np.int64)]
RECORD = np.dtype(
    [
        ("low", np.int32),
        ("high", np.int32),
        ("reference", np.int64),
        ("key", np.uint64),  # of the cell's write noise
        ("number", np.uint64),  # of its next pulse
        ("down", _PULSE),
        ("up", _PULSE),
    ]
)


def make_records(cells: Cells, key: int) -> NDArray[np.void]:
    """Records [C * R] of cells that have seen no pulse.

    Raises
    ------
    ValueError
        A step or a slope does not fit its 32 bits.
    """
    rows, columns = cells.shape
    size = rows * columns * RECORD.itemsize
    buffer = np.zeros(size + RECORD.itemsize, dtype=np.uint8)
    start = -buffer.ctypes.data % RECORD.itemsize  # a record on two cache lines would cost two
    records = buffer[start : start + size].view(RECORD)
    grid = records.reshape(columns, rows).T
    for name in ("low", "high", "reference"):
        grid[name] = getattr(cells, name)
    numbers = np.arange(rows * columns, dtype=np.uint64).reshape(rows, columns)
    grid["key"] = word_at(np.full((1, 1), key & MASK64, dtype=np.uint64), numbers)  # type: ignore[arg-type]
    for index, direction in enumerate(("down", "up")):
        for name, _ in _PULSE:
            values = getattr(cells, name)[index]
            limits = np.iinfo(RECORD[direction][name])
            if values.min() < limits.min or values.max() > limits.max:
                raise ValueError(f"{name} of the cells: must be from {limits.min} to {limits.max}")
            grid[direction][name] = values
    return records


def make_places(cells: Cells) -> Int:
    """Scale and origin of every cell, int64[2, C * R]; a single zero each where the response has no positions."""
    if cells.place is None:
        return np.zeros((2, 1), dtype=np.int64)
    return np.ascontiguousarray(cells.place.transpose(0, 2, 1).reshape(2, -1), dtype=np.int64)
