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
import numpy as np
from cocotb.task import bridge, resume
from cocotb.triggers import Timer

from cosim.bench import Job, Outcome
from cosim.lockstep import Checker, MismatchError, State, Verdict
from cosim.streams import Program
from hdl.verilog import tile_ports
from model.config import BankSpec, TileConfig

HALF_PERIOD_NS = 5
PROGRESS_EVERY = 1000  # cycles


class CocotbBench:
    """`cosim.bench.Bench` on cocotb handles."""

    def __init__(self, dut: Any, job: Job, progress: Path) -> None:
        self.config: TileConfig = job.config
        self.checker = Checker(job.config, job.faults)
        self.dut = dut
        self.progress = progress
        ports = tile_ports(job.config)
        self.widths = {port.name: port.width for port in ports if not port.output}
        self.inputs = {name: getattr(dut, name) for name in ("rst", *self.widths)}
        self.outputs = [(port.name, getattr(dut, port.name)) for port in ports if port.output]
        self.driven: dict[str, int] = {}
        self.run = resume(self._run)

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
                if checker.cycles % PROGRESS_EVERY == 0:
                    self.progress.write_text(str(checker.cycles), encoding="ascii")
                inputs = program.send(outputs)
        except StopIteration as end:
            return end.value

    def read_state(self) -> State:
        """Memories and registers, where the netlist still has them under their names."""
        config = self.config
        state: State = {}
        point = _child(self.dut, "transfer", "symmetric_point")
        buffer = _child(self.dut, "transfer", "hidden_buffer")
        for name, parent, memory, width in (
            ("q", point, "memory_q", config.reference_format.width),
            ("qref", point, "memory_q_ref", config.reference_format.width),
            ("hidden", buffer, "memory_hidden", config.hidden_bits),
        ):
            words = _child(parent, memory, "words")
            if words is not None:
                state[name] = self._lanes(words, width)
        for name, side, bank in (
            ("row_sources", "rows", config.row_bank),
            ("column_sources", "columns", config.column_bank),
        ):
            sources = self._sources(_child(self.dut, "update", side), bank)
            if sources is not None:
                state[name] = sources
        source = _child(self.dut, "chopper", "source", "state")
        if source is not None:
            state["chopper_source"] = np.array([int(source.value)])
        flipped, sweep = _child(self.dut, "chopper", "flipped"), _child(self.dut, "chopper", "sweep")
        if flipped is not None:
            bits = int(flipped.value)
            state["flipped"] = np.array([bits >> j & 1 for j in range(config.columns)])
        if sweep is not None:
            state["sweep"] = np.array(int(sweep.value))
        return state

    def _lanes(self, words: Any, width: int) -> np.ndarray:
        """Words of a memory as signed numbers [C, R]."""
        config = self.config
        half, mask = 1 << (width - 1), (1 << width) - 1
        values = np.empty((config.columns, config.row_beats * config.lanes), np.int64)
        for address in range(config.depth):
            column, beat = divmod(address, config.row_beats)
            word = int(words[address].value)
            for lane in range(config.lanes):
                value = (word >> (lane * width)) & mask
                values[column, beat * config.lanes + lane] = (value ^ half) - half
        return values[:, : config.rows]

    @staticmethod
    def _sources(side: Any, bank: BankSpec) -> np.ndarray | None:
        states = [_child(side, f"source_{index}", "state") for index in range(len(bank.sources))]
        return None if None in states else np.array([int(state.value) for state in states])


def _child(handle: Any, *path: str) -> Any:
    """The object below ``handle``, or None where the netlist does not have it."""
    for name in path:
        handle = None if handle is None else getattr(handle, name, None)
    return handle


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
        bench.checker.final_state(bench.read_state())
    except MismatchError as mismatch:
        verdict.mismatches = 1
        verdict.first_mismatch = mismatch.difference
    seconds = time.perf_counter() - begin
    verdict.cycles = bench.checker.cycles
    verdict.compared_cycles = bench.checker.compared
    verdict.states_compared = bench.checker.states_compared
    (folder / "outcome.pickle").write_bytes(pickle.dumps(Outcome(verdict, seconds, result)))
