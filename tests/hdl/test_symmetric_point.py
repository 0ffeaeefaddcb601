"""Q, Qref and d of whole columns against exact fractions, with waits; two cycles from a code to its difference."""

from __future__ import annotations

from random import Random

import pytest

from hdl.symmetric_point import SymmetricPoint
from model.config import Reference, TileConfig
from tests.hdl.naive import Estimate
from tests.hdl.simulate import AWKWARD, Dut, Flip, simulate


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
            negative, latch, mode = rng.getrandbits(1), rng.getrandbits(1), rng.randrange(4)
            dut.set(negative=negative, latch=latch, mode=mode)
            waiting = list(range(config.row_beats))
            first, second = None, None
            while waiting or first or second:
                advance = rng.random() < 0.7
                accept = bool(waiting) and advance and rng.random() < 0.7
                beat = waiting[0] if waiting else 0
                address = column * config.row_beats + beat
                codes = [
                    rng.choice((code.low, code.high, rng.randint(code.low, code.high))) for _ in range(config.lanes)
                ]
                dut.set(advance=advance, accept=accept, beat=beat, address=address, code=codes)
                assert dut.get("valid") == (second is not None)
                if second:
                    assert dut.read("difference", "reference", "out_address", "out_beat") == second
                await dut.tick()
                if advance:
                    second, first = first, None
                if accept:
                    results = [
                        estimate.read((address, lane), word, negative=negative, latch=latch, mode=mode)
                        for lane, word in enumerate(codes)
                    ]
                    differences, references = map(list, zip(*results, strict=True))
                    first = (differences, references, address, waiting.pop(0))

    simulate(SymmetricPoint(config), program, flip)


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("seed", [1, 2])
def test_columns(name: str, seed: int) -> None:
    compare(AWKWARD[name], seed=seed)


@pytest.mark.parametrize(("bits", "shift", "fraction"), [(2, 0, 0), (2, 8, 8), (16, 8, 12), (5, 3, 3)])
def test_formats(bits: int, shift: int, fraction: int) -> None:
    config = TileConfig(rows=5, columns=2, lanes=3, adc_bits=bits, filter_shift=shift, reference_fraction_bits=fraction)
    compare(config, seed=bits, transfers=100)


def test_a_twin_with_another_shift_is_found() -> None:
    config = TileConfig(rows=3, columns=2, lanes=2)
    with pytest.raises(AssertionError):
        compare(config, naive=config.replace(filter_shift=3))


@pytest.mark.parametrize("port", ["code", "address", "advance", "negative", "latch", "mode"])
def test_a_flipped_bit_is_found(port: str) -> None:
    caught = 0
    for cycle in range(30, 60):
        try:
            compare(TileConfig(rows=3, columns=2, lanes=1), flip=Flip(port, 1, cycle), transfers=20)
        except AssertionError:
            caught += 1
        if caught:
            return
    pytest.fail(f"{port}: found in {caught} of 30 cycles")


def test_a_latched_estimate_of_a_constant_is_subtracted() -> None:
    """After 60 reads of 37 and a latch the same code gives no more than half a code."""
    config = TileConfig(rows=1, columns=1, lanes=1)

    async def program(dut: Dut) -> None:
        dut.set(clear=1, clear_address=0)
        await dut.tick()
        dut.set(clear=0, advance=1, code=[37], mode=Reference.LATCHED)
        for read in range(61):
            dut.set(accept=1, latch=read == 60)
            await dut.tick()
            dut.set(accept=0)
            await dut.tick()
            difference = dut.get("difference")[0]
            assert difference == 37 << config.reference_fraction_bits or read == 60
        assert abs(difference) <= 1 << (config.reference_fraction_bits - 1)
        assert dut.get("reference")[0] + difference == 37 << config.reference_fraction_bits

    simulate(SymmetricPoint(config), program)
