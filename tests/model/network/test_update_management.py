# SPDX-License-Identifier: Apache-2.0
"""Tests of update management against its equations in floating point."""

import math

import numpy as np
import pytest

from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.network.update_management import MEAN_BITS, UpdateManager, _quotient
from symtrack.model.spec.config import NAMED, TileConfig


def equations(config: TileConfig, x: np.ndarray, delta: np.ndarray, m_x: float, m_delta: float, rate: float):
    """BL and the probabilities of both sides."""
    x_max, delta_max = np.abs(x).max(), np.abs(delta).max()
    k = rate * config.bl_max * (x_max / m_x) * (delta_max / m_delta)
    bl = min(math.ceil(k), config.bl_max)
    root = math.sqrt(k / bl)
    return bl, np.abs(x) / x_max * root, np.abs(delta) / delta_max * root


@pytest.mark.parametrize("name", ["tiny", "odd", "digits_hidden"])
def test_vectors_follow_the_equations(name: str) -> None:
    config = NAMED[name]
    manager = UpdateManager(config=config, fast_rate=0.5, momentum=0.99)
    rng = np.random.default_rng(1)
    scale = 1 << config.magnitude_bits
    m_x = m_delta = None
    for _ in range(50):
        x = rng.integers(-VALUE_ONE, VALUE_ONE, config.columns)
        delta = rng.integers(-VALUE_ONE, VALUE_ONE, config.rows) >> int(rng.integers(0, 8))
        x_max, delta_max = np.abs(x).max(), np.abs(delta).max()
        m_x = x_max if m_x is None else 0.99 * m_x + 0.01 * x_max
        m_delta = delta_max if m_delta is None else 0.99 * m_delta + 0.01 * delta_max
        vectors = manager.vectors(x, delta)
        bl, p_x, p_delta = equations(config, x, delta, m_x, m_delta, 0.5)
        assert vectors.bl == bl
        assert np.abs(vectors.x_magnitude - np.minimum(p_x * scale, scale - 1)).max() <= 2
        assert np.abs(vectors.delta_magnitude - np.minimum(p_delta * scale, scale - 1)).max() <= 2
        assert np.array_equal(vectors.x_negative, x < 0)
        assert np.array_equal(vectors.delta_negative, delta < 0)


def test_expected_coincidences_do_not_depend_on_how_the_train_is_cut() -> None:
    """BL * p_i * p_j = k * |x_j delta_i| / (max|x| max|delta|), whatever BL is."""
    config = NAMED["small"]
    x, delta = np.arange(16) * VALUE_ONE // 16, np.arange(16) * VALUE_ONE // 64
    for rate in (0.01, 0.1, 0.9):
        vectors = UpdateManager(config=config, fast_rate=rate, momentum=0.99).vectors(x, delta)
        expected = rate * config.bl_max * np.outer(delta, x) / (delta.max() * x.max())
        product = np.outer(vectors.delta_magnitude, vectors.x_magnitude) / (1 << 2 * config.magnitude_bits)
        rounding = 3 * vectors.bl / (1 << config.magnitude_bits)  # 3/2 units of a magnitude on each side
        assert np.abs(vectors.bl * product - expected).max() < rounding


@pytest.mark.parametrize("zero", ["x", "delta", "both"])
def test_nothing_to_learn_means_no_slots(zero: str) -> None:
    config = NAMED["tiny"]
    x = np.full(5, 0 if zero in ("x", "both") else VALUE_ONE)
    delta = np.full(3, 0 if zero in ("delta", "both") else VALUE_ONE)
    manager = UpdateManager(config=config, fast_rate=0.5, momentum=0.99)
    assert manager.vectors(x, delta).bl == 0
    assert manager.vectors(np.full(5, VALUE_ONE), np.full(3, VALUE_ONE)).bl > 0


def test_tiny_errors_after_large_ones_still_count() -> None:
    config = NAMED["tiny"]
    manager = UpdateManager(config=config, fast_rate=0.5, momentum=0.99)
    manager.vectors(np.full(5, VALUE_ONE), np.full(3, VALUE_ONE))
    vectors = manager.vectors(np.full(5, VALUE_ONE), np.full(3, 64))
    assert vectors.bl == 1
    assert 0 < vectors.x_magnitude.max() < 1 << config.magnitude_bits


