# SPDX-License-Identifier: Apache-2.0
"""A crossbar array of devices: the state of its cells, pulses to them, and their visible weights.

A cell has a visible weight w, an integer with 30 fractional bits, a state v = w + reference, an int32 word, and the
number of its next pulse, a uint32. All ways to pulse go through the same compiled cell step, and the noise of pulse n
of a cell depends on (key, cell, n) alone. Products read the first `READ_BITS` bits of the visible weight. With write
noise of standard deviation sigma the visible weight is

    w = v - reference + sigma * xi,    xi standard normal, a new one after every pulse,

and steps go on from v. Read noise is that of the products, `model.arithmetic.converters`. What half-selected lines and
time do to v is in `model.devices.disturb`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symtrack.model.arithmetic.formats import ReadWords, read_words
from symtrack.model.arithmetic.noise import NORMAL_BITS, derive_key, normal_from, normal_table, word_at
from symtrack.model.devices import disturb, kernels
from symtrack.model.devices.block import Memory
from symtrack.model.devices.cells import Cells
from symtrack.model.devices.pulse_noise import halves
from symtrack.model.devices.records import (
    LANES,
    NUMBER,
    STATE,
    column_of_blocks,
    fits_words,
    in_blocks,
    lanes_are_rows,
    make_places,
    make_records,
    noise_words,
    of_blocks,
)
from symtrack.model.devices.sharing import Sharing
from symtrack.model.devices.trains import from_words, packed
from symtrack.model.spec.fixed import Int, round_shift
from symtrack.model.state import Arrays

PARALLEL_CELLS = 4096  # of an array; below this a second thread costs more than it saves


class DeviceArray:
    """R x C devices, initially at visible weight zero or as close to it as their bounds allow.

    Parameters
    ----------
    cells
        Parameters of the devices.
    key
        Key of all noise, see `model.arithmetic.noise.derive_key`.
    threads
        Threads of an update, at most what the machine offers, and at most as many as make it faster, see
        `model.devices.sharing`; no result depends on it.
    followed
        What products read follows every pulse, because they read it often. Else it is worked out when it is read.

    Attributes
    ----------
    memory : all of it for compiled code.
    sharing : whether threads share the work on it.
    turned : its lines are the columns, see `model.devices.records`.
    """

    def __init__(self, *, cells: Cells, key: int, threads: int = 1, followed: bool = True) -> None:
        rows, columns = cells.shape
        self.cells = cells
        self.sharing = Sharing(threads)
        self._records = make_records(cells)
        self._words: ReadWords = np.zeros((columns, rows), dtype=np.int32)
        self.turned = lanes_are_rows(rows)
        self._followed = followed or cells.write_noise > 0
        self._shown: Int | int = 0  # write noise of the visible weights
        if cells.write_noise:
            numbers = np.arange(rows * columns, dtype=np.uint64).reshape(rows, columns)
            self._shown_keys = word_at(np.full((1, 1), derive_key(key, "write"), np.uint64), numbers)  # type: ignore[arg-type]
        sigma, fraction = noise_words(cells)
        self.memory = Memory(
            records=self._records.reshape(-1),
            words=self._words.reshape(-1),
            shows=self._followed,
            lanes=rows if self.turned else columns,
            steps=(rows, 1) if self.turned else (1, rows),
            references=in_blocks(np.asarray(cells.reference, dtype=np.int64)),
            sigma=sigma,
            fraction=fraction,
            multiplicative=cells.multiplicative,
            near=fits_words(cells),
            keys=halves(key),
            kind=int(cells.kind),
            places=make_places(cells),
            tables=cells.tables,
        )
        self.program(np.zeros(cells.shape, dtype=np.int64))

    @property
    def state(self) -> NDArray[np.int32]:
        """A copy of the states v, int32[R, C]."""
        return np.ascontiguousarray(self._of_cells(STATE))

    @property
    def words(self) -> ReadWords:
        """int32[C, R], the visible weights with `READ_BITS` fractional bits, what products read."""
        return self._words if self._followed else np.ascontiguousarray(read_words(self.weights).T)

    def column(self, column: int) -> ReadWords:
        """int32[R], `words` of one column."""
        if self._followed:
            words: ReadWords = self._words[column]
            return words
        state = column_of_blocks(self._records[:, STATE], *self.cells.shape, column)
        return read_words(state - self.cells.reference[:, column])

    @property
    def weights(self) -> Int:
        """A copy of the visible weights, int64[R, C]."""
        weights: Int = self._of_cells(STATE) - self.cells.reference + self._shown
        return weights

    @property
    def pulse_numbers(self) -> Int:
        """A copy of the numbers of the next pulses, which are the pulses so far, int64[R, C]."""
        return np.ascontiguousarray(self._of_cells(NUMBER).view(np.uint32).astype(np.int64))

    def _of_cells(self, word: int) -> NDArray[np.int32]:
        """A word of all records, int32[R, C]."""
        words: NDArray[np.int32] = of_blocks(self._records[:, word], *self.cells.shape)
        return words

    def _set_cells(self, word: int, values: NDArray[np.int32]) -> None:
        """Set a word of all records to values [R, C]."""
        self._records[:, word] = in_blocks(values).reshape(-1, LANES)

    def program(self, weights: Int) -> None:
        """Set the weights without pulses, clipped to the bounds: the start of an experiment."""
        self._settle(np.clip(weights + self.cells.reference, self.cells.low, self.cells.high))

    def symmetric_point(self) -> Int:
        """Visible weights at which up and down steps have the same size, int64[R, C]."""
        return self.cells.symmetric_point()

    def update(self, rows: ArrayLike, columns: ArrayLike, up: ArrayLike, quadrant: ArrayLike) -> int:
        """Step every cell once for every slot in which its row and its column fire.

        rows uint8[S, R], columns uint8[S, C], up uint8[S] and quadrant uint8[S], slots of one quadrant having one
        polarity and being at most 64. Returns the number of coincidences.
        """
        slots = [np.asarray(part, dtype=np.uint8) for part in (rows, columns, up, quadrant)]
        coincidences = int(
            self.sharing.run(
                self.memory.words.size >= PARALLEL_CELLS,
                lambda: kernels.update_slots(*slots, self.turned, self.memory),
                lambda threads: kernels.update_shares(threads, *from_words(*packed(*slots), self.turned), *self.memory),
                lambda done: done + sum(self.cells.shape),
            )
        )
        self.pulsed()
        self.half_select(*slots)
        return coincidences

    def pulsed(self) -> None:
        """Show what compiled code has done to `memory`."""
        self._show()

    def half_select(self, rows: ArrayLike, columns: ArrayLike, up: ArrayLike, quadrant: ArrayLike) -> None:
        """What the slots of an update do to cells of which one line fires alone; `update` does it too."""
        if self.cells.half_select:
            slots = [np.asarray(part, dtype=np.uint8) for part in (rows, columns, up, quadrant)]
            self._settle(disturb.disturbed(self.cells, self._state64(), disturb.half_selected(*slots)))

    def move(self, steps: Int, bits: int) -> None:
        """Noise-free steps without granularity: signed real numbers [R, C] of them with ``bits`` fractional bits."""
        both = np.stack([np.maximum(-steps, 0), np.maximum(steps, 0)])
        self._settle(disturb.flow(self.cells, self._state64(), both, bits))

    def pulse_column(self, column: int, counts: ArrayLike) -> None:
        """Signed pulse counts [R] to the cells of one column, positive upwards."""
        pulses, shape = np.asarray(counts, dtype=np.int64), self.cells.shape
        if pulses.shape != shape[:1]:
            raise ValueError(f"counts of shape {pulses.shape}: must be of shape {shape[:1]}")
        kernels.pulse_cells(
            *((column, 0) if self.turned else (0, column)), self._by_lines(pulses[:, None]), self.memory
        )
        if self.cells.half_select:
            half = disturb.half_selected_by_writes(shape, column, pulses)
            self._settle(disturb.disturbed(self.cells, self._state64(), half))
        self._show()

    def pulse(self, counts: ArrayLike) -> None:
        """Signed pulse counts [R, C] to all cells, none of them half-selected."""
        pulses = np.asarray(counts, dtype=np.int64)
        if pulses.shape != self.cells.shape:
            raise ValueError(f"counts of shape {pulses.shape}: must be of shape {self.cells.shape}")
        kernels.pulse_cells(0, 0, self._by_lines(pulses), self.memory)
        self._show()

    def _by_lines(self, counts: Int) -> Int:
        return np.ascontiguousarray(counts.T if self.turned else counts)

    def relax(self) -> None:
        """Let pass the time of one training update."""
        if self.cells.decay:
            self._settle(disturb.relaxed(self.cells, self._state64()))

    def _state64(self) -> Int:
        return self._of_cells(STATE).astype(np.int64)

    def _settle(self, state: Int) -> None:
        self._set_cells(STATE, state.astype(np.int32))
        if self.cells.write_noise:
            self._show()
        else:
            self._words[...] = read_words(state - self.cells.reference).T

    def _show(self) -> None:
        """Write noise, drawn anew for cells that were pulsed: a function of the number of pulses so far."""
        if self.cells.write_noise:
            numbers = self.pulse_numbers.astype(np.uint64)
            draws = normal_from(word_at(self._shown_keys, numbers), normal_table())  # type: ignore[arg-type]
            self._shown = round_shift(self.cells.write_noise * np.asarray(draws), NORMAL_BITS)
            self._words[...] = read_words(self.weights).T

    def state_arrays(self) -> dict[str, np.ndarray]:
        """Everything that changes with pulses."""
        return {"state": self.state, "pulse_numbers": self.pulse_numbers}

    def restore(self, arrays: Arrays) -> None:
        """Go on from what `state_arrays` gave."""
        self._set_cells(NUMBER, arrays["pulse_numbers"].astype(np.uint32).view(np.int32))
        self._settle(arrays["state"].astype(np.int64))  # last, as write noise is a function of the number
