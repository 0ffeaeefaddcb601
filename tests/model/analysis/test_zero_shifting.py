# SPDX-License-Identifier: Apache-2.0
"""Tests of zero-shifting calibration against its closed form and against a loop in floating point."""

import re
from dataclasses import replace
from itertools import islice, pairwise
from math import log, sqrt

import numpy as np
import pytest

from symtrack.model.analysis.zero_shifting import Theory, calibrate, reached, signs
from symtrack.model.arithmetic.formats import WEIGHT_ONE, to_weight
from symtrack.model.arithmetic.noise import derive_key
from symtrack.model.devices.array import DeviceArray
from symtrack.model.devices.exponential_step import ExponentialStep
from symtrack.model.devices.soft_bounds import SoftBounds
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from tests.paths import ROOT

NO_VARIATION = dict.fromkeys(("dw_min_std", "dw_min_dtod", "up_down_dtod", "w_max_dtod", "w_min_dtod"), 0.0)


def make(
    dw_min: float = 5e-3,
    *,
    rows: int = 3,
    columns: int = 5,
    up_down: float = 0.4,
    tau: float = 1.0,
    start: float = -0.5,
    seed: int = 1,
    **more: float,
) -> DeviceArray:
    """Devices without any variation unless asked for."""
    device = SoftBounds(
        dw_min=dw_min, up_down=up_down, w_max=tau, w_min=-tau, **{"mult_noise": False, **NO_VARIATION, **more}
    )
    cells = device.cells(rows=rows, columns=columns, seed=seed, array="test")
    array = DeviceArray(cells=cells, key=derive_key(seed, "test"))
    array.program(np.full((rows, columns), to_weight(start)))
    return array


def float_loop(dw: float, up: float, down: float, tau: float, w: float, pulses: int) -> list[float]:
    """Weights of one soft-bounds device before and after every pulse, up first."""
    weights = [w]
    for number in range(pulses):
        w = w + dw * up * (1 - w / tau) if number % 2 == 0 else w - dw * down * (1 + w / tau)
        weights.append(w)
    return weights


CASES = [  # dw, up, down, tau, start, relative error
    (5e-3, 1.0, 0.6, 1.0, -0.5, 0.01),
    (1e-3, 1.0, 0.6, 1.0, -0.5, 0.01),
    (2e-3, 1.0, 0.5, 0.6, 0.6, 0.02),
    (1e-3, 0.7, 1.0, 1.5, 0.3, 0.005),
]


@pytest.mark.parametrize(("dw", "up", "down", "tau", "start", "error"), CASES)
def test_closed_form_and_float_loop(dw: float, up: float, down: float, tau: float, start: float, error: float) -> None:
    array = make(dw, up_down=up - down, tau=tau, start=start)
    target = tau * (up - down) / (up + down)
    limit = error * abs(target)
    theory = log(abs(start - target) / limit) * 2 * tau / (dw * (up + down))
    assert Theory.of(array).pulses(error) == pytest.approx(theory, rel=1e-5)

    pulses = 2 * round(0.6 * theory)
    course = calibrate(array, method="cyclic", pulses=pulses, seed=1)

    weights = np.array(float_loop(dw, up, down, tau, start, pulses))
    after = np.abs(weights - target)
    middle = np.abs((weights[1:-1:2] + weights[2::2]) / 2 - target)
    assert np.abs(course.touch - after).max() < 1e-6
    assert np.abs(course.rms[1:] - middle).max() < 1e-6
    assert np.abs(np.abs(course.systematic) - course.rms).max() < 1e-12
    measured = reached(course.rms, limit)
    assert measured is not None
    assert abs(measured - 1 - int(np.flatnonzero(middle <= limit)[0])) <= 1
    assert abs(reached(course.touch, limit) - int(np.flatnonzero(after <= limit)[0])) <= 2
    assert 2 * measured == pytest.approx(theory, rel=10 * dw)  # first order in dw
    assert np.all(array.pulse_numbers == pulses)

    other = np.array(float_loop(dw, up, down * 1.001, tau, start, pulses))
    assert np.abs(course.touch - np.abs(other - target)).max() > 1e-5


def test_the_pulses_that_the_guide_tells() -> None:
    """docs/integration.md: so many slots of that step bring soft bounds ±1 nearer by that factor."""
    text = (ROOT / "docs" / "integration.md").read_text(encoding="utf-8")
    (told,) = re.findall(r"with steps of ([\d.]+)\sat weight 0, (\d+) slots leave a (\d+)th", text)
    step, slots, part = float(told[0]), int(told[1]), int(told[2])
    weights = float_loop(step, 1.0, 1.0, 1.0, 0.8, slots)
    assert abs((weights[-2] + weights[-1]) / 2) == pytest.approx(0.8 / part, rel=0.05)
    assert log(part) / step == pytest.approx(slots, rel=0.01)


