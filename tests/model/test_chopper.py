"""When choppers flip."""

from __future__ import annotations

import numpy as np
import pytest

from model.chopper import ChopperState, demodulate
from model.config import Chopper, TileConfig
from tests.model.test_random_source import naive_words


@pytest.mark.parametrize("period", [1, 3, 20])
@pytest.mark.parametrize("columns", [1, 3, 17])
def test_regular_flips_come_every_period_reads_of_a_column(columns: int, period: int) -> None:
    state = ChopperState(TileConfig(columns=columns, chopper_period=period))
    for sweep in range(3 * period):
        for column in range(columns):
            assert (state.column, state.sweep) == (column, sweep % period)
            assert state.sign[column] == (-1) ** (sweep // period)
            assert state.flipped[column] == (sweep > 0 and sweep % period == 0)
            state.finish_transfer(Chopper.REGULAR)


def test_random_flips_follow_the_source() -> None:
    config = TileConfig(columns=3, chopper_probability=0.3)
    state, sign = ChopperState(config), [1, 1, 1]
    words = naive_words(config.chopper_source, 600)
    for k, word in enumerate(words):
        state.finish_transfer(Chopper.RANDOM)
        flip = word < round(0.3 * 65536)
        sign[k % 3] *= -1 if flip else 1
        assert state.flipped[k % 3] == flip
        assert state.sign.tolist() == sign
    assert 0.25 < sum(word < config.chopper_flip_below for word in words) / 600 < 0.35


@pytest.mark.parametrize(("probability", "flips"), [(0.0, 0), (1.0, 1)])
def test_probability_limits(probability: float, flips: int) -> None:
    state = ChopperState(TileConfig(columns=2, chopper_probability=probability))
    for _ in range(100):
        state.finish_transfer(Chopper.RANDOM)
    assert state.flipped.tolist() == [flips] * 2


def test_off_never_flips_but_goes_on() -> None:
    config = TileConfig(columns=3, chopper_period=2)
    states = [ChopperState(config) for _ in range(2)]
    for _ in range(13):
        states[0].finish_transfer(Chopper.OFF)
        states[1].finish_transfer(Chopper.REGULAR)
    assert states[0].sign.tolist() == [1, 1, 1]
    assert states[0].flipped.tolist() == [0, 0, 0]
    for name in ("column", "sweep", "chopper_source"):
        assert np.array_equal(states[0].state_arrays()[name], states[1].state_arrays()[name])


def test_demodulate() -> None:
    r, reference = np.array([5, -7, 0]), np.array([2, 2, -2])
    assert demodulate(1, r, reference).tolist() == [3, -9, 2]
    assert demodulate(-1, r, reference).tolist() == [-3, 9, -2]


def test_a_word_flips_only_below_the_threshold() -> None:
    config = TileConfig(columns=2)
    word = naive_words(config.chopper_source, 1)[0]
    for below, flipped in ((word, 0), (word + 1, 1)):
        state = ChopperState(config.replace(chopper_probability=below / 65536))
        state.finish_transfer(Chopper.RANDOM)
        assert state.flipped[0] == flipped
