"""Half-select disturb and retention against naive descriptions, slot by slot and cell by cell."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import floor

import numpy as np
import pytest

from model.devices.array import DeviceArray
from model.devices.cells import HALF_SELECT_BITS, WEIGHT_ONE
from model.devices.disturb import disturbed, half_selected, half_selected_by_writes, moved, relaxed
from model.devices.power_step import PowerStep
from model.devices.soft_bounds import SoftBounds


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 17), (9, 4)])
def test_half_selected_slots_are_those_with_one_line(rows: int, columns: int) -> None:
    rng = np.random.default_rng(rows)
    quadrant = np.repeat(np.arange(4, dtype=np.uint8), 9)
    up = np.array([1, 0, 0, 1], np.uint8)[quadrant]
    row_lines = rng.integers(0, 2, (36, rows), dtype=np.uint8)
    column_lines = rng.integers(0, 2, (36, columns), dtype=np.uint8)
    expected = np.zeros((2, rows, columns), np.int64)
    for slot in range(36):
        for row in range(rows):
            for column in range(columns):
                expected[up[slot], row, column] += row_lines[slot, row] != column_lines[slot, column]
    np.testing.assert_array_equal(half_selected(row_lines, column_lines, up, quadrant), expected)
    assert expected.any()


def test_writes_half_select_the_rest_of_their_rows_and_column() -> None:
    pulses = np.array([3, 0, -2, 1])
    expected = np.zeros((2, 4, 3), np.int64)
    for up, sign in ((0, -1), (1, 1)):
        trains = np.maximum(sign * pulses, 0)
        for slot in range(trains.max()):
            for row in range(4):
                for column in range(3):
                    row_fires, column_fires = slot < trains[row], column == 1
                    expected[up, row, column] += row_fires != column_fires
    np.testing.assert_array_equal(half_selected_by_writes((4, 3), 1, pulses), expected)


@pytest.mark.parametrize("device", [SoftBounds(half_select=0.02), PowerStep(pow_gamma=1.4, half_select=0.01)])
def test_disturbed_states_move_by_shares_of_steps_and_stay_within_their_bounds(device) -> None:
    cells = device.cells(rows=5, columns=6, seed=3, array="test")
    rng = np.random.default_rng(1)
    state = rng.integers(cells.low, cells.high + 1)
    state[0] = cells.high[0]
    counts = rng.integers(0, 60, (2, 5, 6))
    share = cells.half_select
    after = state.copy()
    for up, sign in ((0, -1), (1, 1)):
        size = cells.changes(up, after)
        for cell in np.ndindex(5, 6):
            step = floor(
                Fraction(int(counts[up][cell]) * share * int(size[cell]), 1 << HALF_SELECT_BITS) + Fraction(1, 2)
            )
            moved = int(after[cell]) + sign * step
            after[cell] = min(max(moved, int(cells.low[cell])), int(cells.high[cell]))
    result = disturbed(cells, state, counts)
    np.testing.assert_array_equal(result, after)
    assert (result != state).any()
    np.testing.assert_array_equal(disturbed(replace(cells, half_select=0), state, counts), state)


def test_retention_is_exponential() -> None:
    cells = replace(
        SoftBounds(w_max=1.5, w_max_dtod=0.0, w_min=-1.5, w_min_dtod=0.0).cells(
            rows=1, columns=3, seed=1, array="test"
        ),
        decay=WEIGHT_ONE // 1000,
    )
    state = np.array([[WEIGHT_ONE, -WEIGHT_ONE // 2, 0]])
    for _ in range(2000):
        state = relaxed(cells, state)
    expected = np.array([1.0, -0.5, 0.0]) * (1 - 1e-3) ** 2000
    np.testing.assert_allclose(state / WEIGHT_ONE, [expected], rtol=2e-5)


def test_real_numbers_of_steps_are_whole_ones_and_a_fraction() -> None:
    cells = SoftBounds(dw_min_std=0.0).cells(rows=2, columns=3, seed=3, array="test")
    steps = np.array([[3.0, -2.0, 0.0], [1.5, -0.25, 4.75]])
    whole = DeviceArray(cells=cells, key=1)
    whole.pulse(np.trunc(steps).astype(np.int64))
    fraction, state = steps - np.trunc(steps), whole.state.astype(np.int64)
    expected = state + fraction * np.where(fraction > 0, cells.changes(1, state), cells.changes(0, state))
    real = moved(cells, np.zeros((2, 3), np.int64), (steps * 1024).astype(np.int64), 10)
    np.testing.assert_allclose(real, expected, atol=1)
    np.testing.assert_array_equal(moved(cells, state, np.zeros((2, 3), np.int64), 10), state)
