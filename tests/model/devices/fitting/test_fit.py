# SPDX-License-Identifier: Apache-2.0
"""Tests of device fits: responses with known parameters are recovered, and a wrong family is told apart."""

from dataclasses import replace
from math import pi, sqrt

import numpy as np
import pytest

from symtrack.model.arithmetic.formats import WEIGHT_ONE
from symtrack.model.devices.constant_step import ConstantStep
from symtrack.model.devices.fitting import filter as ff
from symtrack.model.devices.fitting.data import UNKNOWN, make_recording
from symtrack.model.devices.fitting.fit import fit, fit_family
from symtrack.model.devices.fitting.guess import Guess
from symtrack.model.devices.fitting.models import MODELS, starts
from symtrack.model.devices.fitting.problem import FitProblem
from symtrack.model.devices.presets import FAMILIES
from tests.model.helpers.recordings import BOUNDS, DEVICES, READ, record, recording


@pytest.mark.parametrize(
    ("family", "seed"),
    [
        pytest.param(family, seed, marks=[] if seed == 1 and family != "exponential-step" else pytest.mark.slow)
        for family in DEVICES
        for seed in (1, 2, 3)
    ],
)
def test_recovers(family: str, seed: int) -> None:
    device = DEVICES[family]
    data, point = recording(device, cells=10, pulses=2000, seed=seed)
    found = fit_family(data, family)
    assert found.symmetric_point == pytest.approx(point, abs=0.02)
    assert found.read_noise == pytest.approx(READ, rel=0.05)
    assert found.device.read_noise_std * found.device.dw_min == pytest.approx(READ, rel=0.05)
    assert found.device.cells(rows=1, columns=1, seed=1, array="a").read_noise / WEIGHT_ONE == pytest.approx(
        READ, rel=0.05
    )
    assert found.deviation < 1e-5  # the written family is what was fitted
    for name, value in vars(device).items():
        if isinstance(value, bool) or name.endswith("_dtod") or name == "read_noise_std":
            continue
        share = 0.1 if name.startswith("A_") else 0.05  # one standard error of A_down is 3 % in so few pulses
        tolerance = {"up_down": 0.05, "pow_up_down": 0.05}.get(name, share * abs(value))
        assert getattr(found.device, name) == pytest.approx(value, abs=tolerance), name
    for name in ("dw_min_dtod", "up_down_dtod", "w_max_dtod", "w_min_dtod"):
        assert getattr(found.device, name) < 0.02, name


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.slow
def test_table_of_another_family(seed: int) -> None:
    """The table finds the symmetric point of exponential steps, soft bounds do not."""
    data, point = recording(DEVICES["exponential-step"], cells=10, pulses=2000, seed=seed)
    table, wrong = fit(data, ["soft-bounds", "measured"])
    assert (table.family, wrong.family) == ("measured", "soft-bounds")
    assert table.bic < wrong.bic - 100
    assert table.symmetric_point == pytest.approx(point, abs=0.02)
    assert abs(wrong.symmetric_point - point) > 0.05
    assert table.device.dw_min_std == pytest.approx(0.3, rel=0.05)
    assert np.mean(table.device.up + table.device.down) == pytest.approx(1.0)  # steps of the device are mean steps
    assert table.deviation < 1e-3  # corners of a table lie up to half a segment off


def test_the_family_of_the_data_wins() -> None:
    data, _ = recording(DEVICES["power-step"], cells=5, pulses=800, seed=4)
    fits = fit(data, ["constant-step", "linear-step", "soft-bounds", "power-step"])
    assert fits[0].family == "power-step"
    assert [one.bic for one in fits] == sorted(one.bic for one in fits)
    assert fits[0].rms_step == min(one.rms_step for one in fits)


