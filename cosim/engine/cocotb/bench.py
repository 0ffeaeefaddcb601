"""The bench inside the simulator: loaded by cocotb, it reads a job, plays it and leaves the outcome in a file.

Timing of every cycle, for all benches: inputs change together with the falling edge of ``clk``; outputs are sampled
just before the rising edge, when they have settled for these inputs. So a sample shows the valid/ready pairs that
the rising edge acts on, and nothing can race with the clock.
"""

from __future__ import annotations

import os
import pickle
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import cocotb
from cocotb.task import bridge, resume
from cocotb.triggers import Timer

from symtrack.cosim.engine.job import Job, Outcome
from symtrack.cosim.engine.lockstep import Checker, MismatchError, State, Verdict
from symtrack.cosim.engine.state import hidden_states, read_state
from symtrack.cosim.engine.stepped_periphery import SteppedPeriphery
from symtrack.cosim.engine.streams import Program
from symtrack.hdl.output.state_map import StateItem
from symtrack.hdl.output.verilog import tile_ports
from symtrack.model.spec.config import TileConfig
from symtrack.model.tile.interface import PeripheryLike
from symtrack.model.tile.operations import Periphery

HALF_PERIOD_NS = 5
PROGRESS_S = 0.5


class CocotbBench:
    """`cosim.engine.job.Bench` on cocotb handles."""

    def __init__(self, dut: Any, job: Job, progress: Path) -> None:
        self.config: TileConfig = job.config
        self.checker = Checker(job.config, job.faults)
        self.dut = dut
        self._progress = progress
        self._told = 0.0
        ports = tile_ports(job.config)
        self.widths = {port.name: port.width for port in ports if not port.output}
        self.inputs = {name: getattr(dut, name) for name in ("rst", *self.widths)}
        self.outputs = [(port.name, getattr(dut, port.name)) for port in ports if port.output]
        self.driven: dict[str, int] = {}
        self.run = resume(self._run)

    @property
    def cycles(self) -> int:
        """Clock cycles played so far."""
        return self.checker.cycles

    def progress(self, done: int) -> None:
        """Leave a number where the process that waits for the outcome looks for it."""
        now = time.monotonic()
        if now - self._told > PROGRESS_S:
            self._progress.write_text(str(done), encoding="ascii")
            self._told = now

    async def start(self) -> None:
        """Two cycles of reset before the first checked cycle."""
        self._drive(dict.fromkeys(self.inputs, 0) | {"rst": 1})
        for level in (0, 1, 0, 1, 0):
            self.dut.clk.value = level
            await Timer(HALF_PERIOD_NS, "ns")

    def _drive(self, values: dict[str, int]) -> None:
        for name, value in values.items():
            if self.driven.get(name) != value:
                self.inputs[name].value = value
                self.driven[name] = value

    async def _run(self, program: Program) -> Any:
        checker = self.checker
        try:
            inputs = next(program)
            while True:
                self.dut.clk.value = 0
                self._drive(checker.bend(inputs))
                await Timer(HALF_PERIOD_NS, "ns")
                outputs = checker.bend({name: int(handle.value) for name, handle in self.outputs})
                checker.cycle(inputs, outputs)
                self.dut.clk.value = 1
                await Timer(HALF_PERIOD_NS, "ns")
                if checker.state_due:
                    checker.state(self.read_state())
                inputs = program.send(outputs)
        except StopIteration as end:
            return end.value

    def read_state(self) -> State:
        """Memories and registers, where the netlist still has them under their names."""

        def fetch(index: int, item: StateItem) -> list[int] | None:
            handle = self.dut
            for name in item.path:
                handle = getattr(handle, name, None)
                if handle is None:
                    return None
            return [int(handle[row].value) for row in range(item.rows)] if item.rows > 1 else [int(handle.value)]

        return read_state(self.config, fetch)

    def layer(self, config: TileConfig) -> PeripheryLike:
        """The RTL for the layer of this bench, the golden periphery for others."""
        return SteppedPeriphery(self) if config == self.config else Periphery(config)


@cocotb.test()
async def job(dut: Any) -> None:
    """Play the job of the file named in the environment."""
    folder = Path(os.environ["SYMTRACK_JOB"])
    work: Job = pickle.loads((folder / "job.pickle").read_bytes())
    bench = CocotbBench(dut, work, folder / "progress")
    module, name = work.function.split(":")
    function = getattr(import_module(module), name)
    verdict = Verdict()
    result = None
    await bench.start()
    begin = time.perf_counter()
    try:
        result = await bridge(function)(bench, **work.arguments)
        state = bench.read_state()
        verdict.states_hidden = hidden_states(work.config, state, own=work.own_netlist)
        bench.checker.state(state)
    except MismatchError as mismatch:
        verdict.mismatches = 1
        verdict.first_mismatch = mismatch.difference
    seconds = time.perf_counter() - begin
    verdict.cycles = bench.checker.cycles
    verdict.compared_cycles = bench.checker.compared
    verdict.states_compared = bench.checker.states_compared
    (folder / "outcome.pickle").write_bytes(pickle.dumps(Outcome(verdict, seconds, result)))
