# SPDX-License-Identifier: Apache-2.0
"""Tests of the golden choppers: when they flip, what a flip latches, and what signs the reads of a cell get."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import ChopperMode, Scope, Settings
from symtrack.model.tile.chopper import ChopperState
from tests.model.helpers.tile_driver import assert_same
from tests.model.references.naive_tile import Registers
from tests.model.tile.test_random_source import naive_words

REGULAR, RANDOM, OFF = ChopperMode.REGULAR, ChopperMode.RANDOM, ChopperMode.OFF


def reads(state: ChopperState, settings: Settings, sweeps: int) -> tuple[np.ndarray, np.ndarray]:
    """c_j * c'_i and the latches of all cells in so many sweeps, both [sweeps, C, R]."""
    signs, latches = [], []
    for _ in range(sweeps * state.sign.size):
        signs.append(state.read_sign)
        latches.append(state.read_latch)
        state.finish_transfer(settings)
    shape = sweeps, state.sign.size, state.row_sign.size
    return np.reshape(signs, shape), np.reshape(latches, shape)


@pytest.mark.parametrize("scope", list(Scope))
@pytest.mark.parametrize("period", [1, 3, 20])
@pytest.mark.parametrize("columns", [1, 3, 17])
def test_regular_flips_come_every_period_reads_of_a_column(columns: int, period: int, scope: Scope) -> None:
    state = ChopperState(TileConfig(columns=columns, chopper_period=period))
    for sweep in range(5 * period):
        for column in range(columns):
            assert (state.column, state.sweep) == (column, sweep % (2 * period))
            assert state.sign[column] == (-1) ** (sweep // period)
            assert state.flipped[column] == (sweep > 0 and sweep % period == 0)
            if scope == Scope.TILE:
                assert np.all(state.sign == state.sign[column])
                assert np.all(state.flipped[column:] == state.flipped[column])
                assert not state.flipped[:column].any()
            state.finish_transfer(Settings(chopper=REGULAR, scope=scope))


def test_random_flips_of_columns_follow_the_source() -> None:
    config = TileConfig(columns=3, chopper_probability=0.3)
    state, sign = ChopperState(config), [1, 1, 1]
    words = naive_words(config.chopper_source, 600)
    for k, word in enumerate(words):
        state.finish_transfer(Settings(chopper=RANDOM))
        flip = word < round(0.3 * 65536)
        sign[k % 3] *= -1 if flip else 1
        assert state.flipped[k % 3] == flip
        assert state.sign.tolist() == sign
    assert 0.25 < sum(word < config.chopper_flip_below for word in words) / 600 < 0.35


def test_random_flips_of_the_tile_follow_the_word_at_the_end_of_a_sweep() -> None:
    config, sign = TileConfig(columns=3, chopper_probability=0.3), 1
    state = ChopperState(config)
    for k, word in enumerate(naive_words(config.chopper_source, 600)):
        state.finish_transfer(Settings(chopper=RANDOM, scope=Scope.TILE))
        flip = k % 3 == 2 and word < round(0.3 * 65536)
        sign *= -1 if flip else 1
        assert state.sign.tolist() == [sign] * 3
        assert flip == state.flipped.all()
        assert state.flipped[k % 3] == flip


@pytest.mark.parametrize("scope", list(Scope))
def test_a_read_of_a_column_flips_with_the_probability(scope: Scope) -> None:
    state, sweeps = ChopperState(TileConfig(columns=3, rows=1, lanes=1, chopper_probability=0.3)), 4000
    _, latches = reads(state, Settings(chopper=RANDOM, scope=scope), sweeps)
    independent = sweeps * (3 if scope == Scope.COLUMN else 1)
    assert abs(latches.mean() - 0.3) < 5 * np.sqrt(0.3 * 0.7 / independent)
    assert bool(np.all(latches == latches[:, :1])) == (scope == Scope.TILE)


def test_scopes_of_a_single_column_agree() -> None:
    for mode in (REGULAR, RANDOM):
        states = [ChopperState(TileConfig(columns=1, chopper_period=2)) for _ in Scope]
        for _ in range(100):
            for state, scope in zip(states, Scope, strict=True):
                state.finish_transfer(Settings(chopper=mode, scope=scope))
            assert_same(states[0].state_arrays(), states[1].state_arrays())


@pytest.mark.parametrize(("probability", "flips"), [(0.0, 0), (1.0, 1)])
def test_probability_limits(probability: float, flips: int) -> None:
    state = ChopperState(TileConfig(columns=2, chopper_probability=probability, row_chopper=1))
    for _ in range(100):
        state.finish_transfer(Settings(chopper=RANDOM, row_chopper=RANDOM))
    assert state.flipped.tolist() == [flips] * 2
    assert state.row_flipped.tolist() == [flips] * 16


@pytest.mark.parametrize("period", [1, 3, 5])
def test_regular_flips_of_rows_are_staggered_over_two_periods(period: int) -> None:
    config = TileConfig(rows=9, columns=2, lanes=4, chopper_period=period, row_chopper=1)
    state, expected, flips = ChopperState(config), np.ones(9, int), np.zeros(9, int)
    for sweep in range(9 * period):
        for _ in range(2):
            assert state.row_sign.tolist() == expected.tolist()
            assert state.row_flipped.tolist() == flips.tolist()
            state.finish_transfer(Settings(row_chopper=REGULAR))
        flips = np.array([sweep % (2 * period) == period + row % period for row in range(9)], int)
        expected[flips == 1] *= -1


def test_random_flips_of_rows_follow_their_bank_at_the_end_of_a_sweep() -> None:
    config = TileConfig(rows=5, columns=3, lanes=2, chopper_probability=0.3, row_chopper=1)
    state, bank, sign, total = ChopperState(config), Registers(config.row_chopper_bank), np.ones(5, int), 0
    for sweep in range(1000):
        for _ in range(3):
            assert state.row_sign.tolist() == sign.tolist()
            state.finish_transfer(Settings(row_chopper=RANDOM))
        flips = [bank.word(row) < round(0.3 * 65536) for row in range(5)]
        bank.step()
        assert state.row_flipped.tolist() == flips, sweep
        sign[flips] *= -1
        total += sum(flips)
    assert abs(total / 5000 - 0.3) < 5 * np.sqrt(0.3 * 0.7 / 5000)


@pytest.mark.parametrize("scope", list(Scope))
@pytest.mark.parametrize("period", [1, 2, 5])
def test_regular_choppers_of_rows_and_columns_are_balanced(period: int, scope: Scope) -> None:
    """Over 4N sweeps every product c_j * c'_i, and every sign alone, is +1 as often as -1; after them all repeats."""
    config = TileConfig(rows=7, columns=3, lanes=4, chopper_period=period, row_chopper=1)
    for start in (0, 1, 4 * period - 1):
        state = ChopperState(config)
        modes = {"chopper": REGULAR, "row_chopper": REGULAR}
        reads(state, Settings(**modes, scope=scope), start)
        signs, latches = reads(state, Settings(**modes, scope=scope), 4 * period)
        assert not signs.sum(axis=0).any()
        again, _ = reads(state, Settings(**modes, scope=scope), 4 * period)
        np.testing.assert_array_equal(signs, again)
        changed = np.concatenate([signs[:-1] != signs[1:]])
        np.testing.assert_array_equal(latches[1:], changed)
        for mode in modes:
            alone, _ = reads(ChopperState(config), Settings(**{mode: REGULAR}, scope=scope), 4 * period)
            assert not alone.sum(axis=0).any()


@pytest.mark.parametrize("column", [0, 1])
def test_two_flips_at_once_are_none(column: int) -> None:
    state = ChopperState(TileConfig(rows=4, columns=2, row_chopper=1))
    state.column = column
    state.flipped[column], state.flipped[1 - column] = 1, 0
    state.row_flipped[:] = [0, 1, 0, 1]
    assert state.read_latch.tolist() == [1, 0, 1, 0]
    state.flipped[:] = 1 - state.flipped
    assert state.read_latch.tolist() == [0, 1, 0, 1]


def test_the_sign_of_a_read_is_the_product_of_both_choppers() -> None:
    state = ChopperState(TileConfig(rows=4, columns=2, row_chopper=1))
    state.row_sign[:], state.sign[:] = [1, -1, 1, -1], [1, -1]
    assert state.read_sign.tolist() == [1, -1, 1, -1]
    state.column = 1
    assert state.read_sign.tolist() == [-1, 1, -1, 1]


def test_rows_without_choppers_never_flip() -> None:
    state = ChopperState(TileConfig(columns=2, chopper_period=1, chopper_probability=1))
    for mode in (REGULAR, RANDOM) * 5:
        state.finish_transfer(Settings(row_chopper=mode))
        assert state.row_sign.tolist() == [1] * 16
        assert state.row_flipped.tolist() == [0] * 16
    assert not any(name.startswith("row") for name in state.state_arrays())


def test_off_never_flips_but_goes_on() -> None:
    config = TileConfig(columns=3, chopper_period=2, row_chopper=1)
    states = [ChopperState(config) for _ in range(2)]
    for _ in range(10):
        states[0].finish_transfer(Settings())
        states[1].finish_transfer(Settings(chopper=REGULAR, row_chopper=REGULAR))
    off, regular = (state.state_arrays() for state in states)
    for name in ("column", "sweep", "chopper_source", "row_chopper_sources"):
        assert np.array_equal(off[name], regular[name])
    for name in ("chopper", "row_chopper"):
        assert np.all(off[name] == 1)
        assert not np.all(regular[name] == 1)
    for name in ("flipped", "row_flipped"):
        assert not off[name].any()


def test_a_word_flips_only_below_the_threshold() -> None:
    config = TileConfig(columns=1, row_chopper=1)
    word, row_word = naive_words(config.chopper_source, 1)[0], Registers(config.row_chopper_bank).word(3)
    for below, flipped in product((word, row_word), (0, 1)):
        state = ChopperState(config.replace(chopper_probability=(below + flipped) / 65536))
        state.finish_transfer(Settings(chopper=RANDOM, row_chopper=RANDOM))
        assert (state.flipped[0] if below == word else state.row_flipped[3]) == flipped


def test_restored_choppers_go_on_as_if_they_had_not_stopped() -> None:
    config = TileConfig(columns=3, chopper_period=2, chopper_probability=0.4, row_chopper=1)
    random, regular = (Settings(chopper=mode, row_chopper=mode) for mode in (RANDOM, REGULAR))
    whole = ChopperState(config)
    reads(whole, random, 13)
    whole.finish_transfer(random)
    stopped = whole.state_arrays()
    assert all(len(np.unique(stopped[name])) == 2 for name in ("chopper", "flipped", "row_chopper", "row_flipped"))

    def after(arrays: dict[str, np.ndarray]) -> list[list[int]]:
        state = ChopperState(config)
        state.restore(arrays)
        assert_same(state.state_arrays(), arrays)
        signs, latches = zip(reads(state, random, 3), reads(state, regular, 5), strict=True)
        return np.concatenate(signs + latches).tolist()

    expected = after(whole.state_arrays())
    assert after(stopped) == expected
    for name, other in ChopperState(config).state_arrays().items():
        assert after(stopped | {name: other}) != expected, name
