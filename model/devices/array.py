"""A crossbar array of devices: state, pulses, visible weights.

The state is one int32 word with 30 fractional bits and one pulse number per cell. All ways to pulse go through the same
compiled cell step, and the noise of pulse n of a cell depends on (key, cell, n) alone.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import ArrayLike

from model.devices import kernels
from model.devices.cells import Cells
from model.fixed import Int
from model.noise import normal_table
from model.polynomials import MASK64


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
    """

    def __init__(self, *, cells: Cells, key: int, threads: int = 1) -> None:
        self.cells = cells
        self.threads = min(threads, numba.config.NUMBA_NUM_THREADS)
        self.state = np.zeros(cells.shape, dtype=np.int32)
        self.pulse_numbers = np.zeros(cells.shape, dtype=np.int64)
        self._arguments = (
            self.state,
            self.pulse_numbers,
            cells.step,
            cells.slope,
            cells.noise,
            cells.low,
            cells.high,
            cells.multiplicative,
            np.uint64(key & MASK64),
            normal_table(),
        )
        self.program(np.zeros(cells.shape, dtype=np.int64))

    @property
    def weights(self) -> Int:
        """Visible weights v - reference, int64[R, C] with 30 fractional bits."""
        return self.state - self.cells.reference

    def program(self, weights: Int) -> None:
        """Set the visible weights without pulses, clipped to the bounds: the start of an experiment."""
        self.state[...] = np.clip(weights + self.cells.reference, self.cells.low, self.cells.high)

    def symmetric_point(self) -> Int:
        """Visible weights at which up and down steps have the same size, int64[R, C]."""
        return self.cells.symmetric_point()

    def update(self, rows: ArrayLike, columns: ArrayLike, up: ArrayLike, quadrant: ArrayLike) -> int:
        """Step every cell once for every slot in which its row and its column fire.

        rows uint8[S, R], columns uint8[S, C], up uint8[S] and quadrant uint8[S], slots of one quadrant having one
        polarity and being at most 64. Returns the number of coincidences.
        """
        quadrants = np.asarray(quadrant, dtype=np.uint8)
        polarity = np.zeros(kernels.QUADRANTS, dtype=np.int64)
        polarity[quadrants] = np.asarray(up)
        row_words = kernels.pack(np.asarray(rows, dtype=np.uint8), quadrants)
        column_words = kernels.pack(np.asarray(columns, dtype=np.uint8), quadrants)
        if self.threads == 1:
            return int(kernels.update_serial(row_words, column_words, polarity, *self._arguments))
        numba.set_num_threads(self.threads)
        return int(kernels.update_parallel(row_words, column_words, polarity, *self._arguments))

    def pulse_column(self, column: int, counts: ArrayLike) -> None:
        """Signed pulse counts [R] to the cells of one column, positive upwards."""
        kernels.pulse_column(column, np.asarray(counts, dtype=np.int64), *self._arguments)

    def pulse(self, counts: ArrayLike) -> None:
        """Signed pulse counts [R, C] to all cells."""
        kernels.pulse_all(np.asarray(counts, dtype=np.int64), *self._arguments)

    def state_arrays(self) -> dict[str, np.ndarray]:
        """Everything that changes with pulses."""
        return {"state": self.state, "pulse_numbers": self.pulse_numbers}
