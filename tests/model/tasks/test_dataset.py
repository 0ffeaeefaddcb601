# SPDX-License-Identifier: Apache-2.0
"""Tests of data of one's own: what words floats become, how they are split, and what is refused."""

from __future__ import annotations

from fractions import Fraction
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.network.architecture import Architecture, Dense
from symtrack.model.tasks.dataset import Dataset
from symtrack.model.tasks.task import Task
from symtrack.model.tasks.vector_regression import VectorRegression

RNG = np.random.default_rng(3)
X = RNG.normal(2.0, 3.0, (60, 4))
Y = np.array(["cat", "dog", "eel"] * 20)
TARGETS = np.stack([X @ [1.0, -2.0, 0.5, 0.0] + 7, 3 * X[:, 1]], axis=1)


def words(values: np.ndarray) -> np.ndarray:
    """Nearest words, with halves to even, by fractions."""
    return np.array([[round(Fraction(float(value)) * VALUE_ONE) for value in row] for row in values])


def test_minmax_is_of_the_training_samples_alone() -> None:
    data = Dataset.classification(X, Y, test=0.25, scale="minmax")
    assert data.train_x.min() == 0
    assert data.train_x.max() == VALUE_ONE
    assert (data.train_x.min(axis=0) == 0).all()
    low, high = X.min(axis=0), X.max(axis=0)
    assert (data.offset >= low).all()
    assert (data.offset + data.span <= high * (1 + 1e-12)).all()
    assert ((data.offset > low) | (data.offset + data.span < high)).any(), "all extremes were in training"
    assert np.abs(data.test_x).max() <= VALUE_ONE


@pytest.mark.parametrize("scale", ["minmax", "range", "standard"])
def test_scales_are_their_equations(scale: str) -> None:
    test = X[:5] * 0.5, Y[:5]
    data = Dataset.classification(X, Y, test=test, scale=scale)
    if scale == "standard":
        offset, span = X.mean(axis=0), 4 * X.std(axis=0)
    else:
        axis = 0 if scale == "minmax" else None
        offset, span = X.min(axis=axis), X.max(axis=axis) - X.min(axis=axis)
    for found, given in ((data.train_x, X), (data.test_x, test[0])):
        assert np.abs(found - np.clip(words((given - offset) / span), -VALUE_ONE, VALUE_ONE)).max() <= 1


def test_nothing_is_scaled_where_that_is_asked_for() -> None:
    given = np.array([[0.25, -1.0], [1.0, 0.5], [2.0**-21, 0.0]])
    data = Dataset.classification(given, [0, 1, 1], test=(given, [0, 1, 1]), scale="none")
    assert data.train_x.tolist() == words(given).tolist()
    with pytest.raises(ValueError, match=r"X\[1, 0\] = 1\.5: must be from -1 to 1 with scale = 'none'"):
        Dataset.classification(given + np.array([[0, 0], [0.5, 0], [0, 0]]), [0, 1, 1], test=1, scale="none")


def test_an_input_that_is_always_the_same_is_zero() -> None:
    given = X.copy()
    given[:, 2] = 5.0
    for scale in ("minmax", "standard"):
        data = Dataset.classification(given, Y, scale=scale)
        assert not data.train_x[:, 2].any()
        assert not data.encode(given + 1)[:, 2].any()


def test_every_class_gives_its_share_to_the_test() -> None:
    labels = np.array(["many"] * 40 + ["few"] * 20)
    data = Dataset.classification(X, labels, test=0.3)
    assert data.classes is not None
    counts = dict(zip(data.classes.tolist(), np.bincount(data.test_y).tolist(), strict=True))
    assert counts == {"many": 12, "few": 6}
    assert len(data.train_y) == 42
    again, other = Dataset.classification(X, labels, test=0.3), Dataset.classification(X, labels, test=0.3, seed=1)
    assert np.array_equal(again.test_x, data.test_x)
    assert not np.array_equal(other.test_x, data.test_x)
    together = {tuple(row) for row in np.concatenate([data.train_x, data.test_x]).tolist()}
    assert len(together) > 50, "a sample is in both parts"


