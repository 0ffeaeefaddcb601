# SPDX-License-Identifier: Apache-2.0
"""Simulation job that measures how many cycles operations take when nothing waits."""

from __future__ import annotations

from typing import Any

import numpy as np

from symtrack.cosim.engine.job import Bench
from symtrack.cosim.engine.stepped_periphery import SteppedPeriphery
from symtrack.model.spec.settings import Settings


def measure(bench: Bench) -> dict[str, Any]:
    """Measure the cycles of CLEAR, of updates as ``(slots, cycles)``, and of a transfer."""
    tile = SteppedPeriphery(bench)
    clear = bench.cycles - 1  # the cycle that shows IDLE does not belong to CLEAR
    config = bench.config
    updates = []
    for signs, bl in ((0, 0), (0, 1), (0, config.bl_max), (1, 3)):
        before = tile.cycles
        slots = tile.update(
            np.arange(config.columns) % 2 * signs,
            np.ones(config.columns, np.int64),
            np.arange(config.rows) % 2 * signs,
            np.ones(config.rows, np.int64),
            bl,
        )
        updates.append((len(slots.up), tile.cycles - before))
    before = tile.cycles
    tile.transfer(np.zeros(config.rows, np.int64), Settings())
    return {"clear": clear, "updates": updates, "transfer": tile.cycles - before}
