# SPDX-License-Identifier: Apache-2.0
"""Simulation job that looks for stuck lines of an array, by the procedure of docs/integration.md.

It reads P before and after updates of one line at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symtrack.cosim.engine.job import Bench
from symtrack.model.arithmetic.converters import Converters, NoiseStream
from symtrack.model.arithmetic.formats import to_weight
from symtrack.model.arithmetic.noise import derive_key
from symtrack.model.devices.soft_bounds import SoftBounds
from symtrack.model.network.crossbar import Crossbar
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.settings import Settings
from symtrack.model.tile.interface import PeripheryLike, PulseSlots, UpdateVectors

CONVERTERS = Converters(output_bound=2.0, output_noise=0.01)
MOVES = 0.1  # more than noise, and less than an update


@dataclass(frozen=True)
class Stuck:
    """A row or column line that is stuck at a level on its way from the tile to the array."""

    side: str
    line: int
    level: int


class Bent:
    """A periphery that drives an array through a stuck line; ``p`` are the codes of the last read of each column."""

    def __init__(self, periphery: PeripheryLike, stuck: Stuck | None) -> None:
        self._periphery, self._stuck = periphery, stuck
        self.p = np.zeros((self.config.rows, self.config.columns), np.int64)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._periphery, name)

    def update(self, *vectors: Any) -> PulseSlots:
        slots = self._periphery.update(*vectors)
        if self._stuck:
            lines = getattr(slots, self._stuck.side).copy()
            lines[:, self._stuck.line] = self._stuck.level
            slots = replace(slots, **{self._stuck.side: lines})
        return slots

    def transfer(self, codes: Int, settings: Settings) -> Any:
        self.p[:, self.next_column] = codes
        return self._periphery.transfer(codes, settings)


def found(bench: Bench, *, stuck: list[Stuck | None]) -> list[set[Stuck]]:
    """For each stuck line, the lines that the procedure finds in a new array with it."""
    layer = bench.periphery(bench.config)
    return [_found(bench.config, Bent(layer, line)) for line in stuck]


def _found(config: TileConfig, periphery: Bent) -> set[Stuck]:
    shape = {"rows": config.rows, "columns": config.columns}
    cells = SoftBounds(dw_min=0.05).cells(**shape, seed=2, array="P")
    tile = Crossbar(
        config=config,
        periphery=lambda _: periphery,
        fast=cells,
        slow=cells,
        converters=CONVERTERS,
        gamma=0.0,
        seed=2,
        name="tile",
    )
    noise = NoiseStream(derive_key(2, "reads"))
    lines: set[Stuck] = set()
    for side, count in shape.items():
        for line in range(count):
            before = _read(tile, periphery, noise)
            tile.update(_one_line(config, side, line))
            changes = np.abs(_read(tile, periphery, noise) - before) * CONVERTERS.lsb > to_weight(MOVES)
            moved = np.flatnonzero(changes.any(axis=1 if side == "rows" else 0))
            lines |= {Stuck(side, other, 1) for other in moved.tolist() if other != line}
            lines |= set() if line in moved else {Stuck(side, line, 0)}
    return lines


def _read(tile: Crossbar, periphery: Bent, noise: NoiseStream) -> Int:
    """Read P in codes; W stays as it is."""
    for _ in range(tile.config.columns):
        tile.transfer(Settings(accumulate=False), noise)
    return periphery.p.copy()


def _one_line(config: TileConfig, side: str, line: int) -> UpdateVectors:
    """Update one line of a side with all of the other, up and down by turns, so that P stays where it is."""
    x, delta = np.zeros(config.columns, np.int64), np.zeros(config.rows, np.int64)
    x[line if side == "columns" else slice(None)] = config.magnitude_format.high
    delta[line if side == "rows" else slice(None)] = config.magnitude_format.high
    return UpdateVectors(np.zeros_like(x), x, np.full_like(delta, line % 2), delta, config.bl_max)
