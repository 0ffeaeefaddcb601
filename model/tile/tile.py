# SPDX-License-Identifier: Apache-2.0
"""Golden tile, clock cycle by clock cycle: every output port in every cycle, for any inputs.

    outputs(t) = f(registers(t), inputs(t)),   registers(t + 1) = g(registers(t), inputs(t))

It is made of the same blocks as `model.tile.operations.Periphery`. Latency and throughput are those of docs/tile.md:
one slot or one beat per cycle, `model.spec.config.BEAT_LATENCY` cycles from a code to its write. Source:
docs/tile.md, all sections.
"""

from __future__ import annotations

from collections.abc import Mapping

from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.settings import Settings, setting_specs
from symtrack.model.spec.status import STATUS
from symtrack.model.tile.chopper import ChopperState
from symtrack.model.tile.counters import Status
from symtrack.model.tile.packing import pack_bits
from symtrack.model.tile.parity import memories
from symtrack.model.tile.random_source import Sources
from symtrack.model.tile.seed_loader import SeedLoader
from symtrack.model.tile.sequencer import SequencerModel, State
from symtrack.model.tile.transfer import TransferPipeline
from symtrack.model.tile.update import UpdatePipeline


class TileModel:
    """Cycle-accurate model of one tile.

    `step` takes the value of every input port of docs/tile.md (``rst`` included) in one cycle, returns the value
    of every output port in that cycle, and then takes the clock edge. Ports go by their Verilog names and are
    unsigned integers that fit the port. The registers start with the values that a reset gives them, which for random
    sources does not depend on ``config.seed``: `model.spec.config.TileConfig.seeds` come in through ports.
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        self._transfer = TransferPipeline(config)
        self._update = UpdatePipeline(config)
        self._reset()

    def _reset(self) -> None:
        config = self.config
        self._sequencer = SequencerModel(config)
        self._chopper = ChopperState(config)
        self._chopper_port = self._row_chopper_port = 0
        self._wrap: bool | None = None  # whether the read that ended in the last cycle was a sweep's last
        self._status = Status(config)
        self._seeds = SeedLoader()
        self._outside = 0  # cells out of tolerance in this round of a programming
        self._update.reset()
        self._transfer.reset()

    def step(self, inputs: Mapping[str, int]) -> dict[str, int]:
        """The output ports in this cycle; then the clock edge."""
        sequencer = self._sequencer
        outputs = self._outputs(inputs)
        self._status.memory_error = False
        resting = sequencer.state in (State.CLEAR, State.IDLE)
        seed, valid = inputs["seeds__state"], bool(inputs["seeds__valid"])
        self._seeds.step(seed, valid=valid, resting=resting, banks=self._banks)
        self._status.seed_refused = self._seeds.refuses
        if self._wrap is not None:
            self._chopper.step(wrap=self._wrap)
            self._wrap = None
        match sequencer.state:
            case State.CLEAR:
                self._transfer.clear(sequencer.count)
                sequencer.word_cleared()
            case State.IDLE:
                if inputs["command__valid"]:
                    settings = _settings(inputs, self.config)
                    sequencer.command(inputs["command__op"], inputs["command__bl"], inputs["command__column"], settings)
                    self._chopper.begin(sequencer.used.columns)
            case State.LOAD:
                if inputs["vectors__valid"]:
                    magnitude, negative = inputs["vectors__magnitude"], inputs["vectors__negative"]
                    self._update.load(magnitude, negative, sequencer, self._chopper)
            case State.PULSE | State.SHIFT:
                ready = bool(inputs["pulses__ready"])
                self._update.step(ready=ready, sequencer=sequencer, chopper=self._chopper, status=self._status)
            case State.READ:
                if inputs["read__ready"]:
                    self._status.count_read()
                    sequencer.enter(State.STREAM)
            case State.STREAM:
                taken = outputs["codes__ready"] and inputs["codes__valid"]
                self._stream(inputs["codes__code"] if taken else None, bool(inputs["writes__ready"]))
        if self.config.self_test:
            for name in (name for name in memories(self.config) if inputs[f"inject__{name}"]):
                self._transfer.parity.arm(name, inputs["inject__lane"])
        if inputs["rst"]:
            self._reset()
        return outputs

    @property
    def _banks(self) -> tuple[Sources, ...]:
        """All random sources, in the order of `model.spec.config.TileConfig.sources`."""
        update, chopper = self._update, self._chopper
        return (update.row_bank, update.column_bank, chopper.source, self._transfer.dither_bank, chopper.row_bank)

    def _outputs(self, inputs: Mapping[str, int]) -> dict[str, int]:
        state, status = self._sequencer.state, self._status
        programming = self._sequencer.programming and state in (State.READ, State.STREAM)
        more_codes = state is State.STREAM and self._sequencer.count < self._sequencer.used.row_beats
        return {
            "command__ready": int(state is State.IDLE),
            "vectors__ready": int(state is State.LOAD),
            **self._update.pulses,
            "read__valid": int(state is State.READ),
            "read__array": int(programming),
            "read__column": self._sequencer.column if programming else self._chopper.column,
            "codes__ready": int(more_codes and self._transfer.room),
            **self._transfer.writes,
            "seeds__ready": int(self._seeds.loads or self._seeds.refuses),
            "status__busy": int(state is not State.IDLE),
            "status__chopper": self._chopper_port,
            "status__row_chopper": self._row_chopper_port,
            **{f"status__{spec.name}": int(getattr(status, spec.name)) for spec in STATUS},
        }

    def _stream(self, codes: int | None, ready: bool) -> None:
        sequencer, pipeline = self._sequencer, self._transfer
        finished = outside = False
        room = pipeline.room
        pipeline.write_hidden(sequencer.settings)
        if pipeline.writes["writes__valid"] and ready:
            finished, n, cells = pipeline.accept_write()
            if sequencer.programming:
                self._status.count_reference_pulses(n)
                self._outside += cells
                outside = self._outside > 0
                if sequencer.last_round:
                    self._status.give_up(cells)
            else:
                self._status.count_pulses(n)
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
        """The live words of ``q``, ``qref``, ``hidden`` or ``residual``, lane after lane, for fault injection."""
        words: Int = getattr(self._transfer, name)
        return words.reshape(-1)

    def state_arrays(self) -> dict[str, Int]:
        """Copies of all state that reset defines, by name; the same names as of `model.tile.operations.Periphery`."""
        config, pipeline = self.config, self._transfer
        lanes = {name: self.memory(name).reshape(config.columns, -1) for name in memories(config)}
        return {
            **{name: words[:, : config.rows].copy() for name, words in lanes.items()},
            "row_sources": self._update.row_bank.state.copy(),
            "column_sources": self._update.column_bank.state.copy(),
            "dither_sources": pipeline.dither_bank.state.copy(),
            **self._chopper.state_arrays(),
            **self._status.state_arrays(),
        }


def _settings(inputs: Mapping[str, int], config: TileConfig) -> Settings:
    """What the ports say; codes without a meaning act as off and zero."""
    return Settings(**{spec.name: spec.decoded(inputs[f"settings__{spec.name}"]) for spec in setting_specs(config)})
