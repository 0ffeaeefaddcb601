"""Pulse counts against exact division."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from model.threshold import write_pulses


@pytest.mark.parametrize("pulses_max", [1, 10, 127])
@pytest.mark.parametrize("shift", [0, 3, 16, 38])
def test_equals_exact_division(shift: int, pulses_max: int) -> None:
    units = [-pulses_max - 1, -pulses_max, -2, -1, 0, 1, 2, pulses_max, pulses_max + 1]
    values = np.array([unit * 2**shift + offset for unit in units for offset in (-1, 0, 1)], np.int64)
    wanted = [math.trunc(Fraction(int(value), 2**shift)) for value in values]
    n, clamped = write_pulses(values, shift, pulses_max)
    assert n.tolist() == [max(-pulses_max, min(pulses_max, value)) for value in wanted]
    assert clamped is True
    for value, count in zip(values, wanted, strict=True):
        assert write_pulses(np.array([value]), shift, pulses_max)[1] == (abs(count) > pulses_max)
