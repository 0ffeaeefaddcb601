"""A crossbar array of devices: state, pulses, visible weights.

A cell has a visible weight w, an integer with 30 fractional bits, a state v = w + reference, an int32 word, and the
number of its next pulse. All ways to pulse go through the same compiled cell step, and the noise of pulse n of a cell
depends on (key, cell, n) alone.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.devices import kernels
from model.devices.cells import Cells
from model.devices.records import make_places, make_records
from model.fixed import Int
from model.noise import normal_table


class DeviceArray:
    """R x C devices, initially at visible weight zero or as close to it as their bounds allow.

    Parameters
    ----------
    cells
        Parameters of the devices.
    key
        Key of the write noise, see `model.noise.derive_key`.
    threads
        Threads of an update, at most what the machine offers; no result depends on it.

    Attributes
    ----------
    weights : int64[R, C], the visible weights, stored by columns. Only pulses and `program` may change them.
    """

    def __init__(self, *, cells: Cells, key: int, threads: int = 1) -> None:
        rows, columns = cells.shape
        self.cells = cells
        self.threads = min(threads, numba.config.NUMBA_NUM_THREADS)
        self._records = make_records(cells, key)
        memory = np.zeros(rows * columns, dtype=np.int64)
        self.weights: Int = memory.reshape(columns, rows).T
        table = normal_table().astype(np.int32)
        noise = (bool(cells.noise.any()), cells.multiplicative, table)
        self._array = (self._records, memory, *noise, int(cells.kind), make_places(cells), cells.tables)
        self.program(np.zeros(cells.shape, dtype=np.int64))

    @property
    def state(self) -> NDArray[np.int32]:
        """A copy of the states v, int32[R, C]."""
        return (self.weights + self.cells.reference).astype(np.int32)

    @property
    def pulse_numbers(self) -> Int:
        """A copy of the numbers of the next pulses, which are the pulses so far, int64[R, C]."""
        return self._records["number"].reshape(self.weights.T.shape).T.astype(np.int64)

    def program(self, weights: Int) -> None:
        """Set the visible weights without pulses, clipped to the bounds: the start of an experiment."""
        reference = self.cells.reference
        self.weights[...] = np.clip(weights + reference, self.cells.low, self.cells.high) - reference

    def symmetric_point(self) -> Int:
        """Visible weights at which up and down steps have the same size, int64[R, C]."""
        return self.cells.symmetric_point()

    def update(self, rows: ArrayLike, columns: ArrayLike, up: ArrayLike, quadrant: ArrayLike) -> int:
        """Step every cell once for every slot in which its row and its column fire.

        rows uint8[S, R], columns uint8[S, C], up uint8[S] and quadrant uint8[S], slots of one quadrant having one
        polarity and being at most 64. Returns the number of coincidences.
        """
        slots = [np.asarray(part, dtype=np.uint8) for part in (rows, columns, up, quadrant)]
        if self.threads == 1:
            return int(kernels.update_serial(*slots, *self._array))
        numba.set_num_threads(self.threads)
        return int(kernels.update_parallel(self.threads, *slots, *self._array))

    def pulse_column(self, column: int, counts: ArrayLike) -> None:
        """Signed pulse counts [R] to the cells of one column, positive upwards."""
        kernels.pulse_cells(column * self.weights.shape[0], np.asarray(counts, dtype=np.int64), *self._array)

    def pulse(self, counts: ArrayLike) -> None:
        """Signed pulse counts [R, C] to all cells."""
        kernels.pulse_cells(0, np.asarray(counts, dtype=np.int64).ravel(order="F"), *self._array)

    def state_arrays(self) -> dict[str, np.ndarray]:
        """Everything that changes with pulses."""
        return {"state": self.state, "pulse_numbers": self.pulse_numbers}
