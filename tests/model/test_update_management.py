"""Update management against its equations in floating point."""

import math

import numpy as np
import pytest

from model.config import NAMED, TileConfig
from model.products import VALUE_ONE
from model.update_management import UpdateManager


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
