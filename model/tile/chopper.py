# SPDX-License-Identifier: Apache-2.0
"""Golden choppers: the signs by which columns and rows are modulated, and when they flip.

    at the end of a transfer of column j, with N = chopper_period and sweep counter s modulo 2N:
    flip  = s mod N = N - 1     (regular)   or   word < chopper_flip_below    (random)   or   0   (off)
            of column j (scope column), or of all columns at the end of a sweep (scope tile)
    flip'_i = s = N + i mod N   (regular)   or   word_i < chopper_flip_below  (random)   or   0   (off),   every sweep
    latch_ij = flipped_j xor flipped'_i, the flips after the previous read of the cell

C is the number of columns in use; a next column that an operation does not use becomes column 0 as it begins. Lines
that are not in use keep signs and flags, but for what flips together.

Formats: signs are +1 and -1, words have `CHOPPER_RANDOM_BITS` bits. Latency: the state changes once per transfer; the
sources step in every mode. Source: chopped transfer of c-TTv2, AGAD and E-RIDER (docs/tile.md, sections 6 and 7).
"""

from __future__ import annotations

import numpy as np

from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.settings import ChopperMode, Scope, Settings
from symtrack.model.state import Arrays
from symtrack.model.tile.random_bank import Bank
from symtrack.model.tile.random_source import Sources


class ChopperState:
    """Registers of the choppers and of the order in which columns are read.

    Attributes
    ----------
    sign, row_sign : int64[C] and int64[R], the choppers c and c', +1 or -1.
    flipped, row_flipped : int64[C] and int64[R], 1 where the chopper flipped after the previous read.
    column, sweep : next column to be read, and completed sweeps modulo ``sweeps``.
    source, row_bank : the sources of random flips.
    """

    def __init__(self, config: TileConfig) -> None:
        self._config = config
        self.sign = np.ones(config.columns, np.int64)
        self.flipped = np.zeros(config.columns, np.int64)
        self.row_sign = np.ones(config.rows, np.int64)
        self.row_flipped = np.zeros(config.rows, np.int64)
        self.column = 0
        self.sweep = 0
        self.source = Sources((config.chopper_source,))
        self.row_bank = Bank(config.row_chopper_bank)
        self.used_columns = config.columns  # by the operation in work
        self._row_phase = config.chopper_period + np.arange(config.rows) % config.chopper_period

    @property
    def read_sign(self) -> Int:
        """int64[R]: c_j * c'_i of the next column to be read."""
        return self.row_sign * self.sign[self.column]

    @property
    def read_latch(self) -> Int:
        """int64[R]: whether the choppers call for a latch in the next column to be read."""
        return self.row_flipped ^ self.flipped[self.column]

    def begin(self, columns: int) -> None:
        """What the begin of an operation that uses so many columns does."""
        self.used_columns = columns
        if self.column >= columns:
            self.column = 0

    def finish_transfer(self, settings: Settings) -> None:
        """What the end of a transfer does."""
        self.step(wrap=self.turn(settings))

    def turn(self, settings: Settings) -> bool:
        """Signs, flags and column after a transfer; whether a sweep ends with it."""
        j, wrap = self.column, self.column == self.used_columns - 1
        flip = self._flip(settings.chopper)
        if settings.scope == Scope.TILE:
            self.flipped[j] = 0
            if wrap and flip:
                self.flipped[:] = 1
                self.sign *= -1
        else:
            self.flipped[j] = flip
            if flip:
                self.sign[j] *= -1
        if wrap and self._config.row_chopper:
            self.row_flipped[:] = self._row_flips(settings.row_chopper)
            self.row_sign *= 1 - 2 * self.row_flipped
        self.column = 0 if wrap else j + 1
        return wrap

    def step(self, *, wrap: bool) -> None:
        """What has a cycle more for it: the sources and the sweeps."""
        self.source.words(1)
        if wrap:
            self.sweep = (self.sweep + 1) % self._config.sweeps
            if self._config.row_chopper:
                self.row_bank.words(1)

    def _flip(self, mode: ChopperMode) -> bool:
        word = int(self.source.now[0])
        if mode == ChopperMode.REGULAR:
            period = self._config.chopper_period
            return self.sweep % period == period - 1
        return mode == ChopperMode.RANDOM and word < self._config.chopper_flip_below

    def _row_flips(self, mode: ChopperMode) -> Int:
        words = self.row_bank.line_words_now
        if mode == ChopperMode.REGULAR:
            return (self._row_phase == self.sweep).astype(np.int64)
        return ((words < self._config.chopper_flip_below) & (mode == ChopperMode.RANDOM)).astype(np.int64)

    def state_arrays(self) -> dict[str, Int]:
        """Copies of all registers, by name; those of the rows only if they have choppers."""
        rows = {
            "row_chopper": self.row_sign.copy(),
            "row_flipped": self.row_flipped.copy(),
            "row_chopper_sources": self.row_bank.state.copy(),
        }
        return {
            "chopper": self.sign.copy(),
            "flipped": self.flipped.copy(),
            "column": np.array(self.column, np.int64),
            "sweep": np.array(self.sweep, np.int64),
            "chopper_source": self.source.state.copy(),
        } | (rows if self._config.row_chopper else {})

    def restore(self, arrays: Arrays) -> None:
        """Back to the registers of `state_arrays`."""
        self.sign[:] = arrays["chopper"]
        self.flipped[:] = arrays["flipped"]
        self.column = int(arrays["column"])
        self.sweep = int(arrays["sweep"])
        self.source.state[:] = arrays["chopper_source"]
        if self._config.row_chopper:
            self.row_sign[:] = arrays["row_chopper"]
            self.row_flipped[:] = arrays["row_flipped"]
            self.row_bank.state[:] = arrays["row_chopper_sources"]
