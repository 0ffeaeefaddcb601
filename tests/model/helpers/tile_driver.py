# SPDX-License-Identifier: Apache-2.0
"""Test driver of a `TileModel`: operates its ports with waits on every stream and compares it with a `Periphery`.

Streams obey the usual rule: a valid beat stays until it is taken. Payloads and settings are random whenever
they must not matter.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from symtrack.model.spec.config import NAMED, PARTS, TileConfig
from symtrack.model.spec.settings import (
    COUNT_BITS,
    ROUND_BITS,
    ChopperMode,
    Op,
    Reference,
    Scope,
    Settings,
    Target,
    setting_specs,
)
from symtrack.model.tile.interface import Calibration, PulseSlots, ReferenceColumn, Transfer
from symtrack.model.tile.operations import Periphery
from symtrack.model.tile.packing import pack, unpack, unpack_signed
from symtrack.model.tile.tile import TileModel


def random_config(seed: int) -> TileConfig:
    """Any legal configuration of a small tile."""
    rng = random.Random(seed)
    rows, point = rng.choice((1, 2, 3, 5, 9, 17)), int(seed % 4 != 3)
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
        programmer=min(rng.randint(0, 1), point),
        counter_bits=rng.choice((8, 32, 48)),
        seed=rng.getrandbits(32),
        residual_memory=rng.randint(0, 1),
        shared_sources=random.Random(-seed).randint(0, 1),
        symmetric_point=point,
        **{name: rng.randint(0, 1) for name in PARTS},
    )


CONFIGS = {name: NAMED[name] for name in ("tiny", "small", "odd", "digits_output")} | {
    "no_parts": NAMED["odd"].replace(row_chopper=1, latch_shift=2, **dict.fromkeys(PARTS, 0)),
    "one": TileConfig(rows=1, columns=1, lanes=1, bl_max=1, pulses_max=1, chopper_period=2, row_chopper=1),
    "one_row": TileConfig(rows=1, columns=9, lanes=1, chopper_period=1, row_chopper=1, latch_shift=3),
    "one_column": TileConfig(rows=9, columns=1, lanes=4, chopper_period=2, row_chopper=1, latch_shift=7),
    "shared": NAMED["odd"].replace(row_chopper=1, chopper_probability=0.5, shared_sources=1),
    "no_point": NAMED["odd"].replace(row_chopper=1, chopper_probability=0.5, programmer=0, symmetric_point=0),
    "lanes": TileConfig(rows=17, columns=3, lanes=17, chopper_period=1, counter_bits=8),
    "rows": TileConfig(rows=17, columns=3, lanes=4, chopper_period=2, chopper_probability=0.5, row_chopper=1),
    "whole_pulses": TileConfig(rows=5, columns=3, lanes=3, threshold_shift=0, counter_bits=8, row_chopper=1),
    "residuals": TileConfig(rows=5, columns=3, lanes=2, chopper_period=2, programmer=1, residual_memory=1),
    "rare_pulses": TileConfig(rows=5, columns=3, lanes=2, threshold_shift=20, latch_shift=8, chopper_period=1),
    **{f"random{seed}": random_config(seed) for seed in range(12)},
}


def random_sizes(config: TileConfig, rng: random.Random) -> tuple[int, int]:
    """Settings used_rows and used_columns."""
    rows, columns = (rng.choice((0, 1, rng.randint(1, lines), lines)) for lines in (config.rows, config.columns))
    return rows, columns


def part(config: TileConfig, sizes: tuple[int, int]) -> TileConfig:
    """A configuration with as many lines as are in use, to draw their data."""
    used = config.used(*sizes)
    return config.replace(rows=used.rows, columns=used.columns, lanes=1, name="")


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
        "chopper": rng.choice(list(ChopperMode)),
        "scope": rng.choice(list(Scope)),
        "row_chopper": rng.choice(list(ChopperMode)) if config.row_chopper else ChopperMode.OFF,
        "reference": rng.choice(list(Reference)),
        "filter": rng.random() < 0.8,
        "latch": rng.random() < 0.1,
        "direct": rng.random() < 0.3,
        "gain": rng.choice((0, (1 << config.gain_bits) - 1, rng.getrandbits(config.gain_bits))),
        "forget": rng.random() < 0.5,
        "momentum": rng.getrandbits(config.momentum_bits),
        "accumulate": rng.random() < 0.8,
    }
    most = {spec.name: (spec.kind, spec.high) for spec in setting_specs(config)}
    legal = {name: most[name][0](min(int(value), most[name][1])) for name, value in values.items()}
    return Settings(**(legal | changes))  # type: ignore[arg-type]


class Cells:
    """A column of R that reads random codes, and remembers what was written; two of one seed read the same."""

    def __init__(self, config: TileConfig, seed: int, target: np.ndarray) -> None:
        self._config, self._rng = config, random.Random(seed)
        self._near = target >> config.reference_fraction_bits  # codes close to Qref
        self.written: list[list[int]] = []

    def read(self) -> np.ndarray:
        if self._rng.random() < 0.3:
            return random_codes(self._config, self._rng)
        form = self._config.code_format
        return np.clip(self._near + [self._rng.randint(-1, 1) for _ in self._near], form.low, form.high)

    def write(self, pulses: np.ndarray) -> None:
        self.written.append(pulses.tolist())


def random_programming(config: TileConfig, rng: random.Random) -> Settings:
    """Settings whose tolerance is often close to an LSB of the codes."""
    tolerance = rng.choice((0, 1 << config.reference_fraction_bits, (1 << config.reference_format.width) - 1))
    return random_settings(config, rng, tolerance=tolerance, rounds=rng.choice((0, 1, 2, 5)))


class Driver:
    """A tile behind streams that wait with probability ``wait`` in each cycle."""

    def __init__(self, config: TileConfig, *, wait: float, seed: int) -> None:
        self.config = config
        self.tile = TileModel(config)
        self.wait = wait
        self.rng = random.Random(seed)
        self.cycles = 0
        self.use()
        self._held: dict[str, int] | None = None

    def use(self, rows: int = 0, columns: int = 0) -> None:
        """Use these lines from the next command on."""
        self.used = self.config.used(rows, columns)
        self._sizes = {"settings__used_rows": rows, "settings__used_columns": columns}

    def step(self, **inputs: int) -> dict[str, int]:
        """One cycle; ports that are not given idle with random payloads."""
        config, bits = self.config, self.rng.getrandbits
        idle = {
            "rst": 0,
            "command__valid": 0,
            "command__op": bits(2),
            "command__bl": bits(config.bl_bits),
            "command__column": bits(config.column_bits),
            **{f"settings__{name}": bits(1) for name in vars(Settings())},
            **{f"settings__{name}": bits(2) for name in ("chopper", "row_chopper", "reference")},
            "settings__gain": bits(config.gain_bits),
            "settings__momentum": bits(config.momentum_bits),
            "settings__calibration_pulses": bits(COUNT_BITS),
            "settings__calibration_sweeps": bits(COUNT_BITS),
            "settings__tolerance": bits(config.reference_format.width),
            "settings__rounds": bits(ROUND_BITS),
            "settings__used_rows": bits(config.row_count_bits),
            "settings__used_columns": bits(config.column_count_bits),
            "vectors__valid": 0,
            "vectors__magnitude": bits(config.lanes * config.magnitude_bits),
            "vectors__negative": bits(config.lanes),
            "pulses__ready": 0,
            "read__ready": 0,
            "codes__valid": 0,
            "codes__code": bits(config.lanes * config.adc_bits),
            "writes__ready": 0,
            "seeds__valid": 0,
            "seeds__state": bits(32),
        }
        outputs = self.tile.step(idle | inputs)
        self.cycles += 1
        assert min(outputs.values()) >= 0, "a port has no sign"
        assert not outputs["status__memory_error"]
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
        """Reset, load the seeds, and wait for the memories to be cleared; returns how many cycles that took."""
        self.step(rst=1)
        return self.load(self.config.seeds)

    def load(self, seeds: Iterable[int]) -> int:
        """Load states of random sources; returns for how many cycles the tile was busy."""
        left, cycles, outputs = list(seeds), 0, {"status__busy": 1}
        while left or outputs["status__busy"]:
            valid = {"seeds__valid": 1, "seeds__state": left[0]} if left else {}
            outputs = self.step(**valid)
            if valid and outputs["seeds__ready"]:
                assert outputs["status__seed_refused"] == (left.pop(0) == 0)
            cycles += outputs["status__busy"]
        return cycles

    def command(self, op: int, **inputs: int) -> None:
        """Give a command in an idle cycle; `cycles` counts from there."""
        while self.wait and not self.go():
            assert self.step()["command__ready"]
        self.cycles = 0
        outputs = self.step(command__valid=1, command__op=op, **(inputs | self._sizes))
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
            assert not any(slot[name] >> size for slot in slots)
            return np.array([unpack(slot[name], 1, size) for slot in slots], np.uint8).reshape(len(slots), size)

        return PulseSlots(
            rows=lines("pulses__rows", self.used.rows),
            columns=lines("pulses__columns", self.used.columns),
            up=lines("pulses__up", 1)[:, 0],
            quadrant=np.array([slot["pulses__quadrant"] for slot in slots], np.uint8),
        )

    def transfer(self, codes: np.ndarray, settings: Settings, *, stop_after: int | None = None) -> Transfer | None:
        """Run a transfer, or its first ``stop_after`` cycles (and give nothing)."""
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
                assert not outputs["read__array"]
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
        return self.written(writes, column)

    def calibrate(self, pulses: int, codes: np.ndarray, *, random: bool = False) -> Calibration:
        """Run a calibration, answering its reads with the columns of ``codes`` [n, R] in their order."""
        used = self.used
        sweeps = len(codes) // used.columns
        ports = {"calibration_pulses": pulses, "calibration_sweeps": sweeps, "calibration_random": int(random)}
        self.command(Op.CALIBRATE, **{f"settings__{name}": value for name, value in ports.items()})
        columns, slots, reads = iter(codes), [], []
        outputs = {"status__busy": 1}
        while outputs["status__busy"]:
            ready, read = self.go(), self.go()
            outputs = self.step(pulses__ready=ready, read__ready=read)
            if ready and outputs["pulses__valid"]:
                assert not reads
                slots.append(outputs)
            if read and outputs["read__valid"]:
                reads.append(self.written(*self.column(next(columns), outputs, array=0)))
        self.cycles -= 1
        assert next(columns, None) is None
        for slot in slots:
            assert slot["pulses__rows"] == (1 << used.rows) - 1
            assert slot["pulses__columns"] == (1 << used.columns) - 1
            assert slot["pulses__quadrant"] == slot["pulses__up"]
            assert not slot["pulses__slow"]
        assert [slot["pulses__last"] for slot in slots] == [0] * (pulses - 1) + [1] * (pulses > 0)
        return Calibration(up=np.array([slot["pulses__up"] for slot in slots], np.uint8), reads=reads)

    def program(self, column: int, settings: Settings, cells: ReferenceColumn) -> int:
        """Run a programming of a column whose cells are ``cells``; its rounds."""
        ports = {f"settings__{name}": int(getattr(settings, name)) for name in vars(settings)}
        self.command(Op.PROGRAM, command__column=column, **ports)
        rounds = 0
        outputs = {"status__busy": 1}
        while outputs["status__busy"]:
            read = self.go()
            outputs = self.step(read__ready=read)
            if read and outputs["read__valid"]:
                rounds += 1
                assert outputs["read__column"] == column
                result = self.written(*self.column(cells.read(), outputs, array=1))
                assert not result.latched.any()
                cells.write(result.pulses)
        self.cycles -= 1
        return rounds

    def column(self, codes: np.ndarray, request: dict[str, int], *, array: int) -> tuple[list[dict[str, int]], int]:
        """Stream a column that was requested; its beats of writes and its number."""
        beats, writes, valid = self.codes(codes), [], 0
        assert request["read__array"] == array
        while len(writes) < self.used.row_beats:
            valid = int(bool(beats) and (valid or self.go()))
            ready = self.go()
            outputs = self.step(codes__valid=valid, writes__ready=ready, **({"codes__code": beats[0]} if valid else {}))
            if valid and outputs["codes__ready"]:
                beats.pop(0)
                valid = 0
            if ready and outputs["writes__valid"]:
                assert outputs["writes__array"] == array
                writes.append(outputs)
        assert not beats
        return writes, request["read__column"]

    def written(self, writes: list[dict[str, int]], column: int) -> Transfer:
        """The result of the beats of writes."""
        config, rows, beats = self.config, self.used.rows, self.used.row_beats
        assert [write["writes__beat"] for write in writes] == list(range(beats))
        assert [write["writes__last"] for write in writes] == [*[0] * (beats - 1), 1]
        assert {write["writes__column"] for write in writes} == {column}
        latched = [bit for write in writes for bit in unpack(write["writes__latch"], 1, config.lanes)]
        forms = {"pulses": config.pulses_format, "reference": config.reference_format}
        if config.residual_memory:
            forms["residual"] = config.difference_format
        words = {
            name: [
                word for write in writes for word in unpack_signed(write[f"writes__{name}"], form.width, config.lanes)
            ]
            for name, form in forms.items()
        }
        assert not any(any(values[rows:]) for values in words.values())
        assert not any(latched[rows:])
        return Transfer(
            column=column,
            latched=np.array(latched[:rows], np.uint8),
            **{name: np.array(values[:rows], np.int64) for name, values in words.items()},
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


def assert_same_calibration(first: Calibration, second: Calibration) -> None:
    assert first.up.tolist() == second.up.tolist()
    assert len(first.reads) == len(second.reads)
    for one, other in zip(first.reads, second.reads, strict=True):
        assert_same(one, other)


def assert_status(driver: Driver, periphery: Periphery) -> None:
    """The status ports show the state of the periphery."""
    status, choppers, outputs = periphery.status, periphery.chopper_state, driver.step()
    assert outputs["status__chopper"] == pack((choppers.sign < 0).tolist(), 1)
    assert outputs["status__row_chopper"] == pack((choppers.row_sign < 0).tolist(), 1)
    registers = ("slots", "reads", "transfer_pulses", "reference_pulses", "unprogrammed")
    for name in (*registers, "hidden_saturated", "pulses_clamped", "gave_up"):
        assert outputs[f"status__{name}"] == getattr(status, name), name
    assert outputs["read__column"] == choppers.column
