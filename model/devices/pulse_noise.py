# SPDX-License-Identifier: Apache-2.0
"""Write noise of a pulse, in 32-bit operations that vector registers and gates have: a hash and a bent sum of fields.

    key      k = mix(cell + K0), another one for every cell of an array,
             mix(x) = s16(M2 * s15(M1 * s16(x))),   sn(x) = x xor (x >> n)
    word     x = mix(s15(M1 * s16(k + n * STEP)) + M3 * k + K1),   n the number of the pulse of the cell
    sum      u = 32 * (the eight 4-bit fields of x - 60) + 2 * (the top four bits of M4 * x) - 15
    normal   xi = u * (4935 + (q * (151 + (q * 217 >> 16)) >> 14)) / 2**9 rounded,   q = u**2 >> 6

All of this is modulo 2**32; K0 and K1 are the halves of the key of the array. The sum of fields is nearly normal, with
a standard deviation of 417; the polynomial is the one of its degree that turns its quantiles into those of the standard
normal distribution up to 4.6 standard deviations. Over all 2**32 words the mean is 0 to 1e-8, the variance 1.0002, the
kurtosis 3.0006, the shares beyond 1, 2, 3 and 4 standard deviations are right to 4 %, and the largest is 5.69. The key
of a cell goes in twice, so that cells whose streams meet in one word part again at the next.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symtrack.model.compiled import njit

DRAW_BITS = 12  # fractional bits of a draw
DRAW_MAX = 6 << DRAW_BITS  # no draw is larger

_STEP = np.uint32(0x9E3779B9)
_M1, _M2 = np.uint32(0x7FEB352D), np.uint32(0x846CA68B)
_M3, _M4 = np.uint32(0x85EBCA6B), np.uint32(0x9E3779B1)
_FIELDS, _BYTES = np.uint32(0x0F0F0F0F), np.uint32(0x01010101)
_S1, _S4, _S5, _S15, _S16, _S24, _S28 = (np.uint32(shift) for shift in (1, 4, 5, 15, 16, 24, 28))

_MIDDLE = np.int32(32 * 60 + 15)
_LINEAR, _CUBIC, _QUINTIC = np.int32(4935), np.int32(151), np.int32(217)
_SQUARE_SHIFT, _QUINTIC_SHIFT, _CUBIC_SHIFT, _SHIFT = np.int32(6), np.int32(16), np.int32(14), np.int32(9)
_HALF = np.int32(1 << 8)


# A word and its draw are a long chain of dependent multiplications. These are its links, short enough that a core sees
# several cells in one of them at a time.


@njit(cache=True, forceinline=True)
def word_start(key, number):  # type: ignore[no-untyped-def]
    """First link of the word of a pulse, a uint32, from the first key of its cell and its number."""
    x = np.uint32(key + np.uint32(number * _STEP))
    return np.uint32(np.uint32(x ^ (x >> _S16)) * _M1)


@njit(cache=True, forceinline=True)
def word_middle(x, again):  # type: ignore[no-untyped-def]
    """Second link, with the second key of the cell."""
    x = np.uint32(np.uint32(x ^ (x >> _S15)) + again)
    return np.uint32(np.uint32(x ^ (x >> _S16)) * _M1)


@njit(cache=True, forceinline=True)
def word_end(x):  # type: ignore[no-untyped-def]
    """Last link: the word, a uint32."""
    x = np.uint32(np.uint32(x ^ (x >> _S15)) * _M2)
    return np.uint32(x ^ (x >> _S16))


@njit(cache=True, forceinline=True)
def cell_keys(cell, first, second):  # type: ignore[no-untyped-def]
    """What is the same in all words of a cell, two uint32: k and M3 * k + K1. ``first`` is K0, ``second`` K1."""
    x = np.uint32(np.uint32(cell) + first)
    key = word_end(np.uint32(np.uint32(x ^ (x >> _S16)) * _M1))
    return key, np.uint32(np.uint32(key * _M3) + second)


@njit(cache=True, forceinline=True)
def draw_position(word):  # type: ignore[no-untyped-def]
    """First link of a draw, an int32: a sum of the fields of the word, about zero."""
    pairs = np.uint32((word & _FIELDS) + np.uint32((word >> _S4) & _FIELDS))
    total = np.uint32(np.uint32(pairs * _BYTES) >> _S24)
    fine = np.uint32(np.uint32(word * _M4) >> _S28)
    return np.int32(np.int32(np.uint32(np.uint32(total << _S5) + np.uint32(fine << _S1))) - _MIDDLE)


@njit(cache=True, forceinline=True)
def draw_scale(u):  # type: ignore[no-untyped-def]
    """Second link, an int32: what the position is scaled with."""
    q = np.int32(np.int32(u * u) >> _SQUARE_SHIFT)
    bend = np.int32(_CUBIC + np.int32(np.int32(q * _QUINTIC) >> _QUINTIC_SHIFT))
    return np.int32(_LINEAR + np.int32(np.int32(q * bend) >> _CUBIC_SHIFT))


@njit(cache=True, forceinline=True)
def draw_end(u, scale):  # type: ignore[no-untyped-def]
    """Last link: the draw, an int32."""
    return np.int32(np.int32(np.int32(u * scale) + _HALF) >> _SHIFT)


@njit(cache=True, forceinline=True)
def pulse_word(key, again, number):  # type: ignore[no-untyped-def]
    """Word of a pulse, a uint32, from the keys of its cell and its number."""
    return word_end(word_middle(word_start(key, number), again))


@njit(cache=True, forceinline=True)
def normal_draw(word):  # type: ignore[no-untyped-def]
    """Standard normal integer in units of 2**-DRAW_BITS, an int32, from a word."""
    u = draw_position(word)
    return draw_end(u, draw_scale(u))


def halves(key: int) -> NDArray[np.uint32]:
    """K0 and K1 of a key of 64 bits, uint32[2]."""
    return np.array([key & 0xFFFFFFFF, key >> 32 & 0xFFFFFFFF], np.uint32)