def test_pulses_scale_with_one_over_dw() -> None:
    measured = []
    for dw in (8e-3, 4e-3, 2e-3):
        array = make(dw)
        theory = Theory.of(array)
        course = calibrate(array, method="cyclic", pulses=theory.long(0.01), seed=1)
        measured.append(reached(course.rms, 0.01 * theory.scale))
    assert [b / a for a, b in pairwise(measured)] == pytest.approx([2, 2], rel=0.07)


def test_mid_point_hides_the_limit_cycle() -> None:
    """With steps that are large beside the error, no pulse touches it while pairs are within it; both as derived."""
    dw, up, down = 0.02, 1.0, 0.6
    course = calibrate(make(dw), method="cyclic", pulses=3000, seed=1)
    step, share = dw * up * 0.75, down / (up + down)
    assert course.touch[-1] == pytest.approx(share * step, rel=0.02)
    assert course.touch[-2] == pytest.approx((1 - share) * step, rel=0.02)
    assert course.rms[-1] == pytest.approx((0.5 - share) * step, rel=0.02)
    assert course.floor == pytest.approx(course.touch[-1], rel=1e-6)
    assert reached(course.touch[-100:], 0.01 * 0.25) is None
    assert reached(course.rms[-100:], 0.01 * 0.25) == 0


@pytest.mark.parametrize(
    ("method", "noise", "multiplicative", "order"),
    [("cyclic", 0.0, False, 1.0), ("cyclic", 1.0, False, 0.5), ("cyclic", 1.0, True, 0.5), ("random", 0.0, False, 0.5)],
)
def test_floor(method: str, noise: float, multiplicative: bool, order: float) -> None:
    """Within the sampling error of 1024 cells, 1 / sqrt(2 * 1024) = 2 %, of the theory, for two steps."""
    floors = []
    for dw in (8e-3, 2e-3):
        array = make(dw, rows=32, columns=32, dw_min_std=noise, mult_noise=multiplicative)
        theory = Theory.of(array)
        pulses = 2 * round(7 / float(theory.rate.mean()))
        course = calibrate(array, method=method, pulses=pulses, seed=3)
        assert course.floor == pytest.approx(theory.floor(method), rel=0.08)
        floors.append(course.floor)
    assert log(floors[0] / floors[1]) / log(4) == pytest.approx(order, abs=0.08)
    assert theory.floor("random") > 1.3 * theory.floor("cyclic")


def test_random_signs_have_the_rate_of_cyclic_ones() -> None:
    """What the cells have in common falls alike, the spread between the cells does not."""
    courses, theory = {}, Theory.of(make(2e-3))
    for method in ("cyclic", "random"):
        courses[method] = calibrate(make(2e-3, rows=32, columns=32), method=method, pulses=3000, seed=5)
    pulses = {method: reached(course.systematic, 0.05 * theory.scale) for method, course in courses.items()}
    assert 2 * pulses["cyclic"] == pytest.approx(theory.pulses(0.05), rel=0.02)
    assert 2 * pulses["random"] == pytest.approx(theory.pulses(0.05), rel=0.05)
    assert courses["random"].rms[-1] > 4 * courses["cyclic"].rms[-1]
    assert courses["random"].residual.std() > 20 * courses["cyclic"].residual.std()


def test_cells_of_different_rates() -> None:
    """The RMS over the cells is that of their exponentials; noise is off."""
    array = make(5e-3, rows=7, columns=11, dw_min_dtod=0.2, up_down_dtod=0.05, w_max_dtod=0.1, w_min_dtod=0.1)
    theory = Theory.of(array)
    assert theory.rate.std() > 0.1 * theory.rate.mean()
    pulses = theory.pulses(0.05)
    left = theory.error * np.exp(-theory.rate * pulses)
    assert sqrt((left**2).mean() / (theory.target**2).mean()) == pytest.approx(0.05, rel=1e-6)
    course = calibrate(array, method="cyclic", pulses=2 * round(pulses), seed=1)
    assert 2 * reached(course.rms, 0.05 * theory.scale) == pytest.approx(pulses, rel=0.02)