def test_spread() -> None:
    """Each cell's steps and bounds, and their standard deviations against those of the cells that were drawn."""
    spread = {"dw_min_dtod": 0.15, "up_down_dtod": 0.05, "w_max_dtod": 0.1, "w_min_dtod": 0.06}
    data, _ = recording(replace(DEVICES["soft-bounds"], **spread), cells=24, pulses=1000, seed=5)
    found = fit_family(data, "soft-bounds")
    _, array = record(replace(DEVICES["soft-bounds"], **spread), cells=24, pulses=8, seed=5)
    for name, bound in (("w_max_dtod", array.cells.high), ("w_min_dtod", array.cells.low)):
        drawn = float(bound.std() / abs(bound.mean()))  # so few cells have not quite the spread of the family
        assert getattr(found.device, name) == pytest.approx(drawn, rel=0.1), name
    down, up = array.cells.step[..., 0]
    ratio = (up - down) / (up + down)
    assert found.device.dw_min_dtod == pytest.approx(float((up + down).std() / (up + down).mean()), rel=0.15)
    assert found.device.up_down_dtod == pytest.approx(float(ratio.std()) * 0.9, rel=0.3)
    order = [int(name) for name in data.names]
    for mine, true in ((found.steps, array.cells.step), (found.bounds[1], array.cells.high)):
        assert np.corrcoef(mine.ravel(), true[..., order, 0].ravel() / WEIGHT_ONE)[0, 1] > 0.9
    assert np.std(found.symmetric_points - array.symmetric_point()[order, 0] / WEIGHT_ONE) < 0.03


def test_additive_noise() -> None:
    data, _ = recording(replace(DEVICES["soft-bounds"], mult_noise=False), cells=4, pulses=1000, seed=6)
    found = fit_family(data, "soft-bounds")
    assert found.device.mult_noise is False
    assert found.device.dw_min_std == pytest.approx(0.3, rel=0.08)


def test_one_cell_without_noise() -> None:
    device = replace(DEVICES["soft-bounds"], dw_min_std=0.0)
    data, point = recording(device, cells=1, pulses=400, seed=7, read=0.0, missing=0.0)
    found = fit_family(data, "soft-bounds")
    assert found.rms < 1e-5
    assert found.symmetric_point == pytest.approx(point, abs=1e-4)
    assert found.device.dw_min == pytest.approx(0.02, rel=1e-3)
    assert found.device.dw_min_dtod == 0.0


def test_constant_steps_between_hard_bounds() -> None:
    """No symmetric point is made up, and the bounds are those that were reached."""
    device = ConstantStep(dw_min=0.03, up_down=0.1, **BOUNDS)
    data, _ = recording(device, cells=4, pulses=600, seed=11)
    found = fit(data, ["soft-bounds", "constant-step"])[0]
    assert found.family == "constant-step"
    assert found.symmetric_point is None
    assert (found.device.w_max, found.device.w_min) == pytest.approx((0.8, -0.6), abs=0.005)
    assert found.device.dw_min == pytest.approx(0.03, rel=0.05)


def test_every_fifth_pulse_recorded() -> None:
    points, array = record(DEVICES["soft-bounds"], cells=5, pulses=2000, seed=12, missing=0.0)
    sparse = {cell: {k: own[k] for k in range(0, 1500, 5)} for cell, own in points.items()}  # the ramps
    data = make_recording(sparse, scale=1.0, offset=0.0)
    found = fit_family(data, "soft-bounds")
    assert data.points == 5 * 299
    assert found.symmetric_point == pytest.approx(float(array.symmetric_point()[0, 0]) / WEIGHT_ONE, abs=0.02)
    assert found.device.dw_min == pytest.approx(0.02, rel=0.05)


def test_wrong_directions_show() -> None:
    """The same data with a tenth of the directions turned: a fit that ignored directions would not notice."""
    data, _ = recording(DEVICES["soft-bounds"], cells=3, pulses=400, seed=8)
    good = fit_family(data, "soft-bounds")
    turned = data.up ^ (np.random.default_rng(8).random(len(data.up)) < 0.1) * (data.up != UNKNOWN)
    bad = fit_family(replace(data, up=turned.astype(np.uint8)), "soft-bounds")
    assert bad.rms_step > 1.3 * good.rms_step


@pytest.mark.parametrize("family", MODELS)
def test_gradient(family: str) -> None:
    """The gradient is the slope of L, and the golden step equations are those of the prediction, at a random theta."""
    data, _ = recording(DEVICES["power-step"], cells=3, pulses=160, seed=9)
    model = MODELS[family][0]
    problem = FitProblem(data, model, starts(model, Guess.of(data))[0])
    rng = np.random.default_rng(9)
    theta = problem.start + 0.02 * rng.standard_normal(len(problem.start))
    along = rng.standard_normal(len(theta))
    move = 1e-5
    slope = (problem(theta + move * along) - problem(theta - move * along)) / (2 * move)
    assert problem.gradient(theta) @ along == pytest.approx(slope, rel=2e-3, abs=0.05)
    information = problem.information(theta)
    assert np.allclose(information, information.T)
    assert np.linalg.eigvalsh(information).min() > 0


