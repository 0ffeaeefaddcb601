# SPDX-License-Identifier: Apache-2.0
"""Tests of exponentials: every one is the float64 that is next to the true value, whatever floats the machine has."""

from decimal import Decimal

import numpy as np
import pytest

from symtrack.model.arithmetic import exponential
from symtrack.model.arithmetic.exponential import exponentials

SPECIAL = [0.0, -0.0, 1.0, -1.0, 1e-300, -1e-17, 5e-17, 2.0**-53, 700.0, -700.0, -745.0, -744.5]
X = np.concatenate([SPECIAL, np.random.default_rng(1).normal(0.0, 3.0, 20_000)])


def true(x: np.ndarray) -> np.ndarray:
    return np.array([float(Decimal(value).exp()) for value in x.tolist()])


def test_every_one_is_rounded_correctly() -> None:
    assert np.array_equal(exponentials(X), true(X))
    assert exponentials(X[:6].reshape(2, 3)).shape == (2, 3)
    assert exponentials(np.zeros(0)).shape == (0,)


def test_without_a_longer_float(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exponential, "_LONGER", False)
    assert np.array_equal(exponentials(X[:500]), true(X[:500]))


def test_an_exponential_that_is_off_by_some_places_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The longer float may be wrong by as much as is allowed for."""
    exact = np.exp
    for sign in (-1, 1):
        with monkeypatch.context() as changed:
            wrong = 1 + sign * np.longdouble(2.0**-60)
            changed.setattr(exponential.np, "exp", lambda x, wrong=wrong: exact(x) * wrong)
            assert np.array_equal(exponentials(X), true(X))
