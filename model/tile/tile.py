"""The tile clock cycle by clock cycle: every output port in every cycle, for any inputs.

    outputs(t) = f(registers(t), inputs(t)),   registers(t + 1) = g(registers(t), inputs(t))

It is made of the same blocks as `model.tile.operations.Periphery`. Latency and throughput are those of docs/tile.md:
one slot or one beat per cycle, 11 cycles from a code to its write. Source: docs/tile.md, all sections.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from symtrack.model.spec.config import SLOT_LATENCY, TileConfig
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.settings import Settings, Target, setting_specs
from symtrack.model.spec.status import STATUS
from symtrack.model.tile.chopper import ChopperState
from symtrack.model.tile.counters import Status
from symtrack.model.tile.packing import pack_bits, unpack
from symtrack.model.tile.pulse_train import COLUMN_SIDE, ROW_SIDE, fire
from symtrack.model.tile.quadrants import schedule, signs_present, up
from symtrack.model.tile.random_source import Bank
from symtrack.model.tile.sequencer import Sequencer, State
from symtrack.model.tile.transfer import Pipeline
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


class Tile:
    """Cycle-accurate model of one tile.

    `step` takes the value of every input port of docs/tile.md (``rst`` included) in one cycle, returns the value
    of every output port in that cycle, and then takes the clock edge. Ports go by their Verilog names and are
    unsigned integers that fit the port. The registers start with the values that a reset gives them.
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        self._pipeline = Pipeline(config)
        self._x_negative, self._x_magnitude = np.zeros((2, config.columns), np.int64)
        self._delta_negative, self._delta_magnitude = np.zeros((2, config.rows), np.int64)
        self._reset()

    def _reset(self) -> None:
        config = self.config
        self._sequencer = Sequencer(config)
        self._row_bank, self._column_bank = Bank(config.row_bank), Bank(config.column_bank)
        self._chopper = ChopperState(config)
        self._chopper_port = self._row_chopper_port = 0
        self._wrap: bool | None = None  # whether the read that ended in the last cycle was a sweep's last
        self._status = Status(config)
        self._quadrants = self._up = schedule(0, 0, 0)
        self._outside = 0  # cells out of tolerance in this round of a programming
        self._pulses = dict.fromkeys(_PULSES, 0)
        self._age = 0  # cycles of PULSE or SHIFT so far
        self._chosen: int | None = None  # number of a slot without its words yet
        self._compared: dict[str, int] | None = None  # a slot whose lines can fire
        self._spare: dict[str, int] | None = None  # one that waits behind the slot that is offered
        self._pipeline.reset()

    def step(self, inputs: Mapping[str, int]) -> dict[str, int]:
        """The output ports in this cycle; then the clock edge."""
        sequencer = self._sequencer
        outputs = self._outputs(inputs)
        if self._wrap is not None:
            self._chopper.step(wrap=self._wrap)
            self._wrap = None
        match sequencer.state:
            case State.CLEAR:
                self._pipeline.clear(sequencer.count)
                sequencer.word_cleared()
            case State.IDLE:
                if inputs["command__valid"]:
                    settings = _settings(inputs, self.config)
                    sequencer.command(inputs["command__op"], inputs["command__bl"], inputs["command__column"], settings)
            case State.LOAD:
                if inputs["vectors__valid"]:
                    self._load(inputs["vectors__magnitude"], inputs["vectors__negative"])
            case State.PULSE | State.SHIFT:
                self._pulse(bool(inputs["pulses__ready"]))
            case State.READ:
                if inputs["read__ready"]:
                    self._status.count_read()
                    sequencer.enter(State.STREAM)
            case State.STREAM:
                taken = outputs["codes__ready"] and inputs["codes__valid"]
                self._stream(inputs["codes__code"] if taken else None, bool(inputs["writes__ready"]))
        if inputs["rst"]:
            self._reset()
        return outputs

    def _outputs(self, inputs: Mapping[str, int]) -> dict[str, int]:
        state, status = self._sequencer.state, self._status
        programming = self._sequencer.programming and state in (State.READ, State.STREAM)
        more_codes = state is State.STREAM and self._sequencer.count < self.config.row_beats
        return {
            "command__ready": int(state is State.IDLE),
            "vectors__ready": int(state is State.LOAD),
            **self._pulses,
            "read__valid": int(state is State.READ),
            "read__array": int(programming),
            "read__column": self._sequencer.column if programming else self._chopper.column,
            "codes__ready": int(more_codes and self._pipeline.room),
            **self._pipeline.writes,
            "status__busy": int(state is not State.IDLE),
            "status__chopper": self._chopper_port,
            "status__row_chopper": self._row_chopper_port,
            **{f"status__{spec.name}": int(getattr(status, spec.name)) for spec in STATUS},
        }

    def _load(self, magnitude: int, negative: int) -> None:
        config, sequencer = self.config, self._sequencer
        beat, chops = sequencer.count, sequencer.settings.target == Target.FAST
        if beat < config.column_beats:
            lines = slice(beat * config.lanes, min((beat + 1) * config.lanes, config.columns))
            chopped = (self._chopper.sign[lines] < 0) & chops
            self._x_magnitude[lines] = unpack(magnitude, config.magnitude_bits, chopped.size)
            self._x_negative[lines] = unpack(negative, 1, chopped.size) ^ chopped
        else:
            beat -= config.column_beats
            lines = slice(beat * config.lanes, min((beat + 1) * config.lanes, config.rows))
            chopped = (self._chopper.row_sign[lines] < 0) & chops
            self._delta_magnitude[lines] = unpack(magnitude, config.magnitude_bits, chopped.size)
            self._delta_negative[lines] = unpack(negative, 1, chopped.size) ^ chopped
        sequencer.beat_loaded()
        if sequencer.state is State.PULSE:
            row_signs = signs_present(self._delta_negative, self._delta_magnitude)
            column_signs = signs_present(self._x_negative, self._x_magnitude)
            self._quadrants = schedule(row_signs, column_signs, sequencer.bl)
            self._up = up(self._quadrants)

    def _pulse(self, ready: bool) -> None:
        """A cycle of PULSE or SHIFT: slots are chosen, compared with their words, and offered."""
        self._age += 1
        if self._age == 1:
            return
        sequencer = self._sequencer
        if self._pulses["pulses__valid"] and ready:
            self._status.count_slots(1)
        free = not self._pulses["pulses__valid"] or ready
        more = sequencer.count < self._slots_to_do
        under_way = [slot for slot in (self._chosen, self._compared, self._spare) if slot is not None]
        if self._age >= SLOT_LATENCY and free and not more and not under_way:
            self._pulses["pulses__valid"] = 0
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
            self._pulses = offered or self._pulses | {"pulses__valid": 0}
        elif fires is not None:
            self._spare = fires
        room = room_to_compare or self._chosen is None
        if room_to_compare and self._chosen is not None:
            shift = sequencer.state is State.SHIFT
            self._compared = self._zero_shift(self._chosen) if shift else self._slot(self._chosen)
            self._chosen = None
        if room and more:
            self._chosen = sequencer.count
            sequencer.count += 1

    @property
    def _slots_to_do(self) -> int:
        sequencer = self._sequencer
        return sequencer.settings.calibration_pulses if sequencer.state is State.SHIFT else self._quadrants.size

    def _zero_shift(self, slot: int) -> dict[str, int]:
        settings, up = self._sequencer.settings, 1 - slot % 2
        if settings.calibration_random:
            up = int(polarities(1, random=True, source=self._chopper.source)[0])
        return {
            "pulses__valid": 1,
            "pulses__rows": (1 << self.config.rows) - 1,
            "pulses__columns": (1 << self.config.columns) - 1,
            "pulses__up": up,
            "pulses__quadrant": up,
            "pulses__slow": int(Target.FAST),
            "pulses__last": int(slot == settings.calibration_pulses - 1),
        }

    def _slot(self, slot: int) -> dict[str, int]:
        quadrant, bank = self._quadrants[slot : slot + 1], self._row_bank
        rows = fire(
            bank.words(1), bank.first, bank.second, self._delta_magnitude, self._delta_negative, quadrant, ROW_SIDE
        )
        bank = self._column_bank
        columns = fire(
            bank.words(1), bank.first, bank.second, self._x_magnitude, self._x_negative, quadrant, COLUMN_SIDE
        )
        return {
            "pulses__valid": 1,
            "pulses__rows": pack_bits(rows),
            "pulses__columns": pack_bits(columns),
            "pulses__up": int(self._up[slot]),
            "pulses__quadrant": int(quadrant[0]),
            "pulses__slow": int(self._sequencer.settings.target),
            "pulses__last": int(slot == self._quadrants.size - 1),
        }

    def _stream(self, codes: int | None, ready: bool) -> None:
        sequencer, pipeline = self._sequencer, self._pipeline
        finished = outside = False
        room = pipeline.room
        pipeline.write_hidden(sequencer.settings)
        if pipeline.writes["writes__valid"] and ready:
            beat, n, cells = pipeline.accept_write()
            if sequencer.programming:
                self._status.count_reference_pulses(n)
                self._outside += cells
                outside = self._outside > 0
                if sequencer.last_round:
                    self._status.give_up(cells)
            else:
                self._status.count_pulses(n)
            finished = beat == self.config.row_beats - 1
        if room:
            pipeline.advance(codes, sequencer.count, self._chopper, sequencer, self._status)
        if codes is not None:
            sequencer.count += 1
        if finished:
            if not sequencer.programming:
                self._wrap = self._chopper.turn(sequencer.settings)
                self._chopper_port = pack_bits(self._chopper.sign < 0)
                self._row_chopper_port = pack_bits(self._chopper.row_sign < 0)
            self._outside = 0
            sequencer.streamed(outside=outside)

    def memory(self, name: str) -> Int:
        """The live words of ``q``, ``qref`` or ``hidden``, lane after lane, for fault injection."""
        memories = {"q": self._pipeline.q, "qref": self._pipeline.qref, "hidden": self._pipeline.hidden}
        return memories[name].reshape(-1)

    def state_arrays(self) -> dict[str, Int]:
        """Copies of all state that reset defines, by name; the same names as of `model.tile.operations.Periphery`."""
        config, pipeline = self.config, self._pipeline
        memories = {"q": pipeline.q, "qref": pipeline.qref, "hidden": pipeline.hidden}
        return {
            **{name: memory.reshape(config.columns, -1)[:, : config.rows].copy() for name, memory in memories.items()},
            "row_sources": self._row_bank.state.copy(),
            "column_sources": self._column_bank.state.copy(),
            "dither_sources": pipeline.dither_bank.state.copy(),
            **self._chopper.state_arrays(),
            **self._status.state_arrays(),
        }


def _settings(inputs: Mapping[str, int], config: TileConfig) -> Settings:
    """What the ports say; codes without a meaning act as off and zero."""
    return Settings(**{spec.name: spec.decoded(inputs[f"settings__{spec.name}"]) for spec in setting_specs(config)})
