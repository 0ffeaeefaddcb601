# SPDX-License-Identifier: Apache-2.0
"""Tests that FuseSoC takes the core file that lies beside the Verilog."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from symtrack.hdl.output.fusesoc import SYNTHESIS, targets
from symtrack.hdl.output.memory import BODIES
from symtrack.hdl.output.package import package
from symtrack.model.spec.config import NAMED
from tests.paths import ROOT

pytestmark = pytest.mark.skipif(find_spec("fusesoc") is None, reason="fusesoc is not installed")
CORE = "symtrack_tiny_controller"


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return package(NAMED["tiny"])


@cache
def plain() -> dict[str, str]:
    """The environment of a user whose system has no Verilator."""
    folders = os.environ["PATH"].split(os.pathsep)
    path = os.pathsep.join(folder for folder in folders if not (Path(folder) / "verilator").exists())
    kept = {name: value for name, value in os.environ.items() if name not in ("VERILATOR_ROOT", "MAKEFLAGS")}
    return kept | {"PATH": path}


@cache
def told() -> dict[str, str]:
    """The same after the shell has taken what ``symtrack environment`` prints, as docs/integration.md says."""
    line = f'eval "$({shlex.quote(sys.executable)} -m symtrack environment)" && env -0'
    done = subprocess.run(["sh", "-c", line], env=plain(), capture_output=True, text=True, check=True)
    return dict(entry.split("=", 1) for entry in done.stdout.split("\0") if entry)


def fusesoc(
    folder: Path,
    files: dict[str, str],
    *arguments: str,
    environment: dict[str, str] | None = None,
    core: str = CORE,
) -> subprocess.CompletedProcess[str]:
    cores = folder / "cores"
    cores.mkdir()
    for name, text in files.items():
        (cores / name).write_text(text)
    command = [sys.executable, "-m", "fusesoc.main", "--cores-root", str(cores), *arguments, core]
    return subprocess.run(command, cwd=folder, env=environment or told(), capture_output=True, text=True, check=False)


OTHERS = {  # targets, by the body of the memories
    "behavioural": ["sim", "synth", "synth_ecp5", "synth_ice40", "synth_xilinx"],
    "ecp5": ["synth", "synth_ecp5"],
    "macro": ["sim"],
}


@cache
def of_body(body: str) -> dict[str, str]:
    return package(NAMED["tiny"], memory=body)


@pytest.mark.parametrize("body", BODIES)
def test_it_knows_the_core_and_its_targets(body: str, tmp_path: Path) -> None:
    done = fusesoc(tmp_path, of_body(body), "core", "show")
    assert done.returncode == 0, done.stderr
    found = [line.split(" ")[0] for line in done.stdout.split("Targets:")[1].split("\n") if line]
    assert found == sorted(["bridges", "default", "lint", "tile", *OTHERS[body]])


def test_the_guide_tells_the_targets_of_every_body() -> None:
    text = (ROOT / "docs" / "integration.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| `")]
    told = {name.strip("`"): re.findall(r"`(\w+)`", cells[0]) for name, *cells in rows if len(cells) == 1}
    assert {body: told.get(body) for body in BODIES} == {
        body: [name for name in targets(body) if name not in ("default", "tile", "bridges")] for body in BODIES
    }


@pytest.mark.parametrize("body", BODIES)
def test_it_lints(body: str, tmp_path: Path) -> None:
    done = fusesoc(tmp_path, of_body(body), "run", "--target", "lint")
    assert done.returncode == 0, done.stderr


def test_it_does_not_lint_a_block_ram_without_its_stub(tmp_path: Path) -> None:
    bent = {
        name: text.replace("[waivers, controller, stubs,", "[waivers, controller,")
        for name, text in of_body("ecp5").items()
    }
    done = fusesoc(tmp_path, bent, "run", "--target", "lint")
    assert done.returncode != 0
    assert "DP16KD" in done.stdout + done.stderr


def test_it_does_not_without_the_waivers(files: dict[str, str], tmp_path: Path) -> None:
    done = fusesoc(tmp_path, files | {f"{CORE}.vlt": "`verilator_config\n"}, "run", "--target", "lint")
    assert done.returncode != 0
    assert "%Warning-WIDTHEXPAND" in done.stdout + done.stderr


def test_it_does_not_without_a_verilator(files: dict[str, str], tmp_path: Path) -> None:
    done = fusesoc(tmp_path, files, "run", "--target", "lint", environment=plain())
    assert done.returncode != 0
    assert "verilator" in done.stdout + done.stderr


def test_it_finds_a_fault(files: dict[str, str], tmp_path: Path) -> None:
    name = f"{CORE}.v"
    bent = files | {name: files[name].replace("output irq;", "output [1:0] irq;", 1)}
    assert fusesoc(tmp_path, bent, "run", "--target", "lint").returncode != 0


def test_it_lints_the_rules(files: dict[str, str], tmp_path: Path) -> None:
    name = f"{CORE}_rules.sv"
    bent = files | {name: files[name].replace("pulses_t pulses;", "read_t pulses;", 1)}
    assert bent != files
    assert fusesoc(tmp_path, bent, "run", "--target", "lint").returncode != 0


@pytest.mark.parametrize("flag", [False, True])
def test_it_collects_the_rules_where_they_are_asked_for(flag: bool, files: dict[str, str], tmp_path: Path) -> None:
    flags = ["--flag", "rules"] if flag else []
    done = fusesoc(tmp_path, files, "run", "--setup", "--tool", "verilator", *flags)
    assert done.returncode == 0, done.stderr
    expected = [f"{CORE}_package.sv", f"{CORE}_rules.sv"] if flag else []
    assert sorted(file.name for file in tmp_path.glob("build/**/*.sv")) == expected


def test_it_collects_the_tile_alone(files: dict[str, str], tmp_path: Path) -> None:
    done = fusesoc(tmp_path, files, "run", "--setup", "--target", "tile", "--tool", "verilator")
    assert done.returncode == 0, done.stderr
    assert [file.name for file in tmp_path.glob("build/**/*.v")] == ["symtrack_tiny.v"]


icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")
NUMBERS = re.compile(r"^[PW] row \d: +-?\d+(?: +-?\d+){4}$", re.MULTILINE)  # of tiny: rows of five


def benched(folder: Path, files: dict[str, str]) -> tuple[bool, str]:
    """Whether the bench ends well in Icarus Verilog, without FuseSoC, and what it prints."""
    for name, text in files.items():
        (folder / name).write_text(text)
    sources = [f"{CORE}.v", f"{CORE}_tb.v", *(name for name in files if re.match(r"symtrack_(memory|sram)_", name))]
    subprocess.run(["iverilog", "-g2005", "-s", "example_tb", "-o", "bench", *sources], cwd=folder, check=True)
    done = subprocess.run(["vvp", "-N", "bench"], cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout


@icarus
@pytest.mark.parametrize("body", [name for name in BODIES if "sim" in OTHERS[name]])
def test_the_bench_passes_with_numbers(body: str, tmp_path: Path) -> None:
    well, printed = benched(tmp_path, of_body(body))
    assert well, printed
    assert printed.endswith("\nPASS\n")
    assert len(NUMBERS.findall(printed)) == 6


UNKNOWN = {  # what is in the place of a text of one of the files, and makes something X
    "words that are read": ("behavioural", f"{CORE}.v", "read_data <= mem[read_address];", "read_data <= 'bx;"),
    "ports of a self-test": ("macro", f"{CORE}_parameters.vh", "__enable(1'b0)", "__enable(1'bx)"),
    "words of a macro": ("macro", "symtrack_sram_15x25.v", "Q <= mem[RA];", "Q <= 25'bx;"),
    "pulses": ("behavioural", f"{CORE}.v", "assign m_axis_pulses_tdata = ", "assign m_axis_pulses_tdata = 1'bx ^ "),
    "writes": ("behavioural", f"{CORE}.v", "assign m_axis_writes_tdata = ", "assign m_axis_writes_tdata = 64'bx ^ "),
    **{
        f"the bus, {name}": ("behavioural", f"{CORE}_tb.v", f".s_axil_{name}({name})", f".s_axil_{name}()")
        for name in ("awready", "bvalid", "bresp", "arready", "rvalid", "rdata", "rresp")
    },
    "codes": ("behavioural", f"{CORE}_tb.v", "<= fast[k*COLUMNS+adc_column];", "<= 'bx;"),
    "cells": ("behavioural", f"{CORE}_tb.v", "(slot_up ? 1 : -1)", "1'bx"),
}


@icarus
@pytest.mark.parametrize("what", UNKNOWN)
def test_the_bench_fails_where_a_result_is_unknown(what: str, tmp_path: Path) -> None:
    body, file, old, new = UNKNOWN[what]
    files = of_body(body)
    assert files[file].count(old) == 1
    well, printed = benched(tmp_path, files | {file: files[file].replace(old, new)})
    assert not well
    assert "FAIL" in printed
    assert "PASS" not in printed


@icarus
def test_it_simulates_and_finds_a_wrong_pulse(files: dict[str, str], tmp_path: Path) -> None:
    for name, changed in {"right": {}, "wrong": {f"{CORE}.v": wrong_pulses(files)}}.items():
        (tmp_path / name).mkdir()
        done = fusesoc(tmp_path / name, files | changed, "run", "--target", "sim")
        assert ("\nPASS\n" in done.stdout, done.returncode == 0) == (name == "right", name == "right"), done.stderr


def wrong_pulses(files: dict[str, str]) -> str:
    """The controller with an inverted bit in the first row of every slot."""
    old = "assign m_axis_pulses_tdata = "
    assert files[f"{CORE}.v"].count(old) == 1
    return files[f"{CORE}.v"].replace(old, f"{old} 1 ^ ")


RAMS = {"ice40": "SB_RAM40_4K", "ecp5": "DP16KD", "xilinx": "RAM64M"}  # 64 words of look-up tables


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("yosys") is None, reason="yosys is not installed")
@pytest.mark.parametrize(
    ("body", "target", "family"),
    [
        *(("behavioural", f"synth_{family}", family) for family in SYNTHESIS),
        ("behavioural", "synth", "ecp5"),
        ("ecp5", "synth", "ecp5"),
    ],
)
def test_it_synthesises(body: str, target: str, family: str, tmp_path: Path) -> None:
    name, config = "symtrack_small_controller", NAMED["small"]
    done = fusesoc(tmp_path, package(config, memory=body), "run", "--target", target, core=name)
    assert done.returncode == 0, done.stderr
    (netlist,) = tmp_path.glob(f"build/*/{target}/*.json")
    kinds = {cell["type"] for cell in json.loads(netlist.read_text())["modules"][name]["cells"].values()}
    assert RAMS[family] in kinds
    assert not [kind for kind in kinds if "LATCH" in kind or kind.startswith(("LD", "$"))]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("yosys") is None, reason="yosys is not installed")
def test_it_does_not_synthesise_without_a_memory(files: dict[str, str], tmp_path: Path) -> None:
    name = f"{CORE}.v"
    text = files[name].replace("module symtrack_memory_1r1w(", "module another(")
    done = fusesoc(tmp_path, files | {name: text}, "run", "--target", "synth_ice40")
    assert done.returncode != 0
    assert "symtrack_memory_1r1w" in done.stdout + done.stderr
