# SPDX-License-Identifier: Apache-2.0
"""Golden parity of the memories: which lanes of which words are stored with a wrong parity bit, and are told when read.

    wrong[address] <- lane == armed,   armed <- none        (a word is written)

The words themselves are right: only ``inject`` of a tile with ``self_test`` makes a parity wrong here. Source:
docs/tile.md, section 2.
"""

from __future__ import annotations

import numpy as np

from symtrack.model.spec.config import TileConfig


def memories(config: TileConfig) -> tuple[str, ...]:
    """The names of all memories."""
    point = ("q", "qref") if config.symmetric_point else ()
    return (*point, "hidden", *(("residual",) if config.residual_memory else ()))


class Parity:
    """Wrong parity bits of the memories."""

    def __init__(self, config: TileConfig) -> None:
        self._lanes = np.arange(config.lanes)
        self._wrong = {name: np.zeros((config.depth, config.lanes), bool) for name in memories(config)}
        self.reset()

    def reset(self) -> None:
        """Forget what is armed; what is stored stays."""
        self._armed: dict[str, int] = {}

    def arm(self, name: str, lane: int) -> None:
        """The next word of this memory that is written gets a wrong parity in this lane, if there is such a lane."""
        self._armed[name] = lane

    def write(self, name: str, address: int) -> None:
        """A word is written."""
        self._wrong[name][address] = self._lanes == self._armed.pop(name, -1)

    def clear(self, address: int) -> None:
        """A word of each memory is cleared."""
        for wrong in self._wrong.values():
            wrong[address] = False

    def is_wrong(self, name: str, address: int) -> bool:
        """Whether a read of this word is told."""
        return name in self._wrong and bool(self._wrong[name][address].any())
