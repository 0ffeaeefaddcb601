# SPDX-License-Identifier: Apache-2.0
"""Tiles of all sizes on one macro: the periphery of each is the macro's, which uses as many lines as the tile has.

    periphery of a tile of r x c cells = that of a macro of R x C cells with r rows and c columns in use

So tiles that differ in nothing but size, name and seed have one netlist. Their arrays have r x c cells, and the
memories of their periphery R x C words. Other sources drive their pulses than those of tiles of their own size, so
results are others, too. Source: docs/tile.md, section 11.
"""

from __future__ import annotations

from typing import NamedTuple

from symtrack.model.network.architecture import default_lanes
from symtrack.model.spec.config import TileConfig
from symtrack.model.tile.interface import PeripheryFactory, PeripheryLike


class Macro(NamedTuple):
    """The lines of a macro."""

    rows: int
    columns: int

    def config(self, tile: TileConfig) -> TileConfig:
        """The configuration of the macro that a tile is on.

        Raises
        ------
        ValueError
            The tile has more lines than the macro.
        """
        if tile.rows > self.rows or tile.columns > self.columns:
            raise ValueError(
                f"macro = {self.rows}x{self.columns}: must be at least {tile.rows}x{tile.columns}, the size of a tile"
            )
        return tile.replace(rows=self.rows, columns=self.columns, lanes=default_lanes(self.rows))

    def periphery(self, make: PeripheryFactory) -> PeripheryFactory:
        """What makes the periphery of a tile on this macro from what makes that of the macro."""

        def of_tile(tile: TileConfig) -> PeripheryLike:
            periphery = make(self.config(tile))
            periphery.use(tile.rows, tile.columns)
            return periphery

        return of_tile
