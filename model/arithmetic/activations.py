# SPDX-License-Identifier: Apache-2.0
"""Fixed-point host arithmetic: activations, soft-max and update management, as a digital unit would do it.

    exp(-t) = A[t >> 12] * B[t & 4095]        tables with 30 fractional bits, t from 0 to 16 with 20
    tanh(z) = sign(z) * (1 - e) / (1 + e),    e = exp(-2|z|)
    sigmoid(z) = 1 / (1 + e) for z >= 0 and 1 - 1 / (1 + e) else,    e = exp(-|z|)
    relu(z) = min(max(z, 0), 8),              slope 1 between the ends and 0 at and beyond them
    softmax(z)_i = e_i / sum(e),              e_i = exp(z_i - max z)

Values have `VALUE_BITS` fractional bits. The bound of relu is what keeps products in 64 bits with every allowed range
of the converters, see `model.arithmetic.converters`. The tables come from `decimal`, whose exp is correctly rounded
everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import cache
from math import isqrt

import numpy as np

from symtrack.model.arithmetic.formats import VALUE_BITS, VALUE_ONE
from symtrack.model.compiled import njit
from symtrack.model.spec.fixed import Int, bounded, round_shift

EXP_BITS = 30  # fractional bits of an exponential
VALUE_MAX = 8 * VALUE_ONE  # activations and errors saturate here
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
def _exp(t: int, high: Int, low: Int) -> int:
    clipped = min(t, _EXP_ARGUMENT_MAX)
    return _round_shift(high[clipped >> _DIGIT_BITS] * low[clipped & ((1 << _DIGIT_BITS) - 1)], EXP_BITS)


@njit(cache=True)
def _exp_negative(t: Int, high: Int, low: Int) -> Int:
    result = np.empty_like(t)
    for k in range(t.size):
        result[k] = _exp(t[k], high, low)
    return result


@njit(cache=True, error_model="numpy")
def _quotient(a: int, b: int) -> np.int64:
    """``round(a / b)`` for 0 <= a below 2**51 and a quotient below 2**21: floats hold these, so none is rounded up."""
    return (np.int64(np.float64(2 * a) / np.float64(b)) + 1) >> 1


@njit(cache=True)
def _tanh(z: Int, high: Int, low: Int) -> Int:
    result = np.empty_like(z)
    for k in range(z.size):
        e = _exp(2 * abs(z[k]), high, low)
        size = _quotient((_EXP_ONE - e) << VALUE_BITS, _EXP_ONE + e)
        result[k] = -size if z[k] < 0 else size
    return result


@njit(cache=True)
def _sigmoid(z: Int, high: Int, low: Int) -> Int:
    result = np.empty_like(z)
    for k in range(z.size):
        upper = _quotient(_EXP_ONE << VALUE_BITS, _EXP_ONE + _exp(abs(z[k]), high, low))
        result[k] = VALUE_ONE - upper if z[k] < 0 else upper
    return result


@njit(cache=True)
def _softmax(z: Int, high: Int, low: Int) -> Int:
    result = np.empty_like(z)
    for k in range(len(z)):
        e = _exp_negative(z[k].max() - z[k], high, low)
        total = e.sum()
        result[k] = ((e << VALUE_BITS) + (total >> 1)) // total
    return result


@njit(cache=True)
def _through(gradient: Int, slope: Int) -> Int:
    result = np.empty_like(gradient)
    for k in range(gradient.size):
        result[k] = min(max(_round_shift(gradient[k] * slope[k], VALUE_BITS), -VALUE_MAX), VALUE_MAX)
    return result


def through(gradient: Int, slope: Int) -> Int:
    """The errors below an activation, gradient times slope, saturated; values of one shape."""
    return np.asarray(_through(gradient.ravel(), slope.ravel())).reshape(gradient.shape)


def exp_negative(t: Int) -> Int:
    """``exp(-t)`` with 30 fractional bits for t >= 0; t beyond 16 counts as 16."""
    return np.asarray(_exp_negative(t.ravel(), *_exp_tables())).reshape(t.shape)


def tanh(z: Int) -> Int:
    """Hyperbolic tangent, values to values of any shape."""
    return np.asarray(_tanh(z.ravel(), *_exp_tables())).reshape(z.shape)


def tanh_slope(y: Int) -> Int:
    """Derivative of tanh where its result is ``y``: 1 - y**2."""
    return np.asarray(_tanh_slope(y.ravel())).reshape(y.shape)


@njit(cache=True)
def _tanh_slope(y: Int) -> Int:
    result = np.empty_like(y)
    for k in range(y.size):
        result[k] = VALUE_ONE - _round_shift(y[k] * y[k], VALUE_BITS)
    return result


def sigmoid(z: Int) -> Int:
    """Logistic function, values to values of any shape."""
    return np.asarray(_sigmoid(z.ravel(), *_exp_tables())).reshape(z.shape)


def sigmoid_slope(y: Int) -> Int:
    """Derivative of the logistic function where its result is ``y``: y * (1 - y)."""
    return round_shift(y * (VALUE_ONE - y), VALUE_BITS)


def relu(z: Int) -> Int:
    """Rectifier, values to values up to `VALUE_MAX`."""
    return bounded(z, 0, VALUE_MAX)


def relu_slope(y: Int) -> Int:
    """Derivative of the rectifier where its result is ``y``: one strictly between its ends."""
    return np.where((y > 0) & (y < VALUE_MAX), VALUE_ONE, 0)


@dataclass(frozen=True)
class Activation:
    """A function between layers and its derivative as a function of its result."""

    function: Callable[[Int], Int]
    slope: Callable[[Int], Int]


ACTIVATIONS = {
    "tanh": Activation(tanh, tanh_slope),
    "sigmoid": Activation(sigmoid, sigmoid_slope),
    "relu": Activation(relu, relu_slope),
}


def softmax(z: Int) -> Int:
    """Class probabilities of samples [n, classes], values to values; the sum of each is one up to rounding."""
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
