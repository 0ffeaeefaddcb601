"""First-order low-pass filter of the reads of a cell, with its latched copy.

    ref = Q if latch else Qref,   Q <- Q + round((r - Q) / 2**k),   Qref <- ref

Formats: r, Q and Qref are ``reference_format`` (an ADC code with ``reference_fraction_bits`` zeros below), k is
``filter_shift``. Q stays in the range of the codes. Latency: one cycle, one beat per cycle.
Source: H(z) = eta / (1 - (1 - eta) / z) with eta = 2**-k, the reference of AGAD and E-RIDER (docs/tile.md, section 6).
"""

from __future__ import annotations

from numba import njit

from model.fixed import Int, round_shift

_round_shift = njit(round_shift)


@njit(cache=True)
def filter_step(q: Int, r: Int, shift: int) -> Int:
    """The next Q."""
    return q + _round_shift(r - q, shift)


@njit(cache=True)
def latch(q: Int, qref: Int, flipped: bool) -> Int:
    """The reference of this read, which is also the next Qref; ``q`` is from before the filter step."""
    return q if flipped else qref
