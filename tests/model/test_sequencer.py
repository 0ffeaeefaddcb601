"""The states in their order."""

from __future__ import annotations

import pytest

from model.config import Settings, TileConfig
from model.sequencer import Sequencer, State


@pytest.mark.parametrize("config", [TileConfig(rows=1, columns=1, lanes=1), TileConfig(rows=17, columns=3, lanes=4)])
def test_states(config: TileConfig) -> None:
    sequencer = Sequencer(config)
    for _ in range(config.clear_cycles):
        assert sequencer.state is State.CLEAR
        sequencer.word_cleared()
    assert sequencer.state is State.IDLE
    settings = Settings(gain=7)
    for op in (2, 3):
        sequencer.command(op, 1, settings)
        assert sequencer.state is State.IDLE
    sequencer.command(0, config.bl_max + 1, settings)
    assert (sequencer.bl, sequencer.settings) == (config.bl_max, settings)
    for beat in range(config.column_beats + config.row_beats):
        assert (sequencer.state, sequencer.count) == (State.LOAD, beat)
        sequencer.beat_loaded()
    assert (sequencer.state, sequencer.count) == (State.PULSE, 0)
    sequencer.enter(State.IDLE)
    sequencer.command(1, 3, settings)
    assert (sequencer.state, sequencer.bl) == (State.READ, 3)
