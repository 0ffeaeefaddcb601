# SPDX-License-Identifier: Apache-2.0
"""Golden hidden buffer H: accumulates the reads of the fast array until they are worth pulses to the slow one.

    h = saturate(H + gain * d),   H <- h                                   if n = 0
                                  H <- trunc(h * momentum / 2**momentum_bits)   if n != 0, forget
                                  H <- h - n * 2**threshold_shift               if n != 0, otherwise
    direct, without the buffer:   h = saturate(u + gain * d) with a dither u; H is left alone

Formats: H and h are ``hidden_format``, gain is unsigned, d is ``difference_format``, n is ``pulses_format``.
Latency: as in `hdl.tile.hidden_buffer`; H is written in the last stage of the transfer path,
`model.spec.config.BEAT_LATENCY` moves after the beat has entered. Throughput: one beat per cycle.
Source: TT-v2 and its successors (docs/tile.md, section 6).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symtrack.model.compiled import njit
from symtrack.model.spec.fixed import Int, truncate_shift

_truncate_shift = njit(truncate_shift)


@njit(cache=True)
def accumulate(hidden: Int, product: Int, low: int, high: int) -> tuple[Int, NDArray[np.bool_]]:
    """The saturated sum h of H (or u) and gain * d, and where it was clipped to [low, high]."""
    total = hidden + product
    h = np.minimum(np.maximum(total, low), high)
    return h, h != total


@njit(cache=True)
def forget(h: Int, n: Int, momentum: int, momentum_bits: int) -> Int:
    """The next H when a write leaves the fraction momentum / 2**momentum_bits."""
    return np.where(n == 0, h, _truncate_shift(h * momentum, momentum_bits))


@njit(cache=True)
def subtract(h: Int, n: Int, threshold_shift: int) -> Int:
    """The next H when a write takes away what it has written."""
    return h - (n << threshold_shift)
