# SPDX-License-Identifier: Apache-2.0
"""Tests of Icarus Verilog under cocotb: the third engine, whose registers are unknown until they are written."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import pytest

from symtrack.cosim.campaign.replay import without_initial_values
from symtrack.cosim.compare.scenario import play
from symtrack.cosim.engine.lockstep import Difference, UnknownWord
from symtrack.cosim.tools.toolchain import ToolError
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.model.spec.config import NAMED
from tests.hdl.helpers.icarus import without_a_reset

installed = pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")


@installed
def test_random_stimulus_finds_no_difference_and_leaves_waves(tmp_path: Path) -> None:
    waves = tmp_path / "waves.vcd"
    report, outcome = play(NAMED["tiny"], "random", engine="icarus", cycles=2000, seed=3, waves=waves)
    assert outcome.verdict.passed, str(outcome.verdict.first_mismatch)
    assert report["compared_cycles"] >= 2000
    assert outcome.verdict.states_hidden == []
    assert outcome.verdict.states_compared > 3 * NAMED["tiny"].rows * NAMED["tiny"].columns
    on_verilator, _ = play(NAMED["tiny"], "random", engine="native", cycles=2000, seed=3)
    assert report["result"] == on_verilator["result"]
    text = waves.read_text()
    assert text.count("$var") > 300
    assert "$enddefinitions" in text


@installed
def test_a_register_without_reset_is_a_mismatch_with_its_unknown_bits() -> None:
    config = NAMED["tiny"]
    verilog = without_initial_values(without_a_reset(tile_verilog(config), "symtrack_tiny.transfer", "more"))
    _, outcome = play(config, "random", engine="icarus", cycles=3000, seed=3, verilog=verilog)
    first = outcome.verdict.first_mismatch
    assert first is not None
    assert not outcome.verdict.passed
    assert str(first).endswith("codes__ready is X in the RTL, 0x1 in the golden model")
    assert "1/X" in first.table()


def test_an_unknown_word_equals_no_word_and_survives_its_way_between_processes() -> None:
    unknown = pickle.loads(pickle.dumps(UnknownWord("0X1")))
    assert str(Difference(3, "name", 5, unknown)) == "cycle 3: name is 0X1 in the RTL, 0x5 in the golden model"
    assert unknown not in range(8)


def test_a_missing_icarus_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolError, match=r"^iverilog is missing: install it, for example with: apt-get install"):
        play(NAMED["tiny"], "random", engine="icarus", cycles=10, seed=1)
