# SPDX-License-Identifier: Apache-2.0
"""Tests of the MNIST-1D data: the same values on every machine, and no file written beside them."""

import random

import numpy as np

from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.tasks import mnist1d
from symtrack.model.training.metrics import state_sha256

DIGEST = "89749bef09e5f5bc1bf8114ffd427e83da95bf9c10d6be343a28ff1f1d1ff526"


def digest(arrays: tuple[np.ndarray, ...]) -> str:
    return state_sha256(dict(zip(("train_x", "train_y", "test_x", "test_y"), arrays, strict=True)))


def test_data_set() -> None:
    arrays = mnist1d.samples()
    assert digest(arrays) == DIGEST
    train_x, train_y, test_x, test_y = arrays
    assert (train_x.shape, test_x.shape) == ((4000, 40), (1000, 40))
    assert (np.bincount(train_y) + np.bincount(test_y)).tolist() == [500] * 10
    assert (train_x.min(), train_x.max()) == (-VALUE_ONE, VALUE_ONE)
    assert np.mean(np.abs(train_x) == VALUE_ONE) < 1e-3
    assert not (train_x & (VALUE_ONE // 256 - 1)).any()


def test_one_changed_value_changes_the_digest() -> None:
    train_x, *others = mnist1d.samples()
    changed = train_x.copy()
    changed[17, 3] ^= VALUE_ONE // 256
    assert digest((changed, *others)) != DIGEST


def test_no_point_is_near_a_boundary_of_the_rounding() -> None:
    from mnist1d.data import make_dataset

    data = make_dataset()
    steps = np.concatenate([data["x"], data["x_test"]]) * mnist1d.STEPS
    assert np.abs(steps - np.floor(steps) - 0.5).min() / mnist1d.STEPS > 1e-8


def test_rounding_and_limits() -> None:
    x = np.array([0.0, 1.0, -1.0, 0.6 / 64, -0.6 / 64, 4.1, -5.5])
    assert mnist1d.values(x).tolist() == [k * VALUE_ONE // 256 for k in (0, 64, -64, 1, -1, 256, -256)]


def test_global_generators_go_on_as_they_were() -> None:
    mnist1d.samples.cache_clear()
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    expected = random.random(), np.random.random()  # noqa: NPY002
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    mnist1d.samples()
    assert (random.random(), np.random.random()) == expected  # noqa: NPY002
