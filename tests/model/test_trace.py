"""Whole operations with a cycle axis against the tile stepped through the same cycles."""

from __future__ import annotations

import numpy as np
import pytest

from hdl.verilog import tile_ports
from model.config import NAMED, Chopper, Op, Reference, Settings, TileConfig
from model.lanes import pack, pack_lines, pack_words, unpack_lines, unpack_words
from model.tile import Tile
from model.trace import TracedPeriphery

INPUTS = {port.name: 0 for port in tile_ports(NAMED["tiny"]) if not port.output} | {"rst": 0}
INPUTS |= {"pulses__ready": 1, "read__ready": 1, "writes__ready": 1}

CONFIGS = {
    **NAMED,
    "one": TileConfig(rows=1, columns=1, lanes=1, bl_max=1, pulses_max=1, chopper_period=1),
    "counters": TileConfig(rows=5, columns=3, lanes=3, counter_bits=8, chopper_period=1, hidden_bits=18),
    "wide": TileConfig(rows=70, columns=2, lanes=35, chopper_period=2),
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
        self.tile = Tile(config)
        self.layout = layout(config)

    def play(self, beats: dict[str, list[dict[str, int]]], settings: Settings | None = None) -> np.ndarray:
        """From the cycle of the command, or the first one at all, to the first idle cycle."""
        rows = []
        queues = {name: list(queue) for name, queue in beats.items()}
        inputs = dict(INPUTS)
        if settings is not None:
            for name, value in vars(settings).items():
                inputs[f"settings__{name}"] = int(value)
        while True:
            for name in ("command", "vectors", "codes"):
                queue = queues.get(name, [])
                inputs[f"{name}__valid"] = int(bool(queue))
                if queue:
                    inputs |= {f"{name}__{key}": value for key, value in queue[0].items()}
            outputs = self.tile.step(inputs)
            for name in ("command", "vectors", "codes"):
                if inputs[f"{name}__valid"] and outputs[f"{name}__ready"]:
                    queues[name].pop(0)
            rows.append(
                [
                    outputs[name] >> (64 * k) & (2**64 - 1)
                    for name, (_, count) in self.layout.items()
                    for k in range(count)
                ]
            )
            if not outputs["status__busy"] and (len(rows) > 1 or not beats):
                return np.array(rows, np.uint64)

    def lanes(self, values: np.ndarray, width: int) -> list[int]:
        """Packed beats."""
        step = self.config.lanes
        return [pack(map(int, values[k : k + step]), width) for k in range(0, len(values), step)]


@pytest.mark.parametrize("name", CONFIGS)
def test_operations_have_the_outputs_of_the_stepped_tile(name: str) -> None:
    config = CONFIGS[name]
    rng = np.random.default_rng(17)
    traced, stepped = TracedPeriphery(config, layout(config)), Stepped(config)
    np.testing.assert_array_equal(traced.clear(), stepped.play({}))
    high = config.magnitude_format.high
    flags = 0
    for step in range(40):
        if step % 3 == 0:
            x, delta = rng.integers(0, high + 1, config.columns), rng.integers(0, high + 1, config.rows)
            if step % 9 == 0:
                x[:] = 0
            x_negative, delta_negative = rng.integers(0, 2, config.columns), rng.integers(0, 2, config.rows)
            bl = int(rng.integers(0, config.bl_max + 1))
            _, rows = traced.update(x_negative, x, delta_negative, delta, bl)
            vectors = [
                {"magnitude": magnitude, "negative": negative}
                for values, signs in ((x, x_negative), (delta, delta_negative))
                for magnitude, negative in zip(
                    stepped.lanes(values, config.magnitude_bits), stepped.lanes(signs, 1), strict=True
                )
            ]
            expected = stepped.play({"command": [{"op": int(Op.UPDATE), "bl": bl}], "vectors": vectors})
        else:
            form = config.code_format
            codes = rng.integers(form.low, form.high + 1, config.rows)
            settings = Settings(
                chopper=Chopper(int(rng.integers(0, 3))),
                reference=Reference(int(rng.integers(0, 2))),
                gain=int(rng.integers(0, 1 << config.gain_bits)),
                forget=bool(rng.integers(0, 2)),
                momentum=int(rng.integers(0, 1 << config.momentum_bits)),
                accumulate=bool(rng.integers(0, 4)),
            )
            _, rows = traced.transfer(codes, settings)
            beats = [{"code": code} for code in stepped.lanes(codes, config.adc_bits)]
            command = [{"op": int(Op.TRANSFER), "bl": 0}]
            expected = stepped.play({"command": command, "codes": beats}, settings)
        np.testing.assert_array_equal(rows, expected, f"operation {step}")
        flags |= traced.periphery.status.hidden_saturated | 2 * traced.periphery.status.pulses_clamped
    assert flags, "the flags never rose"
    for key, value in traced.periphery.state_arrays().items():
        np.testing.assert_array_equal(value, stepped.tile.state_arrays()[key], key)


def test_one_wrong_word_is_seen() -> None:
    config = NAMED["tiny"]
    traced, stepped = TracedPeriphery(config, layout(config)), Stepped(config)
    traced.clear()
    stepped.play({})
    traced.periphery.q[0, 0] ^= 1
    traced.periphery.chopper_state.flipped[0] = 1
    _, rows = traced.transfer(np.zeros(3, np.int64), Settings())
    beats = [{"code": 0}] * 3
    assert not np.array_equal(rows, stepped.play({"command": [{"op": 1, "bl": 0}], "codes": beats}))


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
