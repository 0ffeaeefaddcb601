# SPDX-License-Identifier: Apache-2.0
"""Golden zero-shifting: slots in which every line fires, which drive all cells of P towards their symmetric point.

    up[s] = 1, 0, 1, 0, ...     or     the highest bit of the chopper source's word, which steps once a slot

With as many steps up as down a cell drifts to where both have the same size. Formats: up is 0 or 1. Latency and
throughput: as of an update, one slot per cycle. Source: Kim et al. 2019, Zero-shifting technique for deep neural
network training on resistive cross-point arrays (docs/tile.md, section 8).
"""

from __future__ import annotations

import numpy as np

from symtrack.model.spec.config import CHOPPER_RANDOM_BITS
from symtrack.model.tile.pulse_train import Bits
from symtrack.model.tile.random_source import Sources


def polarities(pulses: int, *, random: bool, source: Sources) -> Bits:
    """uint8[pulses], 1 for slots that raise the weights; random ones take words of ``source``."""
    if random:
        return (source.words(pulses)[:, 0] >> (CHOPPER_RANDOM_BITS - 1)).astype(np.uint8)
    return (1 - np.arange(pulses) % 2).astype(np.uint8)
