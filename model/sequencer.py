"""The states of the tile and what each of them counts.

    CLEAR -> IDLE;   IDLE -> LOAD -> PULSE -> IDLE (update);   IDLE -> READ -> STREAM -> IDLE (transfer)

CLEAR lasts ``clear_cycles``; an update takes ``update_cycles(slots)`` and a transfer ``transfer_cycles`` when
no stream waits. Source: docs/tile.md, section 4.
"""

from __future__ import annotations

from enum import Enum, auto

from model.config import Op, Settings, TileConfig


class State(Enum):
    """What the tile is doing."""

    CLEAR = auto()
    IDLE = auto()
    LOAD = auto()
    PULSE = auto()
    READ = auto()
    STREAM = auto()


class Sequencer:
    """State register, and what is sampled with a command.

    Attributes
    ----------
    state : the state.
    count : words cleared, beats of vectors loaded, slots issued or beats of codes accepted in this state.
    bl, settings : of the last accepted command.
    """

    def __init__(self, config: TileConfig) -> None:
        self._config = config
        self.state = State.CLEAR
        self.count = 0
        self.bl = 0
        self.settings = Settings()

    def enter(self, state: State) -> None:
        """Go to ``state`` with nothing counted."""
        self.state = state
        self.count = 0

    def command(self, op: int, bl: int, settings: Settings) -> None:
        """A command is accepted in IDLE."""
        self.bl = min(bl, self._config.bl_max)
        self.settings = settings
        if op == Op.UPDATE:
            self.enter(State.LOAD)
        elif op == Op.TRANSFER:
            self.enter(State.READ)

    def word_cleared(self) -> None:
        """One word of the memories is cleared."""
        self.count += 1
        if self.count == self._config.depth:
            self.enter(State.IDLE)

    def beat_loaded(self) -> None:
        """A beat of vectors is accepted."""
        self.count += 1
        if self.count == self._config.column_beats + self._config.row_beats:
            self.enter(State.PULSE)
