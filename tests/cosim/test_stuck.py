"""Neighbours of the tile that fail: it waits as docs/integration.md says, equal to golden, and goes on afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from cosim.bench import Job
from cosim.native_engine import run_job
from model.config import Op, TileConfig

CONFIG = TileConfig(rows=3, columns=5, lanes=1, bl_max=3, programmer=1)  # a read has more beats than the tile can hold
WIDE = CONFIG.replace(rows=20, columns=2)


def play(config: TileConfig, name: str, **arguments: Any) -> dict[str, Any]:
    outcome = run_job(Job(config, f"tests.cosim.stuck:{name}", arguments))
    assert outcome.verdict.passed, str(outcome.verdict.first_mismatch)
    result: dict[str, Any] = outcome.result
    return result


@pytest.mark.parametrize(
    ("op", "stream"),
    [
        (Op.UPDATE, "vectors"),
        (Op.UPDATE, "pulses"),
        (Op.TRANSFER, "read"),
        (Op.TRANSFER, "codes"),
        (Op.TRANSFER, "writes"),
        (Op.PROGRAM, "read"),
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


def test_beats_outside_of_an_operation_are_not_taken() -> None:
    assert play(CONFIG, "withdrawn") == {"taken": 0, "busy": 0, "sinks": 0}
