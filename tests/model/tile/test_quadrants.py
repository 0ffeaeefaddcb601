# SPDX-License-Identifier: Apache-2.0
"""Tests of the golden quadrant sequencer: order and polarity of the slots."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from symtrack.model.tile.quadrants import schedule, signs_present, up


@pytest.mark.parametrize("bl", [0, 1, 3])
def test_schedule(bl: int) -> None:
    for row_signs, column_signs in product(range(4), repeat=2):
        expected = [
            2 * row + column
            for row, column in product(range(2), repeat=2)
            if row_signs >> row & 1 and column_signs >> column & 1
            for _ in range(bl)
        ]
        quadrant = schedule(row_signs, column_signs, bl)
        assert quadrant.dtype == np.uint8
        assert quadrant.tolist() == expected


@pytest.mark.parametrize(
    ("negative", "magnitude", "mask"),
    [([0], [0], 0), ([1], [0], 0), ([0], [1], 1), ([1], [1], 2), ([0, 1, 1], [5, 0, 7], 3), ([0, 1], [5, 0], 1)],
)
def test_signs_present(negative: list[int], magnitude: list[int], mask: int) -> None:
    assert signs_present(np.array(negative), np.array(magnitude)) == mask


def test_up_raises_weights_where_signs_differ() -> None:
    """delta P ~ -delta * (c * x): negative delta and positive c * x raise the weight."""
    result = up(np.arange(4, dtype=np.uint8))
    assert result.dtype == np.uint8
    assert result.tolist() == [int(-row_sign * column_sign > 0) for row_sign in (1, -1) for column_sign in (1, -1)]
