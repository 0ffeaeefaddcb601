# SPDX-License-Identifier: Apache-2.0
"""Tests of the golden low-pass filter: it follows its equation, has no dead zone and stays in range."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from symtrack.model.spec.config import TileConfig
from symtrack.model.tile.low_pass import filter_step


@pytest.mark.parametrize("shift", [0, 1, 2, 8])
def test_equation(shift: int) -> None:
    rng = np.random.default_rng(2)
    q, r = rng.integers(-(2**14), 2**14, (2, 17))
    exact = [int(a) + math.floor(Fraction(int(b - a), 2**shift) + Fraction(1, 2)) for a, b in zip(q, r, strict=True)]
    assert filter_step(q, r, shift).tolist() == exact
    assert filter_step(q ^ 64, r, shift).tolist() != exact or shift == 0


@pytest.mark.parametrize(("shift", "fraction"), [(0, 0), (1, 1), (2, 6), (3, 3), (8, 8), (8, 12)])
def test_constant_input_is_reached(shift: int, fraction: int) -> None:
    """Every code from every start: Q ends within half an ADC LSB and stays between start and input all the way."""
    config = TileConfig(adc_bits=4, filter_shift=shift, reference_fraction_bits=fraction)
    codes = np.arange(config.code_format.low, config.code_format.high + 1)
    start, target = (a.reshape(-1) << fraction for a in np.meshgrid(codes, codes))
    low, high = np.minimum(start, target), np.maximum(start, target)
    q = start
    for _ in range(40 << shift):
        following = filter_step(q, target, shift)
        assert np.all(np.abs(target - following) <= np.abs(target - q))
        q = following
        assert np.all((low <= q) & (q <= high))
    assert np.all(np.abs(target - q) <= (1 << shift) >> 1)
    assert np.all(2 * np.abs(target - q) <= 1 << fraction)


def test_random_input_stays_in_the_range_of_the_codes() -> None:
    rng = np.random.default_rng(3)
    q = np.zeros(100, np.int64)
    for _ in range(300):
        q = filter_step(q, rng.choice([-256, 255], 100) << 6, 2)
        assert q.min() >= -256 << 6
        assert q.max() <= 255 << 6