def test_clipped_normal() -> None:
    """Mean and standard deviation of min(x, bound) against sums over the density."""
    for mean, spread, bound in ((0.0, 1.0, 0.3), (0.2, 0.5, 0.0), (-1.0, 2.0, 4.0), (0.0, 1.0, -7.0)):
        x = np.linspace(mean - 9 * spread, mean + 9 * spread, 200_001)
        density = np.exp(-0.5 * ((x - mean) / spread) ** 2)
        density /= density.sum()
        clipped = np.minimum(x, bound)
        average = float((clipped * density).sum())
        deviation = sqrt(float(((clipped - average) ** 2 * density).sum()))
        assert ff._below(mean, spread, bound) == pytest.approx((average, deviation), abs=1e-4)
    assert ff._below(0.0, 1.0, 0.0)[0] == pytest.approx(-1 / sqrt(2 * pi))


def test_unknown_directions_are_not_guessed() -> None:
    """Between rows that disagree a missing row has no direction; between rows that agree it has theirs."""
    signs = [1] * 40 + [-1] * 40
    points = {k: (sign, 0.01 * min(k, 80 - k) - 0.2) for k, sign in enumerate(signs)}
    for k in (10, 40):
        del points[k]
    data = make_recording({"0": points}, scale=None, offset=None)
    assert data.up[[9, 10, 11, 39, 40, 41]].tolist() == [1, 1, 1, 1, UNKNOWN, 0]
    assert np.flatnonzero(np.isnan(data.weights)).tolist() == [10, 40]
    assert data.points == 77


def test_scaling() -> None:
    points, _ = record(DEVICES["soft-bounds"], cells=2, pulses=160, seed=10)
    weights = make_recording(points, scale=1.0, offset=0.0)
    assert (weights.scale, weights.offset) == (1.0, 0.0)
    assert "given" in weights.remarks[0]
    chosen = make_recording(points, scale=None, offset=None)  # not taken as weights: their unit is unknown
    assert np.nanmax(np.abs(chosen.weights)) == pytest.approx(1.0)
    siemens = {
        cell: {k: (sign, None if w is None else 3e-6 + 2e-6 * w) for k, (sign, w) in own.items()}
        for cell, own in points.items()
    }
    scaled = make_recording(siemens, scale=None, offset=None)
    assert np.nanmax(np.abs(scaled.weights)) == pytest.approx(1.0)
    given = make_recording(siemens, scale=2e-6, offset=3e-6)
    assert np.allclose(given.weights, weights.weights, equal_nan=True)
    for arguments, field in (({"scale": 2e-7, "offset": 3e-6}, "scale"), ({"scale": None, "offset": 0.0}, "offset")):
        with pytest.raises(ValueError, match=f"^{field} = .*: must be"):
            make_recording(siemens, **arguments)


def test_families_are_known() -> None:
    assert set(MODELS) < set(FAMILIES)
    assert all("reference" not in name for name in MODELS)


def moved(points: dict, scale: float, offset: float) -> dict:
    """The same points in another unit, from another zero."""
    return {
        cell: {k: (sign, None if w is None else offset + scale * w) for k, (sign, w) in own.items()}
        for cell, own in points.items()
    }


