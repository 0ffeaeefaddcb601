"""Whole updates: slots as in section 5, BL for every non-empty quadrant, and no coincidence of the wrong polarity."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import pytest

from hdl.update import UpdatePath
from model.config import TileConfig
from tests.hdl.naive import Lines
from tests.hdl.simulate import AWKWARD, Dut, Flip, simulate


@dataclass
class Side:
    """The magnitudes of one side and its signs, c included."""

    magnitudes: list[int]
    signs: list[int]

    def present(self, sign: int) -> bool:
        return any(m > 0 and s == sign for m, s in zip(self.magnitudes, self.signs, strict=True))

    def fires(self, sign: int, words: list[int]) -> int:
        lines = zip(self.magnitudes, self.signs, words, strict=True)
        return sum((m > w and s == sign) << line for line, (m, s, w) in enumerate(lines))


@dataclass
class Seen:
    """What an update did."""

    slots: list[tuple[int, ...]] = field(default_factory=list)
    cycles: int = 0
    first: int | None = None


def beats(side: Side, flips: list[int], lanes: int, bits: int, rng: Random) -> list[tuple[list[int], int]]:
    """Magnitudes and signs as they go in, with garbage in the lanes beyond the last line."""
    lines = list(zip(side.magnitudes, (s * c < 0 for s, c in zip(side.signs, flips, strict=True)), strict=True))
    lines += [(rng.getrandbits(bits) | 1, bool(rng.getrandbits(1))) for _ in range(-len(lines) % lanes)]
    groups = [lines[start : start + lanes] for start in range(0, len(lines), lanes)]
    return [([m for m, _ in group], sum(n << lane for lane, (_, n) in enumerate(group))) for group in groups]


async def play(
    dut: Dut, config: TileConfig, x: Side, delta: Side, c: list[int], bl: int, rng: Random, speed: float
) -> Seen:
    """One update as the sequencer would run it; ``speed`` is the chance of valid and ready."""
    seen = Seen()
    dut.set(start=1, bl=bl, signs=sum((s < 0) << j for j, s in enumerate(c)), pulses__ready=0)
    await dut.tick()
    dut.set(start=0, load=1)
    lanes, bits = config.lanes, config.magnitude_bits
    queue = beats(x, c, lanes, bits, rng) + beats(delta, [1] * config.rows, lanes, bits, rng)
    while queue:
        valid = rng.random() < speed
        dut.set(vectors__valid=valid, vectors__magnitude=queue[0][0], vectors__negative=queue[0][1])
        assert dut.read("vectors__ready", "pulses__valid") == (1, 0)
        assert dut.get("loaded") == (valid and len(queue) == 1)
        await dut.tick()
        seen.cycles += 1
        if valid:
            queue.pop(0)
    dut.set(load=0, run=1, vectors__valid=1, signs=rng.getrandbits(config.columns))
    finished, cycle = False, 0
    while not finished:
        ready = rng.random() < speed
        dut.set(pulses__ready=ready)
        finished = bool(dut.get("finished"))
        assert dut.get("vectors__ready") == 0
        if dut.get("pulses__valid"):
            seen.first = cycle if seen.first is None else seen.first
            if ready:
                seen.slots.append(
                    dut.read(*(f"pulses__{name}" for name in ("rows", "columns", "up", "quadrant", "last")))
                )
        await dut.tick()
        cycle += 1
        assert cycle < 5000
    dut.set(run=0, vectors__valid=0)
    seen.cycles += cycle + 1  # and the cycle of the command
    return seen


def draw(lines: int, bits: int, rng: Random) -> Side:
    """All mixtures: zeros only, one sign only, full magnitudes."""
    high, signs = (1 << bits) - 1, rng.choice(((1,), (-1,), (1, -1), (1, -1)))
    pool = rng.choice(((0,), (0, high), (high,), (rng.randint(1, high), rng.randint(1, high), 0)))
    return Side([rng.choice(pool) for _ in range(lines)], [rng.choice(signs) for _ in range(lines)])


def compare(
    config: TileConfig, *, seed: int = 0, speed: float = 1.0, updates: int = 12, flip: Flip | None = None
) -> int:
    """Several updates in a row, the words going on from one to the next; the number of coincidences."""
    rng, x_lines, delta_lines = Random(seed), Lines(config.column_bank), Lines(config.row_bank)
    bits, coincidences = config.magnitude_bits, 0

    async def program(dut: Dut) -> None:
        nonlocal coincidences
        for _ in range(updates):
            x, delta = draw(config.columns, bits, rng), draw(config.rows, bits, rng)
            c = [rng.choice((1, -1)) for _ in range(config.columns)]
            bl = rng.choice((0, 1, config.bl_max))
            seen = await play(dut, config, x, delta, c, bl, rng, speed)
            signs = [(row, column) for row in (1, -1) for column in (1, -1)]
            filled = [
                (quadrant, row, column)
                for quadrant, (row, column) in enumerate(signs)
                if delta.present(row) and x.present(column)
            ]
            expected = []
            for quadrant, row, column in filled:
                for _ in range(bl):
                    rows, columns = delta.fires(row, delta_lines.words()), x.fires(column, x_lines.words())
                    expected.append((rows, columns, int(row != column), quadrant, 0))
            if expected:
                expected[-1] = (*expected[-1][:4], 1)
            assert len(seen.slots) == len(filled) * bl
            assert seen.slots == expected
            for rows, columns, up, _, _ in seen.slots:
                pairs = [
                    (i, j) for i in range(config.rows) for j in range(config.columns) if rows >> i & columns >> j & 1
                ]
                assert all(delta.signs[i] * x.signs[j] == (-1 if up else 1) for i, j in pairs)
                coincidences += len(pairs)
            assert seen.first == (1 if expected else None), "the output register is free, ready or not"
            if speed == 1.0:
                assert seen.cycles == config.column_beats + config.row_beats + len(expected) + 2

    simulate(UpdatePath(config), program, flip)
    return coincidences


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("speed", [1.0, 0.6])
def test_updates(name: str, speed: float) -> None:
    assert compare(AWKWARD[name], seed=len(name), speed=speed, updates=30 if name == "one cell" else 12) > 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_words_of_one_bit(seed: int) -> None:
    compare(TileConfig(rows=3, columns=5, lanes=2, magnitude_bits=1, bl_max=3, seed=seed), seed=seed, speed=0.7)


@pytest.mark.parametrize("port", ["vectors__magnitude", "vectors__negative", "signs", "run", "load", "bl"])
def test_a_flipped_bit_is_found(port: str) -> None:
    config = TileConfig(rows=3, columns=3, lanes=1, bl_max=7)
    for seed in range(10):
        for cycle in range(16):
            try:
                compare(config, updates=1, seed=seed, flip=Flip(port, 1, cycle))
            except (AssertionError, IndexError):
                return
    pytest.fail(f"{port}: found in none of 160 updates")
