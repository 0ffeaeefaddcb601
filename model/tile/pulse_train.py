# SPDX-License-Identifier: Apache-2.0
"""Golden pulse trains: in which slots the lines of one side of the crossbar fire.

    fires[s, l] = magnitude[l] > word[s, first[l]] ^ word[s, second[l]]   and   negative[l] = bit `side` of q[s]

Magnitude and words: unsigned, ``magnitude_bits`` wide, 2**magnitude_bits stands for the probability one; signs
are 0 or 1. Latency: one cycle, the lines of a slot are registered. Throughput: one slot per cycle.
Source: stochastic update of Gokmen & Vlasov 2016, slots split by polarity (docs/tile.md, sections 3 and 5).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symtrack.model.compiled import njit
from symtrack.model.spec.fixed import Int

Bits = NDArray[np.uint8]
ROW_SIDE, COLUMN_SIDE = 1, 0


@njit(cache=True)
def fire(words: Int, first: Int, second: Int, magnitude: Int, negative: Int, quadrant: Bits, side: int) -> Bits:
    """Lines that fire.

    Parameters
    ----------
    words : int64[S, n], source words of S slots.
    first, second : int64[lines], sources of each line.
    magnitude, negative : int64[lines], the stored vector.
    quadrant : uint8[S], the sign quadrant of each slot.
    side : which bit of a quadrant is the sign of these lines, `ROW_SIDE` or `COLUMN_SIDE`.

    Returns
    -------
    uint8[S, lines]
    """
    slots, lines = quadrant.size, magnitude.size
    fires = np.zeros((slots, lines), np.uint8)
    for s in range(slots):
        sign = (quadrant[s] >> side) & 1
        for line in range(lines):
            if negative[line] == sign:
                fires[s, line] = magnitude[line] > words[s, first[line]] ^ words[s, second[line]]
    return fires
