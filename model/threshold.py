"""Write threshold: how many pulses a cell of the slow array gets.

    n = clamp(trunc(h / 2**threshold_shift), +-pulses_max)

Formats: h is ``hidden_format``, n is ``pulses_format``. Latency: shares the cycle of the sum in the hidden buffer.
Throughput: one beat per cycle. Source: TT-v2 and its successors (docs/tile.md, section 6).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from model.fixed import Int, truncate_shift

_truncate_shift = njit(truncate_shift)


@njit(cache=True)
def write_pulses(h: Int, threshold_shift: int, pulses_max: int) -> tuple[Int, bool]:
    """The signed pulse counts n, and whether any of them was clamped."""
    wanted = _truncate_shift(h, threshold_shift)
    n = np.minimum(np.maximum(wanted, -pulses_max), pulses_max)
    return n, bool(np.any(n != wanted))
