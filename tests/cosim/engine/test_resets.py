# SPDX-License-Identifier: Apache-2.0
"""Tests of resets in RTL: one in any cycle of an operation leaves nothing of it behind for the next operation."""

from __future__ import annotations

import pytest

from symtrack.cosim.engine.job import Job, Outcome
from symtrack.cosim.engine.native.engine import run_job
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.hdl.output.verilog import module_name
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import Op
from tests.cosim.jobs.resets import SETTINGS

CONFIG = TileConfig(rows=13, columns=2, lanes=1, bl_max=3, programmer=1)  # enough beats for every stage at once
CYCLES = {
    Op.UPDATE: CONFIG.update_cycles(4 * CONFIG.bl_max),
    Op.TRANSFER: CONFIG.transfer_cycles,
    Op.CALIBRATE: CONFIG.calibration_cycles(SETTINGS.calibration_pulses, SETTINGS.calibration_sweeps),
    Op.PROGRAM: CONFIG.programming_cycles(SETTINGS.rounds),
}


def play(op: Op, verilog: str | None = None, *, waits: bool) -> Outcome:
    return run_job(Job(CONFIG, "tests.cosim.jobs.resets:cut_off", {"op": int(op), "waits": waits}), verilog=verilog)


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("op", Op, ids=str)
def test_a_reset_cuts_an_operation_off_in_each_of_its_cycles(op: Op, waits: bool) -> None:
    outcome = play(op, waits=waits)
    assert outcome.verdict.passed, str(outcome.verdict.first_mismatch)
    if waits:
        assert outcome.result > 1.3 * CYCLES[op]
    else:
        assert outcome.result == CYCLES[op]


@pytest.mark.parametrize(
    ("op", "block"),
    [
        (Op.TRANSFER, "transfer"),
        (Op.UPDATE, "update.offer"),
        (Op.PROGRAM, "sequencer"),
    ],
)
@pytest.mark.slow
def test_a_block_without_a_reset_is_found(op: Op, block: str) -> None:
    head, at, rest = tile_verilog(CONFIG).partition(f"module \\{module_name(CONFIG)}.{block} ")
    body, end, tail = rest.partition("endmodule")
    assert "if (rst)" in body
    outcome = play(op, head + at + body.replace("if (rst)", "if (1'h0)") + end + tail, waits=True)
    assert outcome.verdict.mismatches == 1
