# SPDX-License-Identifier: Apache-2.0
"""Plays a job on a mapped netlist in lock-step with the golden tile, and counts its activity by phase.

Every output of every cycle and the words of the memories are compared with golden, so an activity is that of a netlist
that does what the tile does. The phases are told from the ports:

    start      memories are cleared, or seeds are loaded, before the first operation
    idle       no operation is under way, and none is asked for
    slot       a slot of an update leaves the tile
    read       a column is read, from its request to its last write
    overhead   all other cycles of updates and transfers: commands, loads of vectors, and the first cycles of pulses
    other      calibrations and programmings
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symtrack.cosim.energy.liberty import Library
from symtrack.cosim.energy.netlist import Netlist
from symtrack.cosim.energy.simulator import GateSimulator
from symtrack.cosim.engine.job import Job, Outcome, carry_out
from symtrack.cosim.engine.lockstep import Checker, Ports, Program, State, play_in_lock_step
from symtrack.cosim.engine.state import hidden_states, read_state
from symtrack.cosim.engine.stepped_periphery import SteppedPeriphery
from symtrack.cosim.tools.toolchain import ToolError
from symtrack.hdl.output.state_map import StateItem
from symtrack.hdl.output.verilog import tile_ports
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import Op
from symtrack.model.tile.interface import PeripheryLike
from symtrack.model.tile.operations import Periphery

PHASES = ("start", "idle", "slot", "read", "overhead", "other")
WINDOW = ("slot", "read", "overhead")  # the phases of updates and transfers
RESET_CYCLES = 2


@dataclass(frozen=True)
class Activity:
    """What was played.

    Attributes
    ----------
    cycles : int64[phases], cycles.
    transitions : int64[phases, nets], of every net but those of clocks.
    pulses : int64[phases, gates], clock cycles behind each clock gate.
    accesses : int64[phases, memories, 2], reads and writes of each memory.
    counts : slots, reads and pulses to W, as the counters of the tile have them.
    updates, reads : operations that were begun, and columns that were read by transfers.
    compared : cycles in which every output was compared with golden.
    words : words of memories that were compared.
    """

    cycles: NDArray[np.int64]
    transitions: NDArray[np.int64]
    pulses: NDArray[np.int64]
    accesses: NDArray[np.int64]
    counts: dict[str, int]
    updates: int
    reads: int
    compared: int
    words: int


class GateBench:
    """`cosim.engine.job.Bench` on a mapped netlist."""

    def __init__(self, config: TileConfig, netlist: Netlist, library: Library, progress: Callable[[int], None]) -> None:
        self.config = config
        self.widths = {port.name: port.width for port in tile_ports(config) if not port.output}
        self.checker = Checker(config)
        self.progress = progress
        self.aside_s = 0.0
        self.updates = self.reads = 0
        self.simulator = GateSimulator(netlist, library, len(PHASES))
        self._names = [memory.block for memory in netlist.memories]
        self._phase = "start"
        idle = dict.fromkeys(netlist.inputs, 0)
        for _ in range(RESET_CYCLES):
            self.simulator.settle(idle | {"rst": 1})
            self.simulator.edge(0)
        self.simulator.clear(len(PHASES))

    @property
    def cycles(self) -> int:
        """Clock cycles played so far."""
        return self.checker.cycles

    @property
    def compared(self) -> int:
        """Cycles in which every output was compared."""
        return self.checker.compared

    def run(self, program: Program) -> Any:
        """Play the cycles of a program one by one."""
        return play_in_lock_step(program, self.checker, self.read_state, self._cycle)

    def _cycle(self, inputs: Ports) -> Ports:
        outputs = self.simulator.settle(inputs)
        self.simulator.edge(PHASES.index(self._phase_of(inputs, outputs)))
        return outputs

    def _phase_of(self, inputs: Ports, outputs: Ports) -> str:
        """The phase of this cycle; the operation is that of the command that was taken last."""
        if inputs["command__valid"] and outputs["command__ready"]:
            op = inputs["command__op"]
            self._phase = {int(Op.UPDATE): "overhead", int(Op.TRANSFER): "read"}.get(op, "other")
            self.updates += op == Op.UPDATE
            self.reads += op == Op.TRANSFER
            return "other" if self._phase == "other" else "overhead"
        if not outputs["status__busy"]:
            return "start" if inputs["seeds__valid"] else "idle"
        return "slot" if self._phase == "overhead" and outputs["pulses__valid"] else self._phase

    def read_state(self) -> State:
        """The words of the memories; registers have lost their names."""
        return read_state(self.config, self._rows)

    def _rows(self, index: int, item: StateItem) -> list[int] | None:
        block = ".".join(item.path[:-1])
        return self.simulator.memory(self._names.index(block)) if block in self._names else None

    def periphery(self, config: TileConfig) -> PeripheryLike:
        """The netlist for the first tile of its configuration, golden for all others."""
        if config == self.config and not self.checker.cycles:
            return SteppedPeriphery(self)
        return Periphery(config)

    def compare_states(self) -> tuple[int, list[str]]:
        """Compare the words of the memories with the golden ones: their number, and what could not be read."""
        state = self.read_state()
        self.checker.state(state)
        return self.checker.states_compared, hidden_states(self.config, state, own=False)


def play(
    job: Job, netlist: Netlist, library: Library, progress: Callable[[int], None] = lambda done: None
) -> tuple[Activity, Outcome]:
    """Play a job on a netlist.

    Raises
    ------
    ToolError
        The netlist differs from the golden tile, or nothing was compared.
    """
    bench = GateBench(job.config, netlist, library, progress)
    outcome = carry_out(job, bench)
    verdict = outcome.verdict
    if not verdict.passed or not verdict.states_compared:
        raise ToolError(f"the mapped netlist differs from the golden model: {verdict.first_mismatch}")
    counted, state = bench.simulator, bench.checker.golden.state_arrays()
    return (
        Activity(
            cycles=counted.cycles,
            transitions=counted.transitions[:, : netlist.nets],
            pulses=counted.pulses,
            accesses=counted.accesses,
            counts={name: int(state[name]) for name in ("slots", "reads", "transfer_pulses")},
            updates=bench.updates,
            reads=bench.reads,
            compared=verdict.compared_cycles,
            words=verdict.states_compared,
        ),
        outcome,
    )
