# SPDX-License-Identifier: Apache-2.0
"""Tests of symmetric points: closed form, numeric, and where alternating pulses settle, and their spread."""

from dataclasses import replace

import numpy as np
import pytest

from symtrack.model.analysis.characterize import without_variation
from symtrack.model.arithmetic.formats import WEIGHT_ONE
from symtrack.model.devices.array import DeviceArray
from symtrack.model.devices.constant_step import ConstantStep
from symtrack.model.devices.exponential_step import ExponentialStep
from symtrack.model.devices.linear_step import LinearStep
from symtrack.model.devices.measured import Measured
from symtrack.model.devices.power_step import PowerStep
from symtrack.model.devices.presets import FAMILIES, PRESETS
from symtrack.model.devices.pulsed import Referenced
from symtrack.model.devices.soft_bounds import SoftBounds
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from tests.model.helpers import device_examples as examples
from tests.model.references import device_equations as equations

WITH_POINT = [name for name in PRESETS if name != "idealized-constant"]


def settled(array: DeviceArray, start: np.ndarray, pairs: int) -> np.ndarray:
    """Middle of the limit cycle of alternating pulses, as weights."""
    array.program(start)
    ones = np.ones(start.shape, dtype=np.int64)
    for _ in range(pairs):
        array.pulse(ones)
        above = array.weights.copy()
        array.pulse(-ones)
    return (above + array.weights) / 2 / WEIGHT_ONE


@pytest.mark.parametrize("name", WITH_POINT)
def test_presets_settle_at_their_symmetric_point(name: str) -> None:
    device = without_variation(PRESETS[name])
    array = examples.single(device)
    numeric = array.cells.numeric_symmetric_point()
    half = device.dw_min / 2
    closed = device.closed_form()
    assert closed is not None
    assert abs(closed - numeric[0, 0] / WEIGHT_ONE) < half / 10
    assert np.abs(array.symmetric_point() - numeric).max() < half / 10 * WEIGHT_ONE
    for side in (-5, 5):
        start = numeric + round(side * device.dw_min * WEIGHT_ONE)
        assert abs(settled(array, start, 20_000)[0, 0] - closed) < half
    wrong = settled(array, numeric, 1000)[0, 0] + device.dw_min  # the twin
    assert abs(wrong - closed) > half


@pytest.mark.parametrize("family", FAMILIES)
def test_numeric_points_are_the_crossings_of_the_equations(family: str) -> None:
    rng = np.random.default_rng(9)
    for number in range(20):
        device = examples.random_device(family, rng)
        visible = equations.crossing(device)
        if family.endswith("-reference"):
            visible = -device.reference_mean + (0 if device.subtract_symmetry_point else visible)
        cells = examples.single(device).cells
        ours = cells.numeric_symmetric_point()[0, 0] / WEIGHT_ONE
        step = equations.step_of(device)
        # where the equations hardly cross, a rounded step moves the crossing far: then the steps must agree
        assert abs(ours - visible) < 1e-4 or abs(step(ours, 1) + step(ours, -1)) < 1e-8, (number, device)
        closed = device.closed_form()
        assert closed is None or abs(closed - visible) < 1e-6, (number, device)
        assert abs(ours - visible - 0.01) > 1e-4


def test_closed_form_of_power_steps_of_equal_exponents() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        device = replace(examples.random_device("power-step", rng), pow_up_down=0.0)
        closed = device.closed_form()
        assert closed == pytest.approx(equations.crossing(device), abs=1e-6)
        assert abs(closed - (device.w_max + device.w_min) / 2) > 1e-3  # the twin: as with equal steps


@pytest.mark.parametrize("family", FAMILIES)
def test_cells_with_spread_settle_at_their_own_points(family: str) -> None:
    device = replace(examples.random_device(family, np.random.default_rng(12)), dw_min=0.005, up_down=0.05)
    device = replace(device, dw_min_dtod=0.2, up_down_dtod=0.05, w_max_dtod=0.1, w_min_dtod=0.1)
    if isinstance(device, Referenced):
        device = replace(device, subtract_symmetry_point=False)
    array = DeviceArray(cells=device.cells(rows=7, columns=3, seed=3, array="a"), key=1)
    points = array.symmetric_point()
    assert points.shape == (7, 3)
    if family == "constant-step":
        assert np.isin(points, [array.cells.low, array.cells.high]).all()
        return
    error = np.abs(settled(array, points, 4000) - points / WEIGHT_ONE)
    assert (error < array.cells.step.max(axis=0) / WEIGHT_ONE).all()
    assert points.std() > 1e-3 * WEIGHT_ONE


def test_constant_steps_have_a_point_only_if_they_differ() -> None:
    equal = without_variation(ConstantStep())
    assert equal.closed_form() is None
    for up_down, bound in ((0.1, equal.w_max), (-0.1, equal.w_min)):
        device = replace(equal, up_down=up_down)
        assert device.closed_form() == bound
        cells = examples.single(device).cells
        assert abs(cells.symmetric_point()[0, 0] / WEIGHT_ONE - bound) < 1e-8
        assert cells.numeric_symmetric_point()[0, 0] == cells.symmetric_point()[0, 0]


