# SPDX-License-Identifier: Apache-2.0
"""Tests of the golden transfer path cycle by cycle, seen from the ports of the tile and in its memories."""

from __future__ import annotations

import numpy as np
import pytest

from symtrack.model.spec.config import BEAT_LATENCY, NAMED, TileConfig
from symtrack.model.spec.settings import Op, Settings
from symtrack.model.tile.chopper import ChopperState
from symtrack.model.tile.counters import Status
from symtrack.model.tile.sequencer import SequencerModel
from symtrack.model.tile.transfer import TransferPipeline
from tests.model.helpers.tile_driver import Driver
from tests.model.references.naive_tile import Registers

CONFIG = NAMED["odd"]  # five beats
KEYS = ("read__valid", "codes__ready", "writes__valid", "writes__beat", "status__busy")


def timeline(ready: list[int], config: TileConfig = CONFIG) -> list[tuple[int, ...]]:
    """The streams of a transfer from its command on; ``ready`` is writes__ready in the cycles from there."""
    driver = Driver(config, wait=0, seed=1)
    driver.reset()
    driver.command(Op.TRANSFER, settings__accumulate=1)
    rows = []
    for value in ready:
        outputs = driver.step(codes__valid=1, read__ready=1, writes__ready=value)
        rows.append(tuple(outputs[key] for key in KEYS))
    return rows


EMPTY = BEAT_LATENCY - CONFIG.row_beats  # cycles of a transfer without a beat of codes or of writes
CODES, NOTHING = (0, 1, 0, 0, 1), (0, 0, 0, 0, 1)
WRITES = [(0, 0, 1, beat, 1) for beat in range(CONFIG.row_beats)]
IDLE = (0, 0, 0, 4, 0)


def test_no_waiting() -> None:
    expected = [(1, 0, 0, 0, 1), *[CODES] * 5, *[NOTHING] * EMPTY, *WRITES, IDLE]
    assert timeline([1] * len(expected)) == expected


def test_waiting_writes_stop_all_stages_after_one_more_beat() -> None:
    """A column of two beats more than the pipeline has stages: a beat more is taken, then codes wait for writes."""
    config = CONFIG.replace(rows=4 * (BEAT_LATENCY + 2))
    writes = [(0, 0, 1, beat, 1) for beat in range(config.row_beats)]
    more = [(0, 1, 1, beat, 1) for beat in range(2)]  # a code is taken, too
    before = [(1, 0, 0, 0, 1), *[CODES] * BEAT_LATENCY]
    ready = [1] * len(before) + [0, 0, 0, 1, 0, 1] + [1] * BEAT_LATENCY
    expected = [*before, more[0], *[writes[0]] * 3, more[1], writes[1], *writes[2:]]
    assert timeline(ready[: len(expected)], config) == expected


def transferring(config: TileConfig, settings: Settings) -> SequencerModel:
    """A sequencer in the middle of a transfer."""
    sequencer = SequencerModel(config)
    sequencer.command(Op.TRANSFER, 0, 0, settings)
    return sequencer


@pytest.mark.parametrize("latched", [False, True])
def test_memories_change_at_their_edges(latched: bool) -> None:
    """Q and Qref with the edge after stage 4, H with that after stage 11; every lane latches by itself."""
    config = CONFIG.replace(row_chopper=1)
    pipeline, chopper, status = TransferPipeline(config), ChopperState(config), Status(TileConfig())
    chopper.flipped[0], chopper.row_flipped[4:8] = latched, [0, 1, 0, 1]
    pipeline.q[1], pipeline.qref[1], pipeline.hidden[1] = 640, 64, 5
    settings = Settings(gain=3)
    history = []
    for codes in (0x3, *[None] * (BEAT_LATENCY - 1)):
        pipeline.advance(codes, 1, chopper, transferring(config, settings), status)
        history.append((int(pipeline.q[1, 0]), pipeline.qref[1].tolist(), pipeline.writes["writes__valid"]))
    q = 640 + ((3 * 64 - 640 + 2) >> 2)
    after = (q, [640, 64, 640, 64] if latched else [64, 640, 64, 640])
    assert history == [(640, [64] * 4, 0)] * 4 + [(*after, 0)] * (BEAT_LATENCY - 5) + [(*after, 1)]
    assert pipeline.writes["writes__latch"] == (0b0101 if latched else 0b1010)
    assert pipeline.hidden[1].tolist() == [5] * 4
    pipeline.write_hidden(settings)
    last, n, outside = pipeline.accept_write()
    assert (last, n.tolist(), outside) == (False, [0] * 4, 0)
    assert pipeline.hidden[1].tolist() == [5 + 3 * 3 * 64, 5, 5, 5]
    assert np.count_nonzero(pipeline.hidden) == 4


@pytest.mark.parametrize("settings", [Settings(), Settings(direct=True, gain=1), Settings(accumulate=False)], ids=str)
def test_dither_steps_with_every_beat_that_leaves_stage_5_and_only_then(settings: Settings) -> None:
    pipeline, chopper, status = TransferPipeline(CONFIG), ChopperState(CONFIG), Status(TileConfig())
    bank = Registers(CONFIG.dither_bank)
    codes = [0, None, 0, 0, None, None, None, 0, *[None] * 7]
    for cycle, code in enumerate(codes):
        pipeline.advance(code, 0, chopper, transferring(CONFIG, settings), status)
        if cycle >= 5 and codes[cycle - 5] is not None:
            bank.step()
        assert pipeline.dither_bank.state.tolist() == bank.state
    pipeline.reset()
    assert pipeline.dither_bank.state.tolist() == Registers(CONFIG.dither_bank).state


def test_a_direct_write_adds_the_dither_of_the_lane_and_leaves_h_alone() -> None:
    pipeline, chopper, status = TransferPipeline(CONFIG), ChopperState(CONFIG), Status(TileConfig())
    bank, settings = Registers(CONFIG.dither_bank), Settings(direct=True, gain=300)
    pipeline.hidden[2] = 7
    seen = set()
    for _ in range(60):
        for code in (0x1FF << 27 | 2 << 9 | 1, *[None] * (BEAT_LATENCY - 1)):  # codes 1, 2, 0 and -1
            pipeline.advance(code, 2, chopper, transferring(CONFIG, settings), status)
            pipeline.q[:] = 0
        products = [300 * 64 * code for code in (1, 2, 0, -1)]
        expected = [(bank.word(lane) + product) // 2**16 for lane, product in enumerate(products)]
        _, n, _ = pipeline.accept_write()
        assert n.tolist() == expected
        seen |= set(enumerate(expected))
        bank.step()
    assert seen == {(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (3, -1), (3, 0)}
    assert pipeline.hidden[2].tolist() == [7] * 4
    assert np.count_nonzero(pipeline.hidden) == 4
