# SPDX-License-Identifier: Apache-2.0
"""Tests of how cocotb's simulator ends and of what it is told: one line whatever happens, nothing from the shell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from symtrack.cosim.compare.scenario import play as play_scenario
from symtrack.cosim.engine.cocotb.engine import OUTCOME, bench_environment, play
from symtrack.cosim.tools.toolchain import ToolError
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.hdl.output.verilog import module_name
from symtrack.model.spec.config import NAMED
from tests.paths import ROOT

CONFIG = NAMED["tiny"]
PASSED = '<testsuites><testsuite tests="1"/></testsuites>'
ENDS = {  # what a simulator does, by a stand-in in sh, and what is told of it
    "stop": ("echo '%Error: tile.v:12: Verilog $stop'; echo Aborting...; kill -ABRT $$", "SIGABRT", "tile.v:12"),
    "memory": ("echo started; kill -KILL $$", "killed by SIGKILL, as where memory runs out", "started"),
    "no log": ("exit 3", "0 tests, 0 failed, exit code 3", "it wrote no log"),
    "full folder": (
        "echo 'OSError: [Errno 28] No space left on device'; printf '<testsui' > $COCOTB_RESULTS_FILE",
        "0 tests, 0 failed",
        "No space left on device",
    ),
    "no outcome": (f"echo '{PASSED}' > $COCOTB_RESULTS_FILE; echo done", "1 tests, 0 failed", "done"),
    "late": (f"echo '{PASSED}' > $COCOTB_RESULTS_FILE; touch {OUTCOME}; exit 9", "exit code 9", "it wrote no log"),
}


@pytest.mark.parametrize("name", ENDS)
def test_a_simulation_that_ends_early_is_told_in_a_line(name: str, tmp_path: Path) -> None:
    does, how, last = ENDS[name]
    simulator = tmp_path / "top"
    simulator.write_text(f"#!/bin/sh\n{does}\n")
    simulator.chmod(0o755)
    with pytest.raises(ToolError) as caught:
        play([str(simulator)], "top", "nowhere", tmp_path)
    told = str(caught.value)
    assert told.startswith("the simulation ended without an outcome (")
    assert how in told
    assert told.endswith(last) or last in told
    assert "\n" not in told


@pytest.mark.slow
@pytest.mark.parametrize("task", ["$stop", "$fatal", "$finish"])
def test_a_netlist_that_ends_the_simulation_is_told_in_a_line(task: str, tmp_path: Path) -> None:
    head, module, rest = tile_verilog(CONFIG).partition(f"module {module_name(CONFIG)}(")
    body, end, tail = rest.partition("endmodule")
    assert end
    file = tmp_path / "ends.v"
    file.write_text(f"{head}{module}{body}always @(posedge clk) if (read__valid) {task};\n{end}{tail}")
    command = ["scripts/run_cosim.py", "--config", "tiny", "--cycles", "2000", "--verilog", str(file)]
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("run_cosim.py: the simulation ended without an outcome (")


def test_nothing_of_the_shell_leads_the_bench_astray(monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = {
        "COCOTB_TEST_FILTER": "nothing",
        "COCOTB_TESTCASE": "nothing",
        "COCOTB_TEST_MODULES": "nowhere",
        "COCOTB_RESULTS_FILE": "/nowhere/results.xml",
        "COCOTB_RANDOM_SEED": "x",
        "GPI_EXTRA": "/nowhere/lib.so:entry",
        "GPI_USERS": "/nowhere/lib.so",
        "PYGPI_PYTHON_BIN": "/nowhere/python",
        "TOPLEVEL_LANG": "vhdl",
        "TESTCASE": "nothing",
        "MODULE": "nowhere",
        "TOPLEVEL": "other",
        "LIBPYTHON_LOC": "/nowhere/libpython.so",
    }
    for name, value in foreign.items():
        monkeypatch.setenv(name, value)
    assert not set(bench_environment("top", "module", Path("results.xml")).values()) & set(foreign.values())
    _, outcome = play_scenario(CONFIG, "random", engine="cocotb", cycles=500, seed=1)
    assert outcome.verdict.passed
    assert outcome.verdict.compared_cycles >= 500
