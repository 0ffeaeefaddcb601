# SPDX-License-Identifier: Apache-2.0
"""Tests that no word of a memory is read in the cycle that writes it, as the block RAMs of the tile require."""

from __future__ import annotations

import re

import pytest

from symtrack.cosim.engine.job import Job, Outcome
from symtrack.cosim.engine.native import engine as native_engine
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.model.spec.config import NAMED, TileConfig

READ = re.compile(r"read_data <= mem\[read_address\];")
CONFIGS = {
    "tiny": NAMED["tiny"],
    "odd": NAMED["odd"],
    "one column in one beat": TileConfig(rows=2, columns=1, lanes=2, chopper_period=2, programmer=1, residual_memory=1),
    "residuals": TileConfig(rows=9, columns=3, lanes=1, residual_memory=1),
}


def play(config: TileConfig, inverted_if: str) -> Outcome:
    """The random scenario, with resets, on a netlist whose memories return inverted words where that holds."""
    inverted = f"read_data <= ({inverted_if}) ? ~mem[read_address] : mem[read_address];"
    text, count = READ.subn(inverted, tile_verilog(config))
    assert count == 1  # of all memories
    job = Job(config, "symtrack.cosim.stimulus.random:random", {"cycles": 20_000, "seed": 3}, own_netlist=False)
    return native_engine.run_job(job, verilog=text)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "tiny" else pytest.mark.slow) for name in CONFIGS]
)
def test_words_that_a_collision_spoils_are_never_used(name: str) -> None:
    verdict = play(CONFIGS[name], "write_enable & write_address == read_address").verdict
    assert verdict.passed, str(verdict.first_mismatch)
    assert verdict.compared_cycles >= 20_000


@pytest.mark.slow
def test_spoilt_words_are_found() -> None:
    """Neighbours of the word that is written are read while the pipeline is full."""
    verdict = play(NAMED["odd"], "write_enable & write_address != read_address").verdict
    assert verdict.first_mismatch is not None
