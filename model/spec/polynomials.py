# SPDX-License-Identifier: Apache-2.0
"""Primitive polynomials over GF(2) for the random sources, found by search instead of stored.

A polynomial is an integer whose bit ``k`` is the coefficient of ``x**k``. A feedback shift register with
a primitive polynomial of degree n runs through all ``2**n - 1`` non-zero states. Dense polynomials (about
n/2 terms) are wanted: sparse ones tie a few bits of nearby words together by their low-weight relations. Where a line
has the sum of two sources, the relations are those of the product of their polynomials, which sparse ones can be chosen
for.
"""

from __future__ import annotations

from functools import cache, reduce
from operator import xor

DEGREE = 32
ORDER_FACTORS = (3, 5, 17, 257, 65537)  # 2**32 - 1 is their product
MASK64 = (1 << 64) - 1
SECOND_POWER = 16  # of the first sparse polynomials
PRODUCT_TERMS = 13  # of the product of two sparse polynomials, at least

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


def product(a: int, b: int) -> int:
    """The product of two polynomials, not reduced."""
    return reduce(xor, (a << k for k in range(b.bit_length()) if b >> k & 1), 0)


@cache
def sparse_primitives() -> tuple[int, ...]:
    """Primitive polynomials of degree 32 and five terms, the fewest there are for this degree.

    A step by one costs few XORs, but a sequence with one alone would have a relation of five bits. Those of lines are
    sums of two, whose relations have at least `PRODUCT_TERMS` bits, as the product of any two of these polynomials. The
    first are those whose second power is `SECOND_POWER` or a little more: what leaves a register at its top then comes
    back spread over all of it, and takes few look-up tables.
    """
    powers = [*range(SECOND_POWER, DEGREE), *range(3, SECOND_POWER)]
    found: list[int] = []
    for a in powers:
        for b in range(2, a):
            for c in range(1, b):
                candidate = 1 << DEGREE | 1 << a | 1 << b | 1 << c | 1
                apart = all(product(candidate, other).bit_count() >= PRODUCT_TERMS for other in found)
                if apart and is_primitive(candidate):
                    found.append(candidate)
    return tuple(found)
