# SPDX-License-Identifier: Apache-2.0
"""Tests of the sequencer: its states follow the table of section 4, and commands are sampled when accepted."""

from __future__ import annotations

from random import Random

import pytest

from symtrack.hdl.tile.sequencer import Sequencer
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import COUNT_BITS, ROUND_BITS, Op, setting_specs
from tests.hdl.helpers.simulate import AWKWARD, Dut, Flip, simulate_again

SETTINGS = {
    "target": 1,
    "chopper": 2,
    "scope": 1,
    "row_chopper": 2,
    "reference": 2,
    "filter": 1,
    "latch": 1,
    "direct": 1,
    "gain": "gain_bits",
    "forget": 1,
    "momentum": "momentum_bits",
    "accumulate": 1,
    "calibration_pulses": COUNT_BITS,
    "calibration_sweeps": COUNT_BITS,
    "calibration_random": 1,
    "tolerance": "reference_bits",
    "rounds": ROUND_BITS,
    "used_rows": "row_count_bits",
    "used_columns": "column_count_bits",
}


class Twin:
    """The table of section 4, with the reads that a calibration and a programming still have."""

    def __init__(self, config: TileConfig) -> None:
        self.config, self.state, self.address = config, "CLEAR", 0
        self.bl = self.column = 0
        self.columns = config.columns  # in use
        self.programming, self.rounds, self.left = False, 0, 0
        self.sampled = dict.fromkeys(SETTINGS, 0)

    @property
    def last_round(self) -> bool:
        return self.rounds + 1 >= self.sampled["rounds"]

    def command(self, op: int, bl: int, column: int, columns: int, settings: dict[str, int]) -> None:
        config, self.columns = self.config, columns
        self.bl, self.column, self.sampled = min(bl, config.bl_max), min(column, columns - 1), dict(settings)
        self.programming = op == Op.PROGRAM and config.programmer == 1
        self.rounds = self.left = 0
        self.state = {0: "LOAD", 1: "READ"}.get(op, "IDLE")
        if op == Op.CALIBRATE or self.programming:
            self.sampled |= {"chopper": 0, "row_chopper": 0, "reference": 1, "accumulate": 0, "filter": 0, "latch": 0}
            self.state = "READ"
        if op == Op.CALIBRATE:
            pulses, sweeps = settings["calibration_pulses"], settings["calibration_sweeps"]
            self.left = sweeps * columns
            self.state = "SHIFT" if pulses else "READ" if sweeps else "IDLE"
            self.sampled |= {"filter": 1, "latch": int(sweeps == 1)}

    def finish(self, outside: bool) -> None:
        """The work of the state is done."""
        if self.state == "SHIFT":
            self.state = "READ" if self.left else "IDLE"
        elif self.state != "STREAM":
            self.state = {"LOAD": "PULSE", "PULSE": "IDLE", "READ": "STREAM"}.get(self.state, self.state)
        elif self.left:
            self.left -= 1
            if self.left % self.columns == 0:
                self.sampled["latch"] = int(self.left == self.columns)
            self.state = "READ" if self.left else "IDLE"
        else:
            again = self.programming and outside and not self.last_round
            self.state = "READ" if again else "IDLE"
            self.rounds += 1
            self.programming = again


def compare(config: TileConfig, *, seed: int = 0, cycles: int = 2000, flip: Flip | None = None) -> set[tuple[str, str]]:
    """All outputs with random commands and a reset; the transitions that were seen."""
    rng, seen = Random(seed), set()
    widths = {name: width if isinstance(width, int) else getattr(config, width, 0) for name, width in SETTINGS.items()}
    widths["tolerance"] = config.reference_format.width

    def drawn() -> dict[str, int]:
        small = {"calibration_pulses": 1, "calibration_sweeps": 2, "rounds": 2}
        return {name: rng.getrandbits(small.get(name, width)) for name, width in widths.items()}

    async def program(dut: Dut) -> None:
        twin, state = Twin(config), ""
        unable = [spec.name for spec in setting_specs(config) if not spec.high]  # what these say is not kept
        for cycle in range(cycles):
            settings = drawn()
            valid, op, done, outside = rng.random() < 0.4, rng.randrange(4), rng.random() < 0.6, rng.random() < 0.7
            length = rng.choice((rng.getrandbits(config.bl_bits), config.bl_max, 2**config.bl_bits - 1))
            column, columns = rng.getrandbits(config.column_bits), rng.randint(1, config.columns)
            dut.set(coming_column=columns - 1, last_column=twin.columns - 1)
            dut.set(**{f"settings__{name}": value for name, value in settings.items()})
            dut.set(command__valid=valid, command__op=op, command__bl=length, command__column=column, outside=outside)
            before, state = state, twin.state
            done = done and (state != "SHIFT" or before == "SHIFT")  # slots take more than a cycle
            dut.set(loaded=done and state == "LOAD", pulsed=done and state in ("PULSE", "SHIFT"))
            dut.set(streamed=done and state == "STREAM", read__ready=done)
            start = state == "IDLE" and valid
            assert dut.read("command__ready", "busy", "start") == (state == "IDLE", state != "IDLE", start)
            assert dut.read("clear", "load", "pulse", "shift", "read__valid", "stream") == tuple(
                state == name for name in ("CLEAR", "LOAD", "PULSE", "SHIFT", "READ", "STREAM")
            )
            assert dut.read("bl", "column") == (twin.bl, twin.column)
            sampled = {name: dut.get(f"sampled__{name}") for name in SETTINGS}
            assert sampled == twin.sampled | dict.fromkeys(unable, 0)
            assert dut.get("programming") == (twin.programming and state in ("READ", "STREAM"))
            if dut.get("programming") and state == "STREAM":
                assert dut.get("last_round") == twin.last_round
            if state == "CLEAR":
                assert dut.get("clear_address") == twin.address
            if cycle == cycles // 2:
                await dut.reset()
                twin = Twin(config)
                continue
            await dut.tick()
            if state == "CLEAR":
                twin.address += 1
                twin.state = "IDLE" if twin.address == config.depth else "CLEAR"
            elif start:
                twin.command(op, length, column, columns, settings)
            elif done:
                twin.finish(outside)
            seen.add((state, twin.state))

    simulate_again(Sequencer, config, program, flip)
    return seen


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("seed", [1, 2])
def test_states(name: str, seed: int) -> None:
    seen = compare(AWKWARD[name], seed=seed)
    assert {("IDLE", "LOAD"), ("IDLE", "READ"), ("PULSE", "IDLE"), ("STREAM", "IDLE")} <= seen
    assert {("IDLE", "SHIFT"), ("SHIFT", "READ"), ("SHIFT", "IDLE"), ("STREAM", "READ")} <= seen


@pytest.mark.parametrize(
    "port",
    [
        *("command__valid", "command__op", "command__bl", "command__column", "loaded", "outside"),
        *("coming_column", "last_column"),
        *(f"settings__{name}" for name in SETTINGS),
    ],
)
def test_a_flipped_bit_is_found(port: str) -> None:
    caught = 0
    for cycle in range(10, 140):
        try:
            compare(AWKWARD["one row"], cycles=150, flip=Flip(port, 1, cycle))
        except AssertionError:
            caught += 1
        if caught:
            return
    pytest.fail(f"{port}: found in {caught} of 130 cycles")
