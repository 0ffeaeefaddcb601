# SPDX-License-Identifier: Apache-2.0
"""Golden write threshold: how many whole pulses a hidden word sends to a cell of the slow array.

    n = clamp(trunc(h / 2**threshold_shift), +-pulses_max)          buffered
    n = clamp(floor(h / 2**threshold_shift), +-pulses_max)          direct: h holds a dither, uniform over a threshold

so that a direct write has the mean gain * d / 2**threshold_shift.

Formats: h is ``hidden_format``, n is ``pulses_format``. Latency: two stages of the transfer path in
`hdl.tile.threshold`, the quotient and the clamping. Throughput: one beat per cycle. Source: TT-v2 and its successors
(docs/tile.md, section 6).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symtrack.model.compiled import njit
from symtrack.model.spec.fixed import Int, truncate_shift

_truncate_shift = njit(truncate_shift)


@njit(cache=True)
def write_pulses(h: Int, threshold_shift: int, pulses_max: int, direct: bool) -> tuple[Int, NDArray[np.bool_]]:
    """The signed pulse counts n, and where they were clamped."""
    wanted = h >> threshold_shift if direct else _truncate_shift(h, threshold_shift)
    n = np.minimum(np.maximum(wanted, -pulses_max), pulses_max)
    return n, n != wanted
