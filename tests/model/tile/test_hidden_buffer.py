# SPDX-License-Identifier: Apache-2.0
"""Tests of the golden hidden buffer: accumulation, saturation and what a write leaves behind."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from symtrack.model.tile.hidden_buffer import accumulate, forget, subtract


def test_accumulate_saturates_and_says_where() -> None:
    low, high = -(2**23), 2**23 - 1
    hidden = np.array([low, high, 0, high - 5], np.int64)
    h, saturated = accumulate(hidden, np.array([0, 0, 7, 5]), low, high)
    assert h.tolist() == [low, high, 7, high]
    assert saturated.tolist() == [False] * 4
    for product, expected in (([-1, 0, 0, 0], low), ([0, 0, 0, 6], high), ([2**44, 0, 0, 0], high)):
        h, saturated = accumulate(hidden, np.array(product), low, high)
        assert h[np.flatnonzero(product)].tolist() == [expected]
        assert saturated.tolist() == [bool(value) for value in product]
    assert hidden.tolist() == [low, high, 0, high - 5]


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_forget(bits: int) -> None:
    rng = np.random.default_rng(4)
    h, n = rng.integers(-(2**39), 2**39, 33), rng.integers(-2, 3, 33)
    for momentum in range(1 << bits):
        expected = [
            math.trunc(Fraction(int(a) * momentum, 1 << bits)) if b else int(a) for a, b in zip(h, n, strict=True)
        ]
        assert forget(h, n, momentum, bits).tolist() == expected
        assert forget(h ^ 1 << 30, n, momentum, bits).tolist() != expected


def test_subtract_leaves_the_rest() -> None:
    h = np.array([70000, -70000, 3, 65536], np.int64)
    assert subtract(h, np.array([1, -1, 0, 1]), 16).tolist() == [4464, -4464, 3, 0]
