# SPDX-License-Identifier: Apache-2.0
"""Status of a tile as data: its event counters, sticky flags and events; ports, registers and golden follow.

    count <- min(count + events, 2**counter_bits - 1),   flag <- flag or event

Both start from zero at a reset. A new counter comes after the others: addresses of registers follow the order.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from symtrack.model.spec.config import TileConfig


class StatusKind(Enum):
    """Counters count and flags stay until reset; an event is high in the cycle in which it happens."""

    COUNTER = "counter"
    FLAG = "flag"
    EVENT = "event"


@dataclass(frozen=True, kw_only=True)
class StatusSpec:
    """A status port of the tile.

    Attributes
    ----------
    text : what is counted, or what has happened.
    needs : the field of the configuration that must be 1, "" if the port always exists.
    """

    name: str
    kind: StatusKind
    text: str
    needs: str = ""

    def exists(self, config: TileConfig) -> bool:
        """Whether a tile of this configuration has it; elsewhere its port is 0."""
        return not self.needs or bool(getattr(config, self.needs))


STATUS = (  # in the order of the ports
    StatusSpec(name="hidden_saturated", kind=StatusKind.FLAG, text="a word of H was clipped"),
    StatusSpec(name="pulses_clamped", kind=StatusKind.FLAG, text="a pulse count was clamped"),
    StatusSpec(
        name="memory_error",
        kind=StatusKind.EVENT,
        text="a word of a memory had the wrong parity",
        needs="parity",
    ),
    StatusSpec(name="slots", kind=StatusKind.COUNTER, text="beats of pulses"),
    StatusSpec(name="reads", kind=StatusKind.COUNTER, text="read requests, of P and of R"),
    StatusSpec(name="transfer_pulses", kind=StatusKind.COUNTER, text="pulses to W"),
    StatusSpec(name="reference_pulses", kind=StatusKind.COUNTER, text="pulses to R", needs="programmer"),
    StatusSpec(name="unprogrammed", kind=StatusKind.COUNTER, text="cells of R that were given up", needs="programmer"),
    StatusSpec(
        name="gave_up", kind=StatusKind.FLAG, text="a programming left cells out of tolerance", needs="programmer"
    ),
    StatusSpec(name="seed_refused", kind=StatusKind.EVENT, text="a seed of zero was offered, and not loaded"),
)
COUNTERS = tuple(spec for spec in STATUS if spec.kind == StatusKind.COUNTER)
FLAGS = tuple(spec for spec in STATUS if spec.kind == StatusKind.FLAG)
MEMORY_ERROR = next(spec for spec in STATUS if spec.name == "memory_error")


def counters(config: TileConfig) -> tuple[str, ...]:
    """Names of the counters that a tile of this configuration has."""
    return tuple(spec.name for spec in COUNTERS if spec.exists(config))


def flags(config: TileConfig) -> tuple[str, ...]:
    """Names of the sticky flags that a tile of this configuration has."""
    return tuple(spec.name for spec in FLAGS if spec.exists(config))
