# SPDX-License-Identifier: Apache-2.0
"""Tests of the golden random bank: words of lines come from two of few sources and are independent all the same."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.model.tile.random_bank import Bank

BANKS = ["row_bank", "column_bank", "dither_bank", "row_chopper_bank"]


def test_a_bank_of_no_lines_has_no_state() -> None:
    for config in (TileConfig(threshold_shift=0), TileConfig()):
        bank = Bank(config.dither_bank if config.threshold_shift == 0 else config.row_chopper_bank)
        assert bank.state.shape == (0,)
        assert bank.line_words(3).shape == (3, 0)


def test_words_of_up_to_three_lines_are_independent() -> None:
    """The sources of one, two or three lines never cancel; those of four do at the corners of a rectangle."""
    bank = TileConfig(rows=17, lanes=1).row_bank
    masks = [1 << bank.pair(line)[0] | 1 << bank.pair(line)[1] for line in range(17)]
    for count in (1, 2, 3):
        assert all(np.bitwise_xor.reduce(group) for group in combinations(masks, count))
    assert not np.bitwise_xor.reduce([masks[0], masks[1], masks[bank.split], masks[bank.split + 1]])


@pytest.mark.parametrize("side", BANKS)
def test_lines_are_fair_and_pairwise_independent(side: str) -> None:
    spec = getattr(NAMED["small"].replace(row_chopper=1), side)
    bits, slots = spec.sources[0].bits, 1 << 16
    words = Bank(spec).line_words(slots)
    fires = (words < 1 << (bits - 2)).astype(np.int64)  # probability one quarter
    counts = fires.T @ fires
    expected = np.where(np.eye(spec.lines, dtype=bool), 1 / 4, 1 / 16)
    z = (counts - slots * expected) / np.sqrt(slots * expected * (1 - expected))
    assert np.abs(z).max() < 4.5