@pytest.mark.parametrize(("scale", "offset"), [(1e-6, 0.0), (1.7, -0.4), (25.0, -3.0), (3e-9, -1e-8), (1.0, -30.0)])
def test_no_fit_depends_on_unit_or_offset(scale: float, offset: float) -> None:
    """Readings of either sign, or of both: the same device and, in the unit of the data, the same symmetric point."""
    points, _ = record(DEVICES["soft-bounds"], cells=2, pulses=320, seed=13)
    plain = make_recording(points, scale=None, offset=None)
    other = make_recording(moved(points, scale, offset), scale=None, offset=None)
    assert np.allclose(plain.weights, other.weights, atol=1e-9, equal_nan=True)
    for family in ("soft-bounds", "power-step"):
        one, two = fit_family(plain, family), fit_family(other, family)
        assert two.symmetric_point == pytest.approx(one.symmetric_point, abs=1e-4)
        assert two.device.dw_min == pytest.approx(one.device.dw_min, rel=1e-3)
        assert two.bic == pytest.approx(one.bic, abs=0.1)
        assert one.recording.conductance(one.symmetric_point) * scale + offset == pytest.approx(
            other.conductance(two.symmetric_point), abs=1e-4 * scale
        )


def test_a_parameter_at_its_limit_is_told() -> None:
    """Bounds that lie beyond what a device can have, since the scale is too small."""
    points, _ = record(replace(DEVICES["soft-bounds"], w_max=1.9, w_min=-1.9), cells=1, pulses=2000, seed=14)
    least = max(abs(w) for _, w in points["0"].values() if w is not None) / 1.89
    narrow = fit_family(make_recording(points, scale=least, offset=0.0), "soft-bounds")
    wide = fit_family(make_recording(points, scale=None, offset=None), "soft-bounds")
    assert wide.limits == ()
    assert any(line.startswith("w_m") and "at a limit of its range" in line for line in narrow.limits)


def test_a_scale_too_large_for_the_data_is_refused() -> None:
    points, _ = record(DEVICES["soft-bounds"], cells=1, pulses=320, seed=13)
    with pytest.raises(ValueError, match=r"^scale = 1000: must be at most"):
        make_recording(points, scale=1e3, offset=0.0)


def with_readings(points: dict, changed: dict[tuple[str, int], float]) -> dict:
    """The same points with other readings at (cell, pulse)."""
    return {
        cell: {k: (sign, changed.get((cell, k), w)) for k, (sign, w) in own.items()} for cell, own in points.items()
    }


@pytest.mark.parametrize(
    "changed",
    [
        {("0", 180): 3.5},
        {("0", 0): 2.5},
        {("1", 639): -4.0},
        {("0", 80): 2.9},  # where the direction turns
        {("0", 300): 0.55, ("1", 411): -7.0},  # inside the range, and another cell
        {("1", 500): 900.0, ("1", 501): 900.0},
    ],
)
def test_no_bad_reading_decides_the_device(changed: dict[tuple[str, int], float]) -> None:
    """It is named with its cell and pulse, and everything else stays what it was."""
    points, _ = record(DEVICES["soft-bounds"], cells=2, pulses=640, seed=15, missing=0.0)
    good = fit_family(make_recording(points, scale=None, offset=None), "soft-bounds")
    data = make_recording(with_readings(points, changed), scale=None, offset=None)
    bad = fit_family(data, "soft-bounds")
    assert {(cell, pulse) for cell, pulse, _ in bad.outliers} == set(changed)
    assert {(cell, pulse): value for cell, pulse, value in bad.outliers} == pytest.approx(changed)
    assert (data.scale, data.offset) == pytest.approx((good.recording.scale, good.recording.offset), rel=0.02)
    assert good.outliers == ()
    for name in ("dw_min", "dw_min_std", "w_max", "w_min"):
        assert getattr(bad.device, name) == pytest.approx(getattr(good.device, name), rel=0.02), name
    assert bad.read_noise == pytest.approx(good.read_noise, rel=0.05)
    assert bad.symmetric_point == pytest.approx(good.symmetric_point, abs=0.01)
    assert bad.rms == pytest.approx(good.rms, rel=0.05)
    assert bad.bic - good.bic < 60 * len(changed)


@pytest.mark.parametrize("off", [0.25, -0.4])
def test_two_bad_readings_in_a_row_are_no_jump(off: float) -> None:
    """Inside the range, where only the fit can tell them from readings that a cell may have."""
    points, _ = record(DEVICES["soft-bounds"], cells=2, pulses=640, seed=15, missing=0.0)
    changed = {("0", k): points["0"][k][1] + off for k in (411, 412)}
    good, bad = (
        fit_family(make_recording(own, scale=1.0, offset=0.0), "soft-bounds")
        for own in (points, with_readings(points, changed))
    )
    assert (good.outliers, [outlier[:2] for outlier in bad.outliers]) == ((), list(changed))
    assert bad.symmetric_point == pytest.approx(good.symmetric_point, abs=1e-3)
    assert bad.device.dw_min_std == pytest.approx(good.device.dw_min_std, rel=0.01)


