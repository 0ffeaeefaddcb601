# SPDX-License-Identifier: Apache-2.0
"""Tests of a whole tile: random commands with waits, against naive descriptions and cycle counts."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from random import Random

import pytest

from symtrack.hdl.tile.tile import Tile
from symtrack.model.spec.config import NAMED, SEED_CYCLES, TileConfig, UsedLines
from symtrack.model.spec.settings import Op, Settings
from tests.hdl.helpers.sides import PAYLOAD, beats, draw, slots
from tests.hdl.helpers.simulate import AWKWARD, Dut, simulate_again
from tests.hdl.references.naive_blocks import Accumulator, Dither, Estimate, Lines, Signs, bits, clip, negatives

WRITES = tuple(f"writes__{name}" for name in ("array", "column", "beat", "pulses", "latch", "reference", "last"))


@dataclass
class Seen:
    """The beats that a command made the tile take and give, and its cycles."""

    slots: list[tuple[int, ...]]
    writes: list[tuple[object, ...]]
    columns: list[int]
    cycles: int = 1


async def play(dut: Dut, vectors: list, codes: list[list[int]], rng: Random, speed: float, array: int = 0) -> Seen:
    """Until the tile is idle again; ``speed`` is the chance of valid and ready."""
    seen = Seen([], [], [])
    while dut.get("status__busy"):
        streams = ("vectors__valid", "codes__valid", "pulses__ready", "writes__ready", "read__ready")
        go = {name: rng.random() < speed for name in streams}
        go["vectors__valid"] &= bool(vectors)
        go["codes__valid"] &= bool(codes)
        dut.set(**go)
        if vectors:
            dut.set(vectors__magnitude=vectors[0][0], vectors__negative=vectors[0][1])
        if codes:
            dut.set(codes__code=codes[0])
        if go["vectors__valid"] and dut.get("vectors__ready"):
            vectors.pop(0)
        if go["codes__valid"] and dut.get("codes__ready"):
            codes.pop(0)
        if go["pulses__ready"] and dut.get("pulses__valid"):
            seen.slots.append(dut.read(*PAYLOAD))
        if go["writes__ready"] and dut.get("writes__valid"):
            seen.writes.append(dut.read(*WRITES))
        if go["read__ready"] and dut.get("read__valid"):
            seen.columns.append(dut.get("read__column"))
            assert dut.get("read__array") == array
        await dut.tick()
        seen.cycles += 1
        assert seen.cycles < 5000
    return seen


class Twin:
    """The state of a tile in naive form, its sources with the seeds of the configuration."""

    def __init__(self, config: TileConfig) -> None:
        self.config, self.signs = config, Signs(config)
        self.x_lines, self.delta_lines = Lines(config.column_bank), Lines(config.row_bank)
        self.estimate, self.accumulator, self.dither = Estimate(config), Accumulator(config), Dither(config)
        self.slots = self.pulses = self.reads = 0
        self.reference_pulses = self.unprogrammed = 0
        self.clipped = [False, False]
        sources = [*self.delta_lines.registers, *self.x_lines.registers, self.signs.source]
        sources += [*self.dither.lines.registers, *self.signs.row_lines.registers]
        for source, state in zip(sources, config.seeds, strict=True):
            source.state = state

    def use(self, settings: Settings) -> UsedLines:
        """A command begins."""
        config = self.config
        rows, columns = (
            value if 0 < value <= lines else lines
            for value, lines in ((settings.used_rows, config.rows), (settings.used_columns, config.columns))
        )
        self.used = UsedLines(rows=rows, columns=columns, lanes=config.lanes)
        self.signs.use(columns)
        return self.used

    def transfer(self, settings: Settings, codes: list[list[int]]) -> list[tuple[object, ...]]:
        """The beats of writes."""
        signs, column, rows, expected = self.signs, self.signs.column, self.used.rows, []
        for beat, words in enumerate(codes):
            lanes = []
            for lane, (word, fraction) in enumerate(zip(words, self.dither.fractions(), strict=True)):
                row = beat * self.config.lanes + lane
                if row >= rows:
                    lanes.append((0, 0, 0))
                    continue
                d, reference, fresh = self.estimate.read(
                    (row, column),
                    word,
                    negative=signs.c[column] * signs.c_rows[row] < 0,
                    latch=settings.latch or signs.flipped[column] != signs.rows_flipped[row],
                    mode=settings.reference,
                    smooth=settings.filter,
                )
                n, *clipped = self.accumulator.add((row, column), d, settings, fraction)
                self.clipped = [a or b for a, b in zip(self.clipped, clipped, strict=True)]
                self.pulses += abs(n)
                lanes.append((n, fresh, reference))
            pulses, fresh, references = map(list, zip(*lanes, strict=True))
            expected.append((0, column, beat, pulses, bits(fresh), references, beat == self.used.row_beats - 1))
        signs.finish(settings.chopper, settings.scope, settings.row_chopper)
        self.reads += 1
        return expected

    def calibrate(self, settings: Settings, codes: list[list[int]]) -> tuple[list, list]:
        """Slots and writes of a calibration; sections 8 and 6."""
        used, slots, writes = self.used, [], []
        lines = ((1 << used.rows) - 1, (1 << used.columns) - 1)
        for slot in range(settings.calibration_pulses):
            up = 1 - slot % 2
            if settings.calibration_random:
                up = self.signs.source.word >> 15
                self.signs.source.step()
            slots.append((*lines, up, up, 0, int(slot == settings.calibration_pulses - 1)))
        self.slots += len(slots)
        plain = {"chopper": 0, "row_chopper": 0, "reference": 1, "filter": 1, "accumulate": 0}
        reads = [codes[k : k + used.row_beats] for k in range(0, len(codes), used.row_beats)]
        for number, read in enumerate(reads, start=1):
            latch = int(number > len(reads) - used.columns)
            writes += self.transfer(replace(settings, **plain, latch=latch), read)
        return slots, writes

    def bring_to_the_tolerance(self, settings: Settings, column: int, codes: list[list[int]], rng: Random) -> None:
        """Let half of the codes be those next to the tolerance, inside or outside of it."""
        config, code = self.config, self.config.code_format
        for beat, words in enumerate(codes):
            for lane in range(config.lanes):
                row = beat % self.used.row_beats * config.lanes + lane
                if row < self.used.rows and rng.getrandbits(1):
                    reference = int(self.estimate.q_ref[row, column] / self.estimate.unit)
                    border = reference + rng.choice((-1, 1)) * settings.tolerance
                    word = (border >> config.reference_fraction_bits) + rng.getrandbits(1)
                    words[lane] = clip(word, code.low, code.high)

    def program(self, settings: Settings, column: int, codes: list[list[int]]) -> tuple[int, list]:
        """Rounds and writes of a programming whose reads are known; section 9."""
        config, used, writes = self.config, self.used, []
        for number in range(1, 256):
            last, found = number >= settings.rounds, 0
            for beat in range(used.row_beats):
                words, pulses, references = codes[(number - 1) * used.row_beats + beat], [], []
                self.dither.fractions()
                for lane, word in enumerate(words):
                    row = beat * config.lanes + lane
                    there = row < used.rows
                    reference = int(self.estimate.q_ref[row, column] / self.estimate.unit) if there else 0
                    d = reference - word * 2**config.reference_fraction_bits if there else 0
                    n = 0
                    if abs(d) > settings.tolerance:
                        found += 1
                        form, most = config.hidden_format, config.pulses_max
                        h = clip(settings.gain * d, form.low, form.high)
                        n = clip(math.trunc(Fraction(h, 2**config.threshold_shift)), -most, most)
                        n = n or (-1 if d < 0 else 1)
                    pulses.append(0 if last else n)
                    references.append(reference)
                self.reference_pulses += sum(map(abs, pulses))
                writes.append((1, column, beat, pulses, 0, references, beat == used.row_beats - 1))
            self.reads += 1
            self.unprogrammed += found if last else 0
            if last or not found:
                return number, writes
        raise AssertionError("a programming ends")


def compare(
    config: TileConfig,
    *,
    commands: int = 40,
    seed: int = 0,
    speed: float = 1.0,
    built: TileConfig | None = None,
    wrong: str = "",
    kind: type[Tile] = Tile,
    **fixed: int,
) -> None:
    """Random commands with random settings, those in ``fixed`` excepted; most commands are transfers.

    The tile gets the setting ``wrong`` with its lowest bit flipped. ``kind`` is what is built.
    """
    rng, twin, code, loaded = Random(seed), Twin(config), config.code_format, (built or config).seeds
    widths = {
        "chopper": 2,
        "row_chopper": 2,
        "reference": 2,
        "gain": config.gain_bits,
        "momentum": config.momentum_bits,
        "calibration_pulses": 3,
        "rounds": 2,
        "used_rows": config.row_count_bits,
        "used_columns": config.column_count_bits,
    }

    def drawn() -> Settings:
        values = {field.name: rng.getrandbits(widths.get(field.name, 1)) for field in fields(Settings)}
        values["tolerance"] = rng.getrandbits(config.reference_format.width) >> rng.randrange(9)
        return Settings(**{**values, **fixed})

    def give(dut: Dut, settings: Settings) -> None:
        values = {field.name: getattr(settings, field.name) for field in fields(Settings)}
        dut.set(**{f"settings__{name}": value ^ (name == wrong) for name, value in values.items()})

    async def program(dut: Dut) -> None:
        for cycle in range(max(config.depth, config.seed_cycles)):
            assert dut.read("status__busy", "command__ready") == ((1, 0) if cycle < config.depth else (0, 1)), cycle
            source, waited = divmod(cycle, SEED_CYCLES)
            if source < len(loaded):
                assert dut.get("seeds__ready") == (waited == SEED_CYCLES - 1)
                dut.set(seeds__valid=1, seeds__state=loaded[source])
            await dut.tick()
            dut.set(seeds__valid=0)
        for _ in range(commands):
            settings, op, bl = drawn(), rng.choice((0, 1, 1, 1, 2, 3)), rng.choice((0, 1, 3, config.bl_max))
            bl = min(bl, config.bl_max)
            give(dut, settings)
            assert dut.read("command__ready", "status__busy") == (1, 0)
            target = rng.getrandbits(config.column_bits)
            dut.set(command__valid=1, command__op=op, command__bl=bl, command__column=target)
            await dut.tick()
            used = twin.use(settings)
            target = min(target, used.columns - 1)
            programs = op == Op.PROGRAM and config.programmer
            dut.set(command__valid=rng.getrandbits(1), command__op=rng.getrandbits(2))
            give(dut, drawn())
            vectors, codes, expected_slots, expected_writes = [], [], [], []
            lanes, column, columns, rounds = config.lanes, twin.signs.column, [], 0

            def read(count: int, used: UsedLines = used) -> list[list[int]]:
                values = (code.low, code.high, rng.randint(code.low, code.high), rng.randint(code.low, code.high))
                beats = range(count * used.row_beats)
                return [[rng.choice(values) for _ in range(config.lanes)] for _ in beats]

            if op == Op.UPDATE:
                x, delta = (draw(lines, config.magnitude_bits, rng) for lines in (used.columns, used.rows))
                c, c_rows = twin.signs.c[: used.columns], twin.signs.c_rows[: used.rows]
                if settings.target:
                    c, c_rows = [1] * used.columns, [1] * used.rows
                vectors = beats(x, c, lanes, config.magnitude_bits, rng)
                vectors += beats(delta, c_rows, lanes, config.magnitude_bits, rng)
                expected_slots = slots(x, delta, twin.x_lines, twin.delta_lines, bl, bool(settings.target))
                twin.slots += len(expected_slots)
            elif op == Op.TRANSFER:
                codes, columns = read(1), [column]
                expected_writes = twin.transfer(settings, codes)
            elif op == Op.CALIBRATE:
                count = settings.calibration_sweeps * used.columns
                codes, columns = read(count), [(column + k) % used.columns for k in range(count)]
                expected_slots, expected_writes = twin.calibrate(settings, codes)
            elif programs:
                codes = read(max(1, settings.rounds))
                twin.bring_to_the_tolerance(settings, target, codes, rng)
                rounds, expected_writes = twin.program(settings, target, codes)
                codes, columns = codes[: rounds * used.row_beats], [target] * rounds
            dut.set(command__valid=0)
            seen = await play(dut, vectors, codes, rng, speed, int(bool(programs)))
            assert seen.slots == expected_slots
            assert seen.writes == expected_writes
            assert seen.columns == columns
            if speed == 1.0:
                assert (
                    seen.cycles
                    == {
                        Op.UPDATE: used.update_cycles(len(expected_slots)),
                        Op.TRANSFER: used.transfer_cycles,
                        Op.CALIBRATE: used.calibration_cycles(len(expected_slots), settings.calibration_sweeps),
                        Op.PROGRAM: used.programming_cycles(rounds),
                    }[Op(op)]
                )
            assert dut.read("status__chopper", "read__column") == (negatives(twin.signs.c), twin.signs.column)
            assert dut.get("status__row_chopper") == negatives(twin.signs.c_rows)
            names = ("slots", "reads", "transfer_pulses", "reference_pulses", "unprogrammed", "gave_up")
            counts = (twin.slots, twin.reads, twin.pulses, twin.reference_pulses, twin.unprogrammed)
            assert dut.read(*(f"status__{name}" for name in names)) == (*counts, twin.unprogrammed > 0)
            assert list(dut.read("status__hidden_saturated", "status__pulses_clamped")) == twin.clipped

    simulate_again(kind, built or config, program)


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("speed", [1.0, 0.6])
def test_commands(name: str, speed: float) -> None:
    compare(AWKWARD[name], seed=len(name), speed=speed)


@pytest.mark.parametrize(("chopper", "row_chopper", "scope"), [(1, 1, 0), (2, 2, 0), (1, 1, 1), (2, 1, 1), (0, 2, 0)])
def test_many_sweeps_of_a_chopped_tile(chopper: int, row_chopper: int, scope: int) -> None:
    """With a gain so small that H neither saturates nor stays silent; rows chopped with different phases."""
    config = TileConfig(
        rows=5, columns=2, lanes=2, chopper_period=3, chopper_probability=0.3, row_chopper=1, latch_shift=4
    )
    compare(config, commands=150, gain=9, chopper=chopper, row_chopper=row_chopper, scope=scope)


CHOPPED = NAMED["tiny"].replace(columns=2, row_chopper=1, chopper_probability=0.3, seed=5)


@pytest.mark.parametrize(
    "change",
    [
        *({"latch_shift": 3}, {"chopper_period": 4}, {"threshold_shift": 15}, {"filter_shift": 3}, {"seed": 6}),
        *({"row_chopper": 0}, {"chopper_probability": 0.5}),
    ],
    ids=str,
)
def test_twins_are_found(change: dict[str, int | float]) -> None:
    with pytest.raises(AssertionError):
        compare(CHOPPED, commands=150, gain=9, built=CHOPPED.replace(**change))


@pytest.mark.parametrize("name", [field.name for field in fields(Settings) if field.name != "tolerance"])
def test_a_setting_that_arrives_wrong_is_found(name: str) -> None:
    with pytest.raises(AssertionError):
        compare(CHOPPED, commands=150, gain=9, wrong=name)


def test_a_tolerance_that_arrives_wrong_is_found() -> None:
    config = CHOPPED.replace(filter_shift=1, reference_fraction_bits=1, latch_shift=0)  # so that reads meet it
    with pytest.raises(AssertionError):
        compare(config, commands=150, gain=288, wrong="tolerance")
