# SPDX-License-Identifier: Apache-2.0
"""Exponentials of floats that are the same on every machine: correctly rounded, and fast where the machine can be.

    exp(x) = the float64 next to the true one

A float with a longer significand, where the machine has one, is right to some units of its last place. Unless it lies
so close to the middle between two float64 that those units matter, its rounding is that of the true value; the few
others, and all where there is no longer float, are left to `decimal`.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

_ALLOWED = 2.0**-7  # of the last place of a float64 by which a longer float may be wrong: 16 of its own last places
_LONGER = np.finfo(np.longdouble).nmant >= 63

Real = NDArray[np.float64]


def exponentials(x: Real) -> Real:
    """exp(x), float64 of the shape of x."""
    flat = np.ascontiguousarray(x, np.float64).reshape(-1)
    result, doubtful = _rounded(flat) if _LONGER else (np.empty_like(flat), np.ones(flat.shape, bool))
    result[doubtful] = [float(Decimal(value).exp()) for value in flat[doubtful].tolist()]
    return result.reshape(np.shape(x))


def _rounded(x: Real) -> tuple[Real, NDArray[np.bool_]]:
    """Exponentials by way of a longer float, and which of them may be the wrong one of two neighbours."""
    longer = np.exp(x.astype(np.longdouble))
    result = longer.astype(np.float64)
    place = np.spacing(result)
    left = np.abs((longer - result).astype(np.float64))
    return result, ~(np.abs(left - place / 2) > _ALLOWED * place)
