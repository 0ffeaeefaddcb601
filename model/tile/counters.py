# SPDX-License-Identifier: Apache-2.0
"""Golden event counters, which saturate, and sticky flags of the tile.

    count <- min(count + events, 2**counter_bits - 1),   flag <- flag or event

Formats: counters are unsigned, ``counter_bits`` wide. Latency: one cycle after the event. Both last until reset.
Source: docs/tile.md, section 2.
"""

from __future__ import annotations

import numpy as np

from symtrack.model.compiled import njit
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.status import counters, flags
from symtrack.model.state import Arrays


@njit(cache=True)
def total(n: Int) -> int:
    """The sum of all |n|."""
    result = 0
    for value in n:
        result += abs(value)
    return result


class Status:
    """Counters of slots, reads and pulses, and flags; with a programmer also of its pulses and failures."""

    def __init__(self, config: TileConfig) -> None:
        self._high = (1 << config.counter_bits) - 1
        self._counters, self._flags = counters(config), flags(config)
        self.slots = 0
        self.reads = 0
        self.transfer_pulses = 0
        self.hidden_saturated = False
        self.pulses_clamped = False
        self.reference_pulses = 0
        self.unprogrammed = 0
        self.gave_up = False
        self.seed_refused = False
        self.memory_error = False  # the memories here never forget, see `model.tile.parity`

    def count_slots(self, slots: int) -> None:
        """Count accepted slots."""
        self.slots = min(self.slots + slots, self._high)

    def count_read(self) -> None:
        """Count one accepted read."""
        self.reads = min(self.reads + 1, self._high)

    def count_transfers(self, reads: int, pulses: int, *, saturated: bool, clamped: bool) -> None:
        """Count accepted reads and the pulses of their writes, and keep whether h or n was clipped in any of them."""
        self.reads = min(self.reads + reads, self._high)
        self.transfer_pulses = min(self.transfer_pulses + pulses, self._high)
        self.hidden_saturated |= saturated
        self.pulses_clamped |= clamped

    def count_pulses(self, n: Int) -> None:
        """Count the pulses of accepted writes."""
        self.transfer_pulses = min(self.transfer_pulses + total(n), self._high)

    def count_reference_pulses(self, n: Int) -> None:
        """Count the pulses of accepted writes to R."""
        self.reference_pulses = min(self.reference_pulses + total(n), self._high)

    def give_up(self, cells: int) -> None:
        """Count cells of R that the last round found out of tolerance."""
        self.unprogrammed = min(self.unprogrammed + cells, self._high)
        self.gave_up |= cells > 0

    def state_arrays(self) -> dict[str, Int]:
        """All registers as int64 scalars."""
        return {name: np.array(getattr(self, name), np.int64) for name in self._counters + self._flags}

    def restore(self, arrays: Arrays) -> None:
        """Back to the registers of `state_arrays`."""
        for name in self._counters:
            setattr(self, name, int(arrays[name]))
        for name in self._flags:
            setattr(self, name, bool(arrays[name]))
