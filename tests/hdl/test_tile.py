"""Random commands to a whole tile against the naive descriptions: sections 4 to 7 at once, with waits and cycles."""

from __future__ import annotations

from dataclasses import dataclass, fields
from random import Random

import pytest

from hdl.tile import Tile
from model.config import NAMED, Op, Settings, TileConfig
from tests.hdl.naive import Accumulator, Dither, Estimate, Lines, Signs, bits, negatives
from tests.hdl.sides import PAYLOAD, beats, draw, slots
from tests.hdl.simulate import AWKWARD, Dut, simulate

WRITES = tuple(f"writes__{name}" for name in ("column", "beat", "pulses", "latch", "reference"))


@dataclass
class Seen:
    """The beats that a command made the tile take and give, and its cycles."""

    slots: list[tuple[int, ...]]
    writes: list[tuple[object, ...]]
    columns: list[int]
    cycles: int = 1


async def play(dut: Dut, vectors: list, codes: list[list[int]], rng: Random, speed: float) -> Seen:
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
        await dut.tick()
        seen.cycles += 1
        assert seen.cycles < 5000
    return seen


class Twin:
    """The state of a tile in naive form."""

    def __init__(self, config: TileConfig) -> None:
        self.config, self.signs = config, Signs(config)
        self.x_lines, self.delta_lines = Lines(config.column_bank), Lines(config.row_bank)
        self.estimate, self.accumulator, self.dither = Estimate(config), Accumulator(config), Dither(config)
        self.slots = self.pulses = 0
        self.clipped = [False, False]

    def transfer(self, settings: Settings, codes: list[list[int]]) -> list[tuple[object, ...]]:
        """The beats of writes."""
        signs, column, rows, expected = self.signs, self.signs.column, self.config.rows, []
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
            expected.append((column, beat, pulses, bits(fresh), references))
        signs.finish(settings.chopper, settings.scope, settings.row_chopper)
        return expected


def compare(
    config: TileConfig,
    *,
    commands: int = 40,
    seed: int = 0,
    speed: float = 1.0,
    built: TileConfig | None = None,
    wrong: str = "",
    **fixed: int,
) -> None:
    """Random commands with random settings, those in ``fixed`` excepted; most commands are transfers.

    The tile gets the setting ``wrong`` with its lowest bit flipped.
    """
    rng, twin, code = Random(seed), Twin(config), config.code_format
    widths = {
        "chopper": 2,
        "row_chopper": 2,
        "reference": 2,
        "gain": config.gain_bits,
        "momentum": config.momentum_bits,
    }

    def drawn() -> Settings:
        values = {field.name: rng.getrandbits(widths.get(field.name, 1)) for field in fields(Settings)}
        return Settings(**{**values, **fixed})

    def give(dut: Dut, settings: Settings) -> None:
        values = {field.name: getattr(settings, field.name) for field in fields(Settings)}
        dut.set(**{f"settings__{name}": value ^ (name == wrong) for name, value in values.items()})

    async def program(dut: Dut) -> None:
        for cycle in range(config.depth):
            assert dut.read("status__busy", "command__ready") == (1, 0), cycle
            await dut.tick()
        reads = 0
        for _ in range(commands):
            settings, op, bl = drawn(), rng.choice((0, 1, 1, 1, 2, 3)), rng.choice((0, 1, 3, config.bl_max))
            bl = min(bl, config.bl_max)
            give(dut, settings)
            assert dut.read("command__ready", "status__busy") == (1, 0)
            dut.set(command__valid=1, command__op=op, command__bl=bl)
            await dut.tick()
            dut.set(command__valid=rng.getrandbits(1), command__op=rng.getrandbits(2))
            give(dut, drawn())
            vectors, codes, expected_slots, expected_writes = [], [], [], []
            lanes, column = config.lanes, twin.signs.column
            if op == Op.UPDATE:
                x, delta = (draw(lines, config.magnitude_bits, rng) for lines in (config.columns, config.rows))
                c, c_rows = list(twin.signs.c), list(twin.signs.c_rows)
                if settings.target:
                    c, c_rows = [1] * config.columns, [1] * config.rows
                vectors = beats(x, c, lanes, config.magnitude_bits, rng)
                vectors += beats(delta, c_rows, lanes, config.magnitude_bits, rng)
                expected_slots = slots(x, delta, twin.x_lines, twin.delta_lines, bl, bool(settings.target))
                twin.slots += len(expected_slots)
            elif op == Op.TRANSFER:
                values = (code.low, code.high, rng.randint(code.low, code.high), rng.randint(code.low, code.high))
                codes = [[rng.choice(values) for _ in range(lanes)] for _ in range(config.row_beats)]
                expected_writes = twin.transfer(settings, codes)
                reads += 1
            dut.set(command__valid=0)
            seen = await play(dut, vectors, codes, rng, speed)
            assert seen.slots == expected_slots
            assert seen.writes == expected_writes
            assert seen.columns == ([column] if op == Op.TRANSFER else [])
            if speed == 1.0 and op in tuple(Op):
                cycles = config.update_cycles(len(expected_slots)) if op == Op.UPDATE else config.transfer_cycles
                assert seen.cycles == cycles
            assert dut.read("status__chopper", "read__column") == (negatives(twin.signs.c), twin.signs.column)
            assert dut.get("status__row_chopper") == negatives(twin.signs.c_rows)
            assert dut.read("status__slots", "status__reads", "status__transfer_pulses") == (
                twin.slots,
                reads,
                twin.pulses,
            )
            assert list(dut.read("status__hidden_saturated", "status__pulses_clamped")) == twin.clipped

    simulate(Tile(built or config), program)


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
        compare(CHOPPED, commands=150, built=CHOPPED.replace(**change))


@pytest.mark.parametrize("name", [field.name for field in fields(Settings)])
def test_a_setting_that_arrives_wrong_is_found(name: str) -> None:
    with pytest.raises(AssertionError):
        compare(CHOPPED, commands=150, gain=9, wrong=name)
