# SPDX-License-Identifier: Apache-2.0
"""Tests of the residual memory with whole columns and waits, in both its modes and with the ends of all formats."""

from __future__ import annotations

from random import Random

import pytest

from symtrack.hdl.tile.residual_memory import ResidualMemory
from symtrack.model.spec.config import TileConfig
from tests.hdl.helpers.simulate import AWKWARD, Dut, Flip, simulate_again
from tests.hdl.references.naive_blocks import Residuals

CONFIG = TileConfig(rows=3, columns=2, lanes=2, residual_memory=1)


def compare(
    config: TileConfig, *, seed: int = 0, transfers: int = 40, flip: Flip | None = None, late: bool = False
) -> dict[str, int]:
    """Columns in any order, beat by beat; how many words were taken and kept. ``late``: the twin shows D before d."""
    rng, residuals = Random(seed), Residuals()
    seen = {"taken": 0, "kept": 0}

    async def program(dut: Dut) -> None:
        for address in range(config.depth):
            dut.set(clear=1, clear_address=address)
            await dut.tick()
        dut.set(clear=0)
        for _ in range(transfers):
            column, accumulate = rng.randrange(config.columns), rng.random() < 0.6
            dut.set(accumulate=accumulate, advance=0, read=0)
            await dut.tick()
            waiting = list(range(config.row_beats))
            stages: list[tuple[object, ...] | None] = [None] * 3  # 4 to 6: address, d, lanes in use, D
            while waiting or any(stages):
                fourth, _, sixth = stages
                advance = rng.random() < 0.7
                enter = bool(waiting) and rng.random() < 0.7
                address = column * config.row_beats + (waiting[0] if waiting else 0)
                form = config.difference_format
                junk = [
                    rng.choice((form.low, form.high, rng.randint(form.low, form.high))) for _ in range(config.lanes)
                ]
                dut.set(advance=advance, read=enter and advance, read_address=address)
                dut.set(difference=fourth[1] if fourth else junk, used=fourth[2] if fourth else 0)
                dut.set(write=sixth is not None, write_address=sixth[0] if sixth else 0)
                if sixth:
                    assert dut.get("residual") == sixth[3]
                    assert not dut.get("wrong")
                await dut.tick()
                if not advance:
                    continue
                stages = [None, *stages[:-1]]
                if enter:
                    used = rng.getrandbits(config.lanes) | rng.getrandbits(config.lanes)
                    before = [residuals.words[address, lane] for lane in range(config.lanes)]
                    after = [
                        residuals.read((address, lane), d, accumulate=accumulate and bool(used >> lane & 1))
                        for lane, d in enumerate(junk)
                    ]
                    shown = [d if used >> lane & 1 else 0 for lane, d in enumerate(before if late else after)]
                    stages[0] = (address, junk, used, shown)
                    waiting.pop(0)
                    seen["taken" if accumulate else "kept"] += used.bit_count()

    simulate_again(ResidualMemory, config, program, flip)
    return seen


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_sizes(name: str) -> None:
    seen = compare(AWKWARD[name].replace(residual_memory=1), seed=len(name))
    assert min(seen.values()) >= 10, seen


@pytest.mark.parametrize(("adc", "fraction"), [(2, 0), (16, 12), (9, 6)])
def test_the_ends_of_all_formats_are_kept(adc: int, fraction: int) -> None:
    """The shortest and the widest d, its lowest and highest word among the drawn ones."""
    config = CONFIG.replace(adc_bits=adc, reference_fraction_bits=fraction, filter_shift=0)
    assert config.difference_format.width == adc + fraction + 1
    compare(config, seed=adc, transfers=100)


def test_a_twin_that_shows_the_word_of_before_is_found() -> None:
    with pytest.raises(AssertionError):
        compare(CONFIG, late=True)


@pytest.mark.parametrize(
    "port", ["advance", "read_address", "difference", "used", "accumulate", "write", "write_address"]
)
def test_a_flipped_bit_is_found(port: str) -> None:
    for cycle in range(20, 90):
        try:
            compare(CONFIG, flip=Flip(port, 1, cycle), transfers=20)
        except AssertionError:
            return
    pytest.fail(f"{port}: found in none of 70 cycles")


def test_a_wrong_parity_is_told_when_its_word_is_read_and_heals_when_it_is_written() -> None:
    config = CONFIG.replace(self_test=1)

    async def read(dut: Dut, *, accumulate: bool) -> int:
        """A beat of address 1 on its way; in how many of its cycles its parity is told."""
        told = 0
        dut.set(accumulate=accumulate, advance=1, used=0b11, difference=[-5, 9])
        for stage in range(3, 8):
            dut.set(read=stage == 3, read_address=1, write=stage == 6, write_address=1)
            told += dut.get("wrong") if stage == 6 else 0
            await dut.tick()
        return told

    async def program(dut: Dut) -> list[int]:
        dut.set(clear=1, clear_address=1)
        await dut.tick()
        dut.set(clear=0, inject__residual=1, inject__lane=1)
        await dut.tick()
        dut.set(inject__residual=0)
        return [await read(dut, accumulate=accumulate) for accumulate in (True, False, True)]

    assert simulate_again(ResidualMemory, config, program) == [0, 1, 0]
