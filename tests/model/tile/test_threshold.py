# SPDX-License-Identifier: Apache-2.0
"""Tests of the golden write threshold: pulse counts against exact division."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from symtrack.model.tile.threshold import write_pulses


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("pulses_max", [1, 10, 127])
@pytest.mark.parametrize("shift", [0, 3, 16, 38])
def test_equals_exact_division(shift: int, pulses_max: int, direct: bool) -> None:
    """Towards zero from the buffer, downwards without it."""
    units = [-pulses_max - 1, -pulses_max, -2, -1, 0, 1, 2, pulses_max, pulses_max + 1]
    values = np.array([unit * 2**shift + offset for unit in units for offset in (-1, 0, 1)], np.int64)
    wanted = [(math.floor if direct else math.trunc)(Fraction(int(value), 2**shift)) for value in values]
    n, clamped = write_pulses(values, shift, pulses_max, direct)
    assert n.tolist() == [max(-pulses_max, min(pulses_max, value)) for value in wanted]
    assert clamped.tolist() == [abs(value) > pulses_max for value in wanted]
    other, _ = write_pulses(values, shift, pulses_max, not direct)
    assert bool((other != n).any()) == (shift > 0)  # without bits below the threshold both are the same


@pytest.mark.parametrize("bits", [1, 4])
def test_floor_of_a_uniform_dither_has_the_mean_of_its_argument(bits: int) -> None:
    dither = np.arange(1 << bits) << (6 - bits)
    for value in range(-192, 192, 1 << (6 - bits)):
        n, _ = write_pulses(dither + value, 6, 10, True)
        assert n.mean() == value / 64
        assert set(n.tolist()) <= {math.floor(value / 64), math.ceil(value / 64)}
