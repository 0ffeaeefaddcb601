"""Operates a `Tile` through its ports, with waits on every stream, and compares it with a `Periphery`.

Streams obey the usual rule: a valid beat stays until it is taken. Payloads and settings are random whenever
they must not matter.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from model.config import NAMED, Chopper, Op, Reference, Scope, Settings, Target, TileConfig
from model.lanes import pack, unpack, unpack_signed
from model.periphery import Periphery, PulseSlots, Transfer
from model.tile import Tile


def random_config(seed: int) -> TileConfig:
    """Any legal configuration of a small tile."""
    rng = random.Random(seed)
    rows = rng.choice((1, 2, 3, 5, 9, 17))
    adc_bits, hidden_bits, filter_shift = rng.randint(2, 16), rng.randint(4, 40), rng.randint(0, 8)
    fraction_bits = rng.randint(filter_shift, 12)
    return TileConfig(
        rows=rows,
        columns=rng.choice((1, 2, 3, 7, 17)),
        lanes=rng.randint(1, rows),
        adc_bits=adc_bits,
        magnitude_bits=rng.randint(1, 16),
        bl_max=rng.randint(1, 63),
        filter_shift=filter_shift,
        reference_fraction_bits=fraction_bits,
        latch_shift=rng.randint(0, min(12, adc_bits + fraction_bits - 2)),
        gain_bits=rng.randint(1, 16),
        hidden_bits=hidden_bits,
        threshold_shift=rng.randint(0, hidden_bits - 2),
        pulses_max=rng.randint(1, 127),
        momentum_bits=rng.randint(1, 8),
        chopper_period=rng.randint(1, 3),
        chopper_probability=rng.choice((0, 0.5, 1)),
        row_chopper=rng.randint(0, 1),
        counter_bits=rng.choice((8, 32, 48)),
        seed=rng.getrandbits(32),
    )


CONFIGS = {name: NAMED[name] for name in ("tiny", "small", "odd", "digits_output")} | {
    "one": TileConfig(rows=1, columns=1, lanes=1, bl_max=1, pulses_max=1, chopper_period=2, row_chopper=1),
    "one_row": TileConfig(rows=1, columns=9, lanes=1, chopper_period=1, row_chopper=1, latch_shift=3),
    "one_column": TileConfig(rows=9, columns=1, lanes=4, chopper_period=2, row_chopper=1, latch_shift=7),
    "lanes": TileConfig(rows=17, columns=3, lanes=17, chopper_period=1, counter_bits=8),
    "rows": TileConfig(rows=17, columns=3, lanes=4, chopper_period=2, chopper_probability=0.5, row_chopper=1),
    "whole_pulses": TileConfig(rows=5, columns=3, lanes=3, threshold_shift=0, counter_bits=8, row_chopper=1),
    "rare_pulses": TileConfig(rows=5, columns=3, lanes=2, threshold_shift=20, latch_shift=8, chopper_period=1),
    **{f"random{seed}": random_config(seed) for seed in range(12)},
}


@dataclass(frozen=True)
class Update:
    """Arguments of an update."""

    x_negative: np.ndarray
    x_magnitude: np.ndarray
    delta_negative: np.ndarray
    delta_magnitude: np.ndarray
    bl: int
    target: Target = Target.FAST


def random_update(config: TileConfig, rng: random.Random) -> Update:
    """An update in which whole signs and sides are sometimes missing."""

    def vector(size: int) -> tuple[np.ndarray, np.ndarray]:
        high, zeros, positive = config.magnitude_format.high, rng.choice((0, 0.5, 1)), rng.choice((0, 0.5, 0.5, 1))
        magnitude = [
            0 if rng.random() < zeros * 0.99 else rng.choice((rng.randint(0, high), high)) for _ in range(size)
        ]
        return np.array([rng.random() > positive for _ in range(size)], np.int64), np.array(magnitude, np.int64)

    bl = rng.choice((0, 1, config.bl_max, config.bl_max))
    return Update(*vector(config.columns), *vector(config.rows), bl, rng.choice(list(Target)))


def random_codes(config: TileConfig, rng: random.Random) -> np.ndarray:
    """Codes with the extremes among them."""
    low, high = config.code_format.low, config.code_format.high
    return np.array([rng.choice((low, high, rng.randint(low, high))) for _ in range(config.rows)], np.int64)


def random_settings(config: TileConfig, rng: random.Random, **changes: object) -> Settings:
    """Any legal settings, some of them fixed."""
    values: dict[str, object] = {
        "chopper": rng.choice(list(Chopper)),
        "scope": rng.choice(list(Scope)),
        "row_chopper": rng.choice(list(Chopper)) if config.row_chopper else Chopper.OFF,
        "reference": rng.choice(list(Reference)),
        "filter": rng.random() < 0.8,
        "latch": rng.random() < 0.1,
        "direct": rng.random() < 0.3,
        "gain": rng.choice((0, (1 << config.gain_bits) - 1, rng.getrandbits(config.gain_bits))),
        "forget": rng.random() < 0.5,
        "momentum": rng.getrandbits(config.momentum_bits),
        "accumulate": rng.random() < 0.8,
    }
    return Settings(**(values | changes))  # type: ignore[arg-type]


class Driver:
    """A tile behind streams that wait with probability ``wait`` in each cycle."""

    def __init__(self, config: TileConfig, *, wait: float, seed: int) -> None:
        self.config = config
        self.tile = Tile(config)
        self.wait = wait
        self.rng = random.Random(seed)
        self.cycles = 0
        self._held: dict[str, int] | None = None

    def step(self, **inputs: int) -> dict[str, int]:
        """One cycle; ports that are not given idle with random payloads."""
        config, bits = self.config, self.rng.getrandbits
        idle = {
            "rst": 0,
            "command__valid": 0,
            "command__op": bits(2),
            "command__bl": bits(config.bl_bits),
            **{f"settings__{name}": bits(1) for name in vars(Settings())},
            **{f"settings__{name}": bits(2) for name in ("chopper", "row_chopper", "reference")},
            "settings__gain": bits(config.gain_bits),
            "settings__momentum": bits(config.momentum_bits),
            "vectors__valid": 0,
            "vectors__magnitude": bits(config.lanes * config.magnitude_bits),
            "vectors__negative": bits(config.lanes),
            "pulses__ready": 0,
            "read__ready": 0,
            "codes__valid": 0,
            "codes__code": bits(config.lanes * config.adc_bits),
            "writes__ready": 0,
        }
        outputs = self.tile.step(idle | inputs)
        self.cycles += 1
        self._check_held(outputs)
        self._held = None
        for stream in ("pulses", "read", "writes"):
            if outputs[f"{stream}__valid"] and not inputs.get(f"{stream}__ready", 0) and not inputs.get("rst", 0):
                self._held = {name: value for name, value in outputs.items() if name.startswith(stream)}
        return outputs

    def _check_held(self, outputs: dict[str, int]) -> None:
        for name, value in (self._held or {}).items():
            assert outputs[name] == value, f"{name} changed while it was waiting"

    def go(self) -> int:
        """Whether a stream goes on in this cycle."""
        return int(self.rng.random() >= self.wait)

    def reset(self) -> int:
        """Reset, and wait for the memories to be cleared; returns how many cycles that took."""
        self.step(rst=1)
        cycles = 0
        while not self.step()["command__ready"]:
            cycles += 1
        return cycles

    def command(self, op: int, **inputs: int) -> None:
        """Give a command in an idle cycle; `cycles` counts from there."""
        while self.wait and not self.go():
            assert self.step()["command__ready"]
        self.cycles = 0
        outputs = self.step(command__valid=1, command__op=op, **inputs)
        assert outputs["command__ready"]
        assert not outputs["status__busy"]

    def vectors(self, values: Update) -> list[dict[str, int]]:
        """The beats of an update."""
        lanes, beats = self.config.lanes, []
        for negative, magnitude in (
            (values.x_negative, values.x_magnitude),
            (values.delta_negative, values.delta_magnitude),
        ):
            for start in range(0, magnitude.size, lanes):
                unused = max(0, start + lanes - magnitude.size)
                junk = [self.rng.getrandbits(self.config.magnitude_bits) for _ in range(unused)]
                beats.append(
                    {
                        "vectors__magnitude": pack(
                            magnitude[start : start + lanes].tolist() + junk, self.config.magnitude_bits
                        ),
                        "vectors__negative": pack(negative[start : start + lanes].tolist() + [1] * unused, 1),
                    }
                )
        return beats

    def codes(self, codes: np.ndarray) -> list[int]:
        """The beats of a read."""
        lanes, width = self.config.lanes, self.config.adc_bits
        beats = []
        for start in range(0, codes.size, lanes):
            junk = [self.rng.getrandbits(width) for _ in range(max(0, start + lanes - codes.size))]
            beats.append(pack(codes[start : start + lanes].tolist() + junk, width))
        return beats

    def update(self, values: Update, *, stop_after: int | None = None) -> PulseSlots:
        """Run an update, or its first ``stop_after`` cycles."""
        self.command(Op.UPDATE, command__bl=values.bl, settings__target=int(values.target))
        beats, slots = self.vectors(values), []
        valid = 0
        while stop_after is None or self.cycles < stop_after:
            valid = int(bool(beats) and (valid or self.go()))
            ready = self.go()
            outputs = self.step(vectors__valid=valid, pulses__ready=ready, **(beats[0] if valid else {}))
            if valid and outputs["vectors__ready"]:
                beats.pop(0)
                valid = 0
            if ready and outputs["pulses__valid"]:
                slots.append(outputs)
            if not outputs["status__busy"]:
                self.cycles -= 1
                assert not beats
                break
        assert stop_after is not None or [slot["pulses__last"] for slot in slots] == [0] * (len(slots) - 1) + [
            1
        ] * bool(slots)

        assert all(slot["pulses__slow"] == values.target for slot in slots)

        def lines(name: str, size: int) -> np.ndarray:
            return np.array([unpack(slot[name], 1, size) for slot in slots], np.uint8).reshape(len(slots), size)

        return PulseSlots(
            rows=lines("pulses__rows", self.config.rows),
            columns=lines("pulses__columns", self.config.columns),
            up=lines("pulses__up", 1)[:, 0],
            quadrant=np.array([slot["pulses__quadrant"] for slot in slots], np.uint8),
        )

    def transfer(self, codes: np.ndarray, settings: Settings, *, stop_after: int | None = None) -> Transfer | None:
        """Run a transfer, or its first ``stop_after`` cycles (and give nothing)."""
        config = self.config
        ports = {f"settings__{name}": int(getattr(settings, name)) for name in vars(settings)}
        self.command(Op.TRANSFER, **ports)
        beats, writes, column, valid = self.codes(codes), [], -1, 0
        while stop_after is None or self.cycles < stop_after:
            valid = int(bool(beats) and (valid or self.go()))
            read, ready = self.go(), self.go()
            payload = {"codes__code": beats[0]} if valid else {}
            outputs = self.step(codes__valid=valid, read__ready=read, writes__ready=ready, **payload)
            if read and outputs["read__valid"]:
                assert column < 0
                column = outputs["read__column"]
            if valid and outputs["codes__ready"]:
                beats.pop(0)
                valid = 0
            if ready and outputs["writes__valid"]:
                writes.append(outputs)
            if not outputs["status__busy"]:
                self.cycles -= 1
                break
        else:
            return None
        assert not beats
        assert [write["writes__beat"] for write in writes] == list(range(config.row_beats))
        assert {write["writes__column"] for write in writes} == {column}
        latched = [bit for write in writes for bit in unpack(write["writes__latch"], 1, config.lanes)]
        pulses, reference = (
            [value for write in writes for value in unpack_signed(write[f"writes__{name}"], form.width, config.lanes)]
            for name, form in (("pulses", config.pulses_format), ("reference", config.reference_format))
        )
        assert not any(pulses[config.rows :])
        assert not any(reference[config.rows :])
        assert not any(latched[config.rows :])
        return Transfer(
            column=column,
            pulses=np.array(pulses[: config.rows], np.int64),
            latched=np.array(latched[: config.rows], np.uint8),
            reference=np.array(reference[: config.rows], np.int64),
        )


def assert_same(first: object, second: object) -> None:
    """Two results or states are equal, field by field and in type."""
    a, b = (value if isinstance(value, dict) else vars(value) for value in (first, second))
    assert a.keys() == b.keys()
    for name in a:
        x, y = np.asarray(a[name]), np.asarray(b[name])
        assert x.dtype == y.dtype, name
        assert x.shape == y.shape, name
        assert np.array_equal(x, y), f"{name} differs:\n{x}\n{y}"


def assert_status(driver: Driver, periphery: Periphery) -> None:
    """The status ports show the state of the periphery."""
    status, outputs = periphery.status, driver.step()
    assert outputs["status__chopper"] == pack((periphery.chopper < 0).tolist(), 1)
    assert outputs["status__row_chopper"] == pack((periphery.row_chopper < 0).tolist(), 1)
    for name in ("slots", "reads", "transfer_pulses", "hidden_saturated", "pulses_clamped"):
        assert outputs[f"status__{name}"] == getattr(status, name), name
    assert outputs["read__column"] == periphery.next_column
