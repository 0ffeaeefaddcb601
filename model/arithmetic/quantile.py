# SPDX-License-Identifier: Apache-2.0
"""Table of the standard normal quantile, z(p) with Phi(z) = p, computed in integers only.

``TABLE[k] = s * z((k + 1/2) / 4096)`` in units of 2**-20, with s such that the entries have mean square 1/2: the sum
of two entries at independent uniform indices has mean exactly 0, variance 1 up to rounding, and at most 5.2 in size.
Since no step uses floating point, the table is the same on every machine.
"""

from __future__ import annotations

from functools import cache
from math import isqrt

import numpy as np

from symtrack.model.spec.fixed import Int

INDEX_BITS = 12
FRACTION_BITS = 20

_BITS = 96  # working precision: the alternating series loses about 10 bits at z = 3.7
_ONE = 1 << _BITS
_PI = 314159265358979323846264338327950288419716939937510 * _ONE // 10**50


def _density_and_distribution(z: int) -> tuple[int, int]:
    """``phi(z)`` and ``Phi(z) - 1/2`` by the power series of exp(-z**2/2) and of its integral."""
    half_square = z * z >> (_BITS + 1)
    term, density, integral, n = _ONE, 0, 0, 0
    while term:
        density += term
        integral += term // (2 * n + 1)
        n += 1
        term = -term * half_square // (n << _BITS)
    root = isqrt(2 * _PI * _ONE)  # sqrt(2 pi)
    return density * _ONE // root, (integral * z >> _BITS) * _ONE // root


@cache
def normal_table() -> Int:
    """The table, int64[4096], read-only; computed on first use."""
    half = 1 << (INDEX_BITS - 1)
    upper, z = [], 0
    for k in range(half):
        target = (2 * k + 1) * _ONE >> (INDEX_BITS + 1)  # Phi(z) - 1/2
        while True:  # Newton's method from the previous entry converges from below, where Phi is concave
            density, distribution = _density_and_distribution(z)
            step = (target - distribution) * _ONE // density
            z += step
            if abs(step) < _ONE >> (FRACTION_BITS + 20):
                break
        upper.append(z)
    root_mean_square = isqrt(sum(z * z for z in upper) // half)
    scale = isqrt(_ONE * _ONE // 2) * _ONE // root_mean_square
    drop = 2 * _BITS - FRACTION_BITS
    entries = [(z * scale + (1 << (drop - 1))) >> drop for z in upper]
    table = np.array([-entry for entry in reversed(entries)] + entries, dtype=np.int64)
    table.flags.writeable = False
    return table
