# SPDX-License-Identifier: Apache-2.0
"""Golden residual memory: the last demodulated difference of each cell that was accumulated, for digital products.

    D <- d     in cells in use, if the read accumulates;     otherwise D stays

Formats: d and D are ``difference_format``; D is 0 after a reset. Latency: D is written six moves after its beat has
entered. Throughput: one beat per cycle. Source: the residual of E-RIDER as its released program keeps it (docs/tile.md,
section 6).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from symtrack.model.spec.fixed import Int


def keep(residual: Int, difference: Int, accumulates: NDArray[np.bool_]) -> Int:
    """The next D; ``accumulates``: where d takes its place."""
    return np.where(accumulates, difference, residual)
