# SPDX-License-Identifier: Apache-2.0
"""Tests that FuseSoC takes the core file that lies beside the Verilog."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from symtrack.cosim.tools.toolchain import find_verilator
from symtrack.hdl.output.package import package
from symtrack.model.spec.config import NAMED

pytestmark = pytest.mark.skipif(find_spec("fusesoc") is None, reason="fusesoc is not installed")
CORE = "symtrack_tiny_controller"


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return package(NAMED["tiny"])


def fusesoc(folder: Path, files: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    cores = folder / "cores"
    cores.mkdir()
    for name, text in files.items():
        (cores / name).write_text(text)
    command = [sys.executable, "-m", "fusesoc.main", "--cores-root", str(cores), *arguments, CORE]
    environment = find_verilator().environment
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_it_knows_the_core_and_its_targets(files: dict[str, str], tmp_path: Path) -> None:
    done = fusesoc(tmp_path, files, "core", "show")
    assert done.returncode == 0, done.stderr
    assert [line.split(" ")[0] for line in done.stdout.split("Targets:")[1].split("\n") if line] == [
        "default",
        "lint",
        "tile",
    ]


def test_it_lints(files: dict[str, str], tmp_path: Path) -> None:
    done = fusesoc(tmp_path, files, "run", "--target", "lint")
    assert done.returncode == 0, done.stderr


def test_it_finds_a_fault(files: dict[str, str], tmp_path: Path) -> None:
    name = f"{CORE}.v"
    bent = files | {name: files[name].replace("output irq;", "output [1:0] irq;", 1)}
    assert fusesoc(tmp_path, bent, "run", "--target", "lint").returncode != 0


def test_it_collects_the_tile_alone(files: dict[str, str], tmp_path: Path) -> None:
    done = fusesoc(tmp_path, files, "run", "--setup", "--target", "tile", "--tool", "verilator")
    assert done.returncode == 0, done.stderr
    assert [file.name for file in tmp_path.glob("build/**/*.v")] == ["symtrack_tiny.v"]
