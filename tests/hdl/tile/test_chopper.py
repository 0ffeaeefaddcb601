# SPDX-License-Identifier: Apache-2.0
"""Tests of the choppers: signs, flips and flags equal lists of signs, for every mode and scope and changes of them."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from symtrack.hdl.tile.chopper import Chopper
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import ChopperMode, Scope
from tests.hdl.helpers.simulate import AWKWARD, Dut, Flip, reseeded, simulate_again
from tests.hdl.references.naive_blocks import Lines, Register, Signs, bits, negatives

READS = 120
OUTPUTS = ("column", "signs", "row_signs", "row_flipped")
OF_THE_COLUMN = ("negative", "column_flipped")  # a cycle later


def outputs(naive: Signs) -> tuple[int, ...]:
    column = naive.column
    return column, negatives(naive.c), negatives(naive.c_rows), bits(naive.rows_flipped)


def of_the_column(naive: Signs) -> tuple[int, int]:
    return int(naive.c[naive.column] < 0), naive.flipped[naive.column]


async def finish(dut: Dut) -> None:
    """The end of a read, and the two cycles after it, in which nothing ends."""
    dut.set(finish=1)
    await dut.tick()
    dut.set(finish=0)
    await dut.tick()
    await dut.tick()


def compare(
    config: TileConfig,
    modes: list[int],
    *,
    scopes: tuple[int, ...] = (Scope.COLUMN,),
    seed: int = 0,
    reads: int = READS,
    built: TileConfig | None = None,
    flip: Flip | None = None,
) -> Signs:
    """All outputs of every cycle, random waits. Modes and scope change in every cycle; modes count a cycle later.

    Between reads the number of columns in use changes, after which the next one may be the first again.
    """
    rng, naive = Random(seed), Signs(config)

    async def program(dut: Dut) -> None:
        since = 0  # cycles since a read ended
        modes_before = (0, 0)
        while naive.reads < reads:
            finish, mode, row_mode = since >= 2 and rng.random() < 0.7, rng.choice(modes), rng.choice(modes)
            scope = rng.choice(scopes)
            resize = not finish and since >= 1 and rng.random() < 0.1
            last = rng.choice((naive.columns - 1, config.columns - 1, rng.randrange(config.columns)))
            dut.set(restart=resize and naive.column > last, last_column=naive.columns - 1)
            dut.set(finish=finish, mode=mode, scope=scope, row_mode=row_mode)
            assert dut.read(*OUTPUTS) == outputs(naive)
            assert not since or dut.read(*OF_THE_COLUMN) == of_the_column(naive)
            await dut.tick()
            since = 0 if finish or resize else since + 1
            if resize:
                naive.use(last + 1)
            if finish:
                naive.finish(modes_before[0], scope, modes_before[1])
            modes_before = mode, row_mode

    simulate_again(Chopper, built or config, program, flip)
    return naive


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("scopes", [(0,), (1,), (0, 1)], ids=str)
@pytest.mark.parametrize("modes", [[0], [1], [2], [3], [0, 1, 2, 3]], ids=str)
def test_all_outputs(name: str, scopes: tuple[int, ...], modes: list[int]) -> None:
    naive = compare(AWKWARD[name], modes, scopes=scopes, seed=len(modes))
    if modes in ([0], [3]):
        assert naive.c == [1] * naive.config.columns
        assert naive.c_rows == [1] * naive.config.rows


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("probability", [2**-16, 0.05, 0.5, 1 - 2**-16])
def test_random_flips(seed: int, probability: float, scope: int) -> None:
    config = TileConfig(rows=3, columns=2, lanes=2, seed=seed, chopper_probability=probability, row_chopper=1)
    compare(config, [2], scopes=(scope,), seed=seed)


@pytest.mark.parametrize("lines", ["columns", "rows"])
def test_a_word_that_equals_the_limit_flips_nothing(lines: str) -> None:
    config = TileConfig(rows=1, columns=1, lanes=1, row_chopper=1)
    if lines == "columns":
        limit, modes, signs = Register(config.chopper_source).word, {"mode": ChopperMode.RANDOM}, "signs"
    else:
        limit, modes, signs = Lines(config.row_chopper_bank).words()[0], {"row_mode": ChopperMode.RANDOM}, "row_signs"
    for below, negative in ((limit, 0), (limit + 1, 1)):
        twin = config.replace(chopper_probability=below / 2**16)
        assert twin.chopper_flip_below == below

        async def program(dut: Dut) -> int:
            dut.set(**modes, last_column=0)
            await dut.tick()
            await finish(dut)
            return dut.get(signs)

        assert simulate_again(Chopper, twin, program) == negative


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("period", [1, 2, 3, 8])
def test_regular_signs_last_a_period_and_the_read_after_the_flip_latches(period: int, scope: int) -> None:
    config = TileConfig(rows=1, columns=3, lanes=1, chopper_period=period)

    async def program(dut: Dut) -> None:
        dut.set(mode=ChopperMode.REGULAR, scope=scope, last_column=2)
        await dut.tick()
        for read in range(3 * 4 * period):
            half_periods, phase = divmod(read // 3, period)
            expected = (read % 3, half_periods % 2, phase == 0 and read >= 3)
            assert dut.read("column", "negative", "column_flipped") == expected
            if scope == Scope.TILE:
                assert dut.get("signs") == 0b111 * (half_periods % 2), "all columns flip together"
            await finish(dut)

    simulate_again(Chopper, config, program)


@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("period", [1, 2, 3, 8])
def test_regular_rows_have_twice_the_period_and_balance_every_cell(period: int, columns: int) -> None:
    """Row i flips after the sweeps N + i mod N, 3N + i mod N, ...; five rows have all phases or each of them twice."""
    config = TileConfig(rows=5, columns=columns, lanes=1, chopper_period=period, row_chopper=1)

    async def program(dut: Dut) -> None:
        products, flips = Counter[tuple[int, int]](), {row: [] for row in range(5)}
        before = (0, 0)
        dut.set(mode=ChopperMode.REGULAR, row_mode=ChopperMode.REGULAR, last_column=columns - 1)
        await dut.tick()
        for sweep in range(8 * period):
            for read in range(columns):
                rows, flipped = dut.read("row_signs", "row_flipped")
                assert read == 0 or (rows, flipped) == before, "rows flip between sweeps only"
                before = rows, flipped
                for row in range(5):
                    products[row, read] += 1 - 2 * (rows >> row & 1 ^ dut.get("negative"))
                    if read == 0 and flipped >> row & 1:
                        flips[row].append(sweep - 1)
                await finish(dut)
        assert set(products.values()) == {0}
        for row in range(5):
            first = period + row % period
            assert flips[row] == list(range(first, 8 * period - 1, 2 * period))

    simulate_again(Chopper, config, program)


def test_a_random_decision_of_the_tile_is_taken_once_per_sweep() -> None:
    """4,000 sweeps of three columns, within 4.5 standard deviations of probability 0.3, for the tile and for a row."""
    config, sweeps = TileConfig(rows=1, columns=3, lanes=1, chopper_probability=0.3, row_chopper=1), 4000

    async def program(dut: Dut) -> tuple[int, int]:
        dut.set(mode=ChopperMode.RANDOM, row_mode=ChopperMode.RANDOM, scope=Scope.TILE, last_column=2)
        await dut.tick()
        flips = row_flips = signs = 0
        for _ in range(sweeps):
            for _ in range(3):
                assert dut.get("signs") == signs, "within a sweep the signs stay"
                await finish(dut)
            assert dut.get("column_flipped") == (dut.get("signs") != signs)
            flips += dut.get("signs") != signs
            row_flips += dut.get("row_flipped")
            signs = dut.get("signs")
            assert signs in (0, 0b111)
        return flips, row_flips

    for count in simulate_again(Chopper, config, program):
        assert abs(count - 0.3 * sweeps) <= 4.5 * (sweeps * 0.3 * 0.7) ** 0.5


def test_without_row_choppers_rows_stay() -> None:
    config = TileConfig(rows=3, columns=1, lanes=1, chopper_period=1)

    async def program(dut: Dut) -> None:
        for row_mode in (ChopperMode.REGULAR, ChopperMode.RANDOM):
            dut.set(row_mode=row_mode)
            await dut.tick()
            for _ in range(8):
                await finish(dut)
                assert dut.read("row_signs", "row_flipped") == (0, 0)

    simulate_again(Chopper, config, program)


CHOPPED = TileConfig(rows=5, columns=3, lanes=1, chopper_probability=0.3, chopper_period=3, row_chopper=1)


@pytest.mark.parametrize("mode", [ChopperMode.REGULAR, ChopperMode.RANDOM])
@pytest.mark.parametrize(("port", "scope"), [("finish", 0), ("finish", 1), ("mode", 0), ("row_mode", 0), ("scope", 0)])
def test_a_flipped_bit_is_found(mode: int, port: str, scope: int) -> None:
    """Turned off or into the other scope for one cycle at the end of a sweep: within 60 cycles that matters."""
    mask = int(mode) if port in ("mode", "row_mode") else 1
    for cycle in range(20, 80):
        try:
            compare(CHOPPED, [mode], scopes=(scope,), reads=90, flip=Flip(port, mask, cycle))
        except AssertionError:
            return
    pytest.fail(f"{port}: found in none of 60 cycles")


@pytest.mark.parametrize(("mode", "change"), [(1, {"chopper_period": 4}), (2, {}), (2, {"chopper_probability": 0.31})])
@pytest.mark.parametrize("scope", Scope)
def test_twins_with_another_period_source_or_probability_are_found(
    mode: int, change: dict[str, int | float], scope: int
) -> None:
    with pytest.raises(AssertionError):
        compare(
            CHOPPED,
            [mode],
            scopes=(scope,),
            reads=1500,
            built=CHOPPED.replace(**change) if change else reseeded(CHOPPED, 2),
        )


def test_row_words_of_another_bank_are_found() -> None:
    """The columns' source is the same in both: only the rows tell the twins apart."""
    twin = CHOPPED.replace(threshold_shift=0)
    assert twin.chopper_source == CHOPPED.chopper_source
    assert twin.row_chopper_bank != CHOPPED.row_chopper_bank
    with pytest.raises(AssertionError):
        compare(CHOPPED, [2], built=twin)
