# SPDX-License-Identifier: Apache-2.0
"""Tests of clock enables: other Verilog, and the same outputs in every cycle and the same states."""

from __future__ import annotations

from pathlib import Path

import pytest
from amaranth.hdl import Signal

from symtrack.cosim.engine.job import Job
from symtrack.cosim.engine.native.engine import run_job
from symtrack.cosim.tools.lint import verilator_warnings
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.hdl.output.verilog import controller_verilog, module_name
from symtrack.hdl.parts.clock_enables import enabled, has_clock_enables
from symtrack.model.spec.config import NAMED, TileConfig
from tests.paths import ROOT

COMPLETE = TileConfig.load(Path(ROOT) / "cosim/mutation/complete.toml")
TILES = {"tiny": NAMED["tiny"], "odd": NAMED["odd"], "complete": COMPLETE}


class With:
    """A platform whose Verilog has clock enables."""

    clock_enables = True


def test_only_a_platform_that_asks_for_them_has_them() -> None:
    always, needed = Signal(), Signal()
    assert not has_clock_enables(None)
    assert enabled(None, always, needed) is always
    assert has_clock_enables(With())
    assert repr(enabled(With(), always, needed)) == repr(always & needed)


def test_the_verilog_differs_in_them() -> None:
    config = NAMED["tiny"]
    assert tile_verilog(config, clock_enables=True) != tile_verilog(config)
    assert controller_verilog(config, clock_enables=True) != controller_verilog(config)


@pytest.mark.parametrize("name", TILES)
def test_the_verilog_is_as_clean_as_the_other(name: str) -> None:
    verilog = tile_verilog(TILES[name], clock_enables=True)
    assert verilator_warnings(verilog, module_name(TILES[name])) == []


@pytest.mark.parametrize(
    "name", ["tiny", *(pytest.param(name, marks=pytest.mark.slow) for name in ("odd", "complete"))]
)
def test_all_outputs_and_states_are_the_same(name: str) -> None:
    """Random operations with waits and resets, and whole ones without."""
    config = TILES[name]
    verilog = tile_verilog(config, clock_enables=True)
    for scenario, cycles in (("random", 40_000), ("varied", 40_000)):
        job = Job(config, f"symtrack.cosim.stimulus.scenarios:{scenario}", {"cycles": cycles, "seed": 5})
        verdict = run_job(job, verilog=verilog).verdict
        assert verdict.passed, verdict.first_mismatch
        assert verdict.states_hidden == []
        assert verdict.states_compared > 0
