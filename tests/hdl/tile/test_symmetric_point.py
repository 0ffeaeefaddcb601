# SPDX-License-Identifier: Apache-2.0
"""Tests of the symmetric-point accumulator: Q, Qref and d of whole columns, with waits, against exact fractions."""

from __future__ import annotations

from random import Random

import pytest

from symtrack.hdl.tile.symmetric_point import SymmetricPoint
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import Reference
from tests.hdl.helpers.simulate import AWKWARD, Dut, Flip, simulate_again
from tests.hdl.references.naive_blocks import Estimate, bits


def compare(
    config: TileConfig, *, seed: int = 0, transfers: int = 40, flip: Flip | None = None, naive: TileConfig | None = None
) -> None:
    """Column after column in any order; within one, every output of every cycle."""
    rng, estimate, code = Random(seed), Estimate(naive or config), config.code_format

    async def program(dut: Dut) -> None:
        for address in range(config.depth):
            dut.set(clear=1, clear_address=address)
            await dut.tick()
        dut.set(clear=0)
        for _ in range(transfers):
            column = rng.randrange(config.columns)
            mode, smooth = rng.randrange(4), rng.random() < 0.8
            dut.set(mode=mode, filter=smooth, advance=0, accept=0)
            await dut.tick()
            waiting = list(range(config.row_beats))
            stages: list[tuple[int, tuple[object, ...]] | None] = [None] * 4  # 1 to 4: address and results
            while waiting or any(stages):
                advance = rng.random() < 0.7
                accept = bool(waiting) and advance and rng.random() < 0.7
                beat = waiting[0] if waiting else 0
                address = column * config.row_beats + beat
                codes = [
                    rng.choice((code.low, code.high, rng.randint(code.low, code.high))) for _ in range(config.lanes)
                ]
                used, negative, latch = (rng.getrandbits(config.lanes) for _ in range(3))
                fourth = stages[3]
                dut.set(advance=advance, accept=accept, read_address=address, code=codes)
                dut.set(used=used, negative=negative, latch=latch)
                dut.set(write=fourth is not None, write_address=fourth[0] if fourth else rng.randrange(config.depth))
                if fourth:
                    assert dut.read("difference", "reference", "fresh") == fourth[1]
                    assert not dut.get("wrong")
                await dut.tick()
                if advance:
                    stages = [None, *stages[:-1]]
                if accept:
                    results = [
                        estimate.read(
                            (address, lane),
                            word,
                            negative=negative >> lane & 1,
                            latch=latch & used & 1 << lane,
                            mode=mode,
                            smooth=smooth and used >> lane & 1,
                        )
                        for lane, word in enumerate(codes)
                    ]
                    differences, references, fresh = map(list, zip(*results, strict=True))
                    differences = [d if used >> lane & 1 else 0 for lane, d in enumerate(differences)]
                    stages[0] = (address, (differences, references, bits(fresh) & used))
                    waiting.pop(0)

    simulate_again(SymmetricPoint, config, program, flip)


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("seed", [1, 2])
def test_columns(name: str, seed: int) -> None:
    compare(AWKWARD[name], seed=seed)


@pytest.mark.parametrize(
    ("adc", "shift", "fraction", "latch"),
    [(2, 0, 0, 0), (2, 8, 8, 8), (16, 8, 12, 0), (16, 8, 12, 12), (5, 3, 3, 6), (5, 3, 3, 1)],
)
def test_formats(adc: int, shift: int, fraction: int, latch: int) -> None:
    config = TileConfig(
        rows=5,
        columns=2,
        lanes=3,
        adc_bits=adc,
        filter_shift=shift,
        reference_fraction_bits=fraction,
        latch_shift=latch,
    )
    compare(config, seed=adc, transfers=100)


@pytest.mark.parametrize("change", [{"filter_shift": 3}, {"latch_shift": 1}])
def test_a_twin_with_another_shift_is_found(change: dict[str, int]) -> None:
    config = TileConfig(rows=3, columns=2, lanes=2)
    with pytest.raises(AssertionError):
        compare(config, naive=config.replace(**change))


