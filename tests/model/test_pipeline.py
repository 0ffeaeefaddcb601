"""The transfer pipeline cycle by cycle, seen from the ports of the tile and in its memories."""

from __future__ import annotations

import numpy as np
import pytest

from model.chopper import ChopperState
from model.config import NAMED, Op, Settings
from model.pipeline import Pipeline
from model.status import Status
from tests.model.tile_driver import Driver

CONFIG = NAMED["odd"]  # five beats
KEYS = ("read__valid", "codes__ready", "writes__valid", "writes__beat", "status__busy")


def timeline(ready: list[int]) -> list[tuple[int, ...]]:
    """The streams of a transfer from its command on; ``ready`` is writes__ready in the cycles from there."""
    driver = Driver(CONFIG, wait=0, seed=1)
    driver.reset()
    driver.command(Op.TRANSFER, settings__accumulate=1)
    rows = []
    for value in ready:
        outputs = driver.step(codes__valid=1, read__ready=1, writes__ready=value)
        rows.append(tuple(outputs[key] for key in KEYS))
    return rows


def test_no_waiting() -> None:
    assert timeline([1] * 11) == [
        (1, 0, 0, 0, 1),
        (0, 1, 0, 0, 1),
        (0, 1, 0, 0, 1),
        (0, 1, 0, 0, 1),
        (0, 1, 0, 0, 1),
        (0, 1, 1, 0, 1),
        (0, 0, 1, 1, 1),
        (0, 0, 1, 2, 1),
        (0, 0, 1, 3, 1),
        (0, 0, 1, 4, 1),
        (0, 0, 0, 4, 0),
    ]


def test_waiting_writes_stop_all_stages() -> None:
    rows = timeline([0] * 8 + [1, 0, 0] + [1] * 5)
    assert rows[:5] == timeline([1] * 11)[:5]
    assert rows[5:8] == [(0, 0, 1, 0, 1)] * 3
    assert rows[8:11] == [(0, 1, 1, 0, 1), (0, 0, 1, 1, 1), (0, 0, 1, 1, 1)]
    assert rows[11:] == [(0, 0, 1, 1, 1), (0, 0, 1, 2, 1), (0, 0, 1, 3, 1), (0, 0, 1, 4, 1), (0, 0, 0, 4, 0)]


@pytest.mark.parametrize("latched", [False, True])
def test_memories_change_at_their_edges(latched: bool) -> None:
    """Q and Qref with the edge after stage 1, H when the write is accepted."""
    pipeline, chopper, status = Pipeline(CONFIG), ChopperState(CONFIG), Status(32)
    chopper.flipped[0] = latched
    pipeline.q[1], pipeline.qref[1], pipeline.hidden[1] = 640, 64, 5
    settings = Settings(gain=3)
    history = []
    for codes in (0x3, None, None, None):
        pipeline.advance(codes, 1, chopper, settings, status)
        history.append((int(pipeline.q[1, 0]), int(pipeline.qref[1, 0]), pipeline.writes["writes__valid"]))
    q = 640 + ((3 * 64 - 640 + 2) >> 2)
    after = (q, 640 if latched else 64)
    assert history == [(640, 64, 0), (*after, 0), (*after, 0), (*after, 1)]
    assert pipeline.hidden[1].tolist() == [5] * 4
    beat, n = pipeline.accept_write(settings)
    assert (beat, n.tolist()) == (1, [0] * 4)
    assert pipeline.hidden[1].tolist() == [5 + 3 * 3 * 64, 5, 5, 5]
    assert np.count_nonzero(pipeline.hidden) == 4
