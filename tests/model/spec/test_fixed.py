# SPDX-License-Identifier: Apache-2.0
"""Tests of fixed-point shifts and saturation against exact fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from symtrack.model.spec.fixed import Format, round_shift, saturate, truncate_shift

VALUES = np.array([*range(-70, 71), -(2**40) - 1, -(2**40), 2**40 - 1, 2**40 + 1, -(2**55) + 3, 2**55 - 3], np.int64)


@pytest.mark.parametrize("shift", [0, 1, 2, 5, 8, 38])
def test_round_shift(shift: int) -> None:
    exact = [math.floor(Fraction(int(v), 2**shift) + Fraction(1, 2)) for v in VALUES]
    result = round_shift(VALUES, shift)
    assert result.dtype == np.int64
    assert result.tolist() == exact
    assert [round_shift(int(v), shift) for v in VALUES] == exact


@pytest.mark.parametrize("shift", [0, 1, 2, 5, 8, 38])
def test_truncate_shift(shift: int) -> None:
    exact = [math.trunc(Fraction(int(v), 2**shift)) for v in VALUES]
    result = truncate_shift(VALUES, shift)
    assert result.dtype == np.int64
    assert result.tolist() == exact
    assert [truncate_shift(int(v), shift) for v in VALUES] == exact


@pytest.mark.parametrize(
    ("form", "low", "high"),
    [
        (Format(1), -1, 0),
        (Format(9), -256, 255),
        (Format(15, 6), -16384, 16383),
        (Format(12, 12, signed=False), 0, 4095),
        (Format(40), -(2**39), 2**39 - 1),
    ],
)
def test_ranges_and_saturation(form: Format, low: int, high: int) -> None:
    assert (form.low, form.high) == (low, high)
    inside = np.array([low, high, 0], np.int64)
    values, clipped = saturate(inside, form)
    assert values.tolist() == inside.tolist()
    assert clipped is False
    values, clipped = saturate(np.array([low - 1, high + 1, 2**50, -(2**50)], np.int64), form)
    assert values.tolist() == [low, high, high, low]
    assert clipped is True


def test_a_format_is_of_signed_integers_unless_told_otherwise() -> None:
    assert Format(8) == Format(8, fraction=0, signed=True)
