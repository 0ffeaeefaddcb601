# SPDX-License-Identifier: Apache-2.0
"""Update management: from real vectors to the magnitudes and the length of pulse trains.

    m_x <- m_x + (1 - momentum) * (max|x| - m_x),  m_delta the same      (the first update sets them)
    k = fast_rate * bl_max * (max|x| / m_x) * (max|delta| / m_delta)     expected coincidences of the largest pair
    BL = min(ceil(k), bl_max),  p_j = |x_j| / max|x| * sqrt(k / BL),  p_i = |delta_i| / max|delta| * sqrt(k / BL)

This is DESIGN 3.1 with alpha = fast_rate * bl_max * dw_min / (m_x * m_delta), the automatic scaling of the fast rate.
With a fixed rate alpha = step * dw_min

    k = step * max|x| * max|delta|.

Probabilities become magnitudes of ``magnitude_bits`` bits, rounded and at most 2**magnitude_bits - 1.
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

import numpy as np

from symtrack.model.arithmetic.formats import VALUE_BITS
from symtrack.model.compiled import njit
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.fixed import Int
from symtrack.model.tile.interface import UpdateVectors

RATIO_BITS = 20  # fractional bits of k, fast_rate and momentum
MEAN_BITS = 16  # extra fractional bits of the running maxima, so that small changes are not lost


class UpdateManager:
    """State: the running maxima of |x| and |delta|, as values with `MEAN_BITS` more fractional bits.

    step: alpha / dw_min of a fixed rate, None for the automatic scaling; it may be changed at any time.
    """

    def __init__(
        self, *, config: TileConfig, fast_rate: float = 0.0, momentum: float = 0.0, step: float | None = None
    ) -> None:
        self.config = config
        self.x_mean = 0
        self.delta_mean = 0
        self._high = config.magnitude_format.high
        self.step = step
        self._fast_rate = round(fast_rate * (1 << RATIO_BITS))
        self._forgetting = (1 << RATIO_BITS) - round(momentum * (1 << RATIO_BITS))

    def vectors(self, x: Int, delta: Int) -> UpdateVectors:
        """Signs, magnitudes and BL for inputs x [C] and errors delta [R], both values."""
        x_max, delta_max = int(_largest(x)), int(_largest(delta))
        self.x_mean = self._follow(self.x_mean, x_max)
        self.delta_mean = self._follow(self.delta_mean, delta_max)
        k = 0  # coincidences, RATIO_BITS fractional bits
        if self.step is not None:
            k = round(Fraction(self.step) * (1 << RATIO_BITS)) * x_max * delta_max >> 2 * VALUE_BITS
        elif x_max and delta_max:
            top = self._fast_rate * self.config.bl_max * (x_max * delta_max << 2 * MEAN_BITS)
            k = top // (self.x_mean * self.delta_mean)
        bl = min(-(-k >> RATIO_BITS), self.config.bl_max)
        bits = self.config.magnitude_bits
        full = isqrt((k << 2 * bits) // (bl << RATIO_BITS)) if bl else 0  # sqrt(k / BL) as a magnitude
        x_negative, x_magnitude = _split(x, x_max, full, self._high)
        delta_negative, delta_magnitude = _split(delta, delta_max, full, self._high)
        return UpdateVectors(x_negative, x_magnitude, delta_negative, delta_magnitude, bl)

    def _follow(self, mean: int, value: int) -> int:
        value <<= MEAN_BITS
        return mean + ((value - mean) * self._forgetting >> RATIO_BITS) if mean else value


@njit(cache=True)
def _largest(values: Int) -> int:
    return np.abs(values).max()


@njit(cache=True)
def _split(values: Int, maximum: int, full: int, high: int) -> tuple[Int, Int]:
    """Signs (1 is negative) and magnitudes; ``full`` is the magnitude of the largest value."""
    size = np.abs(values)
    magnitudes = np.minimum((2 * full * size + maximum) // (2 * max(maximum, 1)), high)
    return (values < 0).astype(np.int64), magnitudes
