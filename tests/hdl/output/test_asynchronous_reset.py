# SPDX-License-Identifier: Apache-2.0
"""Tests of Verilog whose reset is asynchronous: it needs no clock, and all that follows is as with the other one."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from symtrack.cosim.campaign.replay import record, without_initial_values
from symtrack.cosim.engine.native.build import native_library
from symtrack.cosim.engine.native.tile import NativeTile
from symtrack.cosim.tools.lint import slang_warnings, verilator_warnings
from symtrack.hdl.output.verilog import (
    BRIDGES,
    Port,
    bridge_verilog,
    controller_name,
    controller_ports,
    controller_verilog,
    module_name,
    tile_ports,
    tile_verilog,
)
from symtrack.model.spec.config import NAMED
from symtrack.model.tile.tile import TileModel
from symtrack.scripts import generate_verilog

CONFIG = NAMED["tiny"]
TEXTS = {"tile": tile_verilog, "controller": controller_verilog}
CLOCKED = re.compile(r"^  always @\(posedge clk(, posedge rst)?\)(?: begin)?\n    (if \(rst\))?", re.MULTILINE)


def text_of(name: str, *, asynchronous_reset: bool) -> str:
    if name in BRIDGES:
        return bridge_verilog(name, asynchronous_reset=asynchronous_reset)
    return TEXTS[name](CONFIG, asynchronous_reset=asynchronous_reset)


@pytest.mark.parametrize("name", [*TEXTS, *BRIDGES])
def test_registers_that_have_a_reset_take_it_at_once(name: str) -> None:
    """As many as take it with the clock otherwise; the others, and memories, have none in both."""
    synchronous, asynchronous = (text_of(name, asynchronous_reset=kind) for kind in (False, True))
    assert not re.search("posedge rst", synchronous)
    found = CLOCKED.findall(asynchronous)
    assert len(found) == asynchronous.count("always @(posedge clk") > 0
    assert all(bool(edge) == bool(reset) for edge, reset in found)
    resets = len(re.findall(r"^    if \(rst\) begin$", synchronous, re.MULTILINE))
    assert sum(bool(edge) for edge, _ in found) == resets > 0


@pytest.mark.parametrize("name", TEXTS)
def test_lint_is_clean(name: str) -> None:
    verilog = text_of(name, asynchronous_reset=True)
    assert verilator_warnings(verilog, (module_name if name == "tile" else controller_name)(CONFIG)) == []
    assert slang_warnings(verilog) == []


def reset_without_a_clock(folder: Path, verilog: str, top: str, ports: list[Port], clock: str, reset: str) -> list[str]:
    """The outputs as bits, from unknown registers, after a reset during which the clock stays low; all else is 0."""
    active, passive = ("0", "1") if reset == "aresetn" else ("1", "0")
    inputs = [port for port in ports if not port.output and port.name not in (clock, reset)]
    outputs = [port for port in ports if port.output]
    lines = ["module bench;", f"  reg {clock} = 0, {reset} = {passive};"]
    lines += [f"  wire [{port.width - 1}:0] {port.name};" for port in outputs]
    joined = [f".{name}({name})" for name in (clock, reset, *(port.name for port in outputs))]
    joined += [f".{port.name}({port.width}'d0)" for port in inputs]
    lines += [
        f"  {top} dut ({', '.join(joined)});",
        f"  initial begin #1 {reset} = {active}; #1 {reset} = {passive}; #1;",
    ]
    lines += [f'    $display("%b", {port.name});' for port in outputs]
    (folder / "bench.v").write_text("\n".join([*lines, "  end", "endmodule", without_initial_values(verilog)]))
    subprocess.run(["iverilog", "-g2005", "-s", "bench", "-o", "bench", "bench.v"], cwd=folder, check=True)
    done = subprocess.run(["vvp", "-n", "bench"], cwd=folder, capture_output=True, text=True, check=True)
    assert len(done.stdout.split()) == len(outputs)
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")
@pytest.mark.parametrize("asynchronous_reset", [True, False])
def test_a_tile_is_reset_without_a_clock(asynchronous_reset: bool, tmp_path: Path) -> None:
    ports = [Port("rst", 1, False), *tile_ports(CONFIG)]
    verilog = tile_verilog(CONFIG, asynchronous_reset=asynchronous_reset)
    bits = reset_without_a_clock(tmp_path, verilog, module_name(CONFIG), ports, "clk", "rst")
    golden = TileModel(CONFIG).step({port.name: 0 for port in ports if not port.output})
    expected = [f"{golden[port.name]:0{port.width}b}" for port in ports if port.output]
    assert (bits == expected) == asynchronous_reset
    assert (sum("x" in one for one in bits) > 10) != asynchronous_reset


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")
def test_a_controller_is_reset_without_a_clock(tmp_path: Path) -> None:
    """Nothing that says what is valid, ready or true is unknown; payloads of nothing may be."""
    ports = controller_ports(CONFIG)
    verilog = controller_verilog(CONFIG, asynchronous_reset=True)
    bits = reset_without_a_clock(tmp_path, verilog, controller_name(CONFIG), ports, "aclk", "aresetn")
    named = dict(zip([port.name for port in ports if port.output], bits, strict=True))
    flags = {name: value for name, value in named.items() if re.search("valid$|ready$|^irq$", name)}
    assert len(flags) > 10
    assert all("x" not in value for value in flags.values()), flags
    assert {value for name, value in flags.items() if re.search("valid$|^irq$", name)} == {"0"}


def test_what_follows_a_reset_is_the_same(tmp_path: Path) -> None:
    """Lock-step with golden in all cycles without a reset, with resets in between."""
    library = native_library(tile_verilog(CONFIG, asynchronous_reset=True), CONFIG)
    tile, played = NativeTile(library, CONFIG), record(CONFIG, cycles=4000, seed=6)
    resets, at_once = 0, 0
    for cycle, (inputs, outputs) in enumerate(zip(played.inputs, played.outputs, strict=True)):
        for name, value in inputs.items():
            tile.set(name, value)
        tile.cycle()
        differs = [name for name, value in outputs.items() if tile.get(name) != value]
        resets += inputs["rst"]
        at_once += bool(inputs["rst"] and differs)
        assert not differs or inputs["rst"], (cycle, differs)
    assert resets > 3
    assert at_once > 2  # which shows before the clock's edge


def test_a_package_says_which_it_is(tmp_path: Path) -> None:
    for kind in ("synchronous", "asynchronous"):
        out = tmp_path / kind
        assert generate_verilog.main(["--config", "tiny", "--out", str(out), "--reset", kind]) == 0
        assert json.loads((out / "symtrack_tiny.json").read_text())["reset"] == kind
        files = ["symtrack_tiny.v", "symtrack_tiny_controller.v", *(f"{name}.v" for name in BRIDGES)]
        assert {"posedge rst" in (out / name).read_text() for name in files} == {kind == "asynchronous"}
