# SPDX-License-Identifier: Apache-2.0
"""Tests that Icarus Verilog plays a random scenario as Verilator does: all outputs, all cycles, unknown registers."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from symtrack.cosim.campaign.replay import ReplayRecord, record, without_initial_values
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.model.spec.config import NAMED, TileConfig
from tests.hdl.helpers.icarus import replay, without_a_reset
from tests.hdl.helpers.simulate import AWKWARD

pytestmark = pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")


STANDARDS = ("2005", "2012")  # in SystemVerilog, registers have their initial values before any process starts


@pytest.fixture(scope="module")
def small() -> ReplayRecord:
    return record(NAMED["small"], cycles=6000, seed=3)


@pytest.mark.slow
@pytest.mark.parametrize("standard", STANDARDS)
def test_equals_golden(standard: str, small: ReplayRecord, tmp_path: Path) -> None:
    assert replay(tmp_path, small, tile_verilog(small.config), standard) == [f"PASSED {len(small.inputs)} cycles"]


@pytest.mark.parametrize("standard", STANDARDS)
@pytest.mark.parametrize(
    "config",
    [
        AWKWARD["one cell"],
        *(pytest.param(one, marks=pytest.mark.slow) for one in (NAMED["small"], AWKWARD["3x17, lanes do not divide"])),
    ],
    ids=lambda c: c.name,
)
def test_nothing_is_unknown_after_one_cycle_of_reset(config: TileConfig, standard: str, tmp_path: Path) -> None:
    verilog = without_initial_values(tile_verilog(config))
    assert not re.search(r"^\s*initial (?!\\\$auto\$)", verilog, re.MULTILINE)
    assert not re.search(r"^\s*reg [^;]*=", verilog, re.MULTILINE)
    played = record(config, cycles=3000, seed=4)
    assert replay(tmp_path, played, verilog, standard) == [f"PASSED {len(played.inputs)} cycles"]


@pytest.mark.slow
def test_a_register_without_reset_is_found(small: ReplayRecord, tmp_path: Path) -> None:
    verilog = without_a_reset(tile_verilog(small.config), "symtrack_small.transfer", "taken")
    lines = replay(tmp_path, small, without_initial_values(verilog))
    assert lines[-1] == "FAILED"
    assert re.match(r"cycle \d+: writes__beat is x and must be \d", lines[0])


@pytest.mark.slow
def test_a_flipped_bit_is_found(small: ReplayRecord, tmp_path: Path) -> None:
    outputs = [dict(row) for row in small.outputs]
    outputs[4321]["writes__reference"] ^= 1 << 16
    wrong = ReplayRecord(small.config, small.inputs, outputs)
    first, last = replay(tmp_path, wrong, tile_verilog(small.config))
    assert first.startswith("cycle 4321: writes__reference is ")
    assert last == "FAILED"
