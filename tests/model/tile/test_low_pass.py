# SPDX-License-Identifier: Apache-2.0
"""Tests of the golden low-pass filter: it follows its equation, has no dead zone and stays in range."""

from __future__ import annotations

import math
import re
from fractions import Fraction

import numpy as np
import pytest

from symtrack.model.spec.config import TileConfig
from symtrack.model.tile.low_pass import filter_step
from tests.paths import ROOT


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


def sweeps(config: TileConfig, code: int) -> int:
    """Steps from 0 until Q is within half an ADC LSB of a code."""
    q, steps, target = 0, 0, code << config.reference_fraction_bits
    while 2 * abs(target - q) > 1 << config.reference_fraction_bits:
        q, steps = int(filter_step(q, target, config.filter_shift)), steps + 1
    return steps


def rule(config: TileConfig) -> int:
    """The formula of docs/integration.md for `calibration_sweeps`."""
    return math.ceil(config.adc_bits * math.log(2) / -math.log1p(-(2.0**-config.filter_shift)))


@pytest.mark.parametrize("adc", [2, 9, 12])
@pytest.mark.parametrize("more", [0, 1, 4])
def test_the_rule_for_sweeps_suffices_with_a_sixteenth_more(adc: int, more: int) -> None:
    """From 0 to full scale; in the least favourable case rounding takes nearly that much."""
    for shift in range(1, 9):
        config = TileConfig(adc_bits=adc, filter_shift=shift, reference_fraction_bits=shift + more)
        needed = max(sweeps(config, code) for code in (config.code_format.low, config.code_format.high))
        assert 7 / 8 * rule(config) <= needed <= math.ceil(17 / 16 * rule(config))


def test_the_sweeps_that_the_guide_tells() -> None:
    text = (ROOT / "docs" / "integration.md").read_text(encoding="utf-8")
    assert "⌈`adc_bits` · ln 2 / −ln(1 − 2^−`filter_shift`)⌉" in text
    (told,) = re.findall(r"with 9 bits ([\d,]+) at `filter_shift`\s2, ([\d,]+) at 4, ([\d,]+) at 8", text)
    assert "a sixteenth more" in text
    numbers = [int(number.replace(",", "")) for number in told]
    assert numbers == [rule(TileConfig(filter_shift=shift, reference_fraction_bits=8)) for shift in (2, 4, 8)]
