# SPDX-License-Identifier: Apache-2.0
"""Interface between a network and its tiles' periphery: data of updates, reads and calibrations, and the protocols."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from symtrack.model.spec.config import TileConfig, UsedLines
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.settings import (
    Settings,
    Target,
)
from symtrack.model.state import Arrays
from symtrack.model.tile.pulse_train import Bits
from symtrack.model.tile.trains import Sources


@dataclass(frozen=True)
class PulseSlots:
    """The S slots of one update, in order.

    Attributes
    ----------
    rows, columns : uint8[S, R] and uint8[S, C], the lines that fire.
    up : uint8[S], 1 where coincidences raise the weight.
    quadrant : uint8[S], bit 1 for rows with negative c' * delta, bit 0 for columns with negative c * x.
    """

    rows: Bits
    columns: Bits
    up: Bits
    quadrant: Bits


@dataclass(frozen=True)
class Transfer:
    """The result of one transfer.

    Attributes
    ----------
    column : the column that was read.
    pulses : int64[R], signed pulse counts for the slow array.
    latched : uint8[R], 1 where the reference array takes ``reference``.
    reference : int64[R], Qref of the column after the transfer, or Q in reference mode filtered.
    residual : int64[R], D of the column after the transfer; None of a tile without ``residual_memory``.
    """

    column: int
    pulses: Int
    latched: Bits
    reference: Int
    residual: Int | None = None


@dataclass(frozen=True)
class Calibration:
    """The result of one calibration.

    Attributes
    ----------
    up : uint8[N], polarities of its slots.
    reads : its reads in their order.
    """

    up: Bits
    reads: list[Transfer]


class ReferenceColumn(Protocol):
    """The cells of R that a programming works on."""

    def read(self) -> Int:
        """ADC codes [R]."""

    def write(self, pulses: Int) -> None:
        """Take signed pulses [R]."""


@dataclass(frozen=True)
class UpdateVectors:
    """Arguments of one update: signs (1 is negative) and magnitudes per line, and the train length."""

    x_negative: Int
    x_magnitude: Int
    delta_negative: Int
    delta_magnitude: Int
    bl: int


@dataclass(frozen=True)
class UpdateBatch:
    """Arguments of n updates that come one after the other: int64[n, lines], and train lengths int64[n]."""

    x_negative: Int
    x_magnitude: Int
    delta_negative: Int
    delta_magnitude: Int
    bl: Int

    def __iter__(self) -> Iterator[UpdateVectors]:
        lines = self.x_negative, self.x_magnitude, self.delta_negative, self.delta_magnitude
        for k, bl in enumerate(self.bl.tolist()):
            x_negative, x_magnitude, delta_negative, delta_magnitude = (part[k] for part in lines)
            yield UpdateVectors(x_negative, x_magnitude, delta_negative, delta_magnitude, bl)


class PeripheryLike(Protocol):
    """What drives the arrays: the golden periphery, or RTL behind the same methods.

    `state_arrays` holds at least ``q`` int64[C, R] and the counters ``slots``, ``reads`` and ``transfer_pulses``.
    Two peripheries give equal digests only if names, types and shapes of all these arrays are equal too.
    """

    cycles: int
    used: UsedLines

    def use(self, rows: int = 0, columns: int = 0) -> None:
        """Use the first ``rows`` and ``columns`` only, 0: all, from the next operation on; all arrays are theirs."""

    @property
    def chopper(self) -> Int: ...
    @property
    def row_chopper(self) -> Int: ...
    @property
    def next_column(self) -> int: ...
    def update(
        self,
        x_negative: Int,
        x_magnitude: Int,
        delta_negative: Int,
        delta_magnitude: Int,
        bl: int,
        target: Target = Target.FAST,
    ) -> PulseSlots: ...
    def transfer(self, codes: Int, settings: Settings) -> Transfer: ...
    def calibrate(self, pulses: int, codes: Int, *, random: bool = False) -> Calibration: ...
    def program(self, column: int, settings: Settings, cells: ReferenceColumn) -> int: ...
    def state_arrays(self) -> dict[str, Int]: ...


@runtime_checkable
class Sourcing(Protocol):
    """A periphery whose trains compiled code makes from its sources, many updates at once: the golden one."""

    sources: Sources
    words_of_train: int

    def begin_updates(self, target: Target) -> tuple[Int, Int]: ...

    def count_updates(self, updates: int, slots: int) -> None: ...


@runtime_checkable
class Restorable(Protocol):
    """A periphery that can go on from its `state_arrays`: the golden one, and RTL of the native engine."""

    def restore(self, arrays: Arrays) -> None: ...


PeripheryFactory = Callable[[TileConfig], PeripheryLike]
