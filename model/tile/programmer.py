# SPDX-License-Identifier: Apache-2.0
"""Golden write and verify: the pulses that bring a column of the reference array R to Qref.

    d = Qref - r;   outside = |d| > tolerance
    n = clamp(trunc(saturate(gain * d) / threshold)), at least one pulse;   no pulses within the tolerance

r is what a read of R gave. A round reads, compares and, unless it is the last, writes. Formats: d is
``difference_format``, the tolerance ``reference_format`` without sign, n ``pulses_format``, saturate that of H.
Latency and throughput: those of a transfer, each round. Source: docs/tile.md, section 9.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.fixed import Int
from symtrack.model.tile.hidden_buffer import accumulate
from symtrack.model.tile.threshold import write_pulses


class Corrections(NamedTuple):
    """The result of one round of write and verify.

    Attributes
    ----------
    pulses : int64[n], signed, for R.
    outside : bool[n], cells that are out of tolerance.
    """

    pulses: Int
    outside: NDArray[np.bool_]


def corrections(config: TileConfig, d: Int, product: Int, tolerance: int, *, last: bool) -> Corrections:
    """What a round does with the differences d and their products gain * d; the ``last`` writes nothing."""
    outside = np.abs(d) > tolerance
    form = config.hidden_format
    h, _ = accumulate(np.zeros_like(product), product, form.low, form.high)
    n, _ = write_pulses(h, config.threshold_shift, config.pulses_max, False)
    n = np.where(n == 0, np.sign(d), n)
    return Corrections(np.where(outside & (not last), n, 0), outside)
