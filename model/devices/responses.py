# SPDX-License-Identifier: Apache-2.0
"""Noise-free step of a pulse as a function of the state, in integers: the three kinds of response.

    LINEAR   change = step -/+ slope * v                        upwards -, downwards +
    TABLE    change = step * max(f(position), 0)                f piecewise linear, one table for up, one for down
    POWER    change = step * omega**exponent                    omega = (high - v) / (high - low) upwards,
                                                                (v - low) / (high - low) downwards

with position = v * scale + origin, from 0 to 2**POSITION_BITS, and scale = 2**POSITION_BITS / (high - low) for POWER.
Steps and states have WEIGHT_BITS fractional bits. Powers go over tables of the binary logarithm and of its inverse,
both interpolated linearly: ``omega**e = 2**-(e * -log2(omega))``, with errors below 2e-7 for each unit of e.

The tables are made from the correctly rounded functions of `decimal`: the same on every machine.
"""

from __future__ import annotations

from decimal import Context, Decimal, localcontext
from enum import IntEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray

from symtrack.model.arithmetic.formats import WEIGHT_BITS
from symtrack.model.compiled import njit
from symtrack.model.spec.fixed import Int

POSITION_BITS = 62
SEGMENT_BITS = 11  # a response table has 2**11 segments, so that a direction fits the cache beside the other lanes
FACTOR_BITS = 24  # fractional bits of f: a step is less than 128 times the step size
FACTOR_MAX = (1 << 31) - 1
EXACT = Context(prec=40)  # for the making of tables
EXPONENT_BITS = 24

Table = NDArray[np.int32]

_FRACTION_BITS = 16  # of a position inside its segment
# Unsigned where nothing is negative: vector instructions shift that faster.
_TO_SEGMENT = np.uint64(POSITION_BITS - SEGMENT_BITS)
_TO_FRACTION = np.uint64(POSITION_BITS - SEGMENT_BITS - _FRACTION_BITS)
_FRACTION_MASK = np.uint64((1 << _FRACTION_BITS) - 1)
_FACTOR_HALF, _FACTOR_SHIFT = np.uint64(1 << (FACTOR_BITS - 1)), np.uint64(FACTOR_BITS)
_WEIGHT_HALF = 1 << (WEIGHT_BITS - 1)

_OMEGA_BITS = 30
_TO_OMEGA = np.uint64(POSITION_BITS - _OMEGA_BITS)
_EXPONENT_SHIFT = np.uint64(EXPONENT_BITS)
_LOG_BITS = 24  # fractional bits of a logarithm; its differences times 16 bits fit 31
_INDEX_BITS = 10  # of both tables
_INDEX_MASK = (1 << _INDEX_BITS) - 1
_LOG_FRACTION_BITS = 16
_LOG_DROP = _OMEGA_BITS - _INDEX_BITS - _LOG_FRACTION_BITS
_LOG_FRACTION_MASK = (1 << _LOG_FRACTION_BITS) - 1
_EXP_FRACTION_BITS = 13
_EXP_DROP = _LOG_BITS - _INDEX_BITS - _EXP_FRACTION_BITS
_EXP_FRACTION_MASK = (1 << _EXP_FRACTION_BITS) - 1
_POWER_BITS = 28  # of the inverse
_POWER_DROP = _POWER_BITS - FACTOR_BITS
_EXP_MAX = np.uint64((_POWER_BITS - _POWER_DROP << _LOG_BITS) - 1)
_ONE = np.uint64(1)


class Kind(IntEnum):
    """How the step of a pulse depends on the state."""

    LINEAR = 0
    TABLE = 1
    POWER = 2


LINEAR, TABLE = int(Kind.LINEAR), int(Kind.TABLE)  # for compiled code


@cache
def power_tables() -> Table:
    """log2(1 + i / 1024) with 24 and 2**(-i / 1024) with 28 fractional bits, int32[2, 1025]."""
    size = 1 << _INDEX_BITS
    logs, powers = [], []
    with localcontext(EXACT):
        two = Decimal(2).ln()
        for i in range(size + 1):
            logs.append(round((Decimal(size + i) / size).ln() / two * (1 << _LOG_BITS)))
            powers.append(round((-two * i / size).exp() * (1 << _POWER_BITS)))
    return np.array([logs, powers], dtype=np.int32)


@njit(cache=True, forceinline=True)
def drift(state: int, slope: int) -> int:
    """LINEAR: what slope and state add to a pulse downwards and take from one upwards."""
    return (slope * state + _WEIGHT_HALF) >> WEIGHT_BITS


@njit(cache=True, forceinline=True)
def linear_change(up: int, state: int, step: int, slope: int) -> int:
    """LINEAR: the step in the direction of the pulse."""
    bend = drift(state, slope)
    return step - bend if up else step + bend


@njit(cache=True, forceinline=True)
def segment(position):  # type: ignore[no-untyped-def]
    """TABLE: segment of a position and the fraction of it that lies below."""
    place = np.uint64(position)
    return np.int64(place >> _TO_SEGMENT), np.int64((place >> _TO_FRACTION) & _FRACTION_MASK)


@njit(cache=True, forceinline=True)
def table_factor(fraction, left, right):  # type: ignore[no-untyped-def]
    """TABLE: f inside a segment from the entries at its ends, where it is positive."""
    below = np.int64(left)
    return max(below + (((np.int64(right) - below) * fraction) >> _FRACTION_BITS), 0)


@njit(cache=True, forceinline=True)
def scaled(step, factor):  # type: ignore[no-untyped-def]
    """Step times a factor, neither of them negative, rounded."""
    return np.int64((np.uint64(np.uint32(step)) * np.uint64(np.uint32(factor)) + _FACTOR_HALF) >> _FACTOR_SHIFT)


