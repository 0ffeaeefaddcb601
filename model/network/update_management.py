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
from typing import NamedTuple

import numpy as np

from symtrack.model.arithmetic.formats import VALUE_BITS
from symtrack.model.compiled import njit
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.fixed import Int
from symtrack.model.tile.interface import UpdateBatch, UpdateVectors

RATIO_BITS = 20  # fractional bits of k, fast_rate and momentum
MEAN_BITS = 16  # extra fractional bits of the running maxima, so that small changes are not lost

_LARGEST = (1 << 62) - 1

# What compiled code takes, which has words of 64 bits; the rest is left to Python's integers.
_RATE_FITS, _VALUE_FITS, _RATIO_FITS = 40, 26, 40
_LOW, _HALF, _ONE = np.uint64((1 << 32) - 1), np.uint64(32), np.uint64(1)
_MEANS, _REST = np.uint64(2 * MEAN_BITS), np.uint64(64 - 2 * MEAN_BITS)


class Plan(NamedTuple):
    """What n updates go by, int64[n] each.

    Attributes
    ----------
    x_max, delta_max : largest sizes of inputs and errors.
    bl : slots of a quadrant.
    full : the magnitude of the largest input and of the largest error.
    """

    x_max: Int
    delta_max: Int
    bl: Int
    full: Int


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

    @property
    def step(self) -> float | None:
        """alpha / dw_min of a fixed rate, None for the automatic scaling."""
        return self._given

    @step.setter
    def step(self, step: float | None) -> None:
        self._given = step
        self._step = None if step is None else round(Fraction(step) * (1 << RATIO_BITS))

    def within(self, x: Int, delta: Int) -> Int:
        """Errors [n, R], clipped where an update by a fixed rate asks for more than ``bl_max`` coincidences.

        Then the largest pair of line n has as many, and inputs keep their proportions; without it, inputs and errors
        are clipped alike.
        """
        assert self._step is not None
        most = self.config.bl_max << RATIO_BITS + 2 * VALUE_BITS
        bounds = [most // max(self._step * top, 1) for top in np.abs(x).max(axis=1).tolist()]
        limits = np.array([min(max(bound, 1), _LARGEST) for bound in bounds], np.int64)[:, None]
        clipped: Int = np.clip(delta, -limits, limits)
        return clipped

    def vectors(self, x: Int, delta: Int) -> UpdateVectors:
        """Signs, magnitudes and BL for inputs x [C] and errors delta [R], both values."""
        return next(iter(self.batch(x[None], delta[None])))

    def batch(self, x: Int, delta: Int) -> UpdateBatch:
        """Signs, magnitudes and BL of n updates for inputs x [n, C] and errors delta [n, R], all values.

        Raises
        ------
        ValueError
            There are not as many inputs as errors.
        """
        x_max, delta_max, bl, full = self.plan(x, delta)
        x_negative, x_magnitude = _split(x, x_max, full, self._high)
        delta_negative, delta_magnitude = _split(delta, delta_max, full, self._high)
        return UpdateBatch(x_negative, x_magnitude, delta_negative, delta_magnitude, bl)

    def plan(self, x: Int, delta: Int) -> Plan:
        """BL and scale of n updates one after the other, in compiled code as far as that goes.

        Raises
        ------
        ValueError
            There are not as many inputs as errors.
        """
        if len(x) != len(delta):
            raise ValueError(f"delta of {len(delta)} vectors: must be {len(x)}, one for each of x")
        x_max, delta_max, bl, full = np.zeros((4, len(x)), np.int64)
        means = np.array([self.x_mean, self.delta_mean], np.int64)
        step, rate, bl_max = -1 if self._step is None else self._step, self._fast_rate, self.config.bl_max
        _largest(x, delta, x_max, delta_max)
        done = 0
        if max(rate * bl_max, step) < 1 << _RATE_FITS:
            form = rate * bl_max, self._forgetting, step, bl_max, self.config.magnitude_bits
            done = int(_trains(x_max, delta_max, means, *form, bl, full))
            self.x_mean, self.delta_mean = means.tolist()
        for k in range(done, x_max.size):
            bl[k], full[k] = self._train(int(x_max[k]), int(delta_max[k]))
        return Plan(x_max, delta_max, bl, full)

    def _train(self, x_max: int, delta_max: int) -> tuple[int, int]:
        """BL, and sqrt(k / BL) as a magnitude, of the next update; Python's integers have no bounds."""
        self.x_mean = _follow(self.x_mean, x_max, self._forgetting)
        self.delta_mean = _follow(self.delta_mean, delta_max, self._forgetting)
        k = 0  # coincidences, RATIO_BITS fractional bits
        if self._step is not None:
            k = self._step * x_max * delta_max >> 2 * VALUE_BITS
        elif x_max and delta_max:
            top = self._fast_rate * self.config.bl_max * (x_max * delta_max << 2 * MEAN_BITS)
            k = top // (self.x_mean * self.delta_mean)
        bl = min(-(-k >> RATIO_BITS), self.config.bl_max)
        return bl, isqrt((k << 2 * self.config.magnitude_bits) // (bl << RATIO_BITS)) if bl else 0


def _follow(mean: int, value: int, forgetting: int) -> int:
    value <<= MEAN_BITS
    return mean + ((value - mean) * forgetting >> RATIO_BITS) if mean else value


_followed = njit(_follow)


@njit(cache=True)
def _product(a: np.uint64, b: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Upper and lower word of a product."""
    first = (a & _LOW) * (b & _LOW)
    second = (a >> _HALF) * (b & _LOW) + (first >> _HALF)
    third = (a & _LOW) * (b >> _HALF) + (second & _LOW)
    return (a >> _HALF) * (b >> _HALF) + (second >> _HALF) + (third >> _HALF), a * b


@njit(cache=True)
def _quotient(a: int, b: int, c: int, d: int) -> np.int64:
    """``(a * b << 2 * MEAN_BITS) // (c * d)``, or -1 if that has more than `_RATIO_FITS` bits.

    For a product a * b below 2**94 and c * d below 2**86. A float is a guess, which integers make right: it is at most
    one too small, since it is off by its rounding only.
    """
    guess = float(a) * float(b) / (float(c) * float(d)) * float(1 << 2 * MEAN_BITS)
    if guess >= float(1 << _RATIO_FITS):
        return np.int64(-1)
    high, low = _product(np.uint64(a), np.uint64(b))
    high, low = high << _MEANS | low >> _REST, low << _MEANS
    divisor_high, divisor_low = _product(np.uint64(c), np.uint64(d))
    whole = np.uint64(int(guess) + 1)
    while True:
        upper, lower = _product(whole, divisor_low)
        upper += whole * divisor_high
        if upper < high or (upper == high and lower <= low):
            return np.int64(whole)
        whole -= _ONE


@njit(cache=True)
def _root(square: int) -> int:
    """The largest integer whose square is at most this, which is below 2**62."""
    root = int(np.sqrt(float(square)))
    while root * root > square:
        root -= 1
    while (root + 1) * (root + 1) <= square:
        root += 1
    return root


@njit(cache=True)
def _trains(  # type: ignore[no-untyped-def]
    x_max, delta_max, means, rate, forgetting, step, bl_max, magnitude_bits, bl, full
):
    """`UpdateManager._train` for the first updates as far as words of 64 bits do; returns how many these are."""
    for k in range(x_max.size):
        if max(x_max[k], delta_max[k]) >= 1 << _VALUE_FITS:
            return k
        x_mean, delta_mean = _followed(means[0], x_max[k], forgetting), _followed(means[1], delta_max[k], forgetting)
        largest, ratio = x_max[k] * delta_max[k], 0
        if step >= 0:
            high, low = _product(np.uint64(step), np.uint64(largest))
            if high >> np.uint64(_RATIO_FITS - 24):
                return k
            ratio = np.int64(high << np.uint64(64 - 2 * VALUE_BITS) | low >> np.uint64(2 * VALUE_BITS))
        elif largest:
            ratio = _quotient(rate, largest, x_mean, delta_mean)
        if not 0 <= ratio < 1 << 62 - 2 * magnitude_bits:
            return k
        means[0], means[1] = x_mean, delta_mean
        bl[k] = min(-(-ratio >> RATIO_BITS), bl_max)
        full[k] = _root((ratio << 2 * magnitude_bits) // (bl[k] << RATIO_BITS)) if bl[k] else 0
    return x_max.size


@njit(cache=True)
def _largest(x: Int, delta: Int, x_max: Int, delta_max: Int) -> None:
    """The largest size in each of the vectors [n, C] and [n, R]."""
    for k in range(len(x)):
        most = 0
        for line in range(x.shape[1]):
            most = max(most, abs(x[k, line]))
        x_max[k], most = most, 0
        for line in range(delta.shape[1]):
            most = max(most, abs(delta[k, line]))
        delta_max[k] = most


@njit(cache=True)
def _split(vectors: Int, maxima: Int, full: Int, high: int) -> tuple[Int, Int]:
    """Signs (1 is negative) and magnitudes [n, lines]; ``full`` [n] is the magnitude of the largest value."""
    negative, magnitude = np.zeros(vectors.shape, np.int64), np.zeros(vectors.shape, np.int64)
    for k in range(len(vectors)):
        for line in range(vectors.shape[1]):
            value = vectors[k, line]
            if value:  # which is rare among the inputs of a sparse layer
                negative[k, line] = value < 0
                magnitude[k, line] = min((2 * full[k] * abs(value) + maxima[k]) // (2 * maxima[k]), high)
    return negative, magnitude
