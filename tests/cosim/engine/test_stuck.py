# SPDX-License-Identifier: Apache-2.0
"""Tests of failing neighbours: the tile waits as docs/integration.md says, equal to golden, and goes on afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from symtrack.cosim.engine.job import Job
from symtrack.cosim.engine.native.engine import run_job
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import Op, Reference, Settings
from tests.cosim.jobs.stuck_lines import Stuck

CONFIG = TileConfig(rows=3, columns=5, lanes=1, bl_max=3, programmer=1)  # a read has more beats than the tile can hold
WIDE = CONFIG.replace(rows=20, columns=2)


def play(config: TileConfig, name: str, **arguments: Any) -> Any:
    outcome = run_job(Job(config, f"tests.cosim.jobs.stuck:{name}", arguments))
    assert outcome.verdict.passed, str(outcome.verdict.first_mismatch)
    return outcome.result


@pytest.mark.parametrize(
    ("op", "stream"),
    [
        (Op.UPDATE, "vectors"),
        (Op.UPDATE, "pulses"),
        (Op.TRANSFER, "read"),
        (Op.TRANSFER, "codes"),
        (Op.TRANSFER, "writes"),
        (Op.CALIBRATE, "pulses"),
        (Op.CALIBRATE, "read"),
        (Op.CALIBRATE, "codes"),
        (Op.CALIBRATE, "writes"),
        (Op.PROGRAM, "read"),
        (Op.PROGRAM, "codes"),
        (Op.PROGRAM, "writes"),
    ],
    ids=str,
)
def test_it_waits_for_a_neighbour_and_goes_on(op: Op, stream: str) -> None:
    """Busy, every offer as it was, nothing else moves; when the neighbour comes back, the operation ends."""
    result = play(WIDE, "stopped", stream=stream, op=int(op))
    assert result["busy"]
    assert result["held"]
    assert 0 < result["cycles"] < 500


@pytest.mark.parametrize("stream", ["vectors", "codes"])
def test_a_lost_beat_is_waited_for_and_the_next_one_takes_its_place(stream: str) -> None:
    result = play(CONFIG, "lost", stream=stream)
    assert result["busy"]
    assert result["asks"]
    assert result["left"] == result["whole"] - 1, "all but one beat of the next operation are left over"


@pytest.mark.parametrize("stream", ["vectors", "codes"])
def test_a_beat_too_many_waits_outside_and_is_the_first_of_the_next_operation(stream: str) -> None:
    assert play(CONFIG, "extra", stream=stream) == {"waits": 1, "taken": 0, "busy": 0, "left": 1}


def test_beats_outside_of_an_operation_are_not_taken() -> None:
    """Every operation that follows has all of its own."""
    assert play(CONFIG, "withdrawn") == {"taken": 0, "busy": 0, "sinks": 0, "left": 0}


@pytest.mark.parametrize("stuck", [-100, 37])
@pytest.mark.parametrize("reference", Reference)
@pytest.mark.slow
def test_a_cell_whose_code_is_stuck_gets_few_pulses_once_q_has_come_to_it(reference: Reference, stuck: int) -> None:
    """Where Q or what is latched of it is subtracted: those of half a step of each. Its neighbours get none."""
    config = CONFIG.replace(columns=1, threshold_shift=12)
    gain, reads = 4, 50  # at most seven pulses a read, fewer than are clamped
    settings = Settings(gain=gain, reference=reference, filter=True, latch=True)
    pulses = play(config, "code", reads=200, stuck=stuck, settings=settings)
    assert all(n == 0 for read in pulses for n in read[1:])
    first = [read[0] for read in pulses]
    of_code = abs(stuck) << config.reference_fraction_bits
    difference = {
        Reference.ZERO: of_code,
        Reference.LATCHED: (1 << config.filter_shift) / 2 + (1 << config.latch_shift) / 2,
        Reference.FILTERED: (1 << config.filter_shift) / 2,
    }[reference]
    most = reads * gain * difference / (1 << config.threshold_shift)
    if reference == Reference.ZERO:
        assert sum(map(abs, first[-reads:])) >= most - 1
    else:
        assert any(first[:reads])
        assert sum(map(abs, first[-reads:])) <= most + 1
        assert most < reads * gain * of_code / (1 << config.threshold_shift) / 20


def test_a_cell_of_r_whose_code_is_stuck_is_given_up() -> None:
    result = play(CONFIG, "programmed", stuck=50, rounds=4)
    assert {name: result[name] for name in ("gave_up", "unprogrammed", "reads", "others")} == {
        "gave_up": 1,
        "unprogrammed": 1,
        "reads": 4,
        "others": 0,
    }
    assert result["pulses"] > 0


@pytest.mark.slow
def test_reads_around_updates_of_one_line_at_a_time_find_the_line_that_is_stuck() -> None:
    """Cells of a line that is low never move; those of one that is high also move with the updates of other lines."""
    lines: list[Stuck | None] = [
        Stuck(side, line, level)
        for side, count in (("rows", CONFIG.rows), ("columns", CONFIG.columns))
        for line in range(count)
        for level in (0, 1)
    ]
    outcome = run_job(Job(CONFIG.replace(bl_max=8), "tests.cosim.jobs.stuck_lines:found", {"stuck": [None, *lines]}))
    assert outcome.verdict.passed, str(outcome.verdict.first_mismatch)
    assert outcome.result == [set(), *({line} for line in lines)]
