# SPDX-License-Identifier: Apache-2.0
"""Plays a mapped netlist clock cycle by clock cycle and counts the transitions of every net.

    settle:  every cell once, in an order in which inputs come first;   output = table of the cell at its inputs
    edge:    transitions are counted against the cycle before, then registers and memories take their new words

There are two values and no delays, so a net has one transition in a cycle at most, and glitches are not counted. A
clock has two transitions in a cycle, behind a gate only in those at whose end its enable is 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from symtrack.cosim.energy.liberty import Library, truth_table
from symtrack.cosim.energy.netlist import ONE, Instance, Netlist
from symtrack.cosim.engine.lockstep import Ports
from symtrack.cosim.tools.toolchain import ToolError
from symtrack.model.compiled import njit

MOST_INPUTS = 6  # of a cell, whose table then has 64 bits
ROOT = -1  # the clock of registers that have no gate


class GateSimulator:
    """A netlist that is played.

    Parameters
    ----------
    netlist, library
        The netlist and the library of its cells.
    phases
        Number of kinds of cycles, which are counted apart.

    Attributes
    ----------
    cycles : int64[phases], cycles played.
    transitions : int64[phases, nets], of every net; those of clocks are not in it.
    pulses : int64[phases, gates], clock cycles that a gate let through.
    accesses : int64[phases, memories, 2], reads and writes.
    """

    def __init__(self, netlist: Netlist, library: Library, phases: int) -> None:
        self._netlist = netlist
        self._order(netlist, library)
        self._values = np.zeros(netlist.nets + 1, np.uint8)  # the last is where outputs go that lead nowhere
        self._values[[ONE, *netlist.start]] = 1
        self._before = self._values.copy()
        self._memories(netlist)
        self._ports = {name: np.array(nets) for name, nets in netlist.inputs.items()}
        self._driven: Ports = {}
        self.clear(phases)

    def clear(self, phases: int) -> None:
        """Forget what was counted."""
        self.cycles = np.zeros(phases, np.int64)
        self.transitions = np.zeros((phases, self._netlist.nets + 1), np.int64)
        self.pulses = np.zeros((phases, len(self._netlist.gates)), np.int64)
        self.accesses = np.zeros((phases, len(self._netlist.memories), 2), np.int64)

    def settle(self, inputs: Ports) -> Ports:
        """The outputs in a cycle with these inputs."""
        for name, value in inputs.items():
            if self._driven.get(name) != value:
                nets = self._ports[name]
                self._values[nets] = [value >> place & 1 for place in range(nets.size)]
                self._driven[name] = value
        _settle(self._values, *self._logic)
        return {
            name: int.from_bytes(np.packbits(self._values[nets], bitorder="little").tobytes(), "little")
            for name, nets in self._outputs.items()
        }

    def edge(self, phase: int) -> None:
        """Count this cycle as one of ``phase``; then the clock edge."""
        self.cycles[phase] += 1
        counted = self.transitions[phase], self.pulses[phase], self.accesses[phase]
        _count(self._values, self._before, counted[0])
        _edge(self._values, *self._registers, self._enables, *self._words, *counted[1:])

    def memory(self, index: int) -> list[int]:
        """The words of a memory."""
        width, depth, first = self._words[2][index, :3]
        bits = self._words[0][first : first + width * depth].reshape(depth, width)
        return [int.from_bytes(row.tobytes(), "little") for row in np.packbits(bits, axis=1, bitorder="little")]

    def _order(self, netlist: Netlist, library: Library) -> None:
        """Tables and nets of cells in an order in which inputs come before what they go to, and of registers."""
        logic, registers = [], []
        clocks = {gate.output: index for index, gate in enumerate(netlist.gates)} | {netlist.clock: ROOT}
        for instance in netlist.cells:
            cell = library.cells[instance.kind]
            if len(cell.inputs) > MOST_INPUTS:
                raise ToolError(f"cell {cell.name} has {len(cell.inputs)} inputs: must be at most {MOST_INPUTS}")
            if cell.clocked_on:
                registers.append(_register(instance, library, clocks))
                continue
            nets = [instance.pins[name] for name in cell.inputs]
            for name in cell.outputs:
                if name in instance.pins:
                    table = truth_table(cell.pins[name].function, cell.inputs)
                    logic.append((nets, table, instance.pins[name]))
        known = {0, 1, *(net for nets in netlist.inputs.values() for net in nets)}
        known |= {net for register in registers for net in register[2:4]}
        known |= {net for memory in netlist.memories for net in memory.read_data}
        logic = _sorted(logic, known)
        spare = netlist.nets
        self._logic = _arrays(logic, spare)
        columns = [(nets, table, output) for nets, table, output, _, _ in registers]
        inverses = np.array([inverse if inverse >= 0 else spare for *_, inverse, _ in registers], np.int64)
        gates = np.array([gate for *_, gate in registers], np.int64)
        self._registers = (*_arrays(columns, spare), inverses, gates, np.zeros(len(registers), np.uint8))
        self._enables = np.array([gate.enable for gate in netlist.gates], np.int64)
        self._outputs = {name: np.array(nets) for name, nets in netlist.outputs.items()}

    def _memories(self, netlist: Netlist) -> None:
        """All memories as one array of bits, and of each where its words and the nets of its ports are."""
        shapes: list[tuple[int, ...]] = []
        ports: list[int] = []
        first = held = 0
        for memory in netlist.memories:
            shapes.append((memory.width, memory.depth, first, len(ports), len(memory.read_address), held))
            first += memory.width * memory.depth
            held += memory.width
            ports += [memory.read_enable, *memory.read_address, *memory.read_data]
            ports += [*memory.write_enable, *memory.write_address, *memory.write_data]
        table = np.array(shapes, np.int64).reshape(-1, 6)
        self._words = (np.zeros(first, np.uint8), np.zeros(held, np.uint8), table, np.array(ports, np.int64))


def _register(instance: Instance, library: Library, clocks: dict[int, int]) -> tuple[list[int], int, int, int, int]:
    """Nets of the inputs, the table of the next state, the outputs (-1 for none) and the clock gate of a flip-flop."""
    cell = library.cells[instance.kind]
    state, inverse = (*cell.states, "")[:2]
    found = {state: -1, inverse: -1}
    for name in cell.outputs:
        found[cell.pins[name].function.strip("() ")] = instance.pins.get(name, -1)
    clock = clocks.get(instance.pins.get(cell.clocked_on, -1))
    if cell.latch or clock is None or set(found) - {state, inverse}:
        raise ToolError(f"cell {cell.name} in {instance.block} is no flip-flop on the rising edge of the clock")
    nets = [instance.pins[name] for name in cell.inputs]
    table = truth_table(cell.data, cell.inputs)
    if found[state] < 0:  # only the inverse leads anywhere
        size = 1 << len(cell.inputs)
        return nets, table ^ ((1 << size) - 1), found[inverse], -1, clock
    return nets, table, found[state], found[inverse], clock


def _sorted(logic: Sequence[tuple[list[int], int, int]], known: set[int]) -> list[tuple[list[int], int, int]]:
    """The cells so that each comes after those that drive its inputs; raises ToolError where there is a loop."""
    drivers = {output: index for index, (_, _, output) in enumerate(logic)}
    waiting = [0] * len(logic)
    readers: dict[int, list[int]] = {}
    for index, (nets, _, _) in enumerate(logic):
        for net in set(nets) - known:
            if net not in drivers:
                raise ToolError(f"net {net} of the netlist has no driver")
            waiting[index] += 1
            readers.setdefault(net, []).append(index)
    ready = [index for index, count in enumerate(waiting) if count == 0]
    order = []
    while ready:
        index = ready.pop()
        order.append(logic[index])
        for reader in readers.get(logic[index][2], []):
            waiting[reader] -= 1
            if waiting[reader] == 0:
                ready.append(reader)
    if len(order) != len(logic):
        raise ToolError("the netlist has a combinational loop")
    return order


def _arrays(
    cells: Sequence[tuple[list[int], int, int]], spare: int
) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.int64]]:
    """Nets of the inputs [cells, inputs], tables and nets of the outputs; inputs that are not there are 0."""
    most = max((len(nets) for nets, _, _ in cells), default=1)
    inputs = np.zeros((len(cells), most), np.int64)
    for index, (nets, _, _) in enumerate(cells):
        inputs[index, : len(nets)] = nets
    tables = np.array([table for _, table, _ in cells], np.uint64)
    return inputs, tables, np.array([output if output >= 0 else spare for *_, output in cells], np.int64)


@njit(cache=True)
def _settle(values, inputs, tables, outputs):  # type: ignore[no-untyped-def]
    for cell in range(outputs.size):
        index = np.uint64(0)
        for place in range(inputs.shape[1]):
            index |= np.uint64(values[inputs[cell, place]]) << np.uint64(place)
        values[outputs[cell]] = np.uint8(tables[cell] >> index & np.uint64(1))


@njit(cache=True)
def _count(values, before, transitions):  # type: ignore[no-untyped-def]
    for net in range(values.size):
        transitions[net] += values[net] ^ before[net]
        before[net] = values[net]


@njit(cache=True)
def _edge(  # type: ignore[no-untyped-def]
    values, inputs, tables, outputs, inverses, gates, fresh, enables, words, held, shapes, ports, pulses, accesses
):
    for gate in range(enables.size):
        pulses[gate] += values[enables[gate]]
    for cell in range(outputs.size):
        index = np.uint64(0)
        for place in range(inputs.shape[1]):
            index |= np.uint64(values[inputs[cell, place]]) << np.uint64(place)
        fresh[cell] = np.uint8(tables[cell] >> index & np.uint64(1))
        if gates[cell] >= 0 and not values[enables[gates[cell]]]:
            fresh[cell] = values[outputs[cell]]
    # Whatever a register or a memory looks at has not changed yet.
    for memory in range(shapes.shape[0]):
        width, depth, first, port, bits, place = shapes[memory]
        data = port + 1 + bits
        write = data + width
        source, target = 0, 0
        for bit in range(bits):
            source |= np.int64(values[ports[port + 1 + bit]]) << bit
            target |= np.int64(values[ports[write + width + bit]]) << bit
        written = False
        for bit in range(width):
            if values[ports[port]]:
                held[place + bit] = words[first + source * width + bit] if source < depth else 0
            if values[ports[write + bit]]:
                written = True
                if target < depth:
                    words[first + target * width + bit] = values[ports[write + width + bits + bit]]
        accesses[memory, 0] += values[ports[port]]
        accesses[memory, 1] += written
    for memory in range(shapes.shape[0]):
        width, _, _, port, bits, place = shapes[memory]
        for bit in range(width):
            values[ports[port + 1 + bits + bit]] = held[place + bit]
    for cell in range(outputs.size):
        values[outputs[cell]] = fresh[cell]
        values[inverses[cell]] = 1 - fresh[cell]
