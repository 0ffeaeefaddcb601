# SPDX-License-Identifier: Apache-2.0
"""Tests of an array's imperfections: write noise, stuck cells, half-select disturb, retention, endurance."""

from __future__ import annotations

import numpy as np
import pytest

from symtrack.model.arithmetic.formats import WEIGHT_ONE
from symtrack.model.devices.array import DeviceArray
from symtrack.model.devices.disturb import disturbed, half_selected, half_selected_by_writes
from symtrack.model.devices.measured import Measured
from symtrack.model.devices.power_step import PowerStep
from symtrack.model.devices.pulsed import Pulsed
from symtrack.model.devices.soft_bounds import SoftBounds
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference

FAMILIES = [SoftBounds, SoftBoundsReference, PowerStep]


def make(device: Pulsed, rows: int = 9, columns: int = 7) -> DeviceArray:
    return DeviceArray(cells=device.cells(rows=rows, columns=columns, seed=4, array="test"), key=8)


def lines(rows: int, columns: int, seed: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    quadrant = np.repeat(np.arange(4, dtype=np.uint8), 12)
    up = np.array([0, 1, 1, 0], np.uint8)[quadrant]
    fire = [rng.integers(0, 2, (48, size), dtype=np.uint8) for size in (rows, columns)]
    return (*fire, up, quadrant)


@pytest.mark.parametrize("family", FAMILIES)
def test_write_noise_is_seen_and_does_not_move_the_state(family: type[Pulsed]) -> None:
    quiet, noisy = (make(family(write_noise_std=std), 100, 100) for std in (0.0, 5.0))
    before = noisy.weights.copy()
    for array in (quiet, noisy):
        array.update(*lines(100, 100, 1))
        array.pulse_column(3, np.arange(100) % 5 - 2)
    np.testing.assert_array_equal(quiet.state, noisy.state)
    sigma = noisy.cells.write_noise
    draws = (noisy.weights - quiet.weights) / sigma
    assert sigma == round(5 * 0.001 * WEIGHT_ONE)
    assert abs(draws.mean()) < 4 / 100
    assert abs(draws.std() - 1) < 4 / np.sqrt(2 * 10_000)
    assert abs((draws[1:] * draws[:-1]).mean()) < 4 / 100
    assert (noisy.weights != before).mean() > 0.99


def test_write_noise_is_drawn_anew_for_pulsed_cells_only() -> None:
    array = make(SoftBounds(write_noise_std=3.0, dw_min_std=0.0))
    first = array.weights.copy()
    array.pulse_column(2, np.array([1, -1, 0, 0, 2, 0, 0, 0, 1]))
    changed = array.weights != first
    assert changed[[0, 1, 4, 8], 2].all()
    assert changed.sum() == 4


@pytest.mark.parametrize("family", FAMILIES)
def test_stuck_cells_stay_where_they_are(family: type[Pulsed]) -> None:
    array = make(family(stuck_fraction=0.3, half_select=0.05, lifetime=50.0), 60, 60)
    stuck = array.cells.low == array.cells.high
    assert abs(stuck.mean() - 0.3) < 4 * np.sqrt(0.21 / 3600)
    whole = make(family(), 60, 60).cells
    place = ((array.cells.low - whole.low) / (whole.high - whole.low))[stuck]
    assert abs(place.mean() - 0.5) < 4 / np.sqrt(12 * place.size)
    assert place.min() < 0.02
    assert place.max() > 0.98
    start, weights = array.state.copy(), array.weights.copy()
    array.update(*lines(60, 60, 2))
    array.pulse_column(5, np.full(60, 9))
    array.pulse(np.full((60, 60), -3))
    array.relax()
    array.program(np.zeros((60, 60), np.int64))
    array.pulse(np.full((60, 60), 7))
    np.testing.assert_array_equal(array.state[stuck], start[stuck])
    assert (array.state[~stuck] != start[~stuck]).mean() > 0.9
    np.testing.assert_array_equal(array.symmetric_point()[stuck], weights[stuck])


@pytest.mark.parametrize("family", FAMILIES)
def test_half_select_follows_the_pulses(family: type[Pulsed]) -> None:
    plain, array = make(family()), make(family(half_select=0.03))
    slots = lines(9, 7, 3)
    writes = np.array([3, 0, -2, 1, 0, 0, -5, 2, 1])
    for one in (plain, array):
        one.update(*slots)
    expected = disturbed(array.cells, plain.state.astype(np.int64), half_selected(*slots))
    np.testing.assert_array_equal(array.state, expected)
    assert (array.state != plain.state).mean() > 0.9
    plain.program(array.weights)
    for one in (plain, array):
        one.pulse_column(4, writes)
    expected = disturbed(array.cells, plain.state.astype(np.int64), half_selected_by_writes((9, 7), 4, writes))
    np.testing.assert_array_equal(array.state, expected)
    np.testing.assert_array_equal(array.pulse_numbers, plain.pulse_numbers)


def test_retention_and_endurance() -> None:
    array = make(SoftBoundsReference(lifetime=10.0, w_max=1.0, w_min=-1.0, reference_mean=0.1))
    array.program(np.full((9, 7), WEIGHT_ONE // 4))
    start = array.state / WEIGHT_ONE
    for _ in range(10):
        array.relax()
    np.testing.assert_allclose(array.state / WEIGHT_ONE, start * 0.9**10, atol=1e-8)
    assert not array.pulse_numbers.any()
    slots = lines(9, 7, 5)
    array.update(*slots)
    np.testing.assert_array_equal(array.pulse_numbers, slots[0].T.astype(int) @ slots[1].astype(int))
    forever = make(SoftBoundsReference())
    before = forever.state.copy()
    forever.relax()
    np.testing.assert_array_equal(forever.state, before)


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("write_noise_std", -1.0, "from 0 to 1000"),
        ("stuck_fraction", 1.5, "from 0 to 1"),
        ("half_select", 0.6, "from 0 to 0.5"),
        ("lifetime", 0.5, "must be 0 or from 1 to 1e\\+06"),
        ("lifetime", 1e7, "from 0 to 1e\\+06"),
    ],
)
def test_bad_values_are_refused(field: str, value: float, allowed: str) -> None:
    with pytest.raises(ValueError, match=rf"{field} = {value}: .*{allowed}"):
        SoftBounds(**{field: value})


@pytest.mark.parametrize("multiplicative", [False, True])
def test_the_largest_noise_goes_to_the_bounds_and_does_not_wrap(multiplicative: bool) -> None:
    """A hundred times the step, which is as large as it may be: half of the cells at either bound."""
    curve = {"weights": (-1, 1), "up": (1, 1), "down": (1, 1)}
    device = Measured(dw_min=1.0, dw_min_dtod=0.0, **curve, mult_noise=multiplicative, dw_min_std=100.0)
    array = make(device, 100, 100)
    array.pulse(np.ones((100, 100)))
    assert abs((array.state == array.cells.high).mean() - 0.5) < 0.03
    assert abs((array.state == array.cells.low).mean() - 0.5) < 0.03


def test_steps_beyond_their_word_are_the_largest_not_the_smallest() -> None:
    device = SoftBounds(dw_min=0.01, dw_min_dtod=10.0, dw_min_dtod_log_normal=True, dw_min_std=0.1)
    steps = device.cells(rows=64, columns=64, seed=1, array="test").step
    assert (steps == WEIGHT_ONE).mean() > 0.2
    assert steps.min() >= 1


def test_counts_of_another_shape_are_refused() -> None:
    array = make(SoftBounds())
    with pytest.raises(ValueError, match=r"counts of shape \(2, 2\): must be of shape \(9, 7\)"):
        array.pulse(np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"counts of shape \(7,\): must be of shape \(9,\)"):
        array.pulse_column(0, np.ones(7))
