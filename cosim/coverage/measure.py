# SPDX-License-Identifier: Apache-2.0
"""Coverage of the tile's Verilog by the random scenario: lines, branches, toggles and functional bins.

Verilator counts lines, both sides of every choice, and both edges of every bit of a named signal. A point is told by
its block and by the line of Amaranth source that it comes from. Functional bins are crosses of what operations do.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random

from amaranth.back import verilog
from amaranth.lib.wiring import Component

from symtrack.cosim.engine.job import Job
from symtrack.cosim.engine.lockstep import Ports, Program
from symtrack.cosim.engine.native.build import native_library
from symtrack.cosim.engine.native.engine import NativeBench
from symtrack.cosim.engine.native.tile import NativeTile
from symtrack.cosim.stimulus.random import random_program
from symtrack.hdl.output.verilog import module_name
from symtrack.hdl.tile.tile import Tile
from symtrack.model.cache import PACKAGE
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import Op
from symtrack.model.spec.streams import STREAMS
from symtrack.model.spec.validated import integral
from symtrack.model.tile.packing import unpack_signed

ROOT = PACKAGE
SOURCE = re.compile(r'\(\* src = "([^":|]+):(\d+)')
POINT = re.compile(r"^C '(.*)' (\d+)$")
DUMMY = "$auto$verilog_backend"  # a choice that Yosys writes for simulators, without a second side
KINDS = ("line", "branch", "toggle")
MODES = range(4)  # settings of a chopper and of the reference, of which the last stands for off and for zero
FLIPPING = (1, 2)  # settings of a chopper that flips
WAYS = ("buffered", "direct")
PACES = ("at once", "after a wait")  # of the slot; in a transfer, whether any beat of its writes has waited so far
SLOTS = ("fast", "fast with flipped columns", "slow")  # W is not chopped
SIGNS = ("column as it is", "column flipped")
CLIPS = ("hidden_saturated", "pulses_clamped")


@dataclass(frozen=True)
class Point:
    """One line, branch side or bit edge that can happen.

    Attributes
    ----------
    kind, block : what is counted, and the block that it is in.
    source : file and line in `hdl`, as far as it is known.
    name : signal, bit and edge.
    """

    kind: str
    block: str
    source: str
    name: str
    count: int


@dataclass(frozen=True)
class Coverage:
    """All points of coverage and all functional bins, with the number of times that each happened."""

    points: tuple[Point, ...]
    bins: dict[str, int]

    def share(self, kind: str, block: str | None = None) -> tuple[int, int]:
        """How many points of a kind happened, and how many there are; of one block, or of all."""
        found = [point.count > 0 for point in self.points if point.kind == kind and block in (None, point.block)]
        return sum(found), len(found)


class CoveredBench(NativeBench):
    """The native engine's bench on a library that was built to count coverage."""

    def _load(self, config: TileConfig) -> NativeTile:
        return NativeTile(native_library(tile_with_source(config), config, coverage=True), config)

    def points(self) -> Iterator[Point]:
        """The points with what was counted so far."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "coverage.dat"
            self._tile.write_coverage(file)
            yield from points(file.read_text(encoding="utf-8"), tile_with_source(self.config), module_name(self.config))


def source_verilog(component: Component, name: str) -> str:
    """Verilog of a component in which every statement names the line of Amaranth source that it comes from."""
    text = verilog.convert(component, name=name, emit_src=True)
    return text.replace(f'"{ROOT}/', '"').replace(f"|{ROOT}/", "|")


def tile_with_source(config: TileConfig) -> str:
    """Verilog of the tile of a configuration, as `source_verilog` writes it."""
    return source_verilog(Tile(config), module_name(config))


def points(data: str, text: str, top: str) -> Iterator[Point]:
    """The points of the tile in a coverage file of Verilator, for the Verilog ``text`` that names its source lines."""
    lines, here = text.splitlines(), ""
    places: list[str] = []
    for line in lines:
        found = SOURCE.search(line)
        here = f"{found[1]}:{found[2]}" if found else "" if not line.startswith(" ") else here
        places.append(here)
    for line in data.splitlines():
        found = POINT.match(line)
        if not found:
            continue
        fields = dict(item.split("\x02", 1) for item in found[1].split("\x01") if "\x02" in item)
        kind, _, module = fields["page"].partition("/")
        unnamed = fields["o"].startswith("__024")  # wires of the Verilog writer, some of them constant
        if not module.startswith(top) or unnamed or DUMMY in lines[int(fields["l"]) - 1]:
            continue  # the registers in front of the tile are none of its points
        yield Point(
            kind=kind.removeprefix("v_"),
            block=module.removeprefix(top).removeprefix(".") or "tile",
            source=places[int(fields["l"]) - 1],
            name=fields["o"],
            count=int(found[2]),
        )


def expected_bins(config: TileConfig) -> list[str]:
    """All functional bins that a configuration can fill."""
    quadrants = [f"slot: quadrant {q}, {kind}, {pace}" for q, kind, pace in product(range(4), SLOTS, PACES)]
    reads = [
        f"read: chopper {chopper}, scope {scope}, reference {reference}"
        for chopper, scope, reference in product(MODES, range(2), MODES)
    ]
    reads += [f"read: reference {reference}, {way}" for reference in MODES for way in WAYS]
    rows = [f"read: row chopper {mode}" for mode in MODES if config.row_chopper]
    waits = [f"waits: {stream}" for stream in STREAMS]
    busy = ("clear", "update", "transfer", "calibrate", *(["program"] if config.programmer else []))
    waits += [f"a command waits: {op}" for op in busy]
    flips = [f"flip: {what}, chopper {mode}" for what in _flipping(config) for mode in FLIPPING]
    flips += [f"flip: rows, row chopper {mode}" for mode in FLIPPING if config.row_chopper]
    flips = [f"{flip}, {pace}" for flip, pace in product(flips, PACES)]
    clips = [f"{flag}: {what}, {pace}" for flag, what, pace in product(CLIPS, WAYS + SIGNS, PACES)]
    sizes = ("small", "largest") if config.pulses_max > 1 else ("largest",)
    writes = [f"write: n {sign}{size}" for sign in "+-" for size in sizes] + ["write: none"]
    latches = ["latch: none", *(["latch: some"] if config.row_chopper and config.lanes > 1 else []), "latch: all"]
    slots = [f"slot of a calibration: {way}, {up}" for way in ("alternating", "random") for up in ("up", "down")]
    programs = ["programming: corrects", "programming: gives up", "programming: in tolerance"]
    seeds = [f"seed: {what}, {when}" for what, when in product(("loaded", "refused"), ("clear", "idle"))]
    return (
        seeds
        + quadrants
        + reads
        + rows
        + waits
        + flips
        + clips
        + writes
        + latches
        + slots
        + programs * config.programmer
        + [f"lines in use: {kind}, {op}" for kind, op in product(_in_use(config), busy[1:])]
    )


def _in_use(config: TileConfig) -> list[str]:
    """Which rows and columns an operation can use."""
    rows = ["all rows"]
    if config.rows > config.lanes:
        rows.append("whole beats of rows")
    if config.lanes > 1:
        rows.append("rows that end within a beat")
    columns = ["fewer columns", "not the next column"] if config.columns > 1 else []
    return [*rows, "all columns", *columns]


def _flipping(config: TileConfig) -> list[str]:
    return ["one column", *(["all columns"] if config.columns > 1 else [])]


class Bins:
    """Counts the functional bins of `expected_bins` from the values of the ports in every cycle."""

    def __init__(self, config: TileConfig) -> None:
        self.counts = Counter(dict.fromkeys(expected_bins(config), 0))
        self._config = config
        self._used = config.used()
        self._command: Ports = {}  # inputs in the cycle of the last command
        self._transfer: Ports = {}  # and of the last transfer that reads
        self._before: Ports = {}
        self._busy_with = "clear"
        self._waited = dict.fromkeys(STREAMS, False)  # the beat that is offered, or a beat of this transfer

    def see(self, inputs: Ports, outputs: Ports) -> None:
        """Count the ports of one cycle; in a cycle of reset no beat counts."""
        if inputs["rst"]:
            self._before, self._busy_with, self._waited = {}, "clear", dict.fromkeys(STREAMS, False)
            return
        for stream in STREAMS:
            valid, ready = (
                inputs.get(f"{stream}__{end}", outputs.get(f"{stream}__{end}", 0)) for end in ("valid", "ready")
            )
            if valid and not ready:
                self.counts[f"waits: {stream}"] += 1
                self._waited[stream] = True
                if stream == "command":
                    self.counts[f"a command waits: {self._busy_with}"] += 1
            elif valid:
                self._moves(stream, inputs, outputs)
                self._waited[stream] = stream == "writes" and self._waited[stream]
        if self._before:
            self._flips(outputs)
            self._clips(outputs)
        self._before = outputs

    def _moves(self, stream: str, inputs: Ports, outputs: Ports) -> None:
        if stream == "command":
            self._command = inputs
            self._used = self._config.used(self._settings("used_rows"), self._settings("used_columns"))
            self._lines_in_use(Op(inputs["command__op"]), outputs["read__column"])
            self._busy_with = Op(inputs["command__op"]).name.lower()
        elif stream == "pulses":
            self._pulses(outputs)
        elif stream == "read":
            self._read()
        elif stream == "writes":
            self._writes(outputs)
        elif stream == "seeds":
            when = "clear" if outputs["status__busy"] and self._busy_with == "clear" else "idle"
            self.counts[f"seed: {'refused' if outputs['status__seed_refused'] else 'loaded'}, {when}"] += 1

    def _lines_in_use(self, op: Op, next_column: int) -> None:
        config, used = self._config, self._used
        if op == Op.PROGRAM and not config.programmer:
            return
        rows = "rows that end within a beat" if used.rows % used.lanes else "whole beats of rows"
        kinds = [
            "all rows" if used.rows == config.rows else rows,
            "all columns" if used.columns == config.columns else "fewer columns",
            *(["not the next column"] if next_column >= used.columns else []),
        ]
        for kind in kinds:
            self.counts[f"lines in use: {kind}, {op.name.lower()}"] += 1

    def _settings(self, name: str) -> int:
        return self._command[f"settings__{name}"]

    def _pulses(self, outputs: Ports) -> None:
        if self._command["command__op"] == Op.CALIBRATE:
            way = "random" if self._settings("calibration_random") else "alternating"
            self.counts[f"slot of a calibration: {way}, {'up' if outputs['pulses__up'] else 'down'}"] += 1
        else:
            kind = SLOTS[2 if outputs["pulses__slow"] else outputs["status__chopper"] > 0]
            self.counts[f"slot: quadrant {outputs['pulses__quadrant']}, {kind}, {PACES[self._waited['pulses']]}"] += 1

    def _read(self) -> None:
        self._waited["writes"] = False
        if self._command["command__op"] != Op.TRANSFER:
            return
        self._transfer = self._command
        chopper, scope, reference = (self._settings(name) for name in ("chopper", "scope", "reference"))
        self.counts[f"read: chopper {chopper}, scope {scope}, reference {reference}"] += 1
        self.counts[f"read: reference {reference}, {WAYS[self._settings('direct')]}"] += 1
        if self._config.row_chopper:
            self.counts[f"read: row chopper {self._settings('row_chopper')}"] += 1

    def _writes(self, outputs: Ports) -> None:
        config = self._config
        used = min(config.lanes, self._used.rows - outputs["writes__beat"] * config.lanes)
        pulses = unpack_signed(outputs["writes__pulses"], config.pulses_format.width, used)
        if self._command["command__op"] == Op.PROGRAM:
            self.counts["programming: corrects" if any(pulses) else "programming: in tolerance"] += 1
            return
        for n in set(pulses):
            size = "largest" if abs(n) == config.pulses_max else "small"
            self.counts[f"write: n {'+' if n > 0 else '-'}{size}" if n else "write: none"] += 1
        latched = outputs["writes__latch"].bit_count()
        self.counts[f"latch: {'none' if not latched else 'all' if latched == used else 'some'}"] += 1

    def _flips(self, outputs: Ports) -> None:
        pace = PACES[self._waited["writes"]]
        columns = (outputs["status__chopper"] ^ self._before["status__chopper"]).bit_count()
        if columns:
            what = _flipping(self._config)[columns > 1]
            self.counts[f"flip: {what}, chopper {self._transfer['settings__chopper']}, {pace}"] += 1
        if outputs["status__row_chopper"] != self._before["status__row_chopper"]:
            self.counts[f"flip: rows, row chopper {self._transfer['settings__row_chopper']}, {pace}"] += 1
        if outputs["status__unprogrammed"] != self._before["status__unprogrammed"]:
            self.counts["programming: gives up"] += 1

    def _clips(self, outputs: Ports) -> None:
        for flag in CLIPS:
            if outputs[f"status__{flag}"] > self._before[f"status__{flag}"]:
                sign = SIGNS[outputs["status__chopper"] >> outputs["read__column"] & 1]
                for what in (WAYS[self._transfer["settings__direct"]], sign):
                    self.counts[f"{flag}: {what}, {PACES[self._waited['writes']]}"] += 1


def observed(program: Program, bins: Bins) -> Program:
    """The program, of whose cycles ``bins`` sees every one."""
    inputs = next(program)
    while True:
        outputs = yield inputs
        bins.see(inputs, outputs)
        try:
            inputs = program.send(outputs)
        except StopIteration as end:
            return end.value


def cover(config: TileConfig, cycles: int, seed: int, progress: Callable[[int], None] = lambda done: None) -> Coverage:
    """Play the random scenario in lock-step and return the coverage that it reached.

    Raises
    ------
    MismatchError
        RTL and golden differ.
    """
    cycles, seed = integral("cycles", cycles), integral("seed", seed)
    job = Job(config, "symtrack.cosim.stimulus.random:random", {"cycles": cycles, "seed": seed})
    bench, bins = CoveredBench(job, None, progress), Bins(config)
    bench.run(observed(random_program(bench, cycles, Random(seed)), bins))
    return Coverage(tuple(bench.points()), dict(bins.counts))