@pytest.mark.parametrize("test", [5, 7, 25, 33, 0.17, 0.5])
def test_the_test_has_as_many_samples_as_told(test: float) -> None:
    labels = np.arange(100) % 10
    data = Dataset.classification(RNG.normal(size=(100, 3)), labels, test=test)
    assert len(data.test_y) == (test if isinstance(test, int) else round(100 * test))
    counts = np.bincount(data.test_y, minlength=10)
    assert counts.max() - counts.min() <= 1


def test_how_floats_became_words_is_part_of_what_a_task_is() -> None:
    plain = Dataset.regression(X, TARGETS)
    others = [Dataset.regression(X, 1000 * TARGETS + 5), Dataset.regression(X * 2, TARGETS)]
    assert np.abs(others[0].train_y - plain.train_y).max() <= 1
    assert len({one.task([3]).scaling for one in (plain, *others)}) == 3
    labels = Dataset.classification(X, Y), Dataset.classification(X, np.char.upper(Y))
    assert labels[0].task([3]).scaling != labels[1].task([3]).scaling
    assert Dataset.regression(X, TARGETS).scaling == plain.scaling


def test_labels_come_back_as_they_were_given() -> None:
    for labels in (Y, np.arange(60) % 3 + 7, np.arange(60) % 2 == 1, pd.Series(Y), list(Y)):
        data = Dataset.classification(pd.DataFrame(X), labels)
        outputs = np.eye(data.outputs, dtype=np.int64)[data.test_y] * VALUE_ONE
        assert set(data.decode(outputs).tolist()) == set(np.asarray(labels).tolist())


def test_targets_are_scaled_and_come_back_in_their_unit() -> None:
    data = Dataset.regression(X, TARGETS, test=(X[:7], TARGETS[:7]))
    assert data.outputs == 2
    assert np.allclose(data.train_y.mean(axis=0) / VALUE_ONE, 0, atol=1e-6)
    assert np.allclose(data.train_y.std(axis=0) / VALUE_ONE, 1, atol=1e-6)
    assert np.allclose(data.decode(data.test_y), TARGETS[:7], atol=1e-4)
    assert Dataset.regression(X, TARGETS[:, 0]).outputs == 1
    flat = Dataset.regression(X, np.full(60, 3.0))
    assert not flat.train_y.any()
    assert flat.explained(0.5) is None


def test_r2_is_that_of_the_definition() -> None:
    data = Dataset.regression(X, TARGETS[:, 0])
    t = data.test_y[:, 0] / VALUE_ONE
    guess = t + RNG.normal(0, 0.3, len(t))
    loss = float(np.mean((guess - t) ** 2) / 2)
    expected = 1 - np.sum((guess - t) ** 2) / np.sum((t - t.mean()) ** 2)
    assert data.explained(loss) == pytest.approx(expected)
    assert data.explained(0.0) == 1
    assert Dataset.classification(X, Y).explained(0.0) is None


def test_means_are_exact_sums() -> None:
    given = np.array([[1e16], [1.0], [-1e16], [1.0]])
    data = Dataset.classification(given, [0, 1, 0, 1], test=(given, [0, 1, 0, 1]), scale="standard")
    assert data.offset[0] == 0.5
    assert data.span[0] == 4 * sqrt(2e32 / 4)


def test_tasks_have_the_network_that_is_asked_for() -> None:
    data = Dataset.classification(RNG.random((40, 8, 8)), np.arange(40) % 2)
    assert data.size == (8, 8)
    task = data.task([5, 3])
    assert isinstance(task, Task)
    assert [(layer.rows, layer.columns) for layer in task.architecture.layers] == [(5, 65), (3, 6), (2, 4)]
    assert len(data.task([]).architecture.layers) == 1
    assert data.task({"architecture": "lenet5", "hidden": [9]}).architecture.layers[0].rows == 16
    own = Architecture(layers=(Dense(size_in=64, size_out=2),))
    assert data.task(own).architecture is own
    regression = Dataset.regression(X, TARGETS).task([4])
    assert isinstance(regression, VectorRegression)
    assert regression.architecture.layers[-1].rows == 2