def test_linear_points_are_exact_by_both_ways() -> None:
    cells = SoftBoundsReference(reference_mean=0.2, reference_std=0.1).cells(rows=33, columns=17, seed=1, array="a")
    apart = cells.symmetric_point() - cells.numeric_symmetric_point()
    words = (1 << 30) // np.minimum(*cells.slope)  # so many states have the same rounded step
    assert (np.abs(apart) <= 2 * words).all()


@pytest.mark.parametrize(
    "device",
    [
        ExponentialStep(gamma_up=5.0, gamma_down=4.0),
        ExponentialStep(gamma_up=5.0, gamma_down=5.0, a=0.0),
        ExponentialStep(gamma_up=5.0, gamma_down=5.0, A_up=0.0),
        ExponentialStep(  # both steps touch, in one point, and pulses lead through it
            dw_min=0.01,
            up_down=0.607,
            A_up=1.031,
            A_down=-0.22733493261069687,
            gamma_up=1.0,
            gamma_down=1.0,
            a=-0.5,
            b=0.0,
        ),
        PowerStep(pow_up_down=0.1),
    ],
    ids=str,
)
def test_no_closed_form_is_said_so(device: ExponentialStep | PowerStep) -> None:
    assert device.closed_form() is None


def test_of_several_crossings_one_that_attracts_is_found() -> None:
    device = Measured(
        dw_min=0.01,
        w_max=1.0,
        w_min=-1.0,
        weights=(-1, -0.6, -0.2, 0.2, 0.6, 1),
        up=(2, 2, 1, 1.4, 1, 0.5),
        down=(0.5, 1, 1.4, 1, 2, 2),
        **{f"{name}_dtod": 0.0 for name in ("dw_min", "up_down", "w_max", "w_min")},
    )
    cells = device.cells(rows=1, columns=1, seed=1, array="test")
    point = cells.numeric_symmetric_point()
    below, above = (cells.changes(1, point + d) - cells.changes(0, point + d) for d in (-(1 << 20), 1 << 20))
    assert (below > 0).all()
    assert (above < 0).all()


def test_where_steps_are_equal_over_a_range_the_point_is_its_middle() -> None:
    for low, high in ((0.2, 0.5), (-0.7, -0.3), (-0.1, 0.6)):
        curves = {"weights": (-1, low, high, 1), "up": (2, 1, 1, 0.5), "down": (0.5, 1, 1, 2)}
        device = without_variation(Measured(dw_min=0.01, w_max=1.0, w_min=-1.0, **curves))
        point = examples.single(device).cells.numeric_symmetric_point()[0, 0] / WEIGHT_ONE
        assert point == pytest.approx((low + high) / 2, abs=2e-3)


@pytest.mark.parametrize("a", [0.3, -0.3])
def test_closed_form_of_exponential_steps_of_equal_exponents(a: float) -> None:
    device = without_variation(ExponentialStep(A_up=a, A_down=a / 2, gamma_up=3.0, gamma_down=3.0, a=a, b=0.1))
    closed = device.closed_form()
    assert closed == pytest.approx(equations.crossing(device), abs=1e-6)
    assert abs(closed) > 1e-3


@pytest.mark.parametrize("a", [0.3, -0.3])
def test_exponential_steps_that_grow_towards_their_bound_have_no_closed_form(a: float) -> None:
    """Where they cross, pulses lead away."""
    device = without_variation(ExponentialStep(A_up=a, A_down=a / 2, gamma_up=3.0, gamma_down=3.0, a=-a, b=0.1))
    step = equations.step_of(device)
    signs = [np.sign(step(w, 1) + step(w, -1)) for w in (device.w_min, device.w_max)]
    assert signs == [-1, 1]
    assert device.closed_form() is None


def test_steps_that_grow_have_no_closed_form() -> None:
    device = LinearStep(gamma_up=-0.5, gamma_down=-0.5, up_down=0.2, allow_increasing=True)
    assert device.closed_form() is None


def test_which_cells_have_one() -> None:
    """None without a crossing between the bounds: constant steps, equal or not, stuck cells, and a crossing beyond."""
    shape = {"rows": 4, "columns": 3, "seed": 1, "array": "a"}
    assert SoftBounds().cells(**shape).has_symmetric_point().all()
    assert SoftBoundsReference(reference_std=0.4).cells(**shape).has_symmetric_point().all()
    for device in (ConstantStep(up_down_dtod=0.0), ConstantStep(up_down=0.2), SoftBounds(stuck_fraction=1.0)):
        assert not device.cells(**shape).has_symmetric_point().any()
    plain = {"gamma_up": 0.1, "gamma_down": 0.1, "gamma_up_dtod": 0.0, "gamma_down_dtod": 0.0, "up_down_dtod": 0.0}
    assert LinearStep(up_down=0.05, **plain).cells(**shape).has_symmetric_point().all()
    assert not LinearStep(up_down=0.5, **plain).cells(**shape).has_symmetric_point().any()
    some = SoftBounds(stuck_fraction=0.5).cells(rows=40, columns=40, seed=1, array="a")
    np.testing.assert_array_equal(some.has_symmetric_point(), some.low < some.high)
