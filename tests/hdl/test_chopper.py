"""c, its flips and the latches equal a list of signs and a shift register, for every mode and for changes of it."""

from __future__ import annotations

from random import Random

import pytest

from hdl.chopper import Chopper
from model.config import Chopper as Mode
from model.config import TileConfig
from tests.hdl.naive import Register
from tests.hdl.simulate import AWKWARD, Dut, Flip, simulate

READS = 120


class Signs:
    """Section 7, a read at a time."""

    def __init__(self, config: TileConfig) -> None:
        self.config, self.source = config, Register(config.chopper_source)
        self.c, self.flipped = [1] * config.columns, [False] * config.columns
        self.reads = 0

    @property
    def column(self) -> int:
        return self.reads % self.config.columns

    def finish(self, mode: int) -> None:
        sweep = self.reads // self.config.columns
        flip = False
        if mode == Mode.REGULAR:
            flip = (sweep + 1) % self.config.chopper_period == 0
        elif mode == Mode.RANDOM:
            flip = self.source.word < round(self.config.chopper_probability * 2**16)
        self.flipped[self.column] = flip
        if flip:
            self.c[self.column] *= -1
        self.source.step()
        self.reads += 1


def compare(config: TileConfig, modes: list[int], *, seed: int = 0, flip: Flip | None = None) -> Signs:
    """All outputs of every cycle, with random waits; the mode is drawn anew in every cycle."""
    rng, naive = Random(seed), Signs(config)

    async def program(dut: Dut) -> None:
        while naive.reads < READS:
            finish, mode = rng.random() < 0.7, rng.choice(modes)
            dut.set(finish=finish, mode=mode)
            column = naive.column
            assert dut.read("column", "negative", "latch") == (column, naive.c[column] < 0, naive.flipped[column])
            assert dut.get("signs") == sum((c < 0) << j for j, c in enumerate(naive.c))
            await dut.tick()
            if finish:
                naive.finish(mode)

    simulate(Chopper(config), program, flip)
    return naive


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("modes", [[0], [1], [2], [3], [0, 1, 2, 3]], ids=str)
def test_all_outputs(name: str, modes: list[int]) -> None:
    naive = compare(AWKWARD[name], modes, seed=len(modes))
    if modes in ([0], [3]):
        assert naive.c == [1] * naive.config.columns


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("probability", [2**-16, 0.05, 0.5, 1 - 2**-16])
def test_random_flips(seed: int, probability: float) -> None:
    compare(TileConfig(rows=3, columns=7, lanes=2, seed=seed, chopper_probability=probability), [2], seed=seed)


def test_a_word_that_equals_the_limit_flips_nothing() -> None:
    config = TileConfig(rows=1, columns=3, lanes=1)
    limit = Register(config.chopper_source).word
    for below, negative in ((limit, 0), (limit + 1, 1)):
        twin = config.replace(chopper_probability=below / 2**16)
        assert twin.chopper_flip_below == below

        async def program(dut: Dut) -> int:
            dut.set(mode=Mode.RANDOM, finish=1)
            await dut.tick()
            return dut.get("signs")

        assert simulate(Chopper(twin), program) == negative


@pytest.mark.parametrize("period", [1, 2, 3, 8])
def test_regular_signs_last_a_period_and_the_read_after_the_flip_latches(period: int) -> None:
    config = TileConfig(rows=1, columns=3, lanes=1, chopper_period=period)

    async def program(dut: Dut) -> None:
        dut.set(mode=Mode.REGULAR, finish=1)
        for read in range(3 * 4 * period):
            half_periods, phase = divmod(read // 3, period)
            assert dut.read("column", "negative", "latch") == (read % 3, half_periods % 2, phase == 0 and read >= 3)
            await dut.tick()

    simulate(Chopper(config), program)


def test_a_flipped_bit_and_another_source_are_found() -> None:
    config = TileConfig(columns=7, chopper_probability=0.3, chopper_period=3)
    with pytest.raises(AssertionError):
        compare(config, [2], flip=Flip("finish", 1, 20))
    with pytest.raises(AssertionError):
        compare(config, [1], flip=Flip("finish", 1, 20))
    twin = Chopper(config.replace(seed=2))
    naive = Signs(config)

    async def program(dut: Dut) -> None:
        dut.set(mode=Mode.RANDOM, finish=1)
        for _ in range(READS):
            assert dut.get("signs") == sum((c < 0) << j for j, c in enumerate(naive.c))
            await dut.tick()
            naive.finish(Mode.RANDOM)

    with pytest.raises(AssertionError):
        simulate(twin, program)
