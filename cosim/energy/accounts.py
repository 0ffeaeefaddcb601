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

from symtrack.cosim.energy.activity import PHASES, WINDOW, Activity
from symtrack.cosim.energy.liberty import Cell, LibertyError, Library, plain, truth_table
from symtrack.cosim.energy.netlist import ONE, ZERO, Netlist
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
    pins : input and output pins of cells.
    played : pins whose net was evaluated, in a play of one cycle or more, and is not tied to a constant: every net's
        transitions are counted, none is assumed. It does not tell that there were any.
    toggled : pins with a transition in updates and transfers, `WINDOW`.
    moved : bool[pins], those with one in any phase.
    area : of all cells, in the library's unit.
    """

    blocks: list[str]
    energies: NDArray[np.float64]
    whole: NDArray[np.float64]
    pins: int
    played: int
    toggled: int
    moved: NDArray[np.bool_]
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
    LibertyError
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
        parts = GateParts.of(library)
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
    ends = np.array(nets, np.int64)
    window = [PHASES.index(phase) for phase in WINDOW]
    toggled, moved = (
        _moved(netlist, activity, phases)[ends] for phases in (window, [PHASES.index(phase) for phase in PHASES])
    )
    return Accounts(
        blocks=blocks,
        energies=np.stack([entry[0] for entry in by_part], axis=1),
        whole=np.stack([entry[1] for entry in by_part], axis=1),
        pins=len(nets),
        played=int((ends > ONE).sum()) if activity.cycles.any() else 0,
        toggled=int(toggled.sum()),
        moved=moved,
        area=area,
    )


def _moved(netlist: Netlist, activity: Activity, phases: list[int]) -> NDArray[np.bool_]:
    """Of every net whether it had a transition in phases; clocks have them where they run."""
    result = activity.transitions[phases].sum(axis=0) > 0
    result[netlist.clock] = activity.cycles[phases].sum() > 0
    result[[gate.output for gate in netlist.gates]] = activity.pulses[phases].sum(axis=0) > 0
    return np.asarray(result, np.bool_)


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
class GateParts:
    """The cells of a clock gate: GCLK = CLK and the enable as the latch kept it while the clock was low."""

    inverter: Cell
    latch: Cell
    both: Cell

    @classmethod
    def of(cls, library: Library) -> GateParts:
        """The smallest of each kind.

        Raises
        ------
        LibertyError
            The library has none of a kind that can be used: of latches one that an enable opens while it is high, with
            no inputs but that and the data.
        """
        kinds: dict[str, list[Cell]] = {"inverter": [], "latch that is open at 1": [], "AND of two inputs": []}
        for cell in library.cells.values():
            if cell.latch:
                if _kept(cell):
                    kinds["latch that is open at 1"].append(cell)
            elif not cell.clocked_on and len(cell.outputs) == 1 and cell.inputs:
                kind = {(1, 0b01): "inverter", (2, 0b1000): "AND of two inputs"}.get(
                    (len(cell.inputs), _table_of(cell))
                )
                if kind:
                    kinds[kind].append(cell)
        for name, found in kinds.items():
            if not found:
                raise LibertyError(f"library {library.name}: must have a cell that is {_an(name)}, for clock gates")
        return cls(*(min(found, key=lambda cell: (cell.area, cell.leakage, cell.name)) for found in kinds.values()))


def _an(name: str) -> str:
    return f"{'an' if name[0] in 'aAi' else 'a'} {name}"


def _table_of(cell: Cell) -> int:
    """The table of the output of a cell of one or two inputs, -1 for other cells and what is no function of them."""
    if len(cell.inputs) > 2:
        return -1
    try:
        return truth_table(cell.pins[cell.outputs[0]].function, cell.inputs)
    except LibertyError:
        return -1


def _kept(latch: Cell) -> str:
    """The output of a latch that has the data while the enable is 1, "" for another kind of latch."""
    if latch.states and set(latch.inputs) == {latch.clocked_on, latch.data} and len(latch.inputs) == 2:
        for name in latch.outputs:
            if plain(latch.pins[name].function) == latch.states[0]:
                return name
    return ""


def _gates(
    netlist: Netlist,
    parts: GateParts,
    ledgers: tuple[_Ledger, _Ledger, _Ledger],
    loads: list[float],
    half: float,
    table: EnergyTable,
) -> None:
    """Enters the clock gates into the ledgers of transitions, of cycles behind gates and of all cycles."""
    data, gated, always = ledgers
    wire, sharp, slow = table.wire_ff * 1e-3, table.clock_transition_ns, table.transition_ns
    inverter, latch, both = parts.inverter, parts.latch, parts.both
    enable, opening, kept = latch.pins[latch.data], latch.pins[latch.clocked_on], latch.pins[_kept(latch)]
    first, second = (both.pins[name] for name in both.inputs)

    def charge(capacitance: float) -> float:
        return half * (capacitance + wire)

    entry = inverter.pins[inverter.inputs[0]]
    every = charge(entry.capacitance) + inverter.pins[inverter.outputs[0]].energy(opening.capacitance + wire, sharp)
    every += charge(opening.capacitance) + opening.energy(0.0, sharp) + charge(second.capacitance)
    changed = charge(enable.capacitance) + enable.energy(0.0, slow)
    changed += kept.energy(first.capacitance + wire, slow) + charge(first.capacitance)
    for index, gate in enumerate(netlist.gates):
        always.add(0, gate.block, 2 * every)
        data.add(gate.enable, gate.block, changed)
        gated.add(index, gate.block, 2 * both.pins[both.outputs[0]].energy(loads[gate.output], sharp))
