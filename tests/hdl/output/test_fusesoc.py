# SPDX-License-Identifier: Apache-2.0
"""Tests that FuseSoC takes the core file that lies beside the Verilog."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

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
    folder: Path, files: dict[str, str], *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    cores = folder / "cores"
    cores.mkdir()
    for name, text in files.items():
        (cores / name).write_text(text)
    command = [sys.executable, "-m", "fusesoc.main", "--cores-root", str(cores), *arguments, CORE]
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
