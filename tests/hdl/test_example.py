"""The example of an integration: top level and test bench in Verilog, and the C driver over a simulated bus."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cosim.package import package
from cosim.toolchain import find_verilator
from model.config import NAMED

EXAMPLE = Path(__file__).parents[2] / "hdl" / "example"
CONTROLLER = "symtrack_tiny_controller.v"

icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")


@pytest.fixture
def rtl(tmp_path: Path) -> Path:
    """What generate_verilog.py writes."""
    folder = tmp_path / "rtl"
    folder.mkdir()
    for name, text in package(NAMED["tiny"]).items():
        (folder / name).write_text(text)
    return folder


def make(goal: str, rtl: Path) -> subprocess.CompletedProcess[str]:
    tool = find_verilator()
    command = ["make", "-C", EXAMPLE, goal, f"RTL={rtl}", f"OUT={rtl.parent / goal}"]
    command += [f"VERILATOR={tool.executable}", "CC=g++ -x c"]
    return subprocess.run(command, env=tool.environment, capture_output=True, text=True, check=False)


def bend(rtl: Path, bits: str) -> None:
    """Invert bits of an output of the controller: ``port = mask``."""
    file, (port, mask) = rtl / CONTROLLER, bits.split(" = ")
    text, count = re.subn(rf"assign m_axis_{port} = ", rf"\g<0>{mask} ^ ", file.read_text(), count=1)
    assert count == 1
    file.write_text(text)


@icarus
def test_the_bench_in_verilog(rtl: Path) -> None:
    done = make("simulate", rtl)
    assert done.returncode == 0, done.stderr
    assert "\nPASS\n" in done.stdout
    columns = [
        [int(word) for word in line.split(":")[1].split()] for line in done.stdout.splitlines() if "P row" in line
    ]
    assert [len(row) for row in columns] == [5, 5, 5]


@icarus
@pytest.mark.parametrize(
    "bits", ["pulses_tdata = 40'h1_0000", "writes_tdata = 56'h1", "writes_tdata = 56'h100_0000_0000"]
)
def test_the_bench_finds_a_fault(rtl: Path, bits: str) -> None:
    """The polarity of slots, the lowest bit of the write pulses, and that of their row are inverted."""
    bend(rtl, bits)
    done = make("simulate", rtl)
    assert "FAIL" in done.stdout
    assert "PASS" not in done.stdout


def test_the_driver(rtl: Path) -> None:
    done = make("driver", rtl)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().splitlines()[-2] == "PASS"
    before, after = re.search(r"points: ([\d.]+) before, ([\d.]+) after", done.stdout).groups()
    assert float(after) < float(before) / 10


def test_the_driver_finds_a_fault(rtl: Path) -> None:
    bend(rtl, "writes_tdata = 56'h1")
    done = make("driver", rtl)
    assert done.returncode != 0
    assert "FAIL: the crossbar has counted something else" in done.stderr
