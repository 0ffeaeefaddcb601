# SPDX-License-Identifier: Apache-2.0
"""Per-cell device parameters as integers: what a family of devices hands to the array.

A pulse moves the state v of a cell, clipped to [low, high], by ``up(v) + noise`` or ``-down(v) + noise``, where up and
down are one of the kinds of `model.devices.responses`, and the visible weight is w = v - reference. The symmetric point
is where up(v) = down(v).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from symtrack.model.arithmetic.formats import WEIGHT_BITS, WEIGHT_ONE
from symtrack.model.devices.responses import (
    FACTOR_BITS,
    POSITION_BITS,
    SEGMENT_BITS,
    Kind,
    Table,
    changes,
    power_tables,
)
from symtrack.model.spec.fixed import Int

STATE_MAX = 2 * WEIGHT_ONE - 1  # a state is an int32
HALF_SELECT_BITS = 20

_NO_TABLE: Table = np.zeros((2, 2), dtype=np.int32)


@dataclass(frozen=True, kw_only=True)
class Cells:
    """Parameters of R x C cells.

    Attributes
    ----------
    step : int64[2, R, C], index 0 down and 1 up, WEIGHT_BITS fractional bits.
    slope : int64[2, R, C], what bends the response: the slope of LINEAR with WEIGHT_BITS fractional bits, the exponent
        of POWER with EXPONENT_BITS; TABLE has none.
    noise : standard deviation of the noise of one pulse, WEIGHT_BITS fractional bits: a fraction of the step of the
        cell, or of the change that it makes if ``multiplicative``.
    low, high : int64[R, C], bounds of v.
    reference : int64[R, C].
    kind : which response.
    place : int64[2, R, C], scale and origin of the position of v, see `model.devices.responses`; LINEAR has none.
    table : int32[2, 2**SEGMENT_BITS + 2], entries of a TABLE downwards and upwards.
    write_noise : standard deviation of the visible weight about the state, a weight.
    read_noise : standard deviation of what a read sees of a cell about its visible weight, a weight.
    half_select : fraction of a step that one line alone makes, HALF_SELECT_BITS fractional bits.
    decay : fraction of v that an update's time takes away, WEIGHT_BITS fractional bits.
    """

    step: Int
    slope: Int
    noise: int
    low: Int
    high: Int
    reference: Int
    multiplicative: bool
    kind: Kind = Kind.LINEAR
    place: Int | None = None
    table: Table = field(default_factory=lambda: _NO_TABLE)
    write_noise: int = 0
    read_noise: int = 0
    half_select: int = 0
    decay: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.reference.shape[0], self.reference.shape[1]

    @property
    def tables(self) -> Table:
        """The two tables of the response, int32[2, n]."""
        return power_tables() if self.kind == Kind.POWER else self.table

    def changes(self, up: int, state: Int) -> Int:
        """Size of the step of every cell at states v [..., R, C] without noise, int64, not clipped to the bounds."""
        place = np.zeros_like(self.step) if self.place is None else self.place
        bend = self.step[up], self.slope[up], self.low, self.high
        return changes(self.kind, up, state, *bend, place, self.tables)

    def largest_change(self) -> int:
        """No step of any cell is larger than this without noise, a weight."""
        if self.kind == Kind.TABLE and self.place is not None:
            scale, origin = self.place
            first, last = ((v * scale + origin) >> (POSITION_BITS - SEGMENT_BITS) for v in (self.low, self.high))
            reached = self.table[:, int(first.min()) : int(last.max()) + 2].astype(np.int64)
            return max(int(self.step[k].max()) * int(reached[k].max()) >> FACTOR_BITS for k in (0, 1))
        return max(int(self.changes(up, state).max()) for up in (0, 1) for state in (self.low, self.high))

    def symmetric_point(self) -> Int:
        """Visible weight at which both steps have the same size, int64[R, C], rounded down and within the bounds.

        For LINEAR ``w* = (step_up - step_down) / (slope_up + slope_down) - reference``; else numerical.
        """
        if self.kind != Kind.LINEAR:
            return self.numeric_symmetric_point()
        numerator = (self.step[1] - self.step[0]) << WEIGHT_BITS
        state = numerator // np.maximum(self.slope[0] + self.slope[1], 1)
        return np.clip(state, self.low, self.high) - self.reference

    def numeric_symmetric_point(self) -> Int:
        """`symmetric_point` by bisection, whatever the response is.

        A state above which up steps are smaller and below which they are larger, so that pulses lead there; one of them
        if there are several. Steps are integers and equal over more than one state: the middle of these. It is a bound
        where one step is larger everywhere, the middle of the range where both are equal everywhere, as constant steps
        may be. Such a cell has no such point, see `has_symmetric_point`.
        """
        first = self._bisect(1, self.low - 1, self.high)
        last, width = first, 1
        while True:  # out of the states that follow with equal steps, and not into another crossing
            ahead = np.minimum(first + width, self.high)
            equal = self._difference(ahead) >= 0
            last = np.where(equal, ahead, last)
            if not (equal & (ahead < self.high)).any():
                break
            width *= 2
        behind = self._bisect(0, last, np.minimum(np.maximum(2 * last - first, last + 1), self.high))
        return ((first + behind) >> 1) - self.reference

    def has_symmetric_point(self) -> NDArray[np.bool_]:
        """Which cells have one, bool[R, C]: both steps are equal between the bounds, and not everywhere."""
        state = self.symmetric_point() + self.reference
        inside = (self.low < state) & (state < self.high)
        below, above = self._difference(self.low), self._difference(self.high)
        return inside & ((below != 0) | (above != 0))

    def _difference(self, state: Int) -> Int:
        return self.changes(1, state) - self.changes(0, state)

    def _bisect(self, threshold: int, below: Int, found: Int) -> Int:
        """Lowest state above ``below``, up to ``found``, with step_up - step_down < threshold, or ``found``."""
        for _ in range(int((found - below).max()).bit_length()):
            middle = np.where(found - below > 1, (below + found) >> 1, found)
            smaller = (self._difference(middle) < threshold) | (middle == found)
            found = np.where(smaller, middle, found)
            below = np.where(smaller, below, middle)
        return found