def test_other_families_are_straight_lines_near_their_symmetric_point() -> None:
    """Exponential steps, which have no closed form of N: rate and limit cycle of the tangents."""
    bend = {"A_up": -1.18445, "A_down": -0.081404, "gamma_up": 5.0, "gamma_down": 5.0, "a": -0.5, "b": -0.5}
    device = ExponentialStep(dw_min=1e-3, up_down=0.259359, w_max=1.0, w_min=-1.0, **bend, **NO_VARIATION)
    array = DeviceArray(cells=device.cells(rows=2, columns=2, seed=1, array="test"), key=1)
    target = array.symmetric_point()
    array.program(target + to_weight(0.02))
    theory = Theory.of(array)
    assert theory.error == pytest.approx(np.full((2, 2), 0.02))
    limit = 0.25 * 0.02
    pulses = theory.pulses(limit / theory.scale)
    assert pulses == pytest.approx(log(4) / theory.rate[0, 0])
    course = calibrate(array, method="cyclic", pulses=2 * round(8 / theory.rate[0, 0]), seed=1)
    assert 2 * reached(course.rms, limit) == pytest.approx(pulses, rel=0.05)
    assert course.floor == pytest.approx(theory.floor("cyclic"), rel=0.05)


def test_residual_is_the_reference_offset_of_calibrated_cells() -> None:
    """Cells that take their calibrated state as zero have their symmetric point at minus the residual."""
    array = make(rows=17, columns=3, dw_min_std=0.3, dw_min_dtod=0.3, up_down_dtod=0.1)
    course = calibrate(array, method="random", pulses=2000, seed=1)
    cells = replace(array.cells, reference=array.state.astype(np.int64))
    assert np.array_equal(-cells.symmetric_point(), course.residual * WEIGHT_ONE)
    assert np.array_equal(array.weights - array.symmetric_point(), course.residual * WEIGHT_ONE)
    assert course.touch[-1] == pytest.approx(sqrt((course.residual**2).mean()))
    assert course.residual.std() > 0
    # the same convention as that of the devices: an offset moves the visible symmetric point down
    offset = SoftBoundsReference(reference_mean=0.125).cells(rows=2, columns=2, seed=1, array="P")
    assert np.all(offset.symmetric_point() == -(WEIGHT_ONE // 8))


@pytest.mark.parametrize(("method", "scope"), [("cyclic", "cell"), ("random", "cell"), ("random", "array")])
def test_same_seed_same_course(method: str, scope: str) -> None:
    def course(seed: int) -> list[np.ndarray]:
        array = make(seed=seed, dw_min_std=0.3)
        result = calibrate(array, method=method, scope=scope, pulses=130, seed=seed)
        return [result.rms, result.systematic, result.touch, result.residual, array.weights]

    first = course(1)
    assert all(np.array_equal(a, b) for a, b in zip(first, course(1), strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, course(2), strict=True))


def take(count: int, method: str, **more: object) -> np.ndarray:
    return np.array(
        list(islice(signs(method, **{"scope": "cell", "rows": 3, "columns": 17, "seed": 1, **more}), count))
    )


def test_signs() -> None:
    cyclic = take(5, "cyclic")
    assert np.array_equal(cyclic, np.broadcast_to(np.array([1, -1, 1, -1, 1])[:, None, None], (5, 3, 17)))
    cell = take(2000, "random")
    assert set(np.unique(cell)) == {-1, 1}
    assert abs(cell.mean()) < 5 / sqrt(cell.size)
    flat = cell.reshape(2000, -1).astype(float)
    assert np.abs(flat.T @ flat / 2000 - np.eye(51)).max() < 6 / sqrt(2000)  # cells
    assert abs((flat[1:] * flat[:-1]).mean()) < 5 / sqrt(flat.size)  # successive pulses
    array = take(2000, "random", scope="array")
    assert np.all(array == array[:, :1, :1])
    assert abs(array[:, 0, 0].mean()) < 5 / sqrt(2000)
    assert not np.array_equal(take(2000, "random", seed=2), cell)


def test_progress_tells_every_pulse() -> None:
    told: list[int] = []
    calibrate(make(), method="cyclic", pulses=130, seed=1, advance=told.append)
    assert told == [64, 64, 2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "zigzag"}, "method = 'zigzag': must be one of cyclic, random"),
        ({"scope": "row"}, "scope = 'row': must be one of cell, array"),
        ({"pulses": 0}, "pulses = 0: must be an even number from 2"),
        ({"pulses": 7}, "pulses = 7: must be an even number from 2"),
    ],
)
def test_bad_input(changes: dict, message: str) -> None:
    array = make()
    with pytest.raises(ValueError, match=message):
        calibrate(array, **{"method": "cyclic", "pulses": 2, "seed": 1, **changes})
    assert not array.pulse_numbers.any()


def test_constant_steps_have_no_symmetric_point() -> None:
    cells = make().cells
    array = DeviceArray(cells=replace(cells, slope=np.zeros_like(cells.slope)), key=1)
    with pytest.raises(ValueError, match="slope of the cells: must be above 0"):
        Theory.of(array)
