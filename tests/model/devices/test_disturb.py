# SPDX-License-Identifier: Apache-2.0
"""Tests of half-select disturb and retention against naive descriptions, slot by slot and cell by cell."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from symtrack.model.arithmetic.formats import WEIGHT_ONE
from symtrack.model.devices.cells import Cells
from symtrack.model.devices.constant_step import ConstantStep
from symtrack.model.devices.disturb import _halvings, disturbed, flow, half_selected, half_selected_by_writes, relaxed
from symtrack.model.devices.power_step import PowerStep
from symtrack.model.devices.pulsed import Pulsed
from symtrack.model.devices.soft_bounds import SoftBounds


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


COARSE = [
    SoftBounds(dw_min=0.01),
    SoftBounds(dw_min=0.4622, w_max=1.0, w_min=-1.0, up_down=0.3, dw_min_dtod=0.1),
    PowerStep(dw_min=0.05, pow_gamma=1.4),
]


@pytest.mark.parametrize("device", COARSE)
@pytest.mark.parametrize("up", [0, 1])
def test_flow_is_the_limit_of_small_steps(device: Pulsed, up: int) -> None:
    """Against dv/da = +-change(v) in floating point, in 2000 parts of each step."""
    quiet = replace(device, w_max_dtod=0.0, w_min_dtod=0.0)
    cells = quiet.cells(rows=3, columns=4, seed=3, array="test")
    span = float((cells.high - cells.low).max())
    steps = np.zeros((2, 3, 4))
    steps[up] = np.random.default_rng(2).uniform(0, 4, (3, 4))
    start = (cells.low + cells.high) // 2
    state = start.astype(float)
    for _ in range(2000):
        change = cells.changes(up, np.rint(state).astype(np.int64)) * steps[up] / 2000
        state = np.clip(state + change if up else state - change, cells.low, cells.high)
    result = flow(cells, start, (steps * (1 << 24)).astype(np.int64), 24)
    assert np.abs(result - state).max() < 0.004 * span
    assert np.abs(result - start).max() > 0.02 * span
    np.testing.assert_array_equal(flow(cells, start, np.zeros((2, 3, 4), np.int64), 24), start)


def test_half_selected_slots_flow_like_shares_of_steps() -> None:
    """Slot by slot in floating point, polarities one after the other: less than a slot's share apart."""
    cells = SoftBounds(dw_min=0.0949, w_max=1.0, w_min=-1.0, half_select=0.1).cells(
        rows=5, columns=6, seed=3, array="test"
    )
    counts = np.random.default_rng(1).integers(0, 31, (2, 5, 6))
    state = cells.low + (cells.high - cells.low) // 3
    after = state.astype(float)
    for slot in range(31):
        for up, sign in ((0, -1), (1, 1)):
            share = 0.1 * cells.changes(up, np.rint(after).astype(np.int64)) * (slot < counts[up])
            after = np.clip(after + sign * share, cells.low, cells.high)
    result = disturbed(cells, state, counts)
    span = cells.high - cells.low
    assert (np.abs(result - after) / span).max() < 0.02
    assert (np.abs(result - state) / span).max() > 0.05
    np.testing.assert_array_equal(disturbed(replace(cells, half_select=0), state, counts), state)


def test_steps_of_one_polarity_go_on_alone() -> None:
    """Down for longer than up: in the parts of a step that are left, nothing goes up."""
    cells = ConstantStep(dw_min=0.01, w_max_dtod=0.0, w_min_dtod=0.0).cells(rows=2, columns=2, seed=1, array="test")
    steps = np.array([np.full((2, 2), 24), np.full((2, 2), 4)])
    state = flow(cells, np.zeros((2, 2), np.int64), steps, 2)
    np.testing.assert_array_equal(state, cells.step[1] - 6 * cells.step[0])


@pytest.mark.parametrize("dw_min", [0.001, 0.015, 0.02, 0.1, 0.3, 0.9])
def test_a_step_is_halved_no_more_than_needed(dw_min: float) -> None:
    """Parts of a step: at least 2**FINE_BITS, that is 128, across the range, or 128 in a step."""
    bounds = {"w_max": 1.0, "w_max_dtod": 0.0, "w_min": -1.0, "w_min_dtod": 0.0}
    cells = ConstantStep(dw_min=dw_min, dw_min_dtod=0.0, up_down_dtod=0.0, **bounds).cells(
        rows=3, columns=3, seed=1, array="test"
    )
    halvings = _halvings(cells)
    across = 2.0 / dw_min
    assert halvings == 7 or across * 2**halvings >= 128
    assert halvings == 0 or across * 2 ** (halvings - 1) <= 128


def test_the_median_of_two_cells_is_of_whole_numbers() -> None:
    """128 * 60 / 1000 and 128 * 69 / 1000 are 7 and 8: their middle is below 8, that of the fractions is not."""
    cells = ConstantStep().cells(rows=1, columns=2, seed=1, array="test")
    low = np.zeros((1, 2), np.int64)
    cells = replace(cells, step=np.array([[[60, 69]]] * 2), low=low, high=low + 1000)
    assert _halvings(cells) == 3


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


def test_shares_are_rounded_to_their_format() -> None:
    """h has 20 fractional bits, a share of decay 30."""
    cells = SoftBounds(half_select=0.1, lifetime=1000.0).cells(rows=1, columns=1, seed=1, array="test")
    assert (cells.half_select, cells.decay) == (round(0.1 * 2**20), round(2**30 / 1000))


def test_cells_keep_their_state_unless_told_otherwise() -> None:
    bounds = {"w_max": 1.5, "w_max_dtod": 0.0, "w_min": -1.5, "w_min_dtod": 0.0}
    cells = SoftBounds(half_select=0.1, lifetime=1000.0, **bounds).cells(rows=2, columns=3, seed=1, array="test")
    needed = {field.name: getattr(cells, field.name) for field in fields(Cells)}
    plain = Cells(**{name: value for name, value in needed.items() if name not in ("half_select", "decay")})
    state = np.array([[WEIGHT_ONE, -WEIGHT_ONE, 7]] * 2)
    np.testing.assert_array_equal(relaxed(plain, state), state)
    np.testing.assert_array_equal(disturbed(plain, state, np.full((2, 2, 3), 9)), state)
    assert (relaxed(cells, state) != state).any()
