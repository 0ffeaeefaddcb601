# SPDX-License-Identifier: Apache-2.0
"""The native engine: plays jobs on the Verilog as a shared library in this process.

Programs are played cycle by cycle as in every engine. Layers of a training play whole updates and transfers per call,
which is what makes it fast; with recording, the outputs of all their cycles are compared with `model.tile.waveform`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from symtrack.cosim.engine.job import Job, Outcome, carry_out
from symtrack.cosim.engine.lockstep import (
    HISTORY,
    Checker,
    Difference,
    MismatchError,
    Ports,
    Program,
    State,
    compare_states,
    play_in_lock_step,
)
from symtrack.cosim.engine.native.build import WORD, Span, native_library
from symtrack.cosim.engine.native.tile import NativeTile
from symtrack.cosim.engine.state import hidden_states, read_state, with_ports
from symtrack.cosim.engine.stepped_periphery import Rounds, SteppedPeriphery, check_target
from symtrack.cosim.tools.toolchain import ToolError
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.hdl.output.verilog import tile_ports
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.settings import Op, Settings, Target
from symtrack.model.state import Arrays
from symtrack.model.tile.interface import Calibration, PeripheryLike, PulseSlots, ReferenceColumn, Transfer
from symtrack.model.tile.operations import Periphery
from symtrack.model.tile.packing import Words, pack_beats, pack_vectors, unpack_lines, unpack_words
from symtrack.model.tile.waveform import Waveform


class StateNotTakenError(ToolError):
    """A netlist is in another state than it was set to."""


class NativePeriphery:
    """A layer in RTL by whole operations; the methods are those of `model.tile.operations.Periphery`.

    Attributes
    ----------
    cycles : clock cycles of the operations so far, idle ones between them not counted.
    used : the rows and columns in use.
    played, compared : all cycles played, those before the first operation too, and those whose every output was
        compared.
    """

    def __init__(self, tile: NativeTile, *, record: bool) -> None:
        self.config = config = tile.config
        self.tile = tile
        self.cycles = 0
        self.played = 0
        self.compared = 0
        self.golden = Waveform(config, tile.layout.outputs) if record else None
        self.use()
        self._settings: Settings | None = None
        self._seen: dict[tuple[str, int], Int] = {}  # choppers of so many lines, since the last operation
        self._magnitude_words = tile.layout.inputs["vectors__magnitude"][1]
        first, _ = tile.layout.payload("pulses")
        self._slot = {name: _below(tile.layout.outputs[f"pulses__{name}"], first) for name in _SLOT}
        first, _ = tile.layout.payload("writes")
        self._write_bits = {"pulses": config.pulses_format.width, "reference": config.reference_format.width}
        if config.residual_memory:
            self._write_bits["residual"] = config.difference_format.width
        self._write = {
            name: _below(tile.layout.outputs[f"writes__{name}"], first) for name in (*_WRITE, *self._write_bits)
        }
        cycles, rows = tile.operation(None, 0, record=record, seed=True)
        self._judge(cycles, rows, None if self.golden is None else self.golden.clear(), idle=True)

    def use(self, rows: int = 0, columns: int = 0) -> None:
        """Use these lines from the next operation on."""
        self.used = self.config.used(rows, columns)
        self.tile.use(self.used)
        if self.golden is not None:
            self.golden.use(rows, columns)

    @property
    def chopper(self) -> Int:
        """c, +1 or -1 per column."""
        return self._signs("status__chopper", self.used.columns)

    @property
    def row_chopper(self) -> Int:
        """c', +1 or -1 per row."""
        return self._signs("status__row_chopper", self.used.rows)

    def _signs(self, port: str, lines: int) -> Int:
        if (port, lines) not in self._seen:  # every product of the crossbar asks for them
            first, count = self.tile.layout.outputs[port]
            bits = unpack_lines(self.tile.outputs[None, first : first + count], lines)[0]
            self._seen[port, lines] = 1 - 2 * bits.astype(np.int64)
        return self._seen[port, lines]

    @property
    def next_column(self) -> int:
        """The column that the next transfer reads."""
        column = self.tile.get("read__column")
        return column if column < self.used.columns else 0

    def update(
        self,
        x_negative: Int,
        x_magnitude: Int,
        delta_negative: Int,
        delta_magnitude: Int,
        bl: int,
        target: Target = Target.FAST,
    ) -> PulseSlots:
        """Play one update; the lines of its slots."""
        config, tile = self.config, self.tile
        lines = (x_negative, x_magnitude, delta_negative, delta_magnitude)
        pack_vectors(*lines, config.lanes, config.magnitude_bits, self._magnitude_words, tile.vectors)
        tile.set("settings__target", target)
        self._play(Op.UPDATE, bl, None if self.golden is None else self.golden.update(*lines, bl, target)[1])
        slots, at = tile.pulses[: tile.slot_count], self._slot
        check_target(config, self.played, target, slots[:, at["slow"].start])
        return PulseSlots(
            rows=self._lines(slots, "rows"),
            columns=self._lines(slots, "columns"),
            up=slots[:, at["up"].start].astype(np.uint8),
            quadrant=slots[:, at["quadrant"].start].astype(np.uint8),
        )

    def transfer(self, codes: Int, settings: Settings) -> Transfer:
        """Play one transfer of the next column with these ADC codes."""
        config, tile = self.config, self.tile
        self._set(settings)
        tile.codes[...] = 0
        pack_beats(codes, config.lanes, config.adc_bits, tile.codes)
        self._play(Op.TRANSFER, 0, None if self.golden is None else self.golden.transfer(codes, settings)[1])
        self._whole("writes__valid", len(tile.writes), tile.write_count)
        return self._written(tile.writes)

    def calibrate(self, pulses: int, codes: Int, *, random: bool = False) -> Calibration:
        """Play one calibration with the ADC codes of its reads."""
        config, tile, beats = self.config, self.tile, self.used.row_beats
        sweeps = len(codes) // self.used.columns
        self._set(Settings(calibration_pulses=pulses, calibration_sweeps=sweeps, calibration_random=random))
        packed = np.zeros((len(codes) * beats, tile.codes.shape[1]), np.uint64)
        for read, column in enumerate(codes):
            pack_beats(column, config.lanes, config.adc_bits, packed[read * beats : (read + 1) * beats])
        expected = None if self.golden is None else self.golden.calibrate(pulses, codes, random=random)[1]
        cycles, rows, slots, writes = tile.calibration(pulses, packed, record=expected is not None)
        self._judge(cycles, rows, expected)
        self._whole("pulses__valid", pulses, len(slots))
        self._whole("writes__valid", len(packed), len(writes))
        check_target(config, self.played, Target.FAST, slots[:, self._slot["slow"].start])
        for lines in ("rows", "columns"):
            self._whole(f"pulses__{lines}", getattr(self.used, lines) * pulses, self._lines(slots, lines).sum())
        reads = [self._written(writes[first : first + beats]) for first in range(0, len(writes), beats)]
        return Calibration(up=slots[:, self._slot["up"].start].astype(np.uint8), reads=reads)

    def program(self, column: int, settings: Settings, cells: ReferenceColumn) -> int:
        """Play one programming, whose reads and writes are those of ``cells``; its rounds."""
        config, tile, at = self.config, self.tile, self._write
        self._set(settings)
        taken, rows, played, last = Rounds(cells), [], 0, False
        while not last:
            tile.codes[...] = 0
            pack_beats(taken.read(), config.lanes, config.adc_bits, tile.codes)
            cycles, some, last = tile.round(column, first=not played, record=self.golden is not None)
            played += abs(cycles)
            rows.append(some.copy())
            if cycles < 0:
                break
            self._whole("writes__valid", len(tile.writes), tile.write_count)
            for name, expected in (("array", 1), ("column", column)):
                for value in tile.writes[:, at[name].start].tolist():
                    self._whole(f"writes__{name}", expected, value)
            taken.write(self._written(tile.writes).pulses)
        golden = None if self.golden is None else self.golden.program(column, settings, taken.again())[1]
        self._judge(played if last else -played, np.concatenate(rows), golden)
        return len(taken.codes)

    def _set(self, settings: Settings) -> None:
        """Drive the ports of settings; if they are those of the last call, only the target, which updates change."""
        if settings is self._settings:
            self.tile.set("settings__target", settings.target)
            return
        for name, value in vars(settings).items():
            if name not in ("used_rows", "used_columns"):
                self.tile.set(f"settings__{name}", int(value))
        self._settings = settings

    def _written(self, writes: Words) -> Transfer:
        """The result of a read from its beats of writes."""
        config, at = self.config, self._write
        words = {
            name: unpack_words(writes[:, at[name]], bits, config.lanes).reshape(-1)[: self.used.rows]
            for name, bits in self._write_bits.items()
        }
        return Transfer(
            column=int(writes[0][at["column"].start]),
            latched=unpack_lines(writes[:, at["latch"]], config.lanes).reshape(-1)[: self.used.rows],
            **words,
        )

    def _lines(self, slots: Words, name: str) -> np.ndarray:
        return unpack_lines(slots[:, self._slot[name]], getattr(self.used, name))

    def _whole(self, signal: str, golden: int, rtl: int) -> None:
        """So many must there be."""
        if golden != rtl:
            raise MismatchError(Difference(self.played, signal, golden, int(rtl), tile=self.config.name))

    def state_arrays(self) -> dict[str, Int]:
        """State under the golden names; KeyError if the netlist hides some of it."""
        return with_ports(self.config, read_state(self.config, self.tile.state_words), self.tile.get, self._signs)

    def restore(self, arrays: Arrays) -> None:
        """Back to the state of `state_arrays`, of RTL or of the golden periphery; ``cycles`` is not part of it."""
        self.tile.set_state(arrays)
        for _ in range(2):  # the first rising edge carries the state to the outputs, the second cycle shows them
            self.played += self.tile.operation(None, 0, record=False)[0]
        self._seen.clear()
        taken = self.state_arrays()
        for name, value in arrays.items():
            if not np.array_equal(taken[name], value):
                raise StateNotTakenError(f"{name}: must be what it is set to, but this netlist does not take it")
        if self.golden is not None:
            self.golden.restore(arrays)

    def _play(self, op: Op, bl: int, expected: Words | None) -> None:
        """Play an operation and compare its outputs, if they are recorded, with those expected.

        What counts is the first difference in time, then in the order of ports; an operation that ends at another
        cycle than expected, or never, is one.
        """
        cycles, rows = self.tile.operation(op, bl, record=expected is not None)
        self._judge(cycles, rows, expected)

    def _judge(self, cycles: int, rows: Words, expected: Words | None, *, idle: bool = False) -> None:
        """Compare the outputs of an operation, and count its cycles; ``idle`` ones do not count."""
        self._seen.clear()
        if expected is not None:
            if not np.array_equal(rows, expected):
                common = min(len(rows), len(expected))
                differing = (rows[:common] != expected[:common]).any(axis=1)
                at = int(differing.argmax()) if differing.any() else common - 1
                raise MismatchError(self._difference(rows, expected, at))
            self.compared += cycles
        elif cycles < 0:
            raise MismatchError(Difference(self.played - cycles, "status__busy", 0, 1, tile=self.config.name))
        self.played += cycles
        if not idle:
            self.cycles += cycles - 1  # the last one is idle

    def _difference(self, rows: Words, expected: Words, at: int) -> Difference:
        outputs = self.tile.layout.outputs
        history: list[dict[str, Any]] = [
            {
                "cycle": self.played + cycle,
                "rtl": {name: _value(rows[cycle], span) for name, span in outputs.items()},
                "golden": {name: _value(expected[cycle], span) for name, span in outputs.items()},
            }
            for cycle in range(max(0, at + 1 - HISTORY), at + 1)
        ]
        rtl, golden = history[-1]["rtl"], history[-1]["golden"]
        signal = next((name for name in outputs if rtl[name] != golden[name]), "status__busy")
        return Difference(self.played + at, signal, golden[signal], rtl[signal], history, self.config.name)


