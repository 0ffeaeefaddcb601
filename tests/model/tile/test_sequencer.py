# SPDX-License-Identifier: Apache-2.0
"""Tests of the golden sequencer: its states come in their order."""

from __future__ import annotations

import pytest

from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import ChopperMode, Op, Settings
from symtrack.model.tile.sequencer import SequencerModel, State


@pytest.mark.parametrize("config", [TileConfig(rows=1, columns=1, lanes=1), TileConfig(rows=17, columns=3, lanes=4)])
def test_states(config: TileConfig) -> None:
    sequencer = SequencerModel(config)
    for _ in range(config.clear_cycles):
        assert sequencer.state is State.CLEAR
        sequencer.word_cleared()
    assert sequencer.state is State.IDLE
    settings = Settings(gain=7)
    for op in (Op.CALIBRATE, Op.PROGRAM):  # without pulses and sweeps, and without a programmer
        sequencer.command(op, 1, 0, settings)
        assert sequencer.state is State.IDLE
    sequencer.command(0, config.bl_max + 1, 0, settings)
    assert (sequencer.bl, sequencer.settings) == (config.bl_max, settings)
    for beat in range(config.column_beats + config.row_beats):
        assert (sequencer.state, sequencer.count) == (State.LOAD, beat)
        sequencer.beat_loaded()
    assert (sequencer.state, sequencer.count) == (State.PULSE, 0)
    sequencer.enter(State.IDLE)
    sequencer.command(1, 3, 0, settings)
    assert (sequencer.state, sequencer.bl) == (State.READ, 3)
    sequencer.streamed(outside=True)
    assert sequencer.state is State.IDLE


@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("sweeps", [0, 1, 3])
@pytest.mark.parametrize("pulses", [0, 5])
def test_a_calibration_is_slots_and_whole_sweeps_the_last_of_which_latches(
    pulses: int, sweeps: int, columns: int
) -> None:
    sequencer = SequencerModel(TileConfig(rows=2, columns=columns, lanes=1))
    sequencer.enter(State.IDLE)
    given = Settings(calibration_pulses=pulses, calibration_sweeps=sweeps, chopper=ChopperMode.RANDOM, filter=False)
    sequencer.command(int(Op.CALIBRATE), 1, 0, given)
    if pulses:
        assert sequencer.state is State.SHIFT
        sequencer.shifted()
    latches = []
    while sequencer.state is not State.IDLE:
        assert sequencer.state is State.READ
        settings = sequencer.settings
        assert (settings.chopper, settings.filter, settings.accumulate) == (ChopperMode.OFF, True, False)
        latches.append(settings.latch)
        sequencer.streamed(outside=True)
    assert latches == [False] * (columns * (sweeps - 1)) + [True] * columns * (sweeps > 0)


@pytest.mark.parametrize(
    ("rounds", "outside", "taken"),
    [(0, [True], 1), (1, [True], 1), (3, [False], 1), (3, [True, False], 2), (3, [True, True, True], 3)],
)
def test_a_programming_ends_when_nothing_is_outside_or_with_its_last_round(
    rounds: int, outside: list[bool], taken: int
) -> None:
    sequencer = SequencerModel(TileConfig(rows=2, columns=3, lanes=1, programmer=1))
    sequencer.enter(State.IDLE)
    sequencer.command(int(Op.PROGRAM), 1, 3, Settings(rounds=rounds))  # as the bits of a port
    assert sequencer.column == 2
    for number, some in enumerate(outside, start=1):
        assert (sequencer.state, sequencer.last_round) == (State.READ, number >= rounds)
        sequencer.streamed(outside=some)
    assert (sequencer.state, sequencer.reads) == (State.IDLE, taken)
