# SPDX-License-Identifier: Apache-2.0
"""Golden quadrant sequencer: the order of an update's slots, BL for each non-empty sign quadrant.

    q = 2 * (rows with negative delta) + (columns with negative c * x),   up(q) = sign of row != sign of column

A quadrant is non-empty when both its rows and its columns include a non-zero magnitude. Formats: a mask of signs
has bit 0 for positive and bit 1 for negative, a quadrant has 2 bits. Latency 0, no cycle is spent on an empty
quadrant. Source: one polarity per line and slot, delta P ~ -delta * (c * x)^T (docs/tile.md, section 5).
"""

from __future__ import annotations

import numpy as np

from symtrack.model.compiled import njit
from symtrack.model.spec.fixed import Int
from symtrack.model.tile.pulse_train import COLUMN_SIDE, ROW_SIDE, Bits


@njit(cache=True)
def signs_present(negative: Int, magnitude: Int) -> int:
    """Mask of the signs that occur with a non-zero magnitude among some lines."""
    positive = minus = 0
    for line in range(magnitude.size):
        positive |= magnitude[line] & (negative[line] - 1)
        minus |= magnitude[line] & -negative[line]
    return (positive != 0) | (minus != 0) << 1


@njit(cache=True)
def is_present(q: int, row_signs: int, column_signs: int) -> int:
    """1 if quadrant q has slots, from the masks of both sides."""
    return (row_signs >> (q >> ROW_SIDE & 1)) & (column_signs >> (q >> COLUMN_SIDE & 1)) & 1


@njit(cache=True)
def schedule(row_signs: int, column_signs: int, bl: int) -> Bits:
    """uint8[S]: the quadrant of every slot, from the masks of both sides and the length of a train."""
    slots = np.empty(4 * bl, np.uint8)
    size = 0
    for q in range(4):
        if is_present(q, row_signs, column_signs):
            slots[size : size + bl] = q
            size += bl
    return slots[:size]


@njit(cache=True)
def up(quadrant: Bits) -> Bits:
    """1 where a slot raises the weights of the cells at its coincidences."""
    return ((quadrant >> np.uint8(ROW_SIDE)) ^ (quadrant >> np.uint8(COLUMN_SIDE))) & np.uint8(1)
