# SPDX-License-Identifier: Apache-2.0
"""Tests of the random bank: its words are those of its two registers, line by line, and leave bit by bit."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from symtrack.hdl.tile.random_bank import RandomBank
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.random_specs import BankSpec
from tests.hdl.helpers.simulate import AWKWARD, Dut, Flip, simulate
from tests.hdl.references.naive_blocks import Lines, planes


def bank(lines: int, bits: int = 12, shared: int = 0) -> BankSpec:
    return TileConfig(rows=lines, lanes=1, magnitude_bits=bits, seed=lines, shared_sources=shared).row_bank


def compare(spec: BankSpec, *, naive: BankSpec | None = None, flip: Flip | None = None, cycles: int = 120) -> None:
    """Every word of every cycle, with random waits, and now and then a state that is loaded."""
    rng, lines = Random(spec.lines), Lines(naive or spec)

    async def program(dut: Dut) -> None:
        words = lines.now()
        for _ in range(cycles):
            advance, load, state = rng.random() < 0.7, rng.random() < 0.1, rng.getrandbits(32)
            dut.set(advance=advance, load=load, from_next=state)
            assert dut.get("planes") == planes(words, spec.sources[0].bits)
            assert dut.get("to_previous") == lines.registers[0].state
            await dut.tick()
            if load:
                states = [*(register.state for register in lines.registers[1:]), state]
                for register, moved in zip(lines.registers, states, strict=True):
                    register.state = moved
            elif advance:
                lines.step()
            words = lines.now()

    simulate(RandomBank(spec), program, flip)


@pytest.mark.parametrize("shared", [0, 1])
@pytest.mark.parametrize("lines", [1, 2, 3, 17])
@pytest.mark.parametrize("bits", [1, 7, 12, 16])
def test_words(lines: int, bits: int, shared: int) -> None:
    compare(bank(lines, bits, shared))


@pytest.mark.parametrize("shared", [0, 1])
@pytest.mark.parametrize("name", AWKWARD)
def test_all_banks_of_a_tile(name: str, shared: int) -> None:
    config = AWKWARD[name].replace(shared_sources=shared)
    for spec in (config.row_bank, config.column_bank, config.dither_bank, config.row_chopper_bank):
        if spec.lines:
            compare(spec, cycles=20)


@pytest.mark.parametrize("shared", [0, 1])
def test_banks_of_a_tile_share_no_source(shared: int) -> None:
    config = AWKWARD["17x7, rows chopped"].replace(shared_sources=shared)
    banks = (config.row_bank, config.column_bank, config.dither_bank, config.row_chopper_bank)
    sources = [config.chopper_source, *(source for spec in banks for source in spec.sources)]
    assert len({source.polynomial for source in sources}) == len({source.seed for source in sources}) == len(sources)


@pytest.mark.parametrize("shared", [0, 1])
def test_another_polynomial_in_one_source_is_found(shared: int) -> None:
    spec = bank(17, shared=shared)
    for index in range(len(spec.sources)):
        sources = list(spec.sources)
        sources[index] = replace(sources[index], polynomial=bank(40).sources[-1].polynomial)
        with pytest.raises(AssertionError):
            compare(spec, naive=replace(spec, sources=tuple(sources)))


@pytest.mark.parametrize("shared", [0, 1])
def test_another_pairing_and_a_lost_step_are_found(shared: int) -> None:
    spec = bank(17, shared=shared)
    with pytest.raises(AssertionError):
        compare(spec, naive=replace(spec, split=spec.split - 1))
    with pytest.raises(AssertionError):
        compare(spec, flip=Flip("advance", 1, 30))
