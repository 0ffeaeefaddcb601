# SPDX-License-Identifier: Apache-2.0
"""Primitive polynomials over GF(2) for the random sources, found by search instead of stored.

A polynomial is an integer whose bit ``k`` is the coefficient of ``x**k``. A feedback shift register with
a primitive polynomial of degree n runs through all ``2**n - 1`` non-zero states. Dense polynomials (about
n/2 terms) are wanted: sparse ones tie a few bits of nearby words together by their low-weight relations.
"""

from __future__ import annotations

from functools import cache

DEGREE = 32
ORDER_FACTORS = (3, 5, 17, 257, 65537)  # 2**32 - 1 is their product
MASK64 = (1 << 64) - 1

_SPREAD = tuple(sum(((byte >> bit) & 1) << (2 * bit) for bit in range(8)) for byte in range(256))


def mix64(value: int) -> int:
    """Finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection of 64-bit words that looks random."""
    value &= MASK64
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK64
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK64
    return value ^ (value >> 31)


def square(value: int, polynomial: int) -> int:
    """``value**2 mod polynomial``: over GF(2) squaring moves bit k to bit 2k."""
    wide = sum(_SPREAD[(value >> (8 * i)) & 0xFF] << (16 * i) for i in range(DEGREE // 8))
    for bit in range(2 * DEGREE - 2, DEGREE - 1, -1):
        if (wide >> bit) & 1:
            wide ^= polynomial << (bit - DEGREE)
    return wide


def power_of_x(exponent: int, polynomial: int) -> int:
    """``x**exponent mod polynomial`` by squaring."""
    value = 1
    for bit in reversed(range(exponent.bit_length())):
        value = square(value, polynomial)
        if (exponent >> bit) & 1:
            value <<= 1
            if value >> DEGREE:
                value ^= polynomial
    return value


def is_primitive(polynomial: int) -> bool:
    """Whether ``x`` generates all non-zero residues, that is, has the order 2**32 - 1 and no divisor of it."""
    order = (1 << DEGREE) - 1
    if polynomial >> DEGREE != 1 or not polynomial & 1 or polynomial.bit_count() % 2 == 0:
        return False
    if power_of_x(order, polynomial) != 1:
        return False
    return all(power_of_x(order // factor, polynomial) != 1 for factor in ORDER_FACTORS)


@cache
def dense_primitive(index: int) -> int:
    """The first dense primitive polynomial of degree 32 on the candidate sequence number ``index``."""
    attempt = 0
    while True:
        word = mix64((index << 32) + attempt) >> 32
        candidate = (1 << DEGREE) | word | 1
        if 12 <= candidate.bit_count() <= 22 and is_primitive(candidate):
            return candidate
        attempt += 1
