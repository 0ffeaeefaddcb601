# SPDX-License-Identifier: Apache-2.0
"""Golden sequencer: the state machine of the tile, and what each of its states counts.

    CLEAR -> IDLE;   IDLE -> LOAD -> PULSE -> IDLE (update);   IDLE -> READ -> STREAM -> IDLE (transfer)
    IDLE -> SHIFT -> READ -> STREAM -> READ ... -> IDLE (calibration)
    IDLE -> READ -> STREAM -> READ ... -> IDLE (programming)

CLEAR lasts ``clear_cycles``; operations take what `model.spec.config.TileConfig` says when no stream waits.
Source: docs/tile.md, sections 4, 8 and 9.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum, auto

from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import ChopperMode, Op, Reference, Settings

PLAIN = {
    "chopper": ChopperMode.OFF,
    "row_chopper": ChopperMode.OFF,
    "reference": Reference.LATCHED,
    "accumulate": False,
}


def calibration_settings(settings: Settings, *, last: bool) -> Settings:
    """What the reads of a calibration go by; those of the ``last`` sweep latch."""
    return replace(settings, **PLAIN, filter=True, latch=last)  # type: ignore[arg-type]


def programming_settings(settings: Settings) -> Settings:
    """What the reads of a programming go by."""
    return replace(settings, **PLAIN, filter=False, latch=False)  # type: ignore[arg-type]


class State(Enum):
    """What the tile is doing."""

    CLEAR = auto()
    IDLE = auto()
    LOAD = auto()
    PULSE = auto()
    READ = auto()
    STREAM = auto()
    SHIFT = auto()


class SequencerModel:
    """State register, and what is sampled with a command.

    Attributes
    ----------
    state : the state.
    count : words cleared, beats of vectors loaded, slots issued or beats of codes accepted in this state.
    op, bl, column, settings, used : of the last accepted command; used are its rows and columns.
    reads : of a calibration or a programming so far.
    """

    def __init__(self, config: TileConfig) -> None:
        self._config = config
        self.state = State.CLEAR
        self.count = 0
        self.op = int(Op.UPDATE)
        self.bl = 0
        self.column = 0
        self.reads = 0
        self.settings = Settings()
        self.used = config.used()

    def enter(self, state: State) -> None:
        """Go to ``state`` with nothing counted."""
        self.state = state
        self.count = 0

    @property
    def programming(self) -> bool:
        """The operation is one on R."""
        return self.op == Op.PROGRAM and self._config.programmer == 1

    @property
    def last_round(self) -> bool:
        """The read in work is the last that a programming may take."""
        return self.reads + 1 >= self.settings.rounds

    def command(self, op: int, bl: int, column: int, settings: Settings) -> None:
        """A command is accepted in IDLE."""
        self.op = op
        self.bl = min(bl, self._config.bl_max)
        self.used = self._config.used(settings.used_rows, settings.used_columns)
        self.column = min(column, self.used.columns - 1)
        self.settings = settings
        self.reads = 0
        if op == Op.UPDATE:
            self.enter(State.LOAD)
        elif op == Op.TRANSFER:
            self.enter(State.READ)
        elif op == Op.CALIBRATE:
            self.settings = calibration_settings(settings, last=settings.calibration_sweeps == 1)
            if settings.calibration_pulses:
                self.enter(State.SHIFT)
            elif settings.calibration_sweeps:
                self.enter(State.READ)
        elif self.programming:
            self.settings = programming_settings(settings)
            self.enter(State.READ)

    def shifted(self) -> None:
        """The last slot of zero-shifting is on its way."""
        self.enter(State.READ if self.settings.calibration_sweeps else State.IDLE)

    def streamed(self, *, outside: bool) -> None:
        """A column is through; ``outside``: of a programming, some of its cells are out of tolerance."""
        again = False
        if self.op == Op.CALIBRATE:
            sweep = (self.reads + 1) // self.used.columns
            again = sweep < self.settings.calibration_sweeps
            last = sweep == self.settings.calibration_sweeps - 1
            self.settings = calibration_settings(self.settings, last=last)
        elif self.programming:
            again = outside and not self.last_round
        self.reads += 1
        self.enter(State.READ if again else State.IDLE)

    def word_cleared(self) -> None:
        """One word of the memories is cleared."""
        self.count += 1
        if self.count == self._config.depth:
            self.enter(State.IDLE)

    def beat_loaded(self) -> None:
        """A beat of vectors is accepted."""
        self.count += 1
        if self.count == self.used.column_beats + self.used.row_beats:
            self.enter(State.PULSE)
