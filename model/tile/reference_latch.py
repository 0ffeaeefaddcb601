# SPDX-License-Identifier: Apache-2.0
"""Golden reference latch: the copy Qref of the filter's word Q, taken when a chopper has flipped.

    ref = coarse(Q) if latch else Qref,   Qref <- ref
    coarse(Q) = min(round(Q / 2**l) * 2**l, largest multiple of 2**l in the format)

Formats: Q and Qref are ``reference_format``, l is ``latch_shift``. Latency: no stage of its own, it works beside
the first half of the filter step. Source: the reference of AGAD and E-RIDER (docs/tile.md, section 6).
"""

from __future__ import annotations

import numpy as np

from symtrack.model.compiled import njit
from symtrack.model.spec.fixed import Int, round_shift

_round_shift = njit(round_shift)


@njit(cache=True)
def latch(q: Int, qref: Int, latches: Int, shift: int, high: int) -> Int:
    """The reference of this read, which is also the next Qref; ``q`` is from before the filter step.

    latches: 1 where Q is latched, as a multiple of 2**shift of at most ``high``.
    """
    coarse = np.minimum(_round_shift(q, shift) << shift, (high >> shift) << shift)
    return np.where(latches != 0, coarse, qref)