def bad(**changes: Any) -> Any:
    return lambda: Dataset.classification(**({"X": X, "y": Y} | changes))


def with_value(value: float) -> np.ndarray:
    result = X.copy()
    result[3, 2] = value
    return result


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (bad(X=with_value(np.nan)), ValueError, r"X\[3, 2\] = nan: must be finite"),
        (bad(X=with_value(np.inf)), ValueError, r"X\[3, 2\] = inf: must be finite"),
        (bad(X=[[1.0, 2.0], [1.0]]), ValueError, "X: must be an array, whose rows are all equally long"),
        (bad(X=with_value(1e300)), ValueError, r"X = 1e\+300 at most: must be from -1e\+100 to 1e\+100"),
        (bad(X=[["a"]]), TypeError, r"X = <U1\[1, 1\]: must be an array of numbers"),
        (bad(X=X * 1j), TypeError, r"X = complex128\[60, 4\]: must be an array of numbers"),
        (bad(X=X[0]), ValueError, r"X = float64\[4\]: must be \[samples, inputs\]"),
        (bad(X=X[:, :0]), ValueError, r"X = float64\[60, 0\]: must be .*none empty"),
        (bad(y=Y[:5]), ValueError, r"y = <U3\[5\]: must be \[60\], a label for every sample"),
        (bad(y=np.full(60, 0.5)), TypeError, r"y = float64\[60\]: must be labels, whole numbers, texts or booleans"),
        (bad(y=np.ones(60, int)), ValueError, r"y has the label \[1\] alone: must have at least two"),
        (bad(y=[0] * 59 + [1], test=0.9), ValueError, "test = 0.9: must leave a sample of every class .* leaves no 1"),
        (bad(scale="log"), ValueError, "scale = 'log': must be one of minmax, range, standard, none"),
        (bad(test=0.0), ValueError, "test = 0.0: must leave samples for training and for the test, of 60"),
        (bad(test=1.0), ValueError, "test = 1.0: must leave"),
        (bad(test=60), ValueError, "test = 60: must be from 1 to 59"),
        (bad(test="half"), TypeError, "test = 'half': must be an integer from 1 to 59"),
        (bad(test=(X,)), ValueError, r"test = 1 arrays: must be two, \(X, y\)"),
        (bad(test=(X[:, :3], Y)), ValueError, r"test\[0\] has samples of 3: must be of 4, as X has"),
        (bad(test=(X, ["ape"] * 60)), ValueError, r"test\[1\] has the label 'ape': must be one of y"),
        (bad(seed=-1), ValueError, "seed = -1: must be from 0"),
        (bad(name=""), TypeError, "name = '': must be a text"),
        (lambda: Dataset.regression(X, Y), TypeError, r"y = <U3\[60\]: must be an array of numbers"),
        (
            lambda: Dataset.regression(X, TARGETS[:3]),
            ValueError,
            r"y = float64\[3, 2\]: must be \[60\] or \[60, outputs\]",
        ),
        (
            lambda: Dataset.regression(X, TARGETS, test=(X, TARGETS[:, :1])),
            ValueError,
            r"test\[1\] = float64\[60, 1\]: must have 2 outputs, as y has",
        ),
        (lambda: Dataset.classification(X, Y).encode(X[:, :2]), ValueError, "X has samples of 2: must be of 4, as in"),
        (lambda: Dataset.classification(X, Y).task("big"), TypeError, "network = 'big': must be a list of the sizes"),
        (lambda: Dataset.classification(X, Y).task({"size": 3}), ValueError, "network: size = 3: must be one of arch"),
        (lambda: Dataset.classification(X, Y).task([0]), ValueError, "hidden = 0: must be from 1"),
    ],
)
def test_bad_input_is_told_in_one_line(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as told:
        make()
    assert "\n" not in str(told.value)
