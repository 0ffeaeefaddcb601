# SPDX-License-Identifier: Apache-2.0
"""Tests that Icarus Verilog plays a random scenario as Verilator does: all outputs, all cycles, unknown registers."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from symtrack.cosim.campaign.replay import ReplayRecord, record, without_initial_values, write_replay
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.model.spec.config import NAMED, TileConfig
from tests.hdl.helpers.simulate import AWKWARD

pytestmark = pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")


STANDARDS = ("2005", "2012")  # in SystemVerilog, registers have their initial values before any process starts


def replay(folder: Path, played: ReplayRecord, verilog: str, standard: str = "2005") -> list[str]:
    """Run the test bench in Icarus Verilog, by a standard; returns what it prints."""
    file = folder / "tile.v"
    file.write_text(verilog, encoding="utf-8")
    bench = write_replay(folder, played)
    subprocess.run(
        ["iverilog", f"-g{standard}", "-Wall", "-o", "replay", bench.name, file.name], cwd=folder, check=True
    )
    done = subprocess.run(["vvp", "-n", "replay"], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def small() -> ReplayRecord:
    return record(NAMED["small"], cycles=6000, seed=3)


@pytest.mark.parametrize("standard", STANDARDS)
def test_equals_golden(standard: str, small: ReplayRecord, tmp_path: Path) -> None:
    assert replay(tmp_path, small, tile_verilog(small.config), standard) == [f"PASSED {len(small.inputs)} cycles"]


@pytest.mark.parametrize("standard", STANDARDS)
@pytest.mark.parametrize(
    "config", [NAMED["small"], AWKWARD["one cell"], AWKWARD["3x17, lanes do not divide"]], ids=lambda c: c.name
)
def test_nothing_is_unknown_after_one_cycle_of_reset(config: TileConfig, standard: str, tmp_path: Path) -> None:
    verilog = without_initial_values(tile_verilog(config))
    assert not re.search(r"^\s*initial (?!\\\$auto\$)", verilog, re.MULTILINE)
    assert not re.search(r"^\s*reg [^;]*=", verilog, re.MULTILINE)
    played = record(config, cycles=3000, seed=4)
    assert replay(tmp_path, played, verilog, standard) == [f"PASSED {len(played.inputs)} cycles"]


def test_a_register_without_reset_is_found(small: ReplayRecord, tmp_path: Path) -> None:
    before, start, rest = tile_verilog(small.config).partition("module \\symtrack_small.transfer (")
    module, end, after = rest.partition("endmodule")
    following = re.escape(re.search(r"^    taken <= (\S+) ;", module, re.MULTILINE)[1])
    bent, count = re.subn(rf"^    if \(rst\) begin\n +{following} +=.*\n    end\n", "", module, flags=re.MULTILINE)
    assert count == 1
    verilog = "".join((before, start, bent, end, after))
    lines = replay(tmp_path, small, without_initial_values(verilog))
    assert lines[-1] == "FAILED"
    assert re.match(r"cycle \d+: codes__ready is x and must be \d", lines[0])


def test_a_flipped_bit_is_found(small: ReplayRecord, tmp_path: Path) -> None:
    outputs = [dict(row) for row in small.outputs]
    outputs[4321]["writes__reference"] ^= 1 << 16
    wrong = ReplayRecord(small.config, small.inputs, outputs)
    first, last = replay(tmp_path, wrong, tile_verilog(small.config))
    assert first.startswith("cycle 4321: writes__reference is ")
    assert last == "FAILED"