@pytest.mark.parametrize(
    ("port", "mask"),
    [
        (port, 1)
        for port in ("code", "read_address", "write_address", "write", "advance", "used", "negative", "latch", "filter")
    ]
    + [("mode", 1), ("mode", 2), ("mode", 3)],
)
def test_a_flipped_bit_is_found(port: str, mask: int) -> None:
    caught = 0
    for cycle in range(30, 60):
        try:
            compare(TileConfig(rows=3, columns=2, lanes=1), flip=Flip(port, mask, cycle), transfers=20)
        except AssertionError:
            caught += 1
        if caught:
            return
    pytest.fail(f"{port}: found in {caught} of 30 cycles")


async def through(dut: Dut) -> None:
    """A beat of the one word from stage 0 to stage 4, whose end, where it is written, is the next call's first tick."""
    await dut.tick()
    dut.set(write=0, accept=1)
    for _ in range(4):
        await dut.tick()
        dut.set(accept=0)
    dut.set(write=1)


def test_a_latched_estimate_of_a_constant_is_subtracted() -> None:
    """After 60 reads of 37 and a latch the same code gives no more than half a code."""
    config = TileConfig(rows=1, columns=1, lanes=1)

    async def program(dut: Dut) -> None:
        dut.set(clear=1, clear_address=0)
        await dut.tick()
        dut.set(clear=0, advance=1, code=[37], used=1, mode=Reference.LATCHED, filter=1)
        for read in range(61):
            dut.set(latch=read == 60)
            await through(dut)
            difference = dut.get("difference")[0]
            assert difference == 37 << config.reference_fraction_bits or read == 60
        assert abs(difference) <= 1 << (config.reference_fraction_bits - 1)
        assert dut.get("reference")[0] + difference == 37 << config.reference_fraction_bits

    simulate_again(SymmetricPoint, config, program)


def one_cell(config: TileConfig, reads: list[dict[str, int]]) -> list[tuple[int, int, int]]:
    """d, reference and fresh of reads of the one cell of a tile, one after the other."""

    async def program(dut: Dut) -> list[tuple[int, int, int]]:
        results = []
        dut.set(clear=1, clear_address=0)
        await dut.tick()
        dut.set(clear=0, advance=1, used=1)
        for read in reads:
            dut.set(**{**read, "code": [read["code"]]})
            await through(dut)
            results.append((dut.get("difference")[0], dut.get("reference")[0], dut.get("fresh")))
        return results

    return simulate_again(SymmetricPoint, config, program)


def test_every_mode_by_hand() -> None:
    """A code is 4 units of Q, a step goes halfway, latches are multiples of 8 units."""
    config = TileConfig(
        rows=1, columns=1, lanes=1, adc_bits=5, reference_fraction_bits=2, filter_shift=1, latch_shift=3
    )
    read = {"code": 5, "negative": 0, "latch": 0, "filter": 1}
    zero, latched, filtered = ({**read, "mode": mode} for mode in Reference)
    assert one_cell(
        config,
        [
            filtered,  # Q = 0 is subtracted, then Q = 10
            {**filtered, "negative": 1},  # 10 is subtracted, Q = 15
            latched,  # Qref is still 0, Q = 18 (17.5)
            {**latched, "filter": 0, "latch": 1},  # 18 -> 16 is latched, Q stays
            {**filtered, "filter": 0},  # Q shows as it is
            {**filtered, "latch": 1},  # 18 -> 16 again; d and the array see Q, which becomes 19
            zero,  # Qref shows, nothing is subtracted; Q = 20 (19.5)
            {**zero, "latch": 1},  # 20 -> 24
        ],
    ) == [(20, 10, 1), (-10, 15, 1), (20, 0, 0), (4, 16, 1), (2, 18, 1), (2, 19, 1), (20, 16, 0), (20, 24, 1)]
