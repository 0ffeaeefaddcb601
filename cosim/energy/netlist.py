# SPDX-License-Identifier: Apache-2.0
"""A mapped netlist: cells of a library, memories and clock gates, each with the block it belongs to, joined by nets.

Nets are numbered; net 0 is the constant 0 and net 1 the constant 1. What a netlist holds is read from the JSON of
Yosys, in which the blocks were mapped one by one and dissolved afterwards: the name of a cell begins with the path of
its block.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from symtrack.cosim.energy.liberty import Cell, Library
from symtrack.cosim.tools.toolchain import ToolError

ZERO, ONE = 0, 1
CLOCK_GATE = "symtrack_clock_gate"
MEMORY = "$mem_v2"
TOP = "tile"  # the block of cells that are in no block


@dataclass
class Instance:
    """A cell in the netlist: its kind in the library, its block, and the net at each pin."""

    kind: str
    block: str
    pins: dict[str, int]


@dataclass(frozen=True)
class Gate:
    """A clock gate: the clock behind it runs in the cycles at whose end ``enable`` is 1."""

    block: str
    enable: int
    output: int


@dataclass(frozen=True)
class Memory:
    """A memory as a black box with one synchronous read and one write port; lists of nets start with the lowest bit."""

    block: str
    width: int
    depth: int
    read_enable: int
    read_address: list[int]
    read_data: list[int]
    write_enable: list[int]
    write_address: list[int]
    write_data: list[int]


@dataclass
class Netlist:
    """A netlist.

    Attributes
    ----------
    inputs, outputs : the nets of every port, from its lowest bit on.
    clock : the net of the clock.
    start : nets of registers that start with 1.
    """

    nets: int
    inputs: dict[str, list[int]]
    outputs: dict[str, list[int]]
    clock: int
    cells: list[Instance]
    memories: list[Memory]
    gates: list[Gate]
    start: set[int] = field(default_factory=set)

    def new_net(self) -> int:
        """One more net."""
        self.nets += 1
        return self.nets - 1

    def sinks(self, library: Library) -> dict[int, list[tuple[Instance, str]]]:
        """The input pins of cells at every net."""
        found: dict[int, list[tuple[Instance, str]]] = defaultdict(list)
        for instance in self.cells:
            for name in library.cells[instance.kind].inputs:
                found[instance.pins[name]].append((instance, name))
        return found

    def blocks(self) -> list[str]:
        """The blocks that have something, in order."""
        kinds: tuple[Sequence[Instance | Memory | Gate], ...] = (self.cells, self.memories, self.gates)
        return sorted({one.block for kind in kinds for one in kind})


def block_of(cell: str) -> str:
    """The path of the block that a cell belongs to, from its name in the netlist that was dissolved."""
    parts = cell.removeprefix("$flatten").replace("\\", "").split(".")
    path = []
    for part in parts[:-1]:
        if part.startswith("$"):
            break
        path.append(part)
    return ".".join(path) or TOP


def read_netlist(module: dict[str, Any], library: Library) -> Netlist:
    """The netlist in a module of Yosys's JSON.

    Raises
    ------
    ToolError
        It has cells that are neither of the library nor known here, or memories of another form.
    """
    reader = _Reader(module)
    inputs, outputs = (reader.ports(direction) for direction in ("input", "output"))
    netlist = Netlist(0, inputs, outputs, reader.net_of_port("clk"), cells=[], memories=[], gates=[])
    for name, cell in module["cells"].items():
        kind, block = cell["type"], block_of(name)
        pins = {port: reader.net(bits[0]) for port, bits in cell["connections"].items() if len(bits) == 1}
        if kind in library.cells:
            netlist.cells.append(Instance(kind, block, pins))
        elif kind == CLOCK_GATE:
            netlist.gates.append(Gate(block, pins["E"], pins["GCLK"]))
        elif kind == MEMORY:
            netlist.memories.append(_memory(cell, block, reader))
        elif kind != "$scopeinfo":
            raise ToolError(f"the netlist has a cell that is in no library: {kind}")
    netlist.start = reader.start()
    netlist.nets = reader.count
    return netlist


class _Reader:
    """Numbers the bits of a module as nets."""

    def __init__(self, module: dict[str, Any]) -> None:
        self._module = module
        self._nets: dict[int | str, int] = {"0": ZERO, "1": ONE, "x": ZERO, "z": ZERO}
        self.count = 2

    def net(self, bit: int | str) -> int:
        """The net of a bit."""
        if bit not in self._nets:
            self._nets[bit] = self.count
            self.count += 1
        return self._nets[bit]

    def ports(self, direction: str) -> dict[str, list[int]]:
        """The nets of the inputs but the clock, or of the outputs."""
        return {
            name: [self.net(bit) for bit in port["bits"]]
            for name, port in self._module["ports"].items()
            if port["direction"] == direction and name != "clk"
        }

    def net_of_port(self, name: str) -> int:
        """The net of a port of one bit."""
        return self.net(self._module["ports"][name]["bits"][0])

    def start(self) -> set[int]:
        """Nets that start with 1."""
        found = set()
        for wire in self._module["netnames"].values():
            values = wire.get("attributes", {}).get("init", "")
            found |= {self.net(bit) for bit, value in zip(wire["bits"], reversed(values), strict=False) if value == "1"}
        return found


def _memory(cell: dict[str, Any], block: str, reader: _Reader) -> Memory:
    """A memory with a synchronous read port that keeps its word, and a write port, both on the clock."""
    parameters, bits = cell["parameters"], cell["connections"]
    value = {name: int(text, 2) for name, text in parameters.items() if re.fullmatch(r"[01]+", str(text))}
    ports = value["RD_PORTS"], value["WR_PORTS"], value["RD_CLK_ENABLE"], value["WR_CLK_ENABLE"]
    if ports != (1, 1, 1, 1):
        raise ToolError(f"a memory in {block} has ports of another form: {ports}")
    return Memory(
        block=block,
        width=value["WIDTH"],
        depth=value["SIZE"],
        read_enable=reader.net(bits["RD_EN"][0]),
        **{
            name: [reader.net(bit) for bit in bits[port]]
            for name, port in (
                ("read_address", "RD_ADDR"),
                ("read_data", "RD_DATA"),
                ("write_enable", "WR_EN"),
                ("write_address", "WR_ADDR"),
                ("write_data", "WR_DATA"),
            )
        },
    )


def buffered(netlist: Netlist, library: Library, fan_out: int) -> int:
    """Puts trees of buffers behind nets with more than ``fan_out`` input pins, but not behind clocks; how many.

    A buffer belongs to the block of the pins that it drives, the first of them. Pins of one block stay together.
    """
    buffer = buffer_of(library)
    (entry,), (output,) = buffer.inputs, buffer.outputs
    clocks = {netlist.clock, *(gate.output for gate in netlist.gates)}
    added = 0
    for net, pins in netlist.sinks(library).items():
        if net in (ZERO, ONE) or net in clocks:
            continue
        level = sorted(pins, key=lambda pin: pin[0].block)
        while len(level) > fan_out:
            above = []
            for first in range(0, len(level), fan_out):
                some = level[first : first + fan_out]
                driven = netlist.new_net()
                instance = Instance(buffer.name, some[0][0].block, {entry: net, output: driven})
                for sink, name in some:
                    sink.pins[name] = driven
                netlist.cells.append(instance)
                above.append((instance, entry))
                added += 1
            level = above
    return added


def buffer_of(library: Library) -> Cell:
    """The buffer of a library for large nets: that with the second largest area, or the only one.

    Raises
    ------
    ToolError
        The library has none.
    """
    found = sorted(
        (cell for cell in library.cells.values() if _is_buffer(cell)), key=lambda cell: (cell.area, cell.name)
    )
    if not found:
        raise ToolError(f"library {library.name} has no buffer")
    return found[min(1, len(found) - 1)]


def _is_buffer(cell: Cell) -> bool:
    if len(cell.inputs) != 1 or len(cell.outputs) != 1 or cell.data:
        return False
    return cell.pins[cell.outputs[0]].function.strip("() ") == cell.inputs[0]
