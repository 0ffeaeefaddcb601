# SPDX-License-Identifier: Apache-2.0
"""Tests of expected waveforms of whole operations, against the tile stepped through the same cycles."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from symtrack.cosim.engine.stepped_periphery import Rounds
from symtrack.hdl.output.verilog import tile_ports
from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.model.spec.settings import ChopperMode, Op, Settings, Target
from symtrack.model.tile.packing import pack, pack_lines, pack_words, unpack_lines, unpack_words
from symtrack.model.tile.tile import TileModel
from symtrack.model.tile.waveform import Waveform
from tests.model.helpers.tile_driver import (
    CONFIGS,
    Cells,
    Update,
    assert_same,
    part,
    random_codes,
    random_programming,
    random_settings,
    random_sizes,
    random_update,
)

INPUTS = {port.name: 0 for port in tile_ports(NAMED["tiny"]) if not port.output} | {"rst": 0}
INPUTS |= {"pulses__ready": 1, "read__ready": 1, "writes__ready": 1}

WIDE = {
    "digits_hidden": NAMED["digits_hidden"],
    "counters": TileConfig(rows=5, columns=3, lanes=3, counter_bits=8, programmer=1, hidden_bits=18, pulses_max=1),
    "wide": TileConfig(rows=70, columns=2, lanes=35, chopper_period=1, row_chopper=1),
}


def layout(config: TileConfig) -> dict[str, tuple[int, int]]:
    """First word and number of words of every output port."""
    result, first = {}, 0
    for port in tile_ports(config):
        if port.output:
            count = -(-port.width // 64)
            result[port.name] = (first, count)
            first += count
    return result


class Stepped:
    """A tile driven through operations that never wait; outputs as rows of words."""

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        self.tile = TileModel(config)
        self.layout = layout(config)
        self.sizes = 0, 0  # settings used_rows and used_columns

    def play(self, beats: dict[str, list[dict[str, int]]], settings: Settings | None = None) -> np.ndarray:
        """From the cycle of the command, or the first one at all, to the first idle cycle."""
        rows = []
        queues = {name: list(queue) for name, queue in beats.items()}
        inputs = dict(INPUTS)
        if settings is not None:
            used = replace(settings, used_rows=self.sizes[0], used_columns=self.sizes[1])
            for name, value in vars(used).items():
                inputs[f"settings__{name}"] = int(value)
        while True:
            loading = bool(queues.get("seeds"))
            for name in ("command", "vectors", "codes", "seeds"):
                queue = queues.get(name, [])
                inputs[f"{name}__valid"] = int(bool(queue))
                if queue:
                    inputs |= {f"{name}__{key}": value for key, value in queue[0].items()}
            outputs = self.tile.step(inputs)
            for name in ("command", "vectors", "codes", "seeds"):
                if inputs[f"{name}__valid"] and outputs[f"{name}__ready"]:
                    queues[name].pop(0)
            rows.append(
                [
                    int(outputs[name]) >> (64 * k) & (2**64 - 1)  # not compiled, the model has integers of numpy
                    for name, (_, count) in self.layout.items()
                    for k in range(count)
                ]
            )
            if not outputs["status__busy"] and not loading and (len(rows) > 1 or "command" not in beats):
                return np.array(rows, np.uint64)

    def start(self) -> np.ndarray:
        """The outputs while memories are cleared and seeds are loaded."""
        return self.play({"seeds": [{"state": seed} for seed in self.config.seeds]})

    def lanes(self, values: np.ndarray, width: int) -> list[int]:
        """Packed beats."""
        step = self.config.lanes
        return [pack(map(int, values[k : k + step]), width) for k in range(0, len(values), step)]

    def update(self, values: Update) -> np.ndarray:
        """The outputs of an update."""
        vectors = [
            {"magnitude": magnitude, "negative": negative}
            for size, sign in (
                (values.x_magnitude, values.x_negative),
                (values.delta_magnitude, values.delta_negative),
            )
            for magnitude, negative in zip(
                self.lanes(size, self.config.magnitude_bits), self.lanes(sign, 1), strict=True
            )
        ]
        command = [{"op": int(Op.UPDATE), "bl": values.bl}]
        return self.play({"command": command, "vectors": vectors}, Settings(target=values.target))

    def transfer(self, codes: np.ndarray, settings: Settings) -> np.ndarray:
        """The outputs of a transfer."""
        beats = [{"code": code} for code in self.lanes(codes, self.config.adc_bits)]
        return self.play({"command": [{"op": int(Op.TRANSFER), "bl": 0}], "codes": beats}, settings)

    def calibrate(self, pulses: int, codes: np.ndarray, by_chance: bool) -> np.ndarray:
        """The outputs of a calibration."""
        sweeps = len(codes) // self.config.used(*self.sizes).columns
        settings = Settings(calibration_pulses=pulses, calibration_sweeps=sweeps, calibration_random=by_chance)
        beats = [{"code": code} for column in codes for code in self.lanes(column, self.config.adc_bits)]
        return self.play({"command": [{"op": int(Op.CALIBRATE), "bl": 0}], "codes": beats}, settings)

    def program(self, column: int, settings: Settings, codes: list[np.ndarray]) -> np.ndarray:
        """The outputs of a programming whose reads are known."""
        beats = [{"code": code} for one in codes for code in self.lanes(one, self.config.adc_bits)]
        command = [{"op": int(Op.PROGRAM), "bl": 0, "column": column}]
        return self.play({"command": command, "codes": beats}, settings)


@pytest.mark.parametrize("name", CONFIGS | WIDE)
def test_operations_have_the_outputs_of_the_stepped_tile(name: str) -> None:
    config, rng, flags = (CONFIGS | WIDE)[name], random.Random(17), 0
    traced, stepped = Waveform(config, layout(config)), Stepped(config)
    np.testing.assert_array_equal(traced.clear(), stepped.start())
    for step in range(60):
        sizes = random_sizes(config, rng) if step % 4 == 3 else stepped.sizes
        stepped.sizes, drawn, used = sizes, part(config, sizes), config.used(*sizes)
        traced.use(*sizes)
        if step % 3 == 0:
            values = random_update(drawn, rng)
            _, rows = traced.update(**vars(values))
            expected = stepped.update(values)
        else:
            codes, settings = random_codes(drawn, rng), random_settings(config, rng)
            _, rows = traced.transfer(codes, settings)
            expected = stepped.transfer(codes, settings)
        np.testing.assert_array_equal(rows, expected, f"operation {step}")
        if step % 7 == 0:
            sweeps, pulses, by_chance = (
                rng.choice((0, 1, 2)) * config.symmetric_point,
                rng.choice((0, 1, 9)) * config.zero_shift,
                rng.random() < 0.5,
            )
            codes = np.array([random_codes(drawn, rng) for _ in range(sweeps * used.columns)], np.int64)
            _, rows = traced.calibrate(pulses, codes, random=by_chance)
            expected = stepped.calibrate(pulses, codes, by_chance)
            np.testing.assert_array_equal(rows, expected, f"calibration {step}")
        if step % 5 == 0 and config.programmer:
            column, settings = rng.randrange(used.columns), random_programming(config, rng)
            cells = Rounds(Cells(drawn, step, traced.periphery.qref[column, : used.rows]))
            _, rows = traced.program(column, settings, cells)
            expected = stepped.program(column, settings, cells.codes)
            np.testing.assert_array_equal(rows, expected, f"programming {step}")
        flags |= traced.periphery.status.hidden_saturated | 2 * traced.periphery.status.pulses_clamped
    assert flags == 3 or name not in WIDE, "the flags never rose"
    assert_same(traced.periphery.state_arrays(), stepped.tile.state_arrays())


def test_one_wrong_word_is_seen() -> None:
    config = NAMED["tiny"]
    traced, stepped = Waveform(config, layout(config)), Stepped(config)
    traced.clear()
    stepped.start()
    traced.periphery.q[0, 0] ^= 1
    _, rows = traced.transfer(np.zeros(3, np.int64), Settings(latch=True))
    assert not np.array_equal(rows, stepped.transfer(np.zeros(3, np.int64), Settings(latch=True)))


def test_slots_for_w_are_seen_at_their_port() -> None:
    config = NAMED["tiny"]
    traced = Waveform(config, layout(config))
    zeros, ones = np.zeros(5, np.int64), np.full(5, 4095)
    slow = traced._layout["pulses__slow"]
    for target in (Target.SLOW, Target.FAST, Target.SLOW):
        _, rows = traced.update(zeros, ones, zeros[:3], ones[:3], 4, target)
        assert rows[-4:, slow].ravel().tolist() == [target] * 4


def test_a_restored_trace_shows_the_status_and_goes_on() -> None:
    config, rng = CONFIGS["rows"], random.Random(3)
    first, second = (Waveform(config, layout(config)) for _ in range(2))
    modes = {"chopper": ChopperMode.RANDOM, "row_chopper": ChopperMode.RANDOM}
    for _ in range(20):
        first.transfer(random_codes(config, rng), random_settings(config, rng, **modes))
    second.restore(first.periphery.state_arrays())
    status = [name for name in layout(config) if name.startswith("status")]
    assert first._idle[first._layout["status__row_chopper"]].any()
    for name in (*status, "read__column"):
        at = first._layout[name]
        np.testing.assert_array_equal(first._idle[at], second._idle[at], name)
    values = replace(random_update(config, rng), x_magnitude=np.full(3, 4000), delta_magnitude=np.full(17, 4000), bl=9)
    codes, settings = random_codes(config, rng), random_settings(config, rng)
    for trace in (first, second):
        trace.update(**vars(values))  # payloads are new
        trace.transfer(codes, settings)
    np.testing.assert_array_equal(first.transfer(codes, settings)[1], second.transfer(codes, settings)[1])


@pytest.mark.parametrize(("lanes", "width"), [(1, 1), (3, 9), (64, 15), (17, 12)])
def test_words_agree_with_packed_integers(lanes: int, width: int) -> None:
    rng = np.random.default_rng(lanes)
    values = rng.integers(-(1 << (width - 1)), (1 << (width - 1)) if width > 1 else 1, (5, lanes))
    words = pack_words(values, width)
    for row, line in zip(words, values, strict=True):
        assert sum(int(word) << (64 * k) for k, word in enumerate(row)) == pack(map(int, line), width)
    np.testing.assert_array_equal(unpack_words(words, width, lanes), values)
    bits = (values & 1).astype(np.uint8)
    np.testing.assert_array_equal(pack_lines(bits), pack_words(bits.astype(np.int64), 1))
    np.testing.assert_array_equal(unpack_lines(pack_lines(bits), lanes), bits)
