# SPDX-License-Identifier: Apache-2.0
"""Tests of the activations and other host arithmetic against the math library, to the last bit they keep."""

import math

import numpy as np
import pytest

from symtrack.model.arithmetic.activations import (
    ACTIVATIONS,
    EXP_BITS,
    VALUE_MAX,
    cross_entropy,
    exp_negative,
    inverse_root,
    relu,
    sigmoid,
    softmax,
    tanh,
    tanh_slope,
)
from symtrack.model.arithmetic.formats import VALUE_ONE


def values(*numbers: float) -> np.ndarray:
    return np.array([round(number * VALUE_ONE) for number in numbers], dtype=np.int64)


def test_exponential() -> None:
    t = np.concatenate([np.arange(5000), np.random.default_rng(0).integers(0, 16 * VALUE_ONE, 5000)])
    error = exp_negative(t) - np.exp(-t / VALUE_ONE) * (1 << EXP_BITS)
    assert np.abs(error).max() < 2  # half a unit from each table and from the product


def test_exponential_beyond_its_range_is_that_of_the_end() -> None:
    end = exp_negative(values(16) - 1)
    assert np.array_equal(exp_negative(values(17)), end)
    assert np.array_equal(exp_negative(values(1000)), end)


def test_tanh_is_odd_and_right() -> None:
    z = np.random.default_rng(1).integers(-9 * VALUE_ONE, 9 * VALUE_ONE, 10000)
    assert np.abs(tanh(z) - np.tanh(z / VALUE_ONE) * VALUE_ONE).max() < 0.51
    assert np.array_equal(tanh(-z), -tanh(z))
    assert tanh(values(0, 100, -100)).tolist() == [0, VALUE_ONE, -VALUE_ONE]


def test_tanh_slope() -> None:
    z = values(-3, -0.5, 0, 1, 4)
    expected = (1 - np.tanh(z / VALUE_ONE) ** 2) * VALUE_ONE
    assert np.abs(tanh_slope(tanh(z)) - expected).max() < 2


def test_sigmoid_is_right_and_adds_to_one() -> None:
    z = np.random.default_rng(1).integers(-9 * VALUE_ONE, 9 * VALUE_ONE, 10000)
    assert np.abs(sigmoid(z) - VALUE_ONE / (1 + np.exp(-z / VALUE_ONE))).max() < 0.51
    assert np.array_equal(sigmoid(-z) + sigmoid(z), np.full(z.shape, VALUE_ONE))
    assert sigmoid(values(0, 100, -100)).tolist() == [VALUE_ONE // 2, VALUE_ONE, 0]


def test_relu_saturates() -> None:
    assert relu(values(-1, 0, 0.5, 8, 9)).tolist() == values(0, 0, 0.5, 8, 8).tolist()
    assert VALUE_MAX == 8 * VALUE_ONE


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_slopes_are_derivatives(name: str) -> None:
    z = np.random.default_rng(2).integers(-9 * VALUE_ONE, 9 * VALUE_ONE, (50, 40))
    z = z[np.abs(z).min(axis=1) > 1000]  # away from the corner of relu
    function, step = ACTIVATIONS[name].function, 500
    quotient = (function(z + step) - function(z - step)) / (2 * step) * VALUE_ONE
    error = ACTIVATIONS[name].slope(function(z)) - quotient
    assert np.abs(error[np.abs(np.abs(z) - VALUE_MAX) > 1000]).max() < 1.1 * VALUE_ONE / step
    assert function(z).shape == z.shape


@pytest.mark.parametrize("classes", [1, 2, 10, 17])
def test_softmax_and_cross_entropy(classes: int) -> None:
    z = np.random.default_rng(classes).integers(-5 * VALUE_ONE, 5 * VALUE_ONE, classes)
    e = np.exp(z / VALUE_ONE)
    assert np.abs(softmax(np.stack([z[::-1], z]))[1] - e / e.sum() * VALUE_ONE).max() < 1
    for label in range(classes):
        assert cross_entropy(z, label) == pytest.approx(math.log(e.sum()) - z[label] / VALUE_ONE, abs=1e-8)


@pytest.mark.parametrize("n", [1, 2, 3, 33, 65, 1024])
def test_inverse_root(n: int) -> None:
    assert inverse_root(n, 30) == math.floor(2**30 / math.sqrt(n))
