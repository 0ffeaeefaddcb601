# SPDX-License-Identifier: Apache-2.0
"""Energy of a mapped netlist from its activity, by block: data, clock, memories and leakage.

    net         ½ C V² a transition,   C = input pins + wire * pins
    cell        internal energy of its output a transition, at load C and the table's transition time, of registers
                that of the clock; and of an input pin that has one of its own, a transition of that pin
    clock pin   C V² + two internal energies a cycle, where its gate lets the clock through
    clock gate  an inverter, a latch and an AND of the library: the clock pins of all three run in every cycle
    memory      bits * energy of a bit, a read and a write
    leakage     power of all cells for the time of a cycle

A net counts for the block that drives it, a pin of a clock for the block that it is in. What inputs of the tile charge
counts for `TILE_INPUTS`. Nothing is known of wires but their number of pins, and there is no clock tree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symtrack.cosim.energy.activity import PHASES, Activity
from symtrack.cosim.energy.liberty import Cell, Library, truth_table
from symtrack.cosim.energy.netlist import ONE, ZERO, Netlist
from symtrack.cosim.tools.toolchain import ToolError
from symtrack.model.analysis.energy import PARTS, EnergyTable

TILE_INPUTS = "inputs"


@dataclass(frozen=True)
class Accounts:
    """Energies in pJ.

    Attributes
    ----------
    blocks : names, in the order of the last axis.
    energies : float64[phases, parts, blocks], of all cycles of a phase.
    whole : float64[phases, parts], the same for the whole netlist, added up without looking at blocks.
    pins, played, toggled : input and output pins of cells; those whose net was played, and those that had a transition.
    area : of all cells, in the library's unit.
    """

    blocks: list[str]
    energies: NDArray[np.float64]
    whole: NDArray[np.float64]
    pins: int
    played: int
    toggled: int
    area: float

    def of_phase(self, phase: str) -> dict[str, float]:
        """Energy of the whole netlist in a phase by part."""
        return dict(zip(PARTS, self.whole[PHASES.index(phase)].tolist(), strict=True))


class _Ledger:
    """Collects energies per transition of nets, per cycle, per cycle behind a gate and per access, by block."""

    def __init__(self, blocks: list[str]) -> None:
        self._index = {name: index for index, name in enumerate(blocks)}
        self._entries: list[tuple[int, int, float]] = []

    def add(self, key: int, block: str, energy: float) -> None:
        """``energy`` for every count of ``key`` in a block."""
        self._entries.append((key, self._index[block], energy))

    def totals(self, counts: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Energies [phases, blocks] and [phases] for counts [phases, keys]."""
        phases = len(counts)
        if not self._entries:
            return np.zeros((phases, len(self._index))), np.zeros(phases)
        keys, blocks, energies = (np.array(column) for column in zip(*self._entries, strict=True))
        weight = np.bincount(keys, weights=energies, minlength=counts.shape[1])  # of a key, whatever the block
        spent = counts[:, keys] * energies
        by_block = np.stack([np.bincount(blocks, weights=row, minlength=len(self._index)) for row in spent])
        return by_block.astype(np.float64), (counts @ weight).astype(np.float64)


def accounts(netlist: Netlist, library: Library, activity: Activity, table: EnergyTable) -> Accounts:
    """The energies of what was played.

    Raises
    ------
    ToolError
        The netlist has clock gates, and the library nothing to build one of.
    """
    blocks = [*netlist.blocks(), TILE_INPUTS]
    half = 0.5 * library.voltage**2
    wire = table.wire_ff * 1e-3
    loads = _loads(netlist, library, wire)
    clocks = {gate.output: index for index, gate in enumerate(netlist.gates)}
    data, gated, always = _Ledger(blocks), _Ledger(blocks), _Ledger(blocks)
    drivers = dict.fromkeys(range(netlist.nets), TILE_INPUTS)
    leakage = dict.fromkeys(blocks, 0.0)
    area = 0.0
    nets: list[int] = []
    for instance in netlist.cells:
        cell, block = library.cells[instance.kind], instance.block
        leakage[block] += cell.leakage
        area += cell.area
        for name, net in instance.pins.items():
            pin = cell.pins[name]
            nets.append(net)
            if name == cell.clocked_on:
                energy = 2 * (half * (pin.capacitance + wire) + pin.energy(0.0, table.clock_transition_ns))
                if net in clocks:
                    gated.add(clocks[net], block, energy)
                else:
                    always.add(0, block, energy)
            else:
                sharp = pin.output and cell.clocked_on
                time = table.clock_transition_ns if sharp else table.transition_ns
                data.add(net, block, pin.energy(loads[net] if pin.output else 0.0, time))
            if pin.output:
                drivers[net] = block
    for memory in netlist.memories:
        drivers |= dict.fromkeys(memory.read_data, memory.block)
    for net, load in enumerate(loads):
        if net not in (ZERO, ONE, netlist.clock) and net not in clocks:
            data.add(net, drivers[net], half * load)
    if netlist.gates:
        parts = _GateParts.of(library)
        area += len(netlist.gates) * (parts.inverter.area + parts.latch.area + parts.both.area)
        _gates(netlist, parts, (data, gated, always), loads, half, table)
        for gate in netlist.gates:
            leakage[gate.block] += parts.inverter.leakage + parts.latch.leakage + parts.both.leakage
    accesses = _Ledger(blocks)
    for index, memory in enumerate(netlist.memories):
        accesses.add(2 * index, memory.block, memory.width * table.sram_read_pj)
        accesses.add(2 * index + 1, memory.block, memory.width * table.sram_write_pj)
    phases = len(activity.cycles)
    cycles = activity.cycles[:, None]
    period = 1e3 / table.clock_mhz  # in ns
    leaked = np.array([leakage[name] for name in blocks]) * period * 1e-6  # nW * ns = 1e-6 pJ
    clocked = [ledger.totals(counts) for ledger, counts in ((always, cycles), (gated, activity.pulses))]
    by_part = [
        data.totals(activity.transitions),
        (clocked[0][0] + clocked[1][0], clocked[0][1] + clocked[1][1]),
        accesses.totals(activity.accesses.reshape(phases, -1)),
        (cycles * leaked, activity.cycles * leaked.sum()),
    ]
    toggled = activity.transitions.sum(axis=0)
    driven = np.isin(nets, [*clocks, netlist.clock])
    return Accounts(
        blocks=blocks,
        energies=np.stack([entry[0] for entry in by_part], axis=1),
        whole=np.stack([entry[1] for entry in by_part], axis=1),
        pins=len(nets),
        played=int((np.array(nets) > ONE).sum()),
        toggled=int((driven | (toggled[nets] > 0)).sum()),
        area=area,
    )


