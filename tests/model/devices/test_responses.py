# SPDX-License-Identifier: Apache-2.0
"""Tests of every device family against its step equations in floating point, compiled and not."""

from dataclasses import replace

import numpy as np
import pytest

from symtrack.model.arithmetic.formats import WEIGHT_ONE
from symtrack.model.devices import responses
from symtrack.model.devices.array import DeviceArray
from symtrack.model.devices.power_step import PowerStep
from symtrack.model.devices.presets import FAMILIES
from tests.model.helpers import device_examples as examples
from tests.model.references import device_equations as equations
from tests.model.references import pulse_noise as noise_equations

DEVICES = 25  # of every family
TOLERANCE = dict.fromkeys(FAMILIES, 5e-06)  # of the weight range, at every pulse
TOLERANCE["measured"] = 3e-5  # corners between the entries of its table


def train(rng: np.random.Generator) -> np.ndarray:
    """Pulses that go up, down past the start, alternate, and wander."""
    runs = [(1, 600), (-1, 1000), (1, 200)]
    fixed = np.concatenate([np.full(count, sign) for sign, count in runs] + [np.tile([1, -1], 200)])
    return np.concatenate([fixed, rng.choice([1, -1], 800)])


@pytest.mark.parametrize("family", FAMILIES)
def test_response_follows_the_equations(family: str) -> None:
    rng = np.random.default_rng(7)
    worst, told_apart, tolerance = 0.0, 0, TOLERANCE[family]
    for number in range(DEVICES):
        device, signs = examples.random_device(family, rng), train(rng)
        start, span = float(rng.uniform(-0.2, 0.2)), device.w_max - device.w_min
        ours, theirs = examples.response(device, start, signs), equations.response(device, start, signs)
        worst = max(worst, np.abs(ours - theirs).max() / span)
        assert worst < tolerance, (number, device)
        other = replace(device, dw_min=device.dw_min * 1.001)
        told_apart += np.abs(ours - equations.response(other, start, signs)).max() / span > tolerance
    print(f"{family}: {worst:.2e}")
    assert told_apart == DEVICES  # the twin: steps 0.1 % larger


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("noise", [0.0, 0.4])
def test_pulses_of_an_array_are_those_of_the_plain_response(family: str, noise: float) -> None:
    """The kernel works on lanes of many cells, `Cells.changes` on one pulse of all: same bits without noise."""
    device = replace(examples.random_device(family, np.random.default_rng(3)), dw_min=0.02, dw_min_std=noise)
    device = replace(device, dw_min_dtod=0.3, w_max_dtod=0.3, w_min_dtod=0.3, up_down_dtod=0.1)
    cells = device.cells(rows=33, columns=17, seed=2, array="a")
    array = DeviceArray(cells=cells, key=5)
    expected = array.state.astype(np.int64)
    counts = np.random.default_rng(4).integers(-70, 71, (33, 17))
    array.pulse(counts)
    for up in (1, 0):
        for k in range(70):
            moved = expected + (2 * up - 1) * cells.changes(up, expected)
            fires = (counts if up else -counts) > k
            expected = np.where(fires, np.clip(moved, cells.low, cells.high), expected)
    assert np.array_equal(array.state, expected) == (noise == 0.0)


NOISES = [(family, True) for family in FAMILIES] + [("measured", False), ("linear-step", False)]


@pytest.mark.parametrize(("family", "multiplicative"), NOISES)
def test_noise_is_added_as_the_equations_say(family: str, multiplicative: bool) -> None:
    """d + round(base * sigma * draw) in Python's integers, whatever the response is; base is d or the signed step."""
    device = replace(examples.random_device(family, np.random.default_rng(3)), dw_min=0.02, dw_min_std=0.4)
    device = replace(device, dw_min_dtod=0.3, up_down_dtod=0.1)
    if hasattr(device, "mult_noise"):
        device = replace(device, mult_noise=multiplicative)
    cells = device.cells(rows=5, columns=3, seed=2, array="a")
    array, counts = DeviceArray(cells=cells, key=11), np.random.default_rng(4).integers(-12, 13, (5, 3))
    state, up = array.state.astype(np.int64), (counts > 0).astype(int)
    sigma, fraction = noise_equations.sigma(cells.noise)
    array.pulse(counts)
    for k in range(12):
        change = np.where(up, cells.changes(1, state), cells.changes(0, state))
        step = np.where(up, cells.step[1], -cells.step[0])
        move = np.where(up, change, -change)
        for i, j in np.argwhere(np.abs(counts) > k):
            draw = noise_equations.draw(noise_equations.word(11, int(j * 5 + i), k))
            base = int((move if cells.multiplicative else step)[i, j])
            moved = int(state[i, j] + move[i, j]) + (base * sigma * draw + (1 << fraction - 1) >> fraction)
            state[i, j] = min(max(moved, int(cells.low[i, j])), int(cells.high[i, j]))
    assert np.array_equal(array.state, state)


@pytest.mark.parametrize("family", ["exponential-step", "power-step", "power-step-reference", "measured"])
def test_one_by_one_is_all_at_once(family: str) -> None:
    device = replace(examples.random_device(family, np.random.default_rng(5)), dw_min_std=0.5, w_max_dtod=0.2)
    cells = device.cells(rows=17, columns=3, seed=2, array="a")
    once, often = DeviceArray(cells=cells, key=5), DeviceArray(cells=cells, key=5)
    counts = np.random.default_rng(6).integers(-90, 91, (17, 3))
    once.pulse(counts)
    for _ in range(90):
        now = np.sign(counts)
        often.pulse(now)
        counts = counts - now
    assert np.array_equal(once.state, often.state)
    often.pulse(np.eye(17, 3, dtype=int))
    assert not np.array_equal(once.state, often.state)


