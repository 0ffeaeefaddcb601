# SPDX-License-Identifier: Apache-2.0
"""Golden demodulator: the read of a cell without its reference, times the signs of its column and its row.

    d = c_j * c'_i * (r - s)                                                       s: what is subtracted

Formats: signs are +1 and -1, r and s are ``reference_format``, d is ``difference_format``. Latency: no stage of its
own, it works beside the second half of the filter step. Source: chopped transfer of c-TTv2, AGAD and E-RIDER
(docs/tile.md, sections 6 and 7).
"""

from __future__ import annotations

from symtrack.model.compiled import njit
from symtrack.model.spec.fixed import Int


@njit(cache=True)
def demodulate(sign: Int, r: Int, subtracted: Int) -> Int:
    """The demodulated difference d."""
    return sign * (r - subtracted)
