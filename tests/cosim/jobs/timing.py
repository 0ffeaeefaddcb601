# SPDX-License-Identifier: Apache-2.0
"""Simulation job that measures how many cycles operations take when nothing waits."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from symtrack.cosim.engine.job import Bench
from symtrack.cosim.engine.lockstep import Ports
from symtrack.cosim.engine.stepped_periphery import SteppedPeriphery
from symtrack.cosim.engine.streams import Streams
from symtrack.model.spec.settings import Settings


def _until_idle(streams: Streams) -> Generator[Ports, Ports, None]:
    yield from streams.cycle()
    while streams.outputs["status__busy"]:
        yield from streams.cycle()


def measure(bench: Bench) -> dict[str, Any]:
    """Measure the cycles of CLEAR, of the load of all seeds, of updates as ``(slots, cycles)``, and of a transfer."""
    config = bench.config
    bench.run(_until_idle(Streams(config, bench.widths)))
    clear = bench.cycles - 1  # the cycle that shows IDLE does not belong to CLEAR
    tile = SteppedPeriphery(bench)
    seeds = bench.cycles - 2 - clear  # nor does the one in which all are in
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
    return {"clear": clear, "seeds": seeds, "updates": updates, "transfer": tile.cycles - before}
