# SPDX-License-Identifier: Apache-2.0
"""Tests of device-to-device spread: slopes, exponents, bounds and steps, family by family."""

import numpy as np
import pytest

from symtrack.model.arithmetic.formats import WEIGHT_ONE
from symtrack.model.devices.linear_step import LinearStep
from symtrack.model.devices.measured import Measured
from symtrack.model.devices.power_step import PowerStep
from symtrack.model.devices.presets import FAMILIES
from symtrack.model.devices.pulsed import Pulsed
from symtrack.model.devices.responses import EXPONENT_BITS
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from tests.model.helpers import device_examples as examples

SIDE = 64
SHAPE = {"rows": SIDE, "columns": SIDE, "seed": 1, "array": "a"}
EQUAL = {"dw_min_dtod": 0.0, "up_down_dtod": 0.0, "w_max_dtod": 0.0, "w_min_dtod": 0.0}


def check(values: np.ndarray, mean: float, std: float) -> None:
    """Mean and standard deviation are these within five standard errors, and not others."""
    count = np.sqrt(values.size)
    assert abs(values.mean() - mean) < 5 * std / count
    assert abs(values.std() - std) < 5 * std / count
    assert abs(values.std() - 1.2 * std) > 5 * std / count


@pytest.mark.parametrize("family", FAMILIES)
def test_steps_and_bounds(family: str) -> None:
    parameters = vars(examples.random_device(family, np.random.default_rng(2)))
    common = {"dw_min": 0.01, "up_down": 0.0, "w_max": 0.8, "w_min": -0.5}
    spread = {"dw_min_dtod": 0.1, "up_down_dtod": 0.05, "w_max_dtod": 0.1, "w_min_dtod": 0.05}
    cells = FAMILIES[family](**{**parameters, **common, **spread}).cells(**SHAPE)
    both = cells.step.mean(axis=0) / WEIGHT_ONE
    check(both, 0.01, 0.001)
    check((cells.step[1] - cells.step[0]) / 2 / WEIGHT_ONE / both, 0.0, 0.05)
    check(cells.high / WEIGHT_ONE, 0.8, 0.08)
    check(cells.low / WEIGHT_ONE, -0.5, 0.025)
    assert np.corrcoef(cells.high.ravel(), cells.low.ravel())[0, 1] < 5 / SIDE


def test_gammas_of_linear_steps() -> None:
    parameters = {**EQUAL, "gamma_up": 0.5, "gamma_down": 0.4, "gamma_up_dtod": 0.05, "gamma_down_dtod": 0.03}
    cells = LinearStep(**parameters).cells(**SHAPE)
    down, up = cells.slope * (cells.high / WEIGHT_ONE) / cells.step
    check(up, 0.5, 0.05)
    check(down, 0.4, 0.03)


@pytest.mark.parametrize("mean_bound", [True, False])
def test_linear_steps_decrease_towards_the_mean_or_their_own_bound(mean_bound: bool) -> None:
    device = LinearStep(gamma_up=0.5, gamma_up_dtod=0.0, gamma_down_dtod=0.0, mean_bound_reference=mean_bound)
    cells = device.cells(**SHAPE)
    relative = cells.slope[1] / cells.step[1]
    own = 0.5 / (cells.high / WEIGHT_ONE)
    assert np.allclose(relative, 0.5 / 0.6 if mean_bound else own, rtol=1e-3)
    assert not np.allclose(relative, own if mean_bound else 0.5 / 0.6, rtol=1e-3)


def test_gammas_keep_their_sign_only_if_steps_may_increase() -> None:
    folded = LinearStep(gamma_up_dtod=0.5).cells(**SHAPE).slope[1]
    free = LinearStep(gamma_up_dtod=0.5, allow_increasing=True).cells(**SHAPE).slope[1]
    assert (folded >= 0).all()
    assert (free < 0).any()


def test_slopes_of_soft_bounds_with_reference() -> None:
    cells = SoftBoundsReference(**EQUAL, slope_up_dtod=0.1, slope_down_dtod=0.05).cells(**SHAPE)
    down, up = cells.slope * (cells.high / WEIGHT_ONE) / cells.step
    check(up, 1.0, 0.1)
    check(down, 1.0, 0.05)


def test_exponents() -> None:
    device = PowerStep(**EQUAL, pow_gamma=2.0, pow_gamma_dtod=0.1, pow_up_down=0.3, pow_up_down_dtod=0.05)
    down, up = device.cells(**SHAPE).slope / (1 << EXPONENT_BITS)
    check((up + down) / 2, 2 * 0.85, 0.2)
    check((up - down) / 2, 2 * 0.15, 0.1)


@pytest.mark.parametrize("family", FAMILIES)
def test_cells_are_drawn_again_from_their_seed(family: str) -> None:
    device: Pulsed = FAMILIES[family](
        **{**vars(examples.random_device(family, np.random.default_rng(2))), "dw_min_dtod": 0.1}
    )
    one, same, other = (device.cells(rows=3, columns=5, seed=seed, array="a") for seed in (1, 1, 2))
    assert np.array_equal(one.step, same.step)
    assert not np.array_equal(one.step, other.step)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_step_is_larger_than_the_largest(family: str) -> None:
    for seed in range(3):
        device = examples.random_device(family, np.random.default_rng(seed))
        cells = device.cells(rows=3, columns=5, seed=1, array="a")
        states = cells.low + (cells.high - cells.low) * np.arange(65)[:, None, None] // 64
        largest = max(int(cells.changes(up, states).max()) for up in (0, 1))
        assert largest <= cells.largest_change() <= 1.1 * largest + 2


def test_the_largest_step_may_be_between_the_bounds() -> None:
    curve = {"weights": [-0.5, 0.1, 0.5], "up": [0.2, 3.0, 0.1], "down": [0.5, 0.6, 0.5]}
    device = Measured(**curve, dw_min=0.01, dw_min_dtod=0.0, up_down_dtod=0.0, w_max_dtod=0.0, w_min_dtod=0.0)
    cells = device.cells(rows=1, columns=1, seed=1, array="a")
    assert cells.largest_change() == pytest.approx(0.03 * WEIGHT_ONE, rel=0.01)


def test_no_step_is_zero() -> None:
    """Of cells whose asymmetry leaves nothing of it: the least is one unit of the weight."""
    cells = SoftBoundsReference(dw_min=1e-6, up_down_dtod=1.0).cells(**SHAPE)
    assert np.unique(cells.step)[:3].tolist() == [1, 2, 3]
