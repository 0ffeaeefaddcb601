# SPDX-License-Identifier: Apache-2.0
"""Tests of ``run_cosim.py``: its report, and exit code 1 with the first difference for a changed netlist."""

import json
import re
from pathlib import Path

import pytest

from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.model.spec.config import NAMED
from symtrack.scripts import run_cosim

KEYS = {
    *("config", "engine", "scenario", "seed", "cycles", "compared_cycles"),
    *("mismatches", "first_mismatch", "cycles_per_second"),
}


@pytest.mark.parametrize("engine", ["cocotb", "native"])
def test_report(engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.json"
    arguments = f"--config tiny --engine {engine} --cycles 600 --seed 5 --json {file}"
    assert run_cosim.main(arguments.split()) == 0
    report = json.loads(file.read_text())
    assert set(report) >= KEYS
    assert [report[key] for key in ("config", "engine", "scenario", "seed")] == ["tiny", engine, "random", 5]
    assert report["cycles"] == report["compared_cycles"] >= 600
    assert (report["mismatches"], report["first_mismatch"]) == (0, None)
    assert report["states_compared"] > 0
    assert report["cycles_per_second"] > 0
    out, error = capsys.readouterr()
    assert out.startswith(f"tiny random seed 5: {report['compared_cycles']} cycles and ")
    assert ", 0 mismatches, " in out
    assert error == ""
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


@pytest.fixture(scope="module")
def mutant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The netlist of tiny whose writes never ask for a latch."""
    text, count = re.subn(r"latch_out <= .*;", "latch_out <= 1'h0;", tile_verilog(NAMED["tiny"]))
    assert count == 1
    file = tmp_path_factory.mktemp("mutant") / "mutant.v"
    file.write_text(text)
    return file


@pytest.mark.parametrize("engine", [pytest.param("cocotb", marks=pytest.mark.slow), "native"])
def test_a_changed_netlist_is_exit_code_1(
    engine: str, mutant: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "report.json"
    arguments = f"--config tiny --engine {engine} --cycles 20000 --verilog {mutant} --json {file}"
    assert run_cosim.main(arguments.split()) == 1
    report = json.loads(file.read_text())
    first = report["first_mismatch"]
    assert report["mismatches"] == 1
    assert (first["signal"], first["golden"], first["rtl"]) == ("writes__latch", 1, 0)
    assert first["cycle"] == report["compared_cycles"] < 20000
    out = capsys.readouterr().out
    assert f"first mismatch: cycle {first['cycle']}: writes__latch is 0x0 in the RTL, 0x1 in the golden model" in out


def test_other_verilog_that_is_equal_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "same.v"
    file.write_text(tile_verilog(NAMED["tiny"]))
    assert run_cosim.main(f"--config tiny --engine native --cycles 300 --verilog {file}".split()) == 0
    assert ", 0 mismatches, " in capsys.readouterr().out


@pytest.mark.parametrize("engine", ["cocotb", "native"])
def test_what_is_no_tile_fails_with_one_line(engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "other.v"
    file.write_text("module other(input clk); endmodule\n")
    assert run_cosim.main(f"--config tiny --engine {engine} --cycles 300 --verilog {file}".split()) == 1
    out, error = capsys.readouterr()
    assert out == ""
    assert error.count("\n") == 1
    assert "symtrack_tiny" in error
