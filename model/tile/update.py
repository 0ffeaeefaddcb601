# SPDX-License-Identifier: Apache-2.0
"""Golden update path, clock cycle by clock cycle: vectors go in, slots of the pulse trains come out.

    a line fires in a slot where its magnitude is larger than its random word and its sign is that of the quadrant
    coincidences move P by -delta * (c' o c o x)^T; a slot of zero-shifting has all lines, of alternating or random sign

A slot is chosen, compared with its words, and offered; one more waits behind the one that is offered. Latency:
`model.spec.config.SLOT_LATENCY` cycles from the first of PULSE or SHIFT to the first slot. Throughput: one slot per
cycle. Source: docs/tile.md, sections 3, 5 and 8.
"""

from __future__ import annotations

import numpy as np

from symtrack.model.spec.config import SLOT_LATENCY, TileConfig
from symtrack.model.spec.settings import Target
from symtrack.model.tile.chopper import ChopperState
from symtrack.model.tile.counters import Status
from symtrack.model.tile.packing import pack_bits, unpack
from symtrack.model.tile.pulse_train import COLUMN_SIDE, ROW_SIDE, fire
from symtrack.model.tile.quadrants import schedule, signs_present, up
from symtrack.model.tile.random_bank import Bank
from symtrack.model.tile.sequencer import SequencerModel, State
from symtrack.model.tile.zero_shift import polarities

_PULSES = (
    "pulses__valid",
    "pulses__rows",
    "pulses__columns",
    "pulses__up",
    "pulses__quadrant",
    "pulses__slow",
    "pulses__last",
)


class UpdatePipeline:
    """Line registers, random banks and the stages of slots.

    Attributes
    ----------
    row_bank, column_bank : random words of the two sides.
    pulses : payload and ``valid`` of the output stream, by the names of its ports.
    """

    def __init__(self, config: TileConfig) -> None:
        self._config = config
        self._x_negative, self._x_magnitude = np.zeros((2, config.columns), np.int64)
        self._delta_negative, self._delta_magnitude = np.zeros((2, config.rows), np.int64)
        self.reset()

    def reset(self) -> None:
        """Empty all stages; the vectors stay as they are, which are those of the lines in use."""
        config = self._config
        self.row_bank, self.column_bank = Bank(config.row_bank), Bank(config.column_bank)
        self._quadrants = self._up = schedule(0, 0, 0)
        self.pulses = dict.fromkeys(_PULSES, 0)
        self._age = 0  # cycles of PULSE or SHIFT so far
        self._chosen: int | None = None  # number of a slot without its words yet
        self._compared: dict[str, int] | None = None  # a slot whose lines can fire
        self._spare: dict[str, int] | None = None  # one that waits behind the slot that is offered

    def load(self, magnitude: int, negative: int, sequencer: SequencerModel, chopper: ChopperState) -> None:
        """Take a beat of vectors; updates of P are chopped, and lines that are not in use have no magnitude."""
        config, used = self._config, sequencer.used
        beat, chops = sequencer.count, sequencer.settings.target == Target.FAST
        if beat == 0:
            self._x_magnitude[:] = self._delta_magnitude[:] = 0
        if beat < used.column_beats:
            lines = slice(beat * config.lanes, min((beat + 1) * config.lanes, used.columns))
            chopped = (chopper.sign[lines] < 0) & chops
            self._x_magnitude[lines] = unpack(magnitude, config.magnitude_bits, chopped.size)
            self._x_negative[lines] = unpack(negative, 1, chopped.size) ^ chopped
        else:
            beat -= used.column_beats
            lines = slice(beat * config.lanes, min((beat + 1) * config.lanes, used.rows))
            chopped = (chopper.row_sign[lines] < 0) & chops
            self._delta_magnitude[lines] = unpack(magnitude, config.magnitude_bits, chopped.size)
            self._delta_negative[lines] = unpack(negative, 1, chopped.size) ^ chopped
        sequencer.beat_loaded()
        if sequencer.state is State.PULSE:
            row_signs = signs_present(self._delta_negative, self._delta_magnitude)
            column_signs = signs_present(self._x_negative, self._x_magnitude)
            self._quadrants = schedule(row_signs, column_signs, sequencer.bl)
            self._up = up(self._quadrants)

    def step(self, *, ready: bool, sequencer: SequencerModel, chopper: ChopperState, status: Status) -> None:
        """A cycle of PULSE or SHIFT: slots are chosen, compared with their words, and offered."""
        self._age += 1
        if self._age == 1:
            return
        if self.pulses["pulses__valid"] and ready:
            status.count_slots(1)
        free = not self.pulses["pulses__valid"] or ready
        more = sequencer.count < self._slots_to_do(sequencer)
        under_way = [slot for slot in (self._chosen, self._compared, self._spare) if slot is not None]
        if self._age >= SLOT_LATENCY and free and not more and not under_way:
            self.pulses["pulses__valid"] = 0
            self._age = 0
            if sequencer.state is State.SHIFT:
                sequencer.shifted()
            else:
                sequencer.enter(State.IDLE)
            return
        room_to_fire = self._spare is None
        room_to_compare = room_to_fire or self._compared is None
        fires = None
        if room_to_fire:
            fires, self._compared = self._compared, None
        if free:
            offered, self._spare = (fires, None) if room_to_fire else (self._spare, None)
            self.pulses = offered or self.pulses | {"pulses__valid": 0}
        elif fires is not None:
            self._spare = fires
        room = room_to_compare or self._chosen is None
        if room_to_compare and self._chosen is not None:
            shift = sequencer.state is State.SHIFT
            slot = self._chosen
            self._compared = self._zero_shift(slot, sequencer, chopper) if shift else self._slot(slot, sequencer)
            self._chosen = None
        if room and more:
            self._chosen = sequencer.count
            sequencer.count += 1

    def _slots_to_do(self, sequencer: SequencerModel) -> int:
        return sequencer.settings.calibration_pulses if sequencer.state is State.SHIFT else self._quadrants.size

    def _zero_shift(self, slot: int, sequencer: SequencerModel, chopper: ChopperState) -> dict[str, int]:
        settings, up = sequencer.settings, 1 - slot % 2
        if settings.calibration_random:
            up = int(polarities(1, random=True, source=chopper.source)[0])
        return {
            "pulses__valid": 1,
            "pulses__rows": (1 << sequencer.used.rows) - 1,
            "pulses__columns": (1 << sequencer.used.columns) - 1,
            "pulses__up": up,
            "pulses__quadrant": up,
            "pulses__slow": int(Target.FAST),
            "pulses__last": int(slot == settings.calibration_pulses - 1),
        }

    def _slot(self, slot: int, sequencer: SequencerModel) -> dict[str, int]:
        quadrant, bank = self._quadrants[slot : slot + 1], self.row_bank
        rows = fire(
            bank.words(1), bank.first, bank.second, self._delta_magnitude, self._delta_negative, quadrant, ROW_SIDE
        )
        bank = self.column_bank
        columns = fire(
            bank.words(1), bank.first, bank.second, self._x_magnitude, self._x_negative, quadrant, COLUMN_SIDE
        )
        return {
            "pulses__valid": 1,
            "pulses__rows": pack_bits(rows),
            "pulses__columns": pack_bits(columns),
            "pulses__up": int(self._up[slot]),
            "pulses__quadrant": int(quadrant[0]),
            "pulses__slow": int(sequencer.settings.target),
            "pulses__last": int(slot == self._quadrants.size - 1),
        }
