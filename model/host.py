"""Fixed-point host arithmetic: activations, soft-max and update management, as a digital unit would do it.

    exp(-t) = A[t >> 12] * B[t & 4095]        tables with 30 fractional bits, t from 0 to 16 with 20
    tanh(z) = sign(z) * (1 - e) / (1 + e),    e = exp(-2|z|)
    softmax(z)_i = e_i / sum(e),              e_i = exp(z_i - max z)

Values have `VALUE_BITS` fractional bits. The tables come from `decimal`, whose exp is correctly rounded everywhere.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import cache
from math import isqrt

import numpy as np
from numba import njit

from model.fixed import Int, round_shift
from model.products import VALUE_BITS, VALUE_ONE

EXP_BITS = 30  # fractional bits of an exponential
_DIGIT_BITS = 12
_EXP_ONE = 1 << EXP_BITS
_EXP_ARGUMENT_MAX = (1 << (2 * _DIGIT_BITS)) - 1  # 16 in steps of 2**-20; exp(-16) is below 2**-23
_round_shift = njit(round_shift)
_DECIMAL = Context(prec=28, rounding=ROUND_HALF_EVEN)


@cache
def _exp_tables() -> tuple[Int, Int]:
    def entry(argument: int) -> int:
        power = _DECIMAL.exp(_DECIMAL.divide(Decimal(-argument), Decimal(VALUE_ONE)))
        return int(_DECIMAL.multiply(power, Decimal(_EXP_ONE)).to_integral_value(ROUND_HALF_EVEN))

    digits = range(1 << _DIGIT_BITS)
    high = np.array([entry(digit << _DIGIT_BITS) for digit in digits], dtype=np.int64)
    low = np.array([entry(digit) for digit in digits], dtype=np.int64)
    return high, low


@njit(cache=True)
def _exp_negative(t: Int, high: Int, low: Int) -> Int:
    clipped = np.minimum(t, _EXP_ARGUMENT_MAX)
    return _round_shift(high[clipped >> _DIGIT_BITS] * low[clipped & ((1 << _DIGIT_BITS) - 1)], EXP_BITS)


@njit(cache=True)
def _tanh(z: Int, high: Int, low: Int) -> Int:
    e = _exp_negative(2 * np.abs(z), high, low)
    quotient = (((_EXP_ONE - e) << (VALUE_BITS + 1)) // (_EXP_ONE + e) + 1) >> 1
    return np.where(z < 0, -quotient, quotient)


@njit(cache=True)
def _softmax(z: Int, high: Int, low: Int) -> Int:
    e = _exp_negative(z.max() - z, high, low)
    total = e.sum()
    return ((e << VALUE_BITS) + (total >> 1)) // total


def exp_negative(t: Int) -> Int:
    """``exp(-t)`` with 30 fractional bits for t >= 0; t beyond 16 counts as 16."""
    return np.asarray(_exp_negative(t, *_exp_tables()))


def tanh(z: Int) -> Int:
    """Hyperbolic tangent, values to values."""
    return np.asarray(_tanh(z, *_exp_tables()))


def tanh_slope(y: Int) -> Int:
    """Derivative of tanh where its result is ``y``: 1 - y**2."""
    return VALUE_ONE - round_shift(y * y, VALUE_BITS)


def softmax(z: Int) -> Int:
    """Class probabilities, values to values; their sum is one up to rounding."""
    return np.asarray(_softmax(z, *_exp_tables()))


def cross_entropy(z: Int, label: int) -> float:
    """``ln(sum_i exp(z_i)) - z_label``, rounded to 12 decimals."""
    top = int(z.max())
    total = Decimal(int(exp_negative(top - z).sum())) / _EXP_ONE
    return float(round(_DECIMAL.ln(total) + Decimal(top - int(z[label])) / VALUE_ONE, 12))


def multiply(value: Int, factor: int, fraction: int) -> Int:
    """``value * factor`` for a factor with ``fraction`` fractional bits, halves upwards."""
    return round_shift(value * factor, fraction)


def inverse_root(n: int, fraction: int) -> int:
    """``1 / sqrt(n)`` with ``fraction`` fractional bits, rounded down."""
    return isqrt((1 << (2 * fraction)) // n)
