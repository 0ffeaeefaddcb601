# SPDX-License-Identifier: Apache-2.0
"""Tests of the integration example: top level and test bench in Verilog, and the C driver over a simulated bus."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from symtrack.cosim.tools.toolchain import find_verilator
from symtrack.cosim.tools.yosys import yosys
from symtrack.hdl.controller.stream_layout import stream_layouts
from symtrack.hdl.output.c_headers import MAP_FILE, map_header, register_header
from symtrack.hdl.output.package import package
from symtrack.hdl.output.verilog import controller_name
from symtrack.model.spec.config import NAMED
from tests.paths import ROOT

EXAMPLE = ROOT / "hdl" / "example"
CONFIGS = ["tiny", "odd"]  # odd: four lanes, of which the last beat uses one

icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")


@cache
def files(name: str) -> dict[str, str]:
    """The files that generate_verilog.py writes."""
    return package(NAMED[name])


def generate(name: str, folder: Path) -> Path:
    rtl = folder / "rtl"
    rtl.mkdir()
    for file, text in files(name).items():
        (rtl / file).write_text(text)
    return rtl


def make(goal: str, name: str, rtl: Path, example: Path = EXAMPLE, *more: str) -> subprocess.CompletedProcess[str]:
    tool = find_verilator()
    command = ["make", "-C", example, goal, f"CONFIG={name}", f"RTL={rtl}", f"OUT={rtl.parent / goal}"]
    command += [f"VERILATOR={tool.executable}", "CC=g++ -x c", *more]
    command += ["VM_PARALLEL_BUILDS=0", "OPT_FAST=-O0", "OPT_GLOBAL=-O0"]  # quick to build
    return subprocess.run(command, env=tool.environment, capture_output=True, text=True, check=False)


def bend(rtl: Path, name: str, stream: str, mask: int) -> None:
    """Invert bits of a stream out of the controller."""
    file, bits = rtl / f"{controller_name(NAMED[name])}.v", stream_layouts(NAMED[name])[stream].bits
    text, count = re.subn(rf"assign m_axis_{stream}_tdata = ", rf"\g<0>{bits}'h{mask:x} ^ ", file.read_text(), count=1)
    assert count == 1
    file.write_text(text)


def first(name: str, stream: str, part: str) -> int:
    """The lowest bit of a payload, of the first lane."""
    return next(1 << found.low for found in stream_layouts(NAMED[name])[stream].parts if found.name == part)


@icarus
@pytest.mark.parametrize(
    ("name", "standard"),
    [
        *(pytest.param(name, "2005", marks=[] if name == "tiny" else pytest.mark.slow) for name in CONFIGS),
        pytest.param("tiny", "2012", marks=pytest.mark.slow),
    ],
)
def test_the_bench_in_verilog(name: str, standard: str, tmp_path: Path) -> None:
    done = make("simulate", name, generate(name, tmp_path), EXAMPLE, f"STANDARD={standard}")
    assert done.returncode == 0, done.stderr
    assert "\nPASS\n" in done.stdout
    for array in "PW":
        rows = [line.split(":")[1].split() for line in done.stdout.splitlines() if line.startswith(f"{array} row")]
        assert [len(row) for row in rows] == [NAMED[name].columns] * NAMED[name].rows


@icarus
def test_the_bench_with_macros(tmp_path: Path) -> None:
    """The ports of their self-test are tied off, and their files are found."""
    rtl = tmp_path / "rtl"
    rtl.mkdir()
    for file, text in package(NAMED["tiny"], memory="macro").items():
        (rtl / file).write_text(text)
    done = make("simulate", "tiny", rtl)
    assert done.returncode == 0, done.stderr
    assert "\nPASS\n" in done.stdout


@icarus
@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize(("stream", "part"), [("pulses", "up"), ("writes", "pulses"), ("writes", "beat")])
def test_the_bench_finds_a_fault(name: str, stream: str, part: str, tmp_path: Path) -> None:
    """The polarity of slots, the lowest bit of the write pulses, and that of their beat are inverted."""
    rtl = generate(name, tmp_path)
    bend(rtl, name, stream, first(name, stream, part))
    done = make("simulate", name, rtl)
    assert "FAIL" in done.stdout
    assert "PASS" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tiny", "odd"])
def test_the_driver(name: str, tmp_path: Path) -> None:
    done = make("driver", name, generate(name, tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().splitlines()[-2] == "PASS"
    before, after = re.search(r"points: ([\d.]+) before, ([\d.]+) after", done.stdout).groups()
    assert float(after) < float(before) / 10
    before, after = re.search(r"tolerance: (\d+) before, (\d+) after programming", done.stdout).groups()
    assert int(before) > NAMED[name].rows > int(after) == 0
    assert re.search(r"\d+ reads and no pulses in the warm-up", done.stdout)


LAYERS = ("digits_hidden", "digits_output")


def layers(folder: Path, source: str | None = None) -> subprocess.CompletedProcess[str]:
    """Compile and run the example of two configurations, with the headers of both."""
    example = EXAMPLE
    if source is not None:
        example = Path(shutil.copytree(EXAMPLE, folder / "example"))
        (example / "two_layers.c").write_text(source)
    (folder / "rtl").mkdir()
    (folder / "rtl" / MAP_FILE).write_text(map_header())
    for name in LAYERS:
        (folder / "rtl" / f"{controller_name(NAMED[name])}_registers.h").write_text(register_header(NAMED[name]))
    return make("layers", "none", folder / "rtl", example)


def test_one_program_with_two_configurations(tmp_path: Path) -> None:
    done = layers(tmp_path)
    assert done.returncode == 0, done.stderr
    *_, first, second, verdict = [line for line in done.stdout.splitlines() if not line.startswith("make")]
    for name, line in zip(LAYERS, (first, second), strict=True):
        config = NAMED[name]
        assert line.startswith(f"{config.rows} x {config.columns} cells, {config.lanes} lanes: modes ")
    assert verdict == "PASS"
    assert len(list(tmp_path.glob("layers/symtrack.o"))) == 1


def test_it_fails_with_the_descriptor_of_the_other_one(tmp_path: Path) -> None:
    source = (EXAMPLE / "two_layers.c").read_text()
    bent = source.replace("hidden = SYMTRACK_DIGITS_HIDDEN_", "hidden = SYMTRACK_DIGITS_OUTPUT_")
    assert bent != source
    done = layers(tmp_path, bent)
    assert done.returncode != 0
    assert "FAIL: open" in done.stderr


@pytest.mark.slow
def test_the_driver_finds_a_fault(tmp_path: Path) -> None:
    rtl = generate("tiny", tmp_path)
    bend(rtl, "tiny", "writes", first("tiny", "writes", "pulses"))
    done = make("driver", "tiny", rtl, EXAMPLE, "RULES=")  # which find eleven pulses, too
    assert done.returncode != 0
    assert "FAIL: the crossbar has counted something else" in done.stderr


@pytest.mark.slow
def test_the_driver_runs_with_the_rules(tmp_path: Path) -> None:
    rtl = generate("tiny", tmp_path)
    bend(rtl, "tiny", "writes", first("tiny", "writes", "beat"))
    done = make("driver", "tiny", rtl)
    assert done.returncode != 0
    assert re.search(r"Assertion failed in [\w.]*\.rules\.m_axis_writes_order: ", done.stdout + done.stderr)


@pytest.mark.slow
def test_the_example_finds_a_driver_that_does_not_ask_what_waits(tmp_path: Path) -> None:
    example = Path(shutil.copytree(EXAMPLE, tmp_path / "example"))
    file = example / "symtrack.c"
    text = file.read_text()
    assert text.count("SYMTRACK_EBUSY : 0") == 1
    file.write_text(text.replace("SYMTRACK_EBUSY : 0", "0 : 0"))
    done = make("driver", "tiny", generate("tiny", tmp_path), example)
    assert done.returncode != 0
    assert "FAIL: a third operation or a setting was taken" in done.stderr


@pytest.mark.parametrize("called_top", [False, True])
def test_yosys_takes_the_example_as_the_top(called_top: bool, tmp_path: Path) -> None:
    """It does not if our module has the attribute that Amaranth's Verilog comes with."""
    rtl, controller = generate("tiny", tmp_path), controller_name(NAMED["tiny"])
    for file in (f"{controller}.v", "symtrack_tiny.v"):
        assert not re.search(r"\(\*\s*top\b", (rtl / file).read_text())
    if called_top:
        text = (rtl / f"{controller}.v").read_text()
        (rtl / f"{controller}.v").write_text(
            text.replace(f"module {controller}(", f"(* top = 1 *) module {controller}(")
        )
    shutil.copy(EXAMPLE / "example_top.v", rtl)
    yosys(
        rtl,
        f'read_verilog -DSYMTRACK_PARAMETERS="{controller}_parameters.vh" {controller}.v example_top.v; '
        "hierarchy -check -auto-top; tee -q -o top.txt select -list-mod A:top",
    )
    top = controller if called_top else "example_top"
    assert (rtl / "top.txt").read_text().split() == [top]
