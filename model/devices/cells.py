"""Per-cell parameters of a device array, in integers: what a family of devices hands to the array.

A pulse moves the state v of a cell, clipped to [low, high], by ``+(up(v) + noise)`` or ``-(down(v) + noise)`` with

    up(v) = step_up - slope_up * v,    down(v) = step_down + slope_down * v,

and the visible weight is w = v - reference. Constant steps (slopes zero), linear steps and soft bounds are all of this
form. A family whose steps are not linear in v adds its own parameters here and its branch in `kernels.step`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.fixed import Int

WEIGHT_BITS = 30  # fractional bits of weights, states, steps and slopes: 1.0 is 2**30
WEIGHT_ONE = 1 << WEIGHT_BITS
STATE_MAX = 2 * WEIGHT_ONE - 1  # a state is an int32


def to_weight(value: NDArray[np.float64] | float) -> Int:
    """Nearest word of the weight format, int64."""
    return np.rint(np.asarray(value, dtype=np.float64) * WEIGHT_ONE).astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class Cells:
    """Parameters of R x C cells.

    step, slope: int64[2, R, C], index 0 down and 1 up, WEIGHT_BITS fractional bits. noise: int64[2, R, C], standard
    deviation of the write noise of one pulse: a weight for additive noise, a fraction of the step if
    ``multiplicative``. low, high: int64[R, C], bounds of v. reference: int64[R, C].
    """

    step: Int
    slope: Int
    noise: Int
    low: Int
    high: Int
    reference: Int
    multiplicative: bool

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.reference.shape[0], self.reference.shape[1]

    def symmetric_point(self) -> Int:
        """Visible weight at which both steps have the same size, int64[R, C].

        ``w* = (step_up - step_down) / (slope_up + slope_down) - reference``, rounded down and within the bounds.
        """
        numerator = (self.step[1] - self.step[0]) << WEIGHT_BITS
        state = numerator // np.maximum(self.slope[0] + self.slope[1], 1)
        return np.clip(state, self.low, self.high) - self.reference