@pytest.mark.parametrize("step", [0.01, 3.7, 1000.0])
@pytest.mark.parametrize("name", ["tiny", "odd", "digits_hidden"])
def test_a_fixed_step_is_the_expected_change_of_the_largest_pair(name: str, step: float) -> None:
    """k = step * max|x| * max|delta|; a train is as long as needed, and probabilities are at most one."""
    config, rng = NAMED[name], np.random.default_rng(2)
    manager, scale = UpdateManager(config=config, step=step), 1 << config.magnitude_bits
    lengths = set()
    for _ in range(200):
        x = rng.integers(-VALUE_ONE, VALUE_ONE, config.columns)
        delta = rng.integers(-VALUE_ONE, VALUE_ONE, config.rows) >> int(rng.integers(0, 12))
        x_max, delta_max = np.abs(x).max(), np.abs(delta).max()
        k = step * (x_max / VALUE_ONE) * (delta_max / VALUE_ONE)
        vectors = manager.vectors(x, delta)
        assert vectors.bl == min(math.ceil(k), config.bl_max) or abs(k - round(k)) < 2.0**-19
        lengths.add(vectors.bl)
        root = math.sqrt(k / max(vectors.bl, 1))
        tolerance = 1.5 + scale * root * 2.0**-20 / k  # of sqrt and rounding, and of k in steps of 2**-20
        for values, size in ((x, vectors.x_magnitude), (delta, vectors.delta_magnitude)):
            p = np.abs(values) / np.abs(values).max() * root
            assert np.abs(size - np.minimum(p * scale, scale - 1)).max() <= tolerance
        assert np.array_equal(vectors.x_negative, x < 0)
        assert np.array_equal(vectors.delta_negative, delta < 0)
    assert len(lengths) > 2 or step < 1


def test_a_fixed_step_does_not_depend_on_the_past_and_may_change() -> None:
    config, x, delta = NAMED["tiny"], np.full(5, VALUE_ONE), np.full(3, VALUE_ONE // 2)
    manager = UpdateManager(config=config, fast_rate=0.5, momentum=0.99, step=8.0)
    assert [manager.vectors(x, delta).bl for _ in range(3)] == [4, 4, 4]
    manager.vectors(x // 100, delta)
    assert manager.vectors(x, delta).bl == 4
    manager.step = 4.0
    assert manager.vectors(x, delta).bl == 2
    manager.step = 0.0
    assert manager.vectors(x, delta).bl == 0
    manager.step = None
    automatic = UpdateManager(config=config, fast_rate=0.5, momentum=0.99)
    for _ in range(5):
        automatic.vectors(x, delta)
    assert 12 < manager.vectors(x, delta).bl == automatic.vectors(x, delta).bl < 20


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("bits", [(1, 4), (4, 12), (12, 24), (20, 32)])
def test_words_of_64_bits_give_what_integers_without_bounds_give(fixed: bool, bits: tuple[int, int]) -> None:
    """Values of few and of many bits, up to those that do not fit, whose updates are left to Python's integers."""
    rng, config = np.random.default_rng(sum(bits)), NAMED["tiny"]
    for rate in (0.003, 0.5, 1.0, 40.0, 3e4, 1e9):
        arguments = {"step": rate} if fixed else {"fast_rate": rate, "momentum": 0.99}
        compiled, plain = (UpdateManager(config=config, **arguments) for _ in range(2))
        sizes = rng.integers(*bits, (2, 60))
        x_max, delta_max = (rng.integers(0, 1 << sizes[side]) for side in (0, 1))
        _, _, bl, full = compiled.plan(x_max[:, None], -delta_max[:, None])
        expected = [plain._train(*maxima) for maxima in zip(x_max.tolist(), delta_max.tolist(), strict=True)]
        assert list(zip(bl.tolist(), full.tolist(), strict=True)) == expected
        assert (compiled.x_mean, compiled.delta_mean) == (plain.x_mean, plain.delta_mean)


def test_a_quotient_is_exact_where_a_float_is_not() -> None:
    rng = np.random.default_rng(2)
    for _ in range(20_000):
        a, b, c, d = (int(rng.integers(1, 1 << int(rng.integers(1, size)))) for size in (40, 52, 42, 42))
        exact = (a * b << 2 * MEAN_BITS) // (c * d)
        assert _quotient(a, b, c, d) == (exact if exact < (1 << 40) - 1 else -1)
    for whole in (3, 12345, (1 << 20) - 1):  # a float cannot tell these from the next smaller quotient
        divisor = (1 << 41) - 21
        assert _quotient(whole, divisor, 1 << 32, divisor) == whole
        assert _quotient(whole * divisor - 1, 1, 1 << 32, divisor) == whole - 1


def test_errors_beyond_the_longest_train_are_clipped_and_inputs_keep_their_proportions() -> None:
    """As aihwkit has it: p_j = |x_j| / max|x| and p_i = min(step * max|x| * |delta_i| / bl_max, 1)."""
    config = TileConfig(rows=3, columns=2, lanes=1, magnitude_bits=16, bl_max=10)
    manager = UpdateManager(config=config, step=100.0)
    one = VALUE_ONE
    x = np.array([[one, -one // 4], [one // 100, 0], [0, 0]])
    delta = np.array([[one // 2, -one // 20, one // 40], [one, one // 2, 0], [one, 0, 0]])
    clipped = manager.within(x, delta)
    assert np.array_equal(clipped[0], [one // 10, -one // 20, one // 40])
    assert np.array_equal(clipped[1:], delta[1:])
    vectors = manager.vectors(x[0], clipped[0])
    assert vectors.bl == 10
    assert np.allclose(vectors.x_magnitude / 2**16, [1, 0.25], atol=1e-4)
    assert np.allclose(vectors.delta_magnitude / 2**16, [1, 0.5, 0.25], atol=1e-4)
