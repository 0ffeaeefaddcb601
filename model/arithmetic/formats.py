# SPDX-License-Identifier: Apache-2.0
"""Word formats of weights and values, which devices, converters and networks share.

A weight is a word with `WEIGHT_BITS` fractional bits, int32 where it is the state of a cell, int64 elsewhere; a read
sees the first `READ_BITS` of them. A value (an input, an error or an output of a layer) has `VALUE_BITS` of them.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from symtrack.model.compiled import njit
from symtrack.model.spec.fixed import Int, bounded

WEIGHT_BITS = 30  # fractional bits of weights, states, steps and slopes: 1.0 is 2**30
WEIGHT_ONE = 1 << WEIGHT_BITS
READ_BITS = 28  # of what a read sees of a weight, an int32: from -8 to just below 8
READ_DROP = WEIGHT_BITS - READ_BITS
READ_MAX = (1 << 31) - 1
VALUE_BITS = 20  # fractional bits of inputs, errors and outputs
VALUE_ONE = 1 << VALUE_BITS
SUM_MAX = 4096 << VALUE_BITS  # where sums of values saturate: times a scale or a weight they fit 63 bits

ReadWords = NDArray[np.int32]

_DROP = 10  # squares of weights with 20 fractional bits add up in 64 bits


def to_weight(value: NDArray[np.float64] | float) -> Int:
    """Nearest word of the weight format, int64."""
    return np.rint(np.asarray(value, dtype=np.float64) * WEIGHT_ONE).astype(np.int64)


def root_mean_square(weights: Int) -> float:
    """Root mean square of weights, a weight as float; the words are cut to 20 fractional bits."""
    short = weights >> _DROP
    return sqrt(int((short * short).sum()) / short.size) / (1 << (WEIGHT_BITS - _DROP))


@njit(cache=True)
def read_word(weight: int) -> int:
    """What a read sees of a weight, for compiled code; `read_words` is that of arrays."""
    return min(max(weight >> READ_DROP, -READ_MAX - 1), READ_MAX)


def read_words(weights: Int) -> ReadWords:
    """What a read sees of weights: rounded down to `READ_BITS` fractional bits, and clipped."""
    return bounded(weights >> READ_DROP, -READ_MAX - 1, READ_MAX).astype(np.int32)
