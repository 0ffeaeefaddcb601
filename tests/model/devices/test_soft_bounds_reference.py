# SPDX-License-Identifier: Apache-2.0
"""Tests of soft-bounds devices with reference against their equations, closed forms and spread."""

import numpy as np
import pytest

from symtrack.model.arithmetic.formats import WEIGHT_ONE, to_weight
from symtrack.model.devices.array import DeviceArray
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference

IDEAL = {"dw_min_dtod": 0.0, "dw_min_std": 0.0, "up_down_dtod": 0.0, "w_max_dtod": 0.0, "w_min_dtod": 0.0}


def single(**parameters: float | bool) -> DeviceArray:
    """One cell without variation."""
    cells = SoftBoundsReference(**{**IDEAL, **parameters}).cells(rows=1, columns=1, seed=1, array="cell")
    return DeviceArray(cells=cells, key=1)


def response(array: DeviceArray, start: float, pulses: list[list[int]]) -> np.ndarray:
    """Visible weight before the first and after every pulse."""
    array.program(np.full((1, 1), to_weight(start)))
    weights = [array.weights[0, 0]]
    for sign, count in pulses:
        for _ in range(count):
            array.pulse_column(0, [sign])
            weights.append(array.weights[0, 0])
    return np.array(weights) / WEIGHT_ONE


def equations(start: float, pulses: list[list[int]], **p: float) -> np.ndarray:
    """The step equations as written, in floating point: an opinion that shares nothing with the model."""
    up, down = p["dw_min"] * (1 + min(p["up_down"], 0)), p["dw_min"] * (1 - max(p["up_down"], 0))
    reference = p["reference_mean"] + (up - down) / (up / p["w_max"] - down / p["w_min"])
    v = start + reference
    weights = [v - reference]
    for sign, count in pulses:
        for _ in range(count):
            v += up * (1 - v / p["w_max"]) if sign > 0 else -down * (1 - v / p["w_min"])
            v = min(max(v, p["w_min"]), p["w_max"])
            weights.append(v - reference)
    return np.array(weights)


@pytest.mark.parametrize("up_down", [-0.5, 0.0, 0.3])
@pytest.mark.parametrize("offset", [-0.4, 0.25])
def test_response_follows_the_equations(up_down: float, offset: float) -> None:
    pulses = [[1, 700], [-1, 1500], [1, 1], [-1, 1], [1, 400]]
    p = {"dw_min": 0.001, "up_down": up_down, "w_max": 0.7, "w_min": -0.5, "reference_mean": offset}
    ours = response(single(**p), 0.1, pulses)
    theirs = equations(0.1, pulses, **p)
    assert np.abs(ours - theirs).max() < 1e-4 * 1.2
    wrong = equations(0.1, pulses, **{**p, "up_down": up_down + 0.01})
    assert np.abs(ours - wrong).max() > 1e-4 * 1.2


@pytest.mark.parametrize("mult_noise", [False, True])
def test_alternating_pulses_settle_at_the_symmetric_point(mult_noise: bool) -> None:
    device = SoftBoundsReference(
        dw_min=0.005, mult_noise=mult_noise, reference_mean=0.3, reference_std=0.1, up_down=0.2
    )
    array = DeviceArray(cells=device.cells(rows=7, columns=5, seed=3, array="fast"), key=9)
    up, down = np.ones((7, 5), int), -np.ones((7, 5), int)
    total = np.zeros((7, 5))
    for n in range(4000):
        array.pulse(up)
        array.pulse(down)
        if n >= 1000:
            total += array.weights
    error = total / 3000 / WEIGHT_ONE - array.symmetric_point() / WEIGHT_ONE
    assert np.sqrt((error**2).mean()) < 2 * device.dw_min  # the noise floor is of the order of a step


def test_visible_symmetric_point_is_minus_the_reference_offset() -> None:
    cells = SoftBoundsReference(reference_mean=0.3, reference_std=0.1, w_max_dtod=0.0, w_min_dtod=0.0).cells(
        rows=64, columns=64, seed=2, array="fast"
    )
    point = cells.symmetric_point() / WEIGHT_ONE
    assert abs(point.mean() + 0.3) < 5 * 0.1 / 64
    assert abs(point.std() - 0.1) < 5 * 0.1 / 64


def test_spread_of_the_parameters() -> None:
    device = SoftBoundsReference(dw_min_dtod=0.1, w_max_dtod=0.1, w_min_dtod=0.2, up_down_dtod=0.05)
    cells = device.cells(rows=64, columns=64, seed=1, array="a")
    middle = cells.step.mean(axis=0) / WEIGHT_ONE
    assert abs(middle.mean() - 0.001) < 5 * 0.0001 / 64
    assert abs(middle.std() - 0.0001) < 5 * 0.0001 / 64
    difference = (cells.step[1] - cells.step[0]) / cells.step.mean(axis=0)
    assert abs(difference.std() - 0.1) < 5 * 0.1 / 64  # the asymmetry moves both steps
    assert abs(cells.high.std() / WEIGHT_ONE - 0.06) < 5 * 0.06 / 64
    assert abs(cells.low.std() / WEIGHT_ONE - 0.12) < 5 * 0.12 / 64


def test_log_normal_spread_of_the_steps() -> None:
    device = SoftBoundsReference(dw_min_dtod=0.5, dw_min_dtod_log_normal=True, up_down_dtod=0.0)
    cells = device.cells(rows=64, columns=64, seed=1, array="a")
    exponent = np.log(cells.step[1] / WEIGHT_ONE / 0.001)
    assert abs(exponent.mean()) < 5 * 0.5 / 64
    assert abs(exponent.std() - 0.5) < 5 * 0.5 / 64


def test_a_parameter_has_its_own_stream() -> None:
    shape = {"rows": 3, "columns": 5, "seed": 1, "array": "a"}
    plain, wide = SoftBoundsReference().cells(**shape), SoftBoundsReference(w_max_dtod=0.5).cells(**shape)
    assert np.array_equal(plain.step, wide.step)
    assert np.array_equal(plain.low, wide.low)
    assert not np.array_equal(plain.high, wide.high)
    other = SoftBoundsReference().cells(**{**shape, "array": "b"})
    assert not np.array_equal(plain.step, other.step)


def test_write_noise_is_as_large_as_said() -> None:
    cells = SoftBoundsReference(**{**IDEAL, "dw_min_std": 0.3}).cells(rows=64, columns=64, seed=1, array="a")
    array = DeviceArray(cells=cells, key=4)
    array.pulse(np.ones((64, 64), int))
    change = array.weights / WEIGHT_ONE / 0.001
    assert abs(change.mean() - 1) < 5 * 0.3 / 64
    assert abs(change.std() - 0.3) < 5 * 0.3 / 64