@pytest.mark.parametrize("exponent", [0.01, 0.5, 1.0, 2.7, 16.0])
def test_powers_are_accurate(exponent: float) -> None:
    high, low = np.int64(WEIGHT_ONE), np.int64(-WEIGHT_ONE)
    states = np.linspace(int(low), int(high), 20001).astype(np.int64)
    scale = np.full_like(states, (1 << responses.POSITION_BITS) // (2 * WEIGHT_ONE))
    bend = np.full_like(states, round(exponent * (1 << responses.EXPONENT_BITS)))
    step, ends = np.full_like(states, WEIGHT_ONE), (np.full_like(states, low), np.full_like(states, high))
    place = np.stack([scale, np.zeros_like(scale)])
    for up in (0, 1):
        tables = responses.power_tables()
        ours = responses.changes(responses.Kind.POWER, up, states, step, bend, *ends, place, tables) / WEIGHT_ONE
        omega = (int(high) - states) / (2 * WEIGHT_ONE) if up else (states - int(low)) / (2 * WEIGHT_ONE)
        inside = omega > 0  # at the bound itself the bound clips whatever the step is
        error = np.abs(ours - omega**exponent)[inside].max()
        assert error < 2e-7 * (1 + exponent)
        assert np.abs(ours - omega ** (exponent * 1.0001))[inside].max() > error


@pytest.mark.parametrize("exponent", [0.01, 0.5, 1.0, 2.7, 16.0])
def test_powers_are_those_of_whole_numbers(exponent: float) -> None:
    """omega**gamma by two tables, log2(1 + i/1024) in 2**-24 and 2**(-i/1024) in 2**-28, straight lines between."""
    logs, powers = responses.power_tables().tolist()
    gamma = round(exponent * (1 << responses.EXPONENT_BITS))

    def power(omega: int) -> int:
        shift = 31 - omega.bit_length()
        index, rest = divmod((omega << shift) - (1 << 30), 1 << 20)
        log = (shift << 24) - logs[index] - ((logs[index + 1] - logs[index]) * (rest >> 4) >> 16)
        whole, rest = divmod(min(log * gamma >> responses.EXPONENT_BITS, (24 << 24) - 1), 1 << 24)
        index, rest = divmod(rest, 1 << 14)
        return (powers[index] + ((powers[index + 1] - powers[index]) * (rest >> 1) >> 13)) >> 4 + whole

    omegas = np.unique(np.r_[1:50, np.geomspace(50, 1 << 30, 4000).astype(np.int64), 1 << 30])
    one, none = np.full_like(omegas, 1 << responses.FACTOR_BITS), np.zeros_like(omegas)
    scale = np.full_like(omegas, 1 << responses.POSITION_BITS - 30)
    ours = responses.changes(
        responses.Kind.POWER,
        0,
        omegas,
        one,
        none + gamma,
        none,
        none,
        np.stack([scale, none]),
        responses.power_tables(),
    )
    assert ours.tolist() == [power(omega) for omega in omegas.tolist()]


def test_exponents_of_widely_spread_cells_are_cut_off() -> None:
    device = PowerStep(pow_gamma=16.0, pow_up_down_dtod=10.0)
    cells = device.cells(rows=40, columns=20, seed=1, array="a")
    assert cells.slope.max() == 127 << responses.EXPONENT_BITS
    ordinary = replace(device, pow_up_down_dtod=0.1).cells(rows=40, columns=20, seed=1, array="a")
    assert ordinary.slope.max() < 127 << responses.EXPONENT_BITS


def test_tables_are_the_same_everywhere() -> None:
    """Digests of tables that only correctly rounded operations make."""
    logs, powers = responses.power_tables().astype(np.int64)
    assert (logs[0], logs[512], logs[1024]) == (0, round(np.log2(1.5) * 2**24), 1 << 24)
    assert (powers[0], powers[512], powers[1024]) == (1 << 28, round(2**27.5), 1 << 27)
    assert (int(logs.sum()), int(powers.sum())) == (9582813927, 198483830761)


def test_a_table_below_zero_means_no_step_at_all() -> None:
    for left, right in ((-7, -3), (-1 << 20, -1), (0, 0), (0, -5)):
        for fraction in (0, 1, (1 << 16) - 1):
            assert responses.table_factor(fraction, left, right) == 0
    assert responses.table_factor(1 << 15, -3, 7) == 2


@pytest.mark.parametrize("family", ["exponential-step", "measured"])
def test_a_table_has_an_entry_beyond_its_last_segment(family: str) -> None:
    """A weight at the upper bound is read between the last two entries."""
    device = examples.random_device(family, np.random.default_rng(1))
    assert examples.single(device).cells.table.shape == (2, (1 << responses.SEGMENT_BITS) + 2)


def test_a_step_times_a_factor_is_rounded_half_up() -> None:
    steps, factors = (np.random.default_rng(7).integers(0, 1 << 31, 200) for _ in range(2))
    factors[:3], steps[:3] = 1 << 23, (1, 2, 3)  # halves
    pairs = list(zip(steps.tolist(), factors.tolist(), strict=True))
    assert [int(responses.scaled(*pair)) for pair in pairs] == [
        step * factor + (1 << 23) >> 24 for step, factor in pairs
    ]
