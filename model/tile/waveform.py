# SPDX-License-Identifier: Apache-2.0
"""Expected waveform of an operation without stalls: every output port of the tile, one row per clock cycle.

    with R rows and C columns in use, B = ⌈R/L⌉
    update:    1 command + ⌈C/L⌉ + B load + SLOT_LATENCY + S slots + 1 idle            rows of outputs
    transfer:  1 command + 1 read + B codes + BEAT_LATENCY + 1 idle
    calibrate: 1 command + SLOT_LATENCY + N slots + reads, each 1 + B codes + BEAT_LATENCY, + 1 idle
    program:   1 command + reads + 1 idle

The last row is the idle cycle after the operation. Values are those of `model.tile.operations.Periphery`, positions
those of docs/tile.md, sections 5, 6, 8 and 9; `model.tile.tile.TileModel`, stepped through the same operation, gives
the same outputs.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from symtrack.model.spec.config import BEAT_LATENCY, SEED_CYCLES, SLOT_LATENCY, TileConfig
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.settings import Settings, Target
from symtrack.model.state import Arrays
from symtrack.model.tile.interface import Calibration, PulseSlots, ReferenceColumn, Transfer
from symtrack.model.tile.operations import Periphery
from symtrack.model.tile.packing import Words, pack_lines, pack_words
from symtrack.model.tile.pulse_train import Bits

Layout = Mapping[str, tuple[int, int]]


class Waveform:
    """A `model.tile.operations.Periphery` that also tells the output ports.

    Parameters
    ----------
    config
        Configuration of the tile.
    layout
        Of a row of outputs: first 64-bit word and number of words of every output port.
    """

    def __init__(self, config: TileConfig, layout: Layout) -> None:
        self.config = config
        self.periphery = Periphery(config)
        self._layout = {name: slice(first, first + count) for name, (first, count) in layout.items()}
        self._idle = np.zeros(sum(count for _, count in layout.values()), np.uint64)  # registers hold their values
        self._idle[self._layout["command__ready"]] = 1

    def clear(self) -> Words:
        """Outputs from the first cycle after reset, in which the seeds begin to come, to the first idle one after it.

        That is the first one in which there is no seed any more.
        """
        config, count = self.config, len(self.config.sources)
        rows = self._rows(max(config.clear_cycles, config.seed_cycles), busy_from=0)
        for name, busy in (("command__ready", 0), ("status__busy", 1)):
            rows[: config.clear_cycles, self._layout[name]] = busy
            rows[config.clear_cycles :, self._layout[name]] = 1 - busy
        rows[SEED_CYCLES - 1 : SEED_CYCLES * count : SEED_CYCLES, self._layout["seeds__ready"]] = 1
        return rows

    def update(
        self,
        x_negative: Int,
        x_magnitude: Int,
        delta_negative: Int,
        delta_magnitude: Int,
        bl: int,
        target: Target = Target.FAST,
    ) -> tuple[PulseSlots, Words]:
        """Play one update; its slots and outputs."""
        used, at, status = self.periphery.used, self._layout, self.periphery.status
        before = status.slots
        slots = self.periphery.update(x_negative, x_magnitude, delta_negative, delta_magnitude, bl, target)
        count = slots.up.size
        rows = self._operation(used.update_cycles(count))
        load = used.column_beats + used.row_beats
        rows[1 : 1 + load, at["vectors__ready"]] = 1
        if count:
            first = 1 + load + SLOT_LATENCY
            played = slice(first, first + count)
            rows[played, at["pulses__valid"]] = 1
            self._hold(rows, "pulses__rows", first, self._lines("pulses__rows", slots.rows))
            self._hold(rows, "pulses__columns", first, self._lines("pulses__columns", slots.columns))
            self._hold(rows, "pulses__up", first, slots.up[:, None])
            self._hold(rows, "pulses__quadrant", first, slots.quadrant[:, None])
            self._hold(rows, "pulses__slow", first, np.full((count, 1), int(target)))
            last = np.zeros((count, 1), np.uint64)
            last[-1] = 1
            self._hold(rows, "pulses__last", first, last)
            self._count(rows, "status__slots", first + 1, before + np.arange(1, count + 1))
        return slots, rows

    def transfer(self, codes: Int, settings: Settings) -> tuple[Transfer, Words]:
        """Play one transfer; its result and outputs."""
        cycles, status = self.periphery.used.transfer_cycles, self.periphery.status
        reads, pulses = status.reads, status.transfer_pulses
        saturated, clamped = status.hidden_saturated, status.pulses_clamped
        result = self.periphery.transfer(codes, settings)
        rows = self._operation(cycles)
        first = self._read(rows, 1, reads, result)
        n = self._by_beat(result.pulses)
        self._count(rows, "status__transfer_pulses", first + 1, pulses + np.abs(n).sum(axis=1).cumsum())

        # Sticky flags rise with the beat that sets them; which one that is matters only when one does.
        if status.hidden_saturated > saturated or status.pulses_clamped > clamped:
            for beat, (h, n) in enumerate(zip(*map(self._by_beat, self.periphery.clipped), strict=True)):
                saturated |= bool(h.any())
                clamped |= bool(n.any())
                self._hold(rows, "status__hidden_saturated", first + beat, np.array([[saturated]]))
                self._hold(rows, "status__pulses_clamped", first + beat, np.array([[clamped]]))

        for name, signs in self._signs():
            self._hold(rows, name, cycles, signs[None])
        self._hold(rows, "read__column", cycles, np.array([[self.periphery.next_column]]))
        return result, rows

    def calibrate(self, pulses: int, codes: Int, *, random: bool = False) -> tuple[Calibration, Words]:
        """Play one calibration; its result and outputs."""
        used, at, status = self.periphery.used, self._layout, self.periphery.status
        slots, reads = status.slots, status.reads
        result = self.periphery.calibrate(pulses, codes, random=random)
        rows = self._operation(used.calibration_cycles(pulses, len(codes) // used.columns))
        start = 1
        if pulses:
            first = start + SLOT_LATENCY
            rows[first : first + pulses, at["pulses__valid"]] = 1
            for name, lines in (("pulses__rows", used.rows), ("pulses__columns", used.columns)):
                self._hold(rows, name, first, self._lines(name, np.ones((pulses, lines), np.uint8)))
            for name in ("pulses__up", "pulses__quadrant"):
                self._hold(rows, name, first, result.up[:, None])
            self._hold(rows, "pulses__slow", first, np.zeros((pulses, 1), np.uint64))
            self._hold(rows, "pulses__last", first, (np.arange(pulses) == pulses - 1)[:, None])
            self._count(rows, "status__slots", first + 1, slots + np.arange(1, pulses + 1))
            start = first + pulses
        for done, read in enumerate(result.reads):
            part = self._until_the_next_read(rows, start)
            self._read(part, start, reads + done, read)
            start += used.read_cycles
            self._hold(part, "read__column", start, np.array([[(read.column + 1) % used.columns]]))
        return result, rows

    def program(self, column: int, settings: Settings, cells: ReferenceColumn) -> tuple[int, Words]:
        """Play one programming; its rounds and outputs."""
        at, periphery = self._layout, self.periphery
        used = periphery.used
        status, writes = periphery.status, _Writes(cells)
        reads, pulses, unprogrammed, gave_up = (
            status.reads,
            status.reference_pulses,
            status.unprogrammed,
            status.gave_up,
        )
        rounds = periphery.program(column, settings, writes)
        rows = self._operation(used.programming_cycles(rounds))
        rows[1:-1, at["read__array"]] = 1
        rows[1:-1, at["read__column"]] = column
        none, reference = np.zeros(used.rows, np.uint8), periphery.qref[column, : used.rows]
        residual = periphery.residual[column, : used.rows]
        for done, n in enumerate(writes.taken):
            start = 1 + done * used.read_cycles
            result = Transfer(column=column, pulses=n, latched=none, reference=reference, residual=residual)
            first = self._read(rows, start, reads + done, result, array=1)
            counts = pulses + np.abs(self._by_beat(n)).sum(axis=1).cumsum()
            self._count(rows, "status__reference_pulses", first + 1, counts)
            pulses = int(counts[-1])
        # Cells that are out of tolerance after the last round are those that were given up.
        outside = self._by_beat(periphery.outside).sum(axis=1).cumsum()
        self._count(rows, "status__unprogrammed", first + 1, unprogrammed + outside)
        self._hold(rows, "status__gave_up", first + 1, (gave_up | (outside > 0))[:, None])
        return rounds, rows

    def _until_the_next_read(self, rows: Words, start: int) -> Words:
        """The rows in which something of the read whose request is in cycle ``start`` can still be held."""
        return rows[: start + 2 * self.periphery.used.read_cycles]

    def _read(self, rows: Words, start: int, reads: int, read: Transfer, *, array: int = 0) -> int:
        """The streams of a read whose request is in cycle ``start``, after so many; the cycle of its first write."""
        config, at, beats = self.config, self._layout, self.periphery.used.row_beats
        rows[start, at["read__valid"]] = 1
        rows[start + 1 : start + 1 + beats, at["codes__ready"]] = 1
        self._count(rows, "status__reads", start + 1, np.array([reads + 1]))
        first = start + 1 + BEAT_LATENCY
        rows[first : first + beats, at["writes__valid"]] = 1
        self._hold(rows, "writes__array", first, np.full((beats, 1), array))
        self._hold(rows, "writes__column", first, np.full((beats, 1), read.column))
        self._hold(rows, "writes__beat", first, np.arange(beats)[:, None])
        self._hold(rows, "writes__last", first, (np.arange(beats) == beats - 1)[:, None])
        payload: list[tuple[str, np.ndarray, int]] = [
            ("latch", read.latched, 1),
            ("pulses", read.pulses, config.pulses_format.width),
            ("reference", read.reference, config.reference_format.width),
        ]
        if config.residual_memory:
            assert read.residual is not None
            payload.append(("residual", read.residual, config.difference_format.width))
        for name, values, width in payload:
            self._hold(rows, f"writes__{name}", first, pack_words(self._by_beat(values), width))
        return first

    def restore(self, arrays: Arrays) -> None:
        """Back to the state of `Periphery.state_arrays`, payloads of streams being what they are."""
        self.periphery.restore(arrays)
        periphery, at = self.periphery, self._layout
        for name, value in periphery.status.state_arrays().items():
            self._idle[at[f"status__{name}"]] = int(value)
        for name, signs in self._signs():
            self._idle[at[name]] = signs
        self._idle[at["read__column"]] = periphery.chopper_state.column

    def use(self, rows: int = 0, columns: int = 0) -> None:
        """Use these lines from the next operation on."""
        self.periphery.use(rows, columns)

    def _signs(self) -> tuple[tuple[str, Words], ...]:
        """The ports that tell the choppers of all lines, and their words."""
        state = self.periphery.chopper_state
        names = ("status__chopper", state.sign), ("status__row_chopper", state.row_sign)
        return tuple((name, pack_lines((signs < 0).astype(np.uint8)[None])[0]) for name, signs in names)

    def _lines(self, name: str, bits: Bits) -> Words:
        """Rows of bits [n, lines in use] as those of a port, whose other lines are 0."""
        words = pack_lines(bits)
        port = self._layout[name]
        return np.pad(words, ((0, 0), (0, port.stop - port.start - words.shape[1])))

    def _operation(self, cycles: int) -> Words:
        """The rows of an operation, which may find that the next column is not in use."""
        rows = self._rows(cycles)
        if self._idle[self._layout["read__column"]] >= self.periphery.used.columns:
            self._hold(rows, "read__column", 1, np.zeros((1, 1), np.int64))
        return rows

    def _rows(self, cycles: int, busy_from: int = 1) -> Words:
        """Outputs of an operation of so many cycles and one idle one, in which only the state moves."""
        rows = np.repeat(self._idle[None], cycles + 1, axis=0)
        rows[busy_from:cycles, self._layout["command__ready"]] = 0
        rows[busy_from:cycles, self._layout["status__busy"]] = 1
        return rows

    def _hold(self, rows: Words, name: str, first: int, values: np.ndarray) -> None:
        """A register that takes ``values`` [n, words] from cycle ``first`` on and keeps the last one, also later."""
        at = self._layout[name]
        rows[first : first + len(values), at] = values
        rows[first + len(values) :, at] = values[-1]
        self._idle[at] = values[-1]

    def _count(self, rows: Words, name: str, first: int, values: Int) -> None:
        """A counter that takes ``values`` [n] and stops at its largest value."""
        self._hold(rows, name, first, np.minimum(values, (1 << self.config.counter_bits) - 1)[:, None])

    def _by_beat(self, values: np.ndarray) -> Int:
        """Values [R] as [B, L], zero beyond the last row."""
        used = self.periphery.used
        padded = np.zeros(used.row_beats * used.lanes, np.int64)
        padded[: used.rows] = values
        return padded.reshape(used.row_beats, used.lanes)


class _Writes:
    """Cells of R that remember the pulses they were given, round by round."""

    def __init__(self, cells: ReferenceColumn) -> None:
        self._cells = cells
        self.taken: list[Int] = []

    def read(self) -> Int:
        return self._cells.read()

    def write(self, pulses: Int) -> None:
        self.taken.append(pulses)
        self._cells.write(pulses)
