# SPDX-License-Identifier: Apache-2.0
"""Tests that FuseSoC takes the core file that lies beside the Verilog."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from symtrack.hdl.output.fusesoc import SYNTHESIS
from symtrack.hdl.output.package import package
from symtrack.model.spec.config import NAMED

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


def test_it_knows_the_core_and_its_targets(files: dict[str, str], tmp_path: Path) -> None:
    done = fusesoc(tmp_path, files, "core", "show")
    assert done.returncode == 0, done.stderr
    assert [line.split(" ")[0] for line in done.stdout.split("Targets:")[1].split("\n") if line] == [
        "bridges",
        "default",
        "lint",
        "sim",
        "synth_ecp5",
        "synth_ice40",
        "synth_xilinx",
        "tile",
    ]


def test_it_lints(files: dict[str, str], tmp_path: Path) -> None:
    done = fusesoc(tmp_path, files, "run", "--target", "lint")
    assert done.returncode == 0, done.stderr


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


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")
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
@pytest.mark.parametrize("family", SYNTHESIS)
def test_it_synthesises(family: str, tmp_path: Path) -> None:
    name, config = "symtrack_small_controller", NAMED["small"]
    done = fusesoc(tmp_path, package(config), "run", "--target", f"synth_{family}", core=name)
    assert done.returncode == 0, done.stderr
    (netlist,) = tmp_path.glob(f"build/*/synth_{family}/*.json")
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
