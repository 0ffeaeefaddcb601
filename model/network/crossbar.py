# SPDX-License-Identifier: Apache-2.0
"""One layer's crossbar tile: fast array P, slow array W, reference copy R, and the periphery that drives them.

    forward    y = W x + gamma * c' o ((P - R) (c o x)),                  stale: y = W x + gamma * D x
    backward   g = W^T delta + gamma * c o ((P - R)^T (c' o delta)),      stale: g = W^T delta + gamma * D^T delta
    update     P moves by about -alpha * (c' o delta) (c o x)^T, or W by -alpha * delta x^T, in pulse coincidences
    transfer   one column of P is read, the periphery answers with pulses for the same column of W

    calibrate  pulses of both signs to all cells of P, then all columns are read into Q and Qref

Each of the three products has its own pass through the converters. R is an ideal copy of the words that the periphery
tells, Qref or Q, or devices that it programs to Qref by write and verify. c' are the choppers of the rows, 1 where
there are none. D are the words of the tile's residual memory, c * c' * (P - Qref) of the last read of each column that
accumulated, and their product is digital: see `model.network.products`.
"""

from __future__ import annotations

import numpy as np

from symtrack.model.arithmetic.converters import Converters, NoiseStream
from symtrack.model.arithmetic.formats import ReadWords, read_words
from symtrack.model.arithmetic.noise import derive_key
from symtrack.model.arithmetic.quantile import normal_table
from symtrack.model.devices.array import PARALLEL_CELLS, DeviceArray
from symtrack.model.devices.cells import Cells
from symtrack.model.devices.sharing import Sharing
from symtrack.model.network.products import GAMMA_BITS, digital_products, products_alone, products_shared
from symtrack.model.network.pulsing import update_alone, update_shared
from symtrack.model.network.reading import Copies, transfer_columns
from symtrack.model.network.update_management import UpdateManager
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.fixed import Int, round_shift
from symtrack.model.spec.settings import Settings, Target
from symtrack.model.state import Arrays, named, part_of
from symtrack.model.tile.interface import PeripheryFactory, Restorable, Sourcing, Transfer, UpdateVectors
from symtrack.model.tile.operations import Periphery

PARALLEL_PRODUCTS = 1 << 18  # weights times inputs; below this a second thread costs more than it saves
CALIBRATION_PULSES = 1 << 15  # of one command; even, so that alternating signs go on with the next
CALIBRATION_READS = 1 << 12  # of one command, or one sweep if that is more


