# SPDX-License-Identifier: Apache-2.0
"""Tests of convolution and pooling against loops over pixels."""

import numpy as np
import pytest

from symtrack.model.network.architecture import Convolution, Dense
from symtrack.model.network.convolution import Windows, wiring

SHAPES = [(5, 6, 3, 2, 4, 2), (6, 6, 1, 3, 2, 2), (7, 4, 2, 4, 1, 1), (9, 9, 2, 2, 3, 3), (4, 4, 3, 1, 2, 4)]


def plan(shape: tuple[int, ...]) -> Convolution:
    names = ("height", "width", "channels", "kernel", "filters", "pool")
    return Convolution(**dict(zip(names, shape, strict=True)))


@pytest.mark.parametrize("shape", SHAPES)
def test_convolution_is_weights_times_patches(shape: tuple[int, ...]) -> None:
    height, width, channels, kernel, filters, _ = shape
    rng = np.random.default_rng(1)
    x = rng.integers(-9, 9, (2, height, width, channels))
    weights = rng.integers(-9, 9, (filters, kernel, kernel, channels))
    rows, columns = height - kernel + 1, width - kernel + 1
    expected = np.zeros((2, rows, columns, filters), np.int64)
    for sample, i, j, f, a, b, c in np.ndindex(2, rows, columns, filters, kernel, kernel, channels):
        expected[sample, i, j, f] += weights[f, a, b, c] * x[sample, i + a, j + b, c]
    patches = Windows(plan(shape)).gather(x.reshape(2, -1))
    assert np.array_equal(patches @ weights.reshape(filters, -1).T, expected.reshape(-1, filters))


@pytest.mark.parametrize("shape", SHAPES)
def test_scatter_adds_what_gather_copies(shape: tuple[int, ...]) -> None:
    windows, rng = Windows(plan(shape)), np.random.default_rng(2)
    gradient = rng.integers(-9, 9, (2 * windows.plan.patches, windows.plan.patch_size))
    expected = np.zeros((2, windows.plan.inputs), np.int64)
    for value in range(windows.plan.inputs):  # the derivative of sum(gradient * patches) by one value of each sample
        unit = np.zeros((2, windows.plan.inputs), np.int64)
        unit[:, value] = 1
        products = (windows.gather(unit) * gradient).reshape(2, -1)
        expected[:, value] = products.sum(axis=1)
    assert np.array_equal(windows.scatter(gradient), expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_pooling_takes_the_first_largest_and_its_gradient_goes_there(shape: tuple[int, ...]) -> None:
    layer = plan(shape)
    windows, rng = Windows(layer), np.random.default_rng(3)
    y = rng.integers(0, 3, (2 * layer.patches, layer.filters))  # many are equal
    (rows, columns), (high, wide), side = layer.convolved, layer.pooled, layer.pool
    image = y.reshape(2, rows, columns, layer.filters)
    gradient = rng.integers(1, 99, (2, high, wide, layer.filters))
    expected = np.zeros((2, high, wide, layer.filters), np.int64)
    back = np.zeros_like(image)
    for sample, i, j, f in np.ndindex(2, high, wide, layer.filters):
        best = None
        for a in range(i * side, (i + 1) * side):
            for b in range(j * side, (j + 1) * side):
                if best is None or image[sample, a, b, f] > image[sample, *best, f]:
                    best = a, b
        assert best is not None
        expected[sample, i, j, f] = image[sample, *best, f]
        back[sample, *best, f] = gradient[sample, i, j, f]
    pooled, chosen = windows.pool(y)
    assert np.array_equal(pooled, expected.reshape(2, -1))
    assert np.array_equal(windows.unpool(gradient.reshape(2, -1), chosen), back.reshape(-1, layer.filters))
    assert pooled.shape[1] == layer.features


def test_dense_layers_have_nothing_between() -> None:
    direct, x = wiring(Dense(size_in=3, size_out=2)), np.arange(6).reshape(2, 3)
    pooled, chosen = direct.pool(x)
    for result in (direct.gather(x), direct.scatter(x), pooled, direct.unpool(x, chosen)):
        assert np.array_equal(result, x)
