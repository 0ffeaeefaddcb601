# SPDX-License-Identifier: Apache-2.0
"""Fixed-point formats and the three integer operations the trusted path is allowed to use.

A word of a format is an integer ``v`` that stands for ``v * 2**-fraction``. Values are numpy int64
(or Python integers) throughout; nothing here touches floating point, nothing wraps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Int = NDArray[np.int64]


@dataclass(frozen=True)
class Format:
    """A two's complement (or unsigned) word of ``width`` bits, ``fraction`` of them after the point."""

    width: int
    fraction: int = 0
    signed: bool = True

    @property
    def low(self) -> int:
        """Smallest word."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """Largest word."""
        return (1 << (self.width - 1 if self.signed else self.width)) - 1


def round_shift(value: Int, shift: int) -> Int:
    """``floor(value / 2**shift + 1/2)``: division by a power of two, halves rounded upwards."""
    return (value + ((1 << shift) >> 1)) >> shift


def truncate_shift(value: Int, shift: int) -> Int:
    """``trunc(value / 2**shift)``: division by a power of two, rounded towards zero."""
    return (value + (value < 0) * ((1 << shift) - 1)) >> shift


def bounded(value: Int, low: int, high: int) -> Int:
    """The words between two limits; `numpy.clip` spends more on its arguments than on a few words."""
    result: Int = np.minimum(np.maximum(value, low), high)
    return result


def saturate(value: Int, form: Format) -> tuple[Int, bool]:
    """Clip ``value`` to the range of ``form``; the flag says whether any word was clipped."""
    clipped = bounded(value, form.low, form.high)
    return clipped, bool(np.any(clipped != value))
