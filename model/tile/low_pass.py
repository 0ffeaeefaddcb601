# SPDX-License-Identifier: Apache-2.0
"""Golden low-pass filter: one first-order step of the symmetric-point estimate Q of a cell.

    Q <- Q + round((r - Q) / 2**k)

Formats: r and Q are ``reference_format`` (an ADC code with ``reference_fraction_bits`` zeros below), k is
``filter_shift``. Q stays in the range of the codes. Latency: two stages of
the transfer path in `hdl.tile.low_pass`, the difference and the sum. Throughput: one beat per cycle.
Source: H(z) = eta / (1 - (1 - eta) / z) with eta = 2**-k, the reference of AGAD and E-RIDER (docs/tile.md, section 6).
"""

from __future__ import annotations

from symtrack.model.compiled import njit
from symtrack.model.spec.fixed import Int, round_shift

_round_shift = njit(round_shift)


@njit(cache=True)
def filter_step(q: Int, r: Int, shift: int) -> Int:
    """The next Q."""
    return q + _round_shift(r - q, shift)
