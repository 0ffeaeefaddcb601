"""The native engine: the same Verilog as a shared library in this process.

Programs are played cycle by cycle as in every engine. Layers of a training play whole updates and transfers per call,
which is what makes it fast; with recording, the outputs of all their cycles are compared with `model.trace`.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from cosim.bench import Job, Outcome
from cosim.lockstep import HISTORY, Checker, Difference, MismatchError, State, Verdict, compare_states
from cosim.native_build import WORD, Layout, Span, length, native_library
from cosim.rtl_periphery import RtlPeriphery
from cosim.rtl_state import StateItem, hidden_states, read_state
from cosim.streams import Program
from cosim.toolchain import ToolError
from hdl.verilog import tile_ports, tile_verilog
from model.analog_tile import PeripheryLike
from model.config import Op, Settings, TileConfig
from model.fixed import Int
from model.lanes import Words, pack_beats, unpack_lines, unpack_words
from model.periphery import PulseSlots, Transfer
from model.trace import TracedPeriphery

RESET_CYCLES = 2
QUADRANTS = 4


class NativeTile:
    """The library's tile, in rows of words; its functions are those of ``native_loop.h``."""

    def __init__(self, library: Path, config: TileConfig) -> None:
        self.config = config
        self.layout = Layout.of(config)
        self.inputs = np.zeros(length(self.layout.inputs), np.uint64)
        self.outputs = np.zeros(length(self.layout.outputs), np.uint64)
        self._library = ctypes.CDLL(str(library))
        for name, result in (("new", ctypes.c_void_p), ("operation", ctypes.c_long), ("state", ctypes.c_bool)):
            getattr(self._library, f"symtrack_{name}").restype = result
        self._handle = ctypes.c_void_p(self._library.symtrack_new())
        self._cycle = self._library.symtrack_cycle
        self._cycle_arguments = (self._handle, _pointer(self.inputs), _pointer(self.outputs))
        self._pulses = np.zeros((QUADRANTS * config.bl_max, self.layout.payload("pulses")[1]), np.uint64)
        self._writes = np.zeros((config.row_beats, self.layout.payload("writes")[1]), np.uint64)
        # The longest operation without waits is a full update; clearing can be longer.
        most = max(config.update_cycles(len(self._pulses)), config.transfer_cycles, config.clear_cycles) + 1
        self._record = np.zeros((most, len(self.outputs)), np.uint64)
        self.set("rst", 1)
        for _ in range(RESET_CYCLES):
            self.cycle()
        self.set("rst", 0)

    def __del__(self) -> None:
        if hasattr(self, "_handle"):
            self._library.symtrack_delete(self._handle)

    def set(self, name: str, value: int) -> None:
        """Value of an input port for the cycles to come."""
        first, count = self.layout.inputs[name]
        if count == 1:
            self.inputs[first] = value
            return
        for k in range(count):
            self.inputs[first + k] = value >> (WORD * k) & ((1 << WORD) - 1)

    def get(self, name: str) -> int:
        """Value of an output port in the last cycle."""
        first, count = self.layout.outputs[name]
        return sum(int(self.outputs[first + k]) << (WORD * k) for k in range(count))

    def cycle(self) -> None:
        """Play one cycle with the inputs that are set."""
        self._cycle(*self._cycle_arguments)

    def operation(
        self, command: dict[str, int], vectors: Words, codes: Words, *, record: bool
    ) -> tuple[Words, Words, int, Words]:
        """Play one operation to its first idle cycle; without a command, only wait for that.

        Returns the beats of pulses and of writes, the number of cycles, and the rows of outputs if they are recorded.
        """
        for key, value in command.items():
            self.set(f"command__{key}", value)
        pulse_beats, write_beats = ctypes.c_long(len(self._pulses)), ctypes.c_long(len(self._writes))
        cycles = self._library.symtrack_operation(
            *self._cycle_arguments,
            ctypes.c_int(bool(command)),
            _pointer(vectors),
            ctypes.c_long(len(vectors)),
            _pointer(codes),
            ctypes.c_long(len(codes)),
            _pointer(self._pulses),
            ctypes.byref(pulse_beats),
            _pointer(self._writes),
            ctypes.byref(write_beats),
            _pointer(self._record) if record else None,
            ctypes.c_long(len(self._record)),
        )
        if cycles < 0:
            raise ToolError(f"no end of an operation without waits in {len(self._record)} cycles, or too many beats")
        rows = self._record[: cycles if record else 0]
        return self._pulses[: pulse_beats.value], self._writes[: write_beats.value], cycles, rows

    def state_words(self, index: int, item: StateItem) -> list[int] | None:
        """Rows of a state item as integers, None if the netlist hides it."""
        count = -(-item.width // WORD)
        rows = np.zeros((item.rows, count), np.uint64)
        if not self._library.symtrack_state(self._handle, ctypes.c_int(index), _pointer(rows)):
            return None
        return [sum(int(word) << (WORD * k) for k, word in enumerate(row)) for row in rows]


def _pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


class NativePeriphery:
    """A layer in RTL by whole operations; the methods are those of `model.periphery.Periphery`.

    Attributes
    ----------
    cycles : clock cycles of the operations so far, idle ones between them not counted.
    played, compared : all cycles played, and those whose every output was compared.
    """

    def __init__(self, tile: NativeTile, *, record: bool) -> None:
        self.config = config = tile.config
        self.tile = tile
        self.cycles = 0
        self.played = 0
        self.compared = 0
        self.golden = TracedPeriphery(config, tile.layout.outputs) if record else None
        self._none = np.zeros((0, 1), np.uint64)
        self._magnitude_words = tile.layout.inputs["vectors__magnitude"][1]
        self._vectors = np.zeros((config.column_beats + config.row_beats, tile.layout.payload("vectors")[1]), np.uint64)
        self._codes = np.zeros((config.row_beats, tile.layout.payload("codes")[1]), np.uint64)
        self._settings: Settings | None = None
        first, _ = tile.layout.payload("pulses")
        self._slot = {name: _below(tile.layout.outputs[f"pulses__{name}"], first) for name in _SLOT}
        first, _ = tile.layout.payload("writes")
        self._write = {name: _below(tile.layout.outputs[f"writes__{name}"], first) for name in _WRITE}
        _, _, cycles, rows = tile.operation({}, self._none, self._none, record=record)
        self._judge(cycles, rows, None if self.golden is None else self.golden.clear())

    @property
    def chopper(self) -> Int:
        """c, +1 or -1 per column."""
        first, count = self.tile.layout.outputs["status__chopper"]
        bits = unpack_lines(self.tile.outputs[None, first : first + count], self.config.columns)[0]
        return 1 - 2 * bits.astype(np.int64)

    @property
    def next_column(self) -> int:
        """The column that the next transfer reads."""
        return self.tile.get("read__column")

    def update(
        self, x_negative: Int, x_magnitude: Int, delta_negative: Int, delta_magnitude: Int, bl: int
    ) -> PulseSlots:
        """Play one update; the lines of its slots."""
        config, vectors, split = self.config, self._vectors, self._magnitude_words
        vectors[...] = 0
        beats = config.column_beats
        pack_beats(x_magnitude, config.lanes, config.magnitude_bits, vectors[:beats, :split])
        pack_beats(x_negative, config.lanes, 1, vectors[:beats, split:])
        pack_beats(delta_magnitude, config.lanes, config.magnitude_bits, vectors[beats:, :split])
        pack_beats(delta_negative, config.lanes, 1, vectors[beats:, split:])
        slots, _, cycles, rows = self._play({"op": int(Op.UPDATE), "bl": bl}, vectors, self._none)
        self._judge(
            cycles,
            rows,
            None
            if self.golden is None
            else self.golden.update(x_negative, x_magnitude, delta_negative, delta_magnitude, bl)[1],
        )
        return PulseSlots(
            rows=unpack_lines(slots[:, self._slot["rows"]], config.rows),
            columns=unpack_lines(slots[:, self._slot["columns"]], config.columns),
            up=slots[:, self._slot["up"]].astype(np.uint8)[:, 0],
            quadrant=slots[:, self._slot["quadrant"]].astype(np.uint8)[:, 0],
        )

    def transfer(self, codes: Int, settings: Settings) -> Transfer:
        """Play one transfer of the next column with these ADC codes."""
        config = self.config
        if settings is not self._settings:
            for name, value in vars(settings).items():
                self.tile.set(f"settings__{name}", int(value))
            self._settings = settings
        command = {"op": int(Op.TRANSFER), "bl": 0}
        self._codes[...] = 0
        pack_beats(codes, config.lanes, config.adc_bits, self._codes)
        _, writes, cycles, rows = self._play(command, self._none, self._codes)
        self._judge(cycles, rows, None if self.golden is None else self.golden.transfer(codes, settings)[1])
        pulses = unpack_words(writes[:, self._write["pulses"]], config.pulses_format.width, config.lanes)
        reference = unpack_words(writes[:, self._write["reference"]], config.reference_format.width, config.lanes)
        return Transfer(
            column=int(writes[0, self._write["column"]][0]),
            pulses=pulses.reshape(-1)[: config.rows],
            latched=bool(writes[0, self._write["latch"]][0]),
            reference=reference.reshape(-1)[: config.rows],
        )

    def state_arrays(self) -> dict[str, Int]:
        """State under the golden names; KeyError if the netlist hides some of it."""
        inside = read_state(self.config, self.tile.state_words)
        ports = ("slots", "reads", "transfer_pulses", "hidden_saturated", "pulses_clamped")
        hidden = ("q", "qref", "hidden", "row_sources", "column_sources", "flipped", "sweep", "chopper_source")
        return {
            **{name: inside[name] for name in hidden},
            "chopper": self.chopper,
            "column": np.array(self.next_column, np.int64),
            **{name: np.array(self.tile.get(f"status__{name}"), np.int64) for name in ports},
        }

    def _play(self, command: dict[str, int], vectors: Words, codes: Words) -> tuple[Words, Words, int, Words]:
        result = self.tile.operation(command, vectors, codes, record=self.golden is not None)
        self.cycles += result[2] - 1  # the last one is idle
        return result

    def _judge(self, cycles: int, rows: Words, expected: Words | None) -> None:
        """Compare the recorded outputs of one operation; the first difference in time, then in the order of ports."""
        if expected is not None:
            common = min(len(rows), len(expected))
            differing = (rows[:common] != expected[:common]).any(axis=1)
            if differing.any() or len(rows) != len(expected):
                at = int(differing.argmax()) if differing.any() else common - 1
                raise MismatchError(self._difference(rows, expected, at))
            self.compared += cycles
        self.played += cycles

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
        return Difference(self.played + at, signal, golden[signal], rtl[signal], history)


_SLOT = ("rows", "columns", "up", "quadrant")
_WRITE = ("column", "pulses", "latch", "reference")


def _below(span: Span, first: int) -> slice:
    return slice(span[0] - first, span[0] - first + span[1])


def _value(row: Words, span: Span) -> int:
    return sum(int(row[span[0] + k]) << (WORD * k) for k in range(span[1]))


class NativeBench:
    """`cosim.bench.Bench` on shared libraries: one tile for programs, or one for every layer of a training."""

    def __init__(self, job: Job, verilog: str | None, progress: Callable[[int], None]) -> None:
        self.config = job.config
        self.widths = {port.name: port.width for port in tile_ports(job.config) if not port.output}
        self.checker = Checker(job.config, job.faults)
        self.layers: list[NativePeriphery] = []
        self._job = job
        self._verilog = verilog
        self.progress = progress
        self.hidden: list[str] = []
        self.setup_s = 0.0  # spent on Verilog and builds, not on cycles
        self._tile = self._new_tile(job.config)
        self._outputs = list(self._tile.layout.outputs.items())
        self._driven: dict[str, int] = {}

    def _new_tile(self, config: TileConfig) -> NativeTile:
        begin = time.perf_counter()
        tile = self._load(config)
        self.setup_s += time.perf_counter() - begin
        return tile

    def _load(self, config: TileConfig) -> NativeTile:
        given = self._verilog if config == self.config else None
        verilog = tile_verilog(config) if given is None else given
        return NativeTile(native_library(verilog, config), config)

    @property
    def cycles(self) -> int:
        """Clock cycles played so far, in all layers together."""
        return self.checker.cycles + sum(layer.played for layer in self.layers)

    @property
    def compared(self) -> int:
        """Cycles in which every output was compared."""
        return self.checker.compared + sum(layer.compared for layer in self.layers)

    def run(self, program: Program) -> Any:
        """Play the cycles of a program one by one."""
        if self.layers:
            raise RuntimeError("the tile is driven by whole operations; a program cannot join in")
        tile, checker = self._tile, self.checker
        try:
            inputs = next(program)
            while True:
                for name, value in checker.bend(inputs).items():
                    if self._driven.get(name) != value:
                        tile.set(name, value)
                        self._driven[name] = value
                tile.cycle()
                raw = tile.outputs.tobytes()
                outputs = {
                    name: int.from_bytes(raw[8 * first : 8 * (first + count)], "little")
                    for name, (first, count) in self._outputs
                }
                outputs = checker.bend(outputs)
                checker.cycle(inputs, outputs)
                inputs = program.send(outputs)
        except StopIteration as end:
            return end.value

    def read_state(self) -> State:
        """State of the tile that programs play on."""
        return read_state(self.config, self._tile.state_words)

    def layer(self, config: TileConfig) -> PeripheryLike:
        """RTL for every layer. Deliberate faults name single cycles, so a run with faults is played cycle by cycle."""
        if self._job.faults and config == self.config:
            return RtlPeriphery(self)
        own = config == self.config and not self.layers and not self.checker.cycles
        layer = NativePeriphery(self._tile if own else self._new_tile(config), record=self._job.record)
        self.layers.append(layer)
        return layer

    def compare_states(self) -> int:
        """Compare all final states with the golden ones; the number of words."""
        own = self._verilog is None
        for config, tile in ((layer.config, layer.tile) for layer in self.layers):
            self.hidden += hidden_states(read_state(config, tile.state_words), own=own or config != self.config)
        if not self.layers:
            state = self.read_state()
            self.hidden = hidden_states(state, own=own)
            self.checker.final_state(state)
            return self.checker.states_compared
        return sum(
            compare_states(
                layer.played,
                read_state(layer.config, layer.tile.state_words),
                layer.golden.periphery.state_arrays(),
                [],
            )
            for layer in self.layers
            if layer.golden is not None
        )


def run_job(
    job: Job,
    *,
    verilog: str | None = None,
    waves: Path | None = None,
    progress: Callable[[int], None] = lambda cycles: None,
) -> Outcome:
    """Play ``job`` in this process; arguments and errors as of `cosim.cocotb_engine.run_job`, but without waves."""
    if waves is not None:
        raise ToolError("the native engine has no waves: use --engine cocotb")
    module, name = job.function.split(":")
    function = getattr(import_module(module), name)
    bench = NativeBench(job, verilog, progress)
    verdict = Verdict()
    result = None
    bench.setup_s = 0.0
    begin = time.perf_counter()
    try:
        result = function(bench, **job.arguments)
        verdict.states_compared = bench.compare_states()
        verdict.states_hidden = bench.hidden
    except MismatchError as mismatch:
        verdict.mismatches = 1
        verdict.first_mismatch = mismatch.difference
    seconds = time.perf_counter() - begin - bench.setup_s
    verdict.cycles = bench.cycles
    verdict.compared_cycles = bench.compared
    return Outcome(verdict, seconds, result)