class Crossbar:
    """Arrays and periphery of one layer.

    Parameters
    ----------
    config, periphery
        The tile and the maker of what drives it.
    fast, slow
        Parameters of the cells of P and W.
    converters
        DAC, ADC and output noise of all products; ``adc_bits`` must be that of the tile.
    gamma
        Weight of the residual in the products; 0 leaves it out.
    stale
        The residual is D, for which the tile must have ``residual_memory``, in place of P - R.
    seed, name
        Key the write noise of the arrays.
    threads
        Threads of a pulsed update; no result depends on it.
    reference
        Parameters of the cells of R, which then are programmed; None for an ideal copy.
    programming
        Settings of their programming: gain, tolerance and rounds.
    ideal_granularity
        Updates move cells by the expected number of steps, BL * p_x * p_delta, a real number, instead of by
        coincidences, of which there are none then.
    """

    def __init__(
        self,
        *,
        config: TileConfig,
        periphery: PeripheryFactory,
        fast: Cells,
        slow: Cells,
        converters: Converters,
        gamma: float,
        stale: bool = False,
        seed: int,
        name: str,
        threads: int = 1,
        reference: Cells | None = None,
        programming: Settings = Settings(),  # noqa: B008, it is frozen
        ideal_granularity: bool = False,
    ) -> None:
        if converters.adc_bits != config.adc_bits:
            raise ValueError(f"converters.adc_bits = {converters.adc_bits}: must be adc_bits = {config.adc_bits}")
        if stale and not config.residual_memory:
            raise ValueError(f"residual_memory = {config.residual_memory}: must be 1 for products of a stale residual")
        self.config = config
        self.converters = converters
        self.periphery = periphery(config)
        self._sources = self.periphery if isinstance(self.periphery, Sourcing) else None
        followed = {"threads": threads, "followed": gamma != 0 and not stale}
        self.fast = DeviceArray(cells=fast, key=derive_key(seed, name, "fast"), **followed)  # type: ignore[arg-type]
        self.slow = DeviceArray(cells=slow, key=derive_key(seed, name, "slow"), threads=threads)
        self.programmed: DeviceArray | None = None
        if reference:
            self.programmed = DeviceArray(cells=reference, key=derive_key(seed, name, "reference"), threads=threads)
        self._copy = np.zeros((config.columns, config.rows), dtype=np.int64)  # by columns, as the words
        self._copy_words: ReadWords = np.zeros(self._copy.shape, dtype=np.int32)
        self._residual = np.zeros_like(self._copy)
        self._copies = Copies(self._copy, self._copy_words, self._residual)
        # What follows the pulses of a column, or a programming of R, is between transfers.
        self._one_by_one = bool(reference or slow.half_select or slow.write_noise)
        self._programming = programming
        self.ideal_granularity = ideal_granularity
        self.coincidences = 0
        self.transfers = 0
        self._sharing = Sharing(threads)  # of products
        rounded = round(gamma * (1 << GAMMA_BITS))
        self._gamma, self._digital_gamma = (0, rounded) if stale else (rounded, 0)
        self._magnitude_high = config.magnitude_format.high

    @property
    def reference(self) -> Int:
        """int64[R, C], the weights of R."""
        return self._copy.T if self.programmed is None else self.programmed.weights

    @property
    def _reference_words(self) -> ReadWords:
        """int32[C, R], what products read of R."""
        return self._copy_words if self.programmed is None else self.programmed.words

    @property
    def _reference_noise(self) -> int:
        """Read noise of the cells of R, none for an ideal copy."""
        return 0 if self.programmed is None else self.programmed.cells.read_noise

    @property
    def passes(self) -> int:
        """Arrays that a product passes: W, and P and R if there is a residual."""
        return 3 if self._gamma else 1

    def forward(self, x: Int, noise: NoiseStream) -> Int:
        """Values [n, R] for n vectors of values x [n, C]."""
        return self._products(x, True, self.periphery.chopper, self.periphery.row_chopper, noise)

    def backward(self, delta: Int, noise: NoiseStream) -> Int:
        """Values [n, C] for n vectors of errors delta [n, R]."""
        return self._products(delta, False, self.periphery.row_chopper, self.periphery.chopper, noise)

    def _products(self, vectors: Int, forward: bool, choppers_in: Int, choppers_out: Int, noise: NoiseStream) -> Int:
        """Products of W, P and R with vectors [n, inputs]; of each vector, all draws of W come before those of P."""
        converters, config = self.converters, self.config
        outputs = config.rows if forward else config.columns
        passes = self.passes
        first = noise.take(len(vectors) * passes * outputs)
        slow = self.slow.words
        fast, copied = (self.fast.words, self._reference_words) if self._gamma else (slow, slow)
        read_noises = self.slow.cells.read_noise, self.fast.cells.read_noise, self._reference_noise
        codes = converters.dac(vectors)[0] if any(read_noises[:passes]) else None
        sigmas = [converters.sigmas(codes, read_noise) for read_noise in read_noises[:passes]]
        sigmas *= 3 // passes  # of the passes that are left out as of the first
        arrays = slow, fast, copied
        stream = noise.key, first, normal_table()
        given = np.ascontiguousarray(vectors), forward, *arrays, self._gamma, choppers_in, choppers_out
        rest = *converters.form, *sigmas, *stream
        work = len(vectors) * slow.size * passes
        values: Int = self._sharing.run(
            len(vectors) > 1 and work >= PARALLEL_PRODUCTS,
            lambda: products_alone(*given, *rest),
            lambda threads: products_shared(threads, *given, *rest),
            lambda _: work,
        )
        if self._digital_gamma:
            scaled = self._digital_gamma, converters.read_lsb, config.reference_fraction_bits
            values += digital_products(given[0], forward, self._residual, *scaled)
        return values

    def learn(self, x: Int, delta: Int, manager: UpdateManager, target: Target = Target.FAST) -> None:
        """Pulse P, or W, with the outer products of inputs x [n, C] and errors delta [n, R], one after the other.

        Raises
        ------
        ValueError
            They are not of this tile's shape, or not as many.
        """
        array, sources = self.slow if target == Target.SLOW else self.fast, self._sources
        after_each = array.cells.half_select or self.fast.cells.decay or self.slow.cells.decay
        if sources is None or after_each or self.ideal_granularity:
            for vectors in manager.batch(x, delta):
                self.update(vectors, target)
            return
        config, shape = self.config, (x.shape[1], delta.shape[1])
        if shape != (config.columns, config.rows) or shape != (sources.sources.columns, sources.sources.rows):
            allowed = f"{config.columns} and {config.rows}, all of which the periphery uses"
            raise ValueError(f"vectors of {shape[0]} columns and {shape[1]} rows: must be {allowed}")
        if not len(x):
            return
        form = (
            self._magnitude_high,
            config.bl_max,
            sources.words_of_train,
            array.turned,
            *sources.begin_updates(target),
        )
        work = x, delta, manager.plan(x, delta), form, sources.sources, array.memory
        coincidences, slots = array.sharing.run(
            len(x) * array.memory.words.size >= PARALLEL_CELLS,
            lambda: update_alone(*work),
            lambda threads: update_shared(threads, *work),
            lambda done: done[0] + config.rows + config.columns,
        )
        array.pulsed()
        sources.count_updates(len(x), slots)
        self.coincidences += coincidences

    def update(self, vectors: UpdateVectors, target: Target = Target.FAST) -> None:
        """Pulse P, or W, with one outer product."""
        array = self.slow if target == Target.SLOW else self.fast
        slots = self.periphery.update(
            vectors.x_negative, vectors.x_magnitude, vectors.delta_negative, vectors.delta_magnitude, vectors.bl, target
        )
        if self.ideal_granularity:
            x = vectors.x_magnitude * (1 - 2 * vectors.x_negative)
            delta = vectors.delta_magnitude * (1 - 2 * vectors.delta_negative)
            if target == Target.FAST:
                x, delta = x * self.periphery.chopper, delta * self.periphery.row_chopper
            array.move(-vectors.bl * delta[:, None] * x, 2 * self.config.magnitude_bits)
            array.half_select(slots.rows, slots.columns, slots.up, slots.quadrant)
        else:
            self.coincidences += array.update(slots.rows, slots.columns, slots.up, slots.quadrant)
        self.fast.relax()
        self.slow.relax()

    def transfer(self, settings: Settings, noise: NoiseStream, count: int = 1) -> None:
        """Read the next ``count`` columns of P and write what the periphery answers to W."""
        periphery = self.periphery
        if not self._one_by_one and isinstance(periphery, Periphery) and periphery.transfers_alike:
            self._transfer_together(periphery, settings, noise, count)
        else:
            for _ in range(count):
                self._transfer(settings, noise)
        self.transfers += count

    def _transfer_together(self, periphery: Periphery, settings: Settings, noise: NoiseStream, count: int) -> None:
        """`transfer` in one compiled call."""
        modes, reads, fast, slow = periphery.begin_transfers(settings), periphery.reads, self.fast, self.slow
        if (reads.rows, reads.columns) != fast.cells.shape:
            allowed = f"{fast.cells.shape[0]} and {fast.cells.shape[1]}, those of the arrays"
            raise ValueError(f"used_rows and used_columns = {reads.rows} and {reads.columns}: must be {allowed}")
        converters, first = self.converters, noise.take(count * reads.rows)
        pulses, saturated, clamped = transfer_columns(
            count,
            fast.memory,
            slow.memory,
            slow.turned,
            self._copies,
            reads,
            modes,
            converters.read_form,
            converters.read_sigmas(fast.cells.read_noise),
            (noise.key, first, normal_table()),
        )
        periphery.count_transfers(count, pulses, saturated=saturated, clamped=clamped)

    def _transfer(self, settings: Settings, noise: NoiseStream) -> None:
        """One transfer, operation by operation."""
        fast, column = self.fast, self.periphery.next_column
        codes = self.converters.read_column(fast.column(column), noise, fast.cells.read_noise)
        result = self.periphery.transfer(codes, settings)
        self._take(result, noise)
        if result.residual is not None:
            self._residual[result.column] = result.residual
        if result.pulses.any():
            self.slow.pulse_column(result.column, result.pulses)

    def calibrate(self, pulses: int, sweeps: int, noise: NoiseStream) -> None:
        """Zero-shifting of P with so many alternating pulses a cell, then so many reads of every column.

        The last sweep latches Qref, and R takes it.
        """
        ones, columns = np.ones((self.config.rows, self.config.columns), np.int64), self.config.columns
        nothing = np.zeros((0, self.config.rows), np.int64)
        for done in range(0, pulses, CALIBRATION_PULSES):
            result = self.periphery.calibrate(min(CALIBRATION_PULSES, pulses - done), nothing)
            for up in result.up:
                self.fast.pulse(ones if up else -ones)
            self.coincidences += ones.size * result.up.size
        most = max(1, CALIBRATION_READS // columns)
        for done in range(0, sweeps, most):
            count = min(most, sweeps - done) * columns
            order = (self.periphery.next_column + np.arange(count)) % columns
            fast, reads = self.fast, self.converters.read_column
            codes = [reads(fast.column(int(column)), noise, fast.cells.read_noise) for column in order]
            result = self.periphery.calibrate(0, np.array(codes))
            if done + most >= sweeps:
                for read in result.reads[-columns:]:
                    self._take(read, noise)
            self.transfers += count

    def _take(self, read: Transfer, noise: NoiseStream) -> None:
        """R takes what a read has latched."""
        if not read.latched.any():
            return
        if self.programmed is None:
            column = self._copy[read.column]
            column[:] = np.where(read.latched, self.to_weight(read.reference), column)
            self._copy_words[read.column] = read_words(column)
        else:
            cells = _ReferenceColumn(self.programmed, read.column, self.converters, noise)
            self.periphery.program(read.column, self._programming, cells)

    def to_weight(self, reference: Int) -> Int:
        """Words of Q or Qref as weights with 30 fractional bits."""
        return round_shift(reference * self.converters.read_lsb, self.config.reference_fraction_bits)

    def state_arrays(self) -> dict[str, np.ndarray]:
        """All state of arrays and periphery by name."""
        arrays: dict[str, np.ndarray] = {"reference": self.reference}
        for name, array in self.arrays():
            arrays |= named(name, array.state_arrays())
        return arrays | named("periphery", self.periphery.state_arrays())

    def arrays(self) -> list[tuple[str, DeviceArray]]:
        """All arrays of devices by name: P, W, and R where it is one."""
        programmed = [] if self.programmed is None else [("programmed", self.programmed)]
        return [("fast", self.fast), ("slow", self.slow), *programmed]

    def counters(self) -> dict[str, np.ndarray]:
        """What a run has counted beside the state, by name."""
        counts = {"coincidences": self.coincidences, "transfers": self.transfers, "cycles": self.periphery.cycles}
        return {name: np.array(count, np.int64) for name, count in counts.items()}

    def restore(self, arrays: Arrays) -> None:
        """Back to the state of `state_arrays` and `counters`; only with a periphery that is `Restorable`."""
        assert isinstance(self.periphery, Restorable)
        self.periphery.restore(part_of(arrays, "periphery"))
        if self.config.residual_memory:
            columns, rows = self._residual.shape
            self._residual[...] = arrays["periphery_residual"][:columns, :rows]
        if self.programmed is None:
            self._copy[...] = arrays["reference"].T
            self._copy_words[...] = read_words(self._copy)
        for name, array in self.arrays():
            array.restore(part_of(arrays, name))
        self.coincidences = int(arrays["coincidences"])
        self.transfers = int(arrays["transfers"])
        self.periphery.cycles = int(arrays["cycles"])


class _ReferenceColumn:
    """A column of R as its programming sees it, see `model.tile.interface.ReferenceColumn`."""

    def __init__(self, array: DeviceArray, column: int, converters: Converters, noise: NoiseStream) -> None:
        self._array, self._column, self._converters, self._noise = array, column, converters, noise

    def read(self) -> Int:
        read_noise = self._array.cells.read_noise
        return self._converters.read_column(self._array.column(self._column), self._noise, read_noise)

    def write(self, pulses: Int) -> None:
        self._array.pulse_column(self._column, pulses)
