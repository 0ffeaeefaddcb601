# SPDX-License-Identifier: Apache-2.0
"""Test bench that runs inside the simulator: cocotb loads it, it plays a job and leaves the outcome in a file.

Timing of every cycle, for all benches: inputs change together with the falling edge of ``clk``; outputs are sampled
just before the rising edge, when they have settled for these inputs. So a sample shows the valid/ready pairs that
the rising edge acts on, and nothing can race with the clock.
"""

from __future__ import annotations

import os
import pickle
import time
from pathlib import Path
from typing import Any

import cocotb
from cocotb.task import bridge, resume
from cocotb.triggers import Timer

from symtrack.cosim.engine.job import Job, Outcome, carry_out
from symtrack.cosim.engine.lockstep import Checker, Program, State, UnknownWord, lock_step
from symtrack.cosim.engine.state import hidden_states, read_state
from symtrack.cosim.engine.stepped_periphery import SteppedPeriphery
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
        self._own_netlist = job.own_netlist
        self.aside_s = 0.0  # what is built is built before
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

    @property
    def compared(self) -> int:
        """Cycles in which every output was compared."""
        return self.checker.compared

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
        steps = lock_step(program, self.checker, self.read_state)
        try:
            inputs = next(steps)
            while True:
                self.dut.clk.value = 0
                self._drive(inputs)
                await Timer(HALF_PERIOD_NS, "ns")
                outputs = {name: word(handle.value) for name, handle in self.outputs}
                self.dut.clk.value = 1
                await Timer(HALF_PERIOD_NS, "ns")
                inputs = steps.send(outputs)
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
            return [word(handle[row].value) for row in range(item.rows)] if item.rows > 1 else [word(handle.value)]

        return read_state(self.config, fetch)

    def periphery(self, config: TileConfig) -> PeripheryLike:
        """The RTL for the tile of this bench, the golden periphery for others."""
        return SteppedPeriphery(self) if config == self.config else Periphery(config)

    def compare_states(self) -> tuple[int, list[str]]:
        """Compare the final state with the golden one: the number of words, and the arrays that could not be read."""
        state = self.read_state()
        hidden = hidden_states(self.config, state, own=self._own_netlist)
        self.checker.state(state)
        return self.checker.states_compared, hidden


def word(value: Any) -> int:
    """A value of the simulator as an integer."""
    try:
        return int(str(value), 2)  # asking `is_resolvable` makes an object of every bit, which takes ten times as long
    except ValueError:
        return UnknownWord(str(value))


@cocotb.test()
async def job(dut: Any) -> None:
    """Play the job of the file named in the environment."""
    folder = Path(os.environ["SYMTRACK_JOB"])
    work: Job = pickle.loads((folder / "job.pickle").read_bytes())
    bench = CocotbBench(dut, work, folder / "progress")
    await bench.start()
    outcome: Outcome = await bridge(carry_out)(work, bench)
    (folder / "outcome.pickle").write_bytes(pickle.dumps(outcome))