_SLOT = ("rows", "columns", "up", "quadrant", "slow")
_WRITE = ("array", "column", "latch")


def _below(span: Span, first: int) -> slice:
    return slice(span[0] - first, span[0] - first + span[1])


def _value(row: Words, span: Span) -> int:
    return sum(int(row[span[0] + k]) << (WORD * k) for k in range(span[1]))


def native_periphery(config: TileConfig) -> NativePeriphery:
    """RTL for a training outside of a job; nothing is compared, which is left to who sees the final states.

    Raises
    ------
    ToolError
        A program is missing, or the simulator cannot be built.
    """
    return NativePeriphery(NativeTile(native_library(tile_verilog(config), config), config), record=False)


class NativeBench:
    """`cosim.engine.job.Bench` on shared libraries: one tile for programs, or one for every layer of a training."""

    def __init__(self, job: Job, verilog: str | None, progress: Callable[[int], None]) -> None:
        self.config = job.config
        self.widths = {port.name: port.width for port in tile_ports(job.config) if not port.output}
        self.checker = Checker(job.config, job.faults)
        self.peripheries: list[NativePeriphery] = []
        self._job = job
        self._verilog = verilog
        self.progress = progress
        self.aside_s = 0.0
        self._tile = self._new_tile(job.config)
        outputs = self._tile.layout.outputs.items()
        self._words = [(name, first) for name, (first, count) in outputs if count == 1]
        self._wide = [(name, first, first + count) for name, (first, count) in outputs if count > 1]
        self._driven: dict[str, int] = {}

    def _new_tile(self, config: TileConfig) -> NativeTile:
        begin = time.process_time()
        tile = self._load(config)
        self.aside_s += time.process_time() - begin
        return tile

    def _load(self, config: TileConfig) -> NativeTile:
        given = self._verilog if config == self.config else None
        verilog = tile_verilog(config) if given is None else given
        return NativeTile(native_library(verilog, config), config)

    @property
    def cycles(self) -> int:
        """Clock cycles played so far, in all tiles together."""
        return self.checker.cycles + sum(periphery.played for periphery in self.peripheries)

    @property
    def compared(self) -> int:
        """Cycles in which every output was compared."""
        return self.checker.compared + sum(periphery.compared for periphery in self.peripheries)

    def run(self, program: Program) -> Any:
        """Play the cycles of a program one by one."""
        if self.peripheries:
            raise RuntimeError("the tile is driven by whole operations; a program cannot join in")
        return play_in_lock_step(program, self.checker, self.read_state, self._cycle)

    def _cycle(self, inputs: Ports) -> Ports:
        """The outputs of a cycle with these inputs."""
        tile = self._tile
        for name, value in inputs.items():
            if self._driven.get(name) != value:
                tile.set(name, value)
                self._driven[name] = value
        tile.cycle()
        row = tile.outputs.tolist()
        outputs = {name: row[first] for name, first in self._words}
        for name, first, end in self._wide:
            outputs[name] = int.from_bytes(tile.outputs[first:end].tobytes(), "little")
        return outputs

    def read_state(self) -> State:
        """State of the tile that programs play on."""
        return read_state(self.config, self._tile.state_words)

    def periphery(self, config: TileConfig) -> PeripheryLike:
        """RTL for every tile; with deliberate faults, which name single cycles, only for that of `config`."""
        if self._job.faults:
            return SteppedPeriphery(self) if config == self.config else Periphery(config)
        own = config == self.config and not self.peripheries and not self.checker.cycles
        periphery = NativePeriphery(self._tile if own else self._new_tile(config), record=self._job.record)
        self.peripheries.append(periphery)
        return periphery

    def compare_states(self) -> tuple[int, list[str]]:
        """Compare all final states with the golden ones: the number of words, and the arrays that could not be read."""
        own, hidden = self._verilog is None, []
        if not self.peripheries:
            state = self.read_state()
            hidden = hidden_states(self.config, state, own=own)
            self.checker.state(state)
            return self.checker.states_compared, hidden
        words = 0
        for periphery in self.peripheries:
            config = periphery.config
            state = read_state(config, periphery.tile.state_words)
            hidden += hidden_states(config, state, own=own or config != self.config)
            if periphery.golden is not None:
                golden = periphery.golden.periphery.state_arrays()
                words += compare_states(periphery.played, state, golden, tile=config.name)
        return words, hidden


def run_job(
    job: Job,
    *,
    verilog: str | None = None,
    waves: Path | None = None,
    progress: Callable[[int], None] = lambda cycles: None,
) -> Outcome:
    """Play ``job`` in this process; arguments and errors as of `cosim.engine.cocotb.engine.run_job`, but without
    waves.
    """
    if waves is not None:
        raise ToolError("the native engine has no waves: use --engine cocotb")
    return carry_out(job, NativeBench(job, verilog, progress))
