"""Event counters and sticky flags.

    count <- min(count + events, 2**counter_bits - 1),   flag <- flag or event

Formats: counters are unsigned, ``counter_bits`` wide. Latency: one cycle after the event. Both last until reset.
Source: docs/tile.md, section 2.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from model.fixed import Int
from model.state import Arrays

_COUNTERS = ("slots", "reads", "transfer_pulses")
_FLAGS = ("hidden_saturated", "pulses_clamped")


@njit(cache=True)
def _total(n: Int) -> int:
    total = 0
    for value in n:
        total += abs(value)
    return total


class Status:
    """Counters of slots, reads and pulses of transfers, and flags of saturation."""

    def __init__(self, counter_bits: int) -> None:
        self._high = (1 << counter_bits) - 1
        self.slots = 0
        self.reads = 0
        self.transfer_pulses = 0
        self.hidden_saturated = False
        self.pulses_clamped = False

    def count_slots(self, slots: int) -> None:
        """Count accepted slots."""
        self.slots = min(self.slots + slots, self._high)

    def count_read(self) -> None:
        """Count one accepted read."""
        self.reads = min(self.reads + 1, self._high)

    def count_pulses(self, n: Int) -> None:
        """Count the pulses of accepted writes."""
        self.transfer_pulses = min(self.transfer_pulses + _total(n), self._high)

    def state_arrays(self) -> dict[str, Int]:
        """All registers as int64 scalars."""
        return {name: np.array(getattr(self, name), np.int64) for name in _COUNTERS + _FLAGS}

    def restore(self, arrays: Arrays) -> None:
        """Back to the registers of `state_arrays`."""
        for name in _COUNTERS:
            setattr(self, name, int(arrays[name]))
        for name in _FLAGS:
            setattr(self, name, bool(arrays[name]))
