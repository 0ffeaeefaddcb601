# SPDX-License-Identifier: Apache-2.0
"""Tests of the golden pulse trains: lines fire with their probability, and only in the slots of their sign."""

from __future__ import annotations

import numpy as np
import pytest

from symtrack.model.spec.config import NAMED
from symtrack.model.tile.pulse_train import COLUMN_SIDE, ROW_SIDE, fire
from symtrack.model.tile.random_bank import Bank


@pytest.mark.parametrize("side", [ROW_SIDE, COLUMN_SIDE])
@pytest.mark.parametrize("name", ["tiny", "odd", "digits_output"])
def test_equals_the_definition(name: str, side: int) -> None:
    bank, lines = Bank(NAMED[name].row_bank), NAMED[name].rows
    rng = np.random.default_rng(1)
    words, magnitude, negative = bank.words(40), rng.integers(0, 4096, lines), rng.integers(0, 2, lines)
    quadrant = rng.integers(0, 4, 40).astype(np.uint8)
    fires = fire(words, bank.first, bank.second, magnitude, negative, quadrant, side)
    assert fires.dtype == np.uint8
    for s in range(40):
        for line in range(lines):
            first, second = NAMED[name].row_bank.pair(line)
            on = magnitude[line] > int(words[s, first]) ^ int(words[s, second])
            assert fires[s, line] == (on and negative[line] == int(quadrant[s]) >> side & 1)


def test_limits_of_the_magnitude() -> None:
    """Zero never fires, the largest magnitude misses one word in 2**bits, and the probability is exact on all words."""
    words = np.stack([np.arange(4096), np.zeros(4096, int)], axis=1)
    quadrant = np.zeros(4096, np.uint8)
    for magnitude in (0, 1, 2048, 4095):
        fires = fire(words, np.array([0]), np.array([1]), np.array([magnitude]), np.array([0]), quadrant, ROW_SIDE)
        assert fires.sum() == magnitude


def test_one_flipped_bit_is_found() -> None:
    bank = Bank(NAMED["tiny"].row_bank)
    words, quadrant = bank.words(2000), np.zeros(2000, np.uint8)
    results = [
        fire(words, bank.first, bank.second, np.array([900, m, 5]), np.array([0, n, 1]), quadrant, ROW_SIDE)
        for m, n in ((2048, 0), (2048 ^ 256, 0), (2048, 1))
    ]
    assert not np.array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])
