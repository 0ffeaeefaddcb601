# SPDX-License-Identifier: Apache-2.0
"""Tests of the update path in whole updates: slots as in section 5, and no coincidence of the wrong polarity."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import pytest

from symtrack.hdl.tile.update import UpdatePath
from symtrack.model.spec.config import SLOT_LATENCY, TileConfig
from tests.hdl.helpers.sides import PAYLOAD, Side, beats, draw, slots
from tests.hdl.helpers.simulate import AWKWARD, Dut, Flip, simulate_again
from tests.hdl.references.naive_blocks import Lines, negatives


@dataclass
class Seen:
    """What an update did."""

    slots: list[tuple[int, ...]] = field(default_factory=list)
    cycles: int = 0
    first: int | None = None


async def play(
    dut: Dut,
    config: TileConfig,
    x: Side,
    delta: Side,
    choppers: tuple[list[int], list[int]],
    slow: bool,
    bl: int,
    rng: Random,
    speed: float,
) -> Seen:
    """One update as the sequencer would run it, of as many lines as the sides have; ``speed`` is the chance of valid
    and ready.
    """
    seen, before = Seen(), dut.read(*PAYLOAD)
    c, c_rows = choppers
    columns, rows = len(x.signs), len(delta.signs)
    dut.set(coming_column=columns - 1)
    dut.set(start=1, bl=bl, slow=slow, signs=negatives(c), row_signs=negatives(c_rows), pulses__ready=0)
    await dut.tick()
    dut.set(start=0, load=1, last_row=rows - 1, used_rows=(1 << rows) - 1, used_columns=(1 << columns) - 1)
    dut.set(coming_column=rng.randrange(config.columns))
    lanes, bits = config.lanes, config.magnitude_bits
    x_flips, delta_flips = ([1] * columns, [1] * rows) if slow else (c[:columns], c_rows[:rows])
    queue = beats(x, x_flips, lanes, bits, rng) + beats(delta, delta_flips, lanes, bits, rng)
    while queue:
        valid = rng.random() < speed
        dut.set(vectors__valid=valid, vectors__magnitude=queue[0][0], vectors__negative=queue[0][1])
        assert dut.read("vectors__ready", "pulses__valid") == (1, 0)
        assert dut.get("loaded") == (valid and len(queue) == 1)
        assert dut.read(*PAYLOAD) == before, "nothing was issued"
        await dut.tick()
        seen.cycles += 1
        if valid:
            queue.pop(0)
    dut.set(load=0, run=1, vectors__valid=1)
    dut.set(signs=rng.getrandbits(config.columns), row_signs=rng.getrandbits(config.rows))
    finished, cycle = False, 0
    while not finished:
        ready = rng.random() < speed
        dut.set(pulses__ready=ready)
        finished = bool(dut.get("finished"))
        assert dut.get("vectors__ready") == 0
        if dut.get("pulses__valid"):
            seen.first = cycle if seen.first is None else seen.first
            if ready:
                seen.slots.append(dut.read(*PAYLOAD))
        else:
            assert dut.read(*PAYLOAD) == (seen.slots[-1] if seen.slots else before)
        await dut.tick()
        cycle += 1
        assert cycle < 5000
    dut.set(run=0, vectors__valid=0)
    seen.cycles += cycle + 1  # and the cycle of the command
    return seen


def compare(
    config: TileConfig,
    *,
    seed: int = 0,
    speed: float = 1.0,
    updates: int = 12,
    targets: tuple[bool, ...] = (False, False, True),
    flip: Flip | None = None,
) -> int:
    """Several updates in a row, the words going on from one to the next; the number of coincidences."""
    rng, x_lines, delta_lines = Random(seed), Lines(config.column_bank), Lines(config.row_bank)
    bits, coincidences = config.magnitude_bits, 0

    async def program(dut: Dut) -> None:
        nonlocal coincidences
        for _ in range(updates):
            used = config.used(
                rng.choice((0, rng.randint(1, config.rows))), rng.choice((0, rng.randint(1, config.columns)))
            )
            x, delta = draw(used.columns, bits, rng), draw(used.rows, bits, rng)
            c, c_rows = ([rng.choice((1, -1)) for _ in range(lines)] for lines in (config.columns, config.rows))
            if not config.row_chopper:
                c_rows = [1] * config.rows
            slow, bl = rng.choice(targets), rng.choice((0, 1, config.bl_max))
            seen = await play(dut, config, x, delta, (c, c_rows), slow, bl, rng, speed)
            expected = slots(x, delta, x_lines, delta_lines, bl, slow)
            assert seen.slots == expected
            for rows, columns, up, *_ in seen.slots:
                pairs = [(i, j) for i in range(used.rows) for j in range(used.columns) if rows >> i & columns >> j & 1]
                assert not rows >> used.rows
                assert not columns >> used.columns
                assert all(delta.signs[i] * x.signs[j] == (-1 if up else 1) for i, j in pairs)
                coincidences += len(pairs)
            assert seen.first == (SLOT_LATENCY if expected else None), "the output register is free, ready or not"
            if speed == 1.0:
                assert seen.cycles == used.column_beats + used.row_beats + SLOT_LATENCY + len(expected) + 1

    simulate_again(UpdatePath, config, program, flip)
    return coincidences


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("speed", [1.0, 0.6])
def test_updates(name: str, speed: float) -> None:
    assert compare(AWKWARD[name], seed=len(name), speed=speed, updates=30 if name == "one cell" else 12) > 0


@pytest.mark.parametrize("slow", [False, True])
def test_choppers_act_on_the_fast_array_only(slow: bool) -> None:
    """Full magnitudes, all signs plus, column 1 and row 0 chopped: four quadrants of one cell each, or one of all."""
    config = TileConfig(rows=2, columns=2, lanes=2, magnitude_bits=1, bl_max=40, row_chopper=1)

    async def program(dut: Dut) -> set[tuple[int, ...]]:
        side = Side([1, 1], [1, 1])
        dut.set(start=1, bl=40, slow=slow, signs=0b10, row_signs=0b01, pulses__ready=1)
        dut.set(coming_column=1, last_row=1, used_rows=0b11, used_columns=0b11)
        await dut.tick()
        dut.set(start=0, load=1, vectors__valid=1, vectors__magnitude=side.magnitudes, vectors__negative=0)
        for _ in range(2):
            await dut.tick()
        dut.set(load=0, run=1)
        unions: dict[tuple[int, ...], tuple[int, int]] = {}
        while not dut.get("finished"):
            await dut.tick()
            if dut.get("pulses__valid"):
                rows, columns, *rest, _ = dut.read(*PAYLOAD)
                before = unions.get(tuple(rest), (0, 0))
                unions[tuple(rest)] = (before[0] | rows, before[1] | columns)
        return {(*lines, *rest) for rest, lines in unions.items()}

    expected = {(0b11, 0b11, 0, 0, 1)}
    if not slow:
        expected = {(0b10, 0b01, 0, 0, 0), (0b10, 0b10, 1, 1, 0), (0b01, 0b01, 1, 2, 0), (0b01, 0b10, 0, 3, 0)}
    assert simulate_again(UpdatePath, config, program) == expected


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_words_of_one_bit(seed: int) -> None:
    compare(
        TileConfig(rows=3, columns=5, lanes=2, magnitude_bits=1, bl_max=3, row_chopper=1, seed=seed),
        seed=seed,
        speed=0.7,
    )


@pytest.mark.parametrize(
    "port",
    [
        "vectors__magnitude",
        "vectors__negative",
        "signs",
        "row_signs",
        "slow",
        "run",
        "load",
        "bl",
        "coming_column",
        "last_row",
    ],
)
def test_a_flipped_bit_is_found(port: str) -> None:
    config = TileConfig(rows=3, columns=3, lanes=1, bl_max=7, row_chopper=1)
    mask = 0b111 if port in ("signs", "row_signs") else 1
    for seed in range(10):
        for cycle in range(16):
            try:
                compare(config, updates=1, seed=seed, targets=(port == "slow",), flip=Flip(port, mask, cycle))
            except (AssertionError, IndexError):
                return
    pytest.fail(f"{port}: found in none of 160 updates")
