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

from typing import NamedTuple

import numpy as np

from symtrack.model.compiled import njit
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.settings import ChopperMode, Scope, Settings
from symtrack.model.state import Arrays
from symtrack.model.tile.random_bank import Bank, BankRegisters
from symtrack.model.tile.random_source import SourceRegisters, Sources, step_words, words_now

_REGULAR, _RANDOM, _TILE = int(ChopperMode.REGULAR), int(ChopperMode.RANDOM), int(Scope.TILE)


class Choppers(NamedTuple):
    """The registers of the choppers for compiled code, which changes them in place.

    Attributes
    ----------
    sign, flipped, row_sign, row_flipped : as of `ChopperState`.
    place : int64[2], column and sweep.
    source, row_bank : the sources of random flips.
    period, flip_below, sweeps : as of the configuration.
    rows_chop : there are choppers of rows.
    """

    sign: Int
    flipped: Int
    row_sign: Int
    row_flipped: Int
    place: Int
    source: SourceRegisters
    row_bank: BankRegisters
    period: int
    flip_below: int
    sweeps: int
    rows_chop: bool


@njit(cache=True)
def turn(state, chopper, scope, row_chopper, columns):  # type: ignore[no-untyped-def]
    """Signs, flags and column after a transfer, of so many columns in use; whether a sweep ends with it.

    state: `Choppers`. chopper, scope, row_chopper: the settings, as integers.
    """
    (column, sweep), period = state.place, state.period
    wrap = column == columns - 1
    flip = chopper == _REGULAR and sweep % period == period - 1
    if chopper == _RANDOM:
        flip = words_now(state.source)[0] < state.flip_below
    if scope == _TILE:
        state.flipped[column] = 0
        if wrap and flip:
            state.flipped[:] = 1
            state.sign[:] *= -1
    else:
        state.flipped[column] = flip
        if flip:
            state.sign[column] *= -1
    if wrap and state.rows_chop:
        _turn_rows(state, row_chopper)
    state.place[0] = 0 if wrap else column + 1
    return wrap


@njit(cache=True)
def _turn_rows(state, mode):  # type: ignore[no-untyped-def]
    """Signs and flags of the rows at the end of a sweep."""
    words, first, second = words_now(state.row_bank.sources), state.row_bank.first, state.row_bank.second
    for i in range(state.row_sign.size):
        flip = mode == _REGULAR and state.place[1] == state.period + i % state.period
        if mode == _RANDOM:
            flip = words[first[i]] ^ words[second[i]] < state.flip_below
        state.row_flipped[i] = flip
        if flip:
            state.row_sign[i] *= -1


@njit(cache=True)
def step(state, wrap):  # type: ignore[no-untyped-def]
    """What has a cycle more for it: the sources and the sweeps."""
    step_words(state.source, 1)
    if wrap:
        state.place[1] = (state.place[1] + 1) % state.sweeps
        if state.rows_chop:
            step_words(state.row_bank.sources, 1)


class ChopperState:
    """Registers of the choppers and of the order in which columns are read.

    Attributes
    ----------
    sign, row_sign : int64[C] and int64[R], the choppers c and c', +1 or -1.
    flipped, row_flipped : int64[C] and int64[R], 1 where the chopper flipped after the previous read.
    column, sweep : next column to be read, and completed sweeps modulo ``sweeps``.
    source, row_bank : the sources of random flips.
    registers : all of them for compiled code.
    """

    def __init__(self, config: TileConfig) -> None:
        self._rows_chop, self._latches = bool(config.row_chopper), bool(config.symmetric_point)
        self.sign = np.ones(config.columns, np.int64)
        self.flipped = np.zeros(config.columns, np.int64)
        self.row_sign = np.ones(config.rows, np.int64)
        self.row_flipped = np.zeros(config.rows, np.int64)
        self._place = np.zeros(2, np.int64)
        self.source = Sources((config.chopper_source,) if config.chopper_draws else ())
        self.row_bank = Bank(config.row_chopper_bank)
        self.used_columns = config.columns  # by the operation in work
        self.registers = Choppers(
            sign=self.sign,
            flipped=self.flipped,
            row_sign=self.row_sign,
            row_flipped=self.row_flipped,
            place=self._place,
            source=self.source.registers,
            row_bank=self.row_bank.bank_registers,
            period=config.chopper_period,
            flip_below=config.chopper_flip_below,
            sweeps=config.sweeps,
            rows_chop=self._rows_chop,
        )

    @property
    def column(self) -> int:
        """The next column to be read."""
        return int(self._place[0])

    @column.setter
    def column(self, column: int) -> None:
        self._place[0] = column

    @property
    def sweep(self) -> int:
        """Completed sweeps modulo ``sweeps``."""
        return int(self._place[1])

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
        modes = int(settings.chopper), int(settings.scope), int(settings.row_chopper)
        return bool(turn(self.registers, *modes, self.used_columns))

    def step(self, *, wrap: bool) -> None:
        """What has a cycle more for it: the sources and the sweeps."""
        step(self.registers, wrap)

    def state_arrays(self) -> dict[str, Int]:
        """Copies of all registers, by name; those of the rows only if they have choppers, flags only if a read latches
        by them.
        """
        rows = {
            "row_chopper": self.row_sign.copy(),
            **({"row_flipped": self.row_flipped.copy()} if self._latches else {}),
            "row_chopper_sources": self.row_bank.state.copy(),
        }
        return {
            "chopper": self.sign.copy(),
            **({"flipped": self.flipped.copy()} if self._latches else {}),
            "column": np.array(self.column, np.int64),
            "sweep": np.array(self.sweep, np.int64),
            "chopper_source": self.source.state.copy(),
        } | (rows if self._rows_chop else {})

    def restore(self, arrays: Arrays) -> None:
        """Back to the registers of `state_arrays`."""
        self.sign[:] = arrays["chopper"]
        if self._latches:
            self.flipped[:] = arrays["flipped"]
        self._place[:] = int(arrays["column"]), int(arrays["sweep"])
        self.source.state[:] = arrays["chopper_source"]
        if self._rows_chop:
            self.row_sign[:] = arrays["row_chopper"]
            if self._latches:
                self.row_flipped[:] = arrays["row_flipped"]
            self.row_bank.state[:] = arrays["row_chopper_sources"]