def test_a_jump_is_no_bad_reading() -> None:
    """A cell that jumps and stays there has moved, whatever made it."""
    points, _ = record(DEVICES["soft-bounds"], cells=1, pulses=320, seed=16, missing=0.0)
    jumped = {("0", k): points["0"][k][1] - 0.5 for k in range(230, 250)}
    data = make_recording(with_readings(points, jumped), scale=None, offset=None)
    assert data.outliers == ()
    assert len(fit_family(data, "soft-bounds").outliers) <= 1


def test_few_large_steps_are_no_bad_readings() -> None:
    """Devices of two or three states: every reading is far from those about it."""
    signs = [1, -1] * 20 + [1, 1, -1, -1] * 10
    level, points = 0.0, {}
    for k, sign in enumerate(signs):
        level = min(max(level + 0.8 * sign, -1.0), 1.0)
        points[k] = (sign, level)
    assert make_recording({"0": points}, scale=None, offset=None).outliers == ()
    peaks = {k: (1 if k % 20 == 0 else -1, 10.0 * 0.6 ** (k % 20)) for k in range(800)}  # one abrupt rise, a slow fall
    assert make_recording({"0": peaks}, scale=None, offset=None).outliers == ()


@pytest.mark.parametrize("family", ["soft-bounds", pytest.param("measured", marks=pytest.mark.slow)])
@pytest.mark.parametrize("ranges", [((90.0, 10.0), (9.0, 1.0)), ((1.0, 0.0), (0.1, 0.0)), ((1.0, 0.0), (1.0, 5.0))])
def test_cells_of_different_ranges(ranges: tuple[tuple[float, float], ...], family: str) -> None:
    """Each cell has its own scale, and the fit is that of the cells that were normalised one by one."""
    points, _ = record(DEVICES["soft-bounds"], cells=4, pulses=480, seed=17)
    apart, alone = {}, {}
    for cell, own in points.items():
        weights = [w for _, w in own.values() if w is not None]
        scale, offset = ranges[int(cell) % 2]
        apart |= moved({cell: own}, scale, offset)
        half, middle = (max(weights) - min(weights)) / 2, (max(weights) + min(weights)) / 2
        alone |= moved({cell: own}, 1 / half, -middle / half)
    data = make_recording(apart, scale=None, offset=None)
    assert data.scale is None
    assert "each cell has a scale and an offset of its own, as the" in data.remarks[0]
    reference = make_recording(alone, scale=1.0, offset=0.0)
    assert np.allclose(data.weights, reference.weights, atol=1e-9, equal_nan=True)
    one, two = fit_family(data, family), fit_family(reference, family)
    assert one.symmetric_point == pytest.approx(two.symmetric_point, abs=1e-3)
    assert one.device.dw_min == pytest.approx(two.device.dw_min, rel=1e-3)
    forced = make_recording(apart, scale=None, offset=None, scales="one")
    assert forced.scale is not None


def test_spread_of_ranges_stays_in_the_device() -> None:
    """Bounds that differ as those of an array do are no reason for a scale of each cell, nor is a dead cell."""
    device = replace(DEVICES["soft-bounds"], w_max_dtod=0.2, w_min_dtod=0.2)
    points, _ = record(device, cells=4, pulses=800, seed=18)
    assert make_recording(points, scale=None, offset=None).scale is not None
    rng = np.random.default_rng(18)
    dead = {k: (sign, 0.3 + 0.003 * rng.standard_normal()) for k, (sign, _) in points["0"].items()}
    assert make_recording(points | {"dead": dead}, scale=None, offset=None).scale is not None
    each = make_recording(points | {"dead": dead}, scale=None, offset=None, scales="each")
    assert np.nanmax(np.abs(each.weights[each.of(each.names.index("dead"))])) < 0.1
    with pytest.raises(ValueError, match=r"^scales = 'each': must come without scale and offset"):
        make_recording(points, scale=1.0, offset=None, scales="each")