@njit(cache=True, forceinline=True)
def omega(distance, scale):  # type: ignore[no-untyped-def]
    """POWER: distance to the bound relative to the range, 30 fractional bits, at least the smallest word."""
    return max(np.int32(np.uint64(distance * scale) >> _TO_OMEGA), np.int32(1))


@njit(cache=True, forceinline=True)
def normalized(x):  # type: ignore[no-untyped-def]
    """POWER: m and s of omega = m * 2**-s with m from 1 to 2. In int32, so that more lanes fit a vector."""
    x, shift = np.int32(x), np.int32(0)
    if x < np.int32(1 << 15):
        x, shift = np.int32(x << np.int32(16)), np.int32(16)
    if x < np.int32(1 << 23):
        x, shift = np.int32(x << np.int32(8)), np.int32(shift + np.int32(8))
    if x < np.int32(1 << 27):
        x, shift = np.int32(x << np.int32(4)), np.int32(shift + np.int32(4))
    if x < np.int32(1 << 29):
        x, shift = np.int32(x << np.int32(2)), np.int32(shift + np.int32(2))
    if x < np.int32(1 << 30):
        x, shift = np.int32(x << np.int32(1)), np.int32(shift + np.int32(1))
    return x, shift


@njit(cache=True, forceinline=True)
def _between(left, right, fraction, bits):  # type: ignore[no-untyped-def]
    return np.int32(left + np.int32(np.int32(np.int32(right - left) * np.int32(fraction)) >> np.int32(bits)))


@njit(cache=True, forceinline=True)
def log_index(m):  # type: ignore[no-untyped-def]
    """POWER: entry of the table of logarithms at or below m."""
    return np.int32(m >> np.int32(_OMEGA_BITS - _INDEX_BITS)) & np.int32(_INDEX_MASK)


@njit(cache=True, forceinline=True)
def minus_log2(m, shift, left, right):  # type: ignore[no-untyped-def]
    """POWER: -log2 of m * 2**-s from the entries around m."""
    fraction = np.int32(m >> np.int32(_LOG_DROP)) & np.int32(_LOG_FRACTION_MASK)
    return np.int32(np.int32(shift << np.int32(_LOG_BITS)) - _between(left, right, fraction, _LOG_FRACTION_BITS))


@njit(cache=True, forceinline=True)
def power_log2(log, exponent):  # type: ignore[no-untyped-def]
    """POWER: minus the logarithm of the power, from that of omega."""
    product = (np.uint64(np.uint32(log)) * np.uint64(np.uint32(exponent))) >> _EXPONENT_SHIFT
    return np.int32(min(product, _EXP_MAX))


@njit(cache=True, forceinline=True)
def exp_index(log):  # type: ignore[no-untyped-def]
    """POWER: entry of the table of powers at or below the fraction of a logarithm."""
    return np.int32(log >> np.int32(_LOG_BITS - _INDEX_BITS)) & np.int32(_INDEX_MASK)


@njit(cache=True, forceinline=True)
def exp2(log, left, right):  # type: ignore[no-untyped-def]
    """POWER: 2**-log from the entries around its fraction."""
    fraction = np.int32(log >> np.int32(_EXP_DROP)) & np.int32(_EXP_FRACTION_MASK)
    power = _between(left, right, fraction, _EXP_FRACTION_BITS)
    return np.int32(power >> np.int32(np.int32(_POWER_DROP) + np.int32(log >> np.int32(_LOG_BITS))))


@njit(cache=True, forceinline=True)
def entries(table, index):  # type: ignore[no-untyped-def]
    """Two neighbouring entries of a table. Unsigned, there is nothing to check for a negative index."""
    entry = np.uint64(np.uint32(index))
    return table[entry], table[entry + _ONE]


@njit(cache=True, forceinline=True)
def change_of(kind, up, state, step, slope, low, high, scale, origin, tables):  # type: ignore[no-untyped-def]
    """The noise-free step of a pulse for one cell; scale and origin are those of its position."""
    if kind == LINEAR:
        return linear_change(up, state, step, slope)
    if kind == TABLE:
        index, fraction = segment(state * scale + origin)
        left, right = entries(tables[up], index)
        return scaled(step, table_factor(fraction, left, right))
    m, shift = normalized(omega(high - state if up else state - low, scale))
    left, right = entries(tables[0], log_index(m))
    log = power_log2(minus_log2(m, shift, left, right), slope)
    left, right = entries(tables[1], exp_index(log))
    return scaled(step, exp2(log, left, right))


@njit(cache=True)
def _changes(kind, up, states, steps, slopes, lows, highs, places, tables, result):  # type: ignore[no-untyped-def]
    for k in range(states.size):
        bend = steps[k], slopes[k], lows[k], highs[k], places[0, k], places[1, k]
        result[k] = change_of(kind, up, states[k], *bend, tables)


def changes(
    kind: Kind, up: int, state: Int, step: Int, slope: Int, low: Int, high: Int, place: Int, tables: Table
) -> Int:
    """The noise-free step of a pulse for states [..., R, C] of cells [R, C]; ``place`` [2, R, C], scale and origin."""
    result = np.zeros(state.shape, dtype=np.int64)
    flat = [_each(part, state.shape) for part in (state, step, slope, low, high)]
    places = np.stack([_each(part, state.shape) for part in place])
    _changes(int(kind), up, *flat, places, tables, result.reshape(-1))
    return result


def _each(part: Int, shape: tuple[int, ...]) -> Int:
    """The value for every state, in one dimension."""
    return np.ravel(part if part.shape == shape else np.broadcast_to(part, shape))