def _loads(netlist: Netlist, library: Library, wire: float) -> list[float]:
    """Capacitance at every net in pF; ports of memories and outputs of the tile count as a wire."""
    loads = [0.0] * netlist.nets
    for instance in netlist.cells:
        cell = library.cells[instance.kind]
        for name in cell.inputs:
            loads[instance.pins[name]] += cell.pins[name].capacitance + wire
    ends = [net for nets in netlist.outputs.values() for net in nets]
    for memory in netlist.memories:
        ends += [memory.read_enable, *memory.read_address, *memory.write_enable, *memory.write_address]
        ends += memory.write_data
    for net in ends:
        loads[net] += wire
    return loads


@dataclass(frozen=True)
class _GateParts:
    """The cells of a clock gate: GCLK = CLK and the enable as the latch kept it while the clock was low."""

    inverter: Cell
    latch: Cell
    both: Cell

    @classmethod
    def of(cls, library: Library) -> _GateParts:
        """The smallest of each kind; raises ToolError where one is missing."""
        kinds: dict[str, list[Cell]] = {"inverter": [], "latch": [], "AND of two inputs": []}
        for cell in library.cells.values():
            if cell.latch and len(cell.inputs) == 2:
                kinds["latch"].append(cell)
            elif not cell.clocked_on and len(cell.outputs) == 1 and len(cell.inputs) <= 2:
                function = cell.pins[cell.outputs[0]].function
                if function and len(cell.inputs) == 1 and truth_table(function, cell.inputs) == 0b01:
                    kinds["inverter"].append(cell)
                elif function and len(cell.inputs) == 2 and truth_table(function, cell.inputs) == 0b1000:
                    kinds["AND of two inputs"].append(cell)
        for name, found in kinds.items():
            if not found:
                raise ToolError(f"library {library.name} has no {name}, of which a clock gate is made")
        return cls(*(min(found, key=lambda cell: (cell.leakage, cell.name)) for found in kinds.values()))


def _gates(
    netlist: Netlist,
    parts: _GateParts,
    ledgers: tuple[_Ledger, _Ledger, _Ledger],
    loads: list[float],
    half: float,
    table: EnergyTable,
) -> None:
    """Enters the clock gates into the ledgers of transitions, of cycles behind gates and of all cycles."""
    data, gated, always = ledgers
    wire, sharp, slow = table.wire_ff * 1e-3, table.clock_transition_ns, table.transition_ns
    inverter, latch, both = parts.inverter, parts.latch, parts.both
    enable = next(pin for pin in latch.pins.values() if not pin.output and pin.name != latch.clocked_on)
    opening = latch.pins[latch.clocked_on]
    first, second = (both.pins[name] for name in both.inputs)

    def charge(capacitance: float) -> float:
        return half * (capacitance + wire)

    entry = inverter.pins[inverter.inputs[0]]
    every = charge(entry.capacitance) + inverter.pins[inverter.outputs[0]].energy(opening.capacitance + wire, sharp)
    every += charge(opening.capacitance) + opening.energy(0.0, sharp) + charge(second.capacitance)
    changed = charge(enable.capacitance) + enable.energy(0.0, slow)
    changed += latch.pins[latch.outputs[0]].energy(first.capacitance + wire, slow) + charge(first.capacitance)
    for index, gate in enumerate(netlist.gates):
        always.add(0, gate.block, 2 * every)
        data.add(gate.enable, gate.block, changed)
        gated.add(index, gate.block, 2 * both.pins[both.outputs[0]].energy(loads[gate.output], sharp))
