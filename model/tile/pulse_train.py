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
from symtrack.model.tile.random_source import FIELD_BITS, FIELDS, Words

SIGN = FIELD_BITS - 1  # the bit of a field that stays where a line fires
# A one in every field, what moves these bits to neighbouring places above bit 42, and a mask of them.
_EVERY = np.uint64(1 | 1 << FIELD_BITS | 1 << 2 * FIELD_BITS)
_TOGETHER = np.uint64(1 << 2 * FIELD_BITS | 1 << FIELD_BITS + 1 | 1 << 2)
_PLACE, _ALL = np.uint64(2 * FIELD_BITS), np.uint64((1 << FIELDS) - 1)

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


@njit(cache=True)
def fire_packed(
    packed: Words,
    fields: Words,
    first: Int,
    second: Int,
    magnitude: Int,
    negative: Int,
    present: Int,
    bl: int,
    side: int,
) -> None:
    """`fire` for one update, into words uint64[4, lines] of zeros: slot s of a quadrant is bit s of its word.

    All slots of a word of ``fields`` are compared at once: ``2**20 + magnitude - 1 - word`` has its bit 20 where the
    line fires.

    fields: of `model.tile.random_source.step_fields`, whose runs are the quadrants that have slots.
    present: int64[4], which quadrants these are, ``bl`` slots each.
    """
    groups = np.uint64((bl + FIELDS - 1) // FIELDS)
    stride, flat = np.uint64(fields.shape[2]), fields.reshape(-1)
    quadrants, runs, counts = np.zeros((2, 2), np.int64), np.zeros((2, 2), np.uint64), np.zeros(2, np.int64)
    run = 0
    for q in range(4):
        if present[q]:
            sign = (q >> side) & 1
            quadrants[sign, counts[sign]], runs[sign, counts[sign]] = q, np.uint64(run) * stride
            counts[sign] += 1
            run += 1
    all_slots = np.uint64((1 << bl) - 1)
    for line in range(magnitude.size):  # without branches that depend on it, which nobody could predict
        sign = negative[line]
        limit = np.uint64((1 << SIGN) + magnitude[line] - 1) * _EVERY
        a, b = np.uint64(4 * first[line]) * stride, np.uint64(4 * second[line]) * stride
        for k in range(counts[sign]):
            run_a, run_b, word = a + runs[sign, k], b + runs[sign, k], np.uint64(0)
            for group in range(groups):
                above = (limit - (flat[run_a + group] ^ flat[run_b + group])) >> np.uint64(SIGN)
                word |= ((above & _EVERY) * _TOGETHER >> _PLACE & _ALL) << np.uint64(group * np.uint64(FIELDS))
            packed[quadrants[sign, k], line] = word & all_slots
