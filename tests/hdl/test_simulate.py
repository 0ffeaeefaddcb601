# SPDX-License-Identifier: Apache-2.0
"""Tests of the helper that simulates blocks: a simulator that is used again plays what a fresh one plays."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from symtrack.hdl.tile.chopper import Chopper
from symtrack.hdl.tile.symmetric_point import SymmetricPoint
from symtrack.model.spec.config import NAMED
from symtrack.model.spec.settings import ChopperMode
from tests.hdl.helpers import simulate as helper
from tests.hdl.helpers.simulate import Bench, Dut, Flip, simulate, simulate_again

TINY = NAMED["tiny"]
INPUTS = {  # of the block with two memories; all that it is told at random
    SymmetricPoint: (
        *("advance", "accept", "read_address", "code", "used", "negative", "latch"),
        *("write", "write_address", "mode", "filter"),
    ),
    Chopper: ("finish", "mode", "scope"),
}
Seen = list[list[Any]]


def random_inputs(kind: type, seed: int, cycles: int = 200) -> Any:
    """A program of random inputs; it returns all ports of all cycles."""

    async def program(dut: Dut) -> Seen:
        rng, seen = Random(seed), []
        for _ in range(cycles):
            dut.set(**{name: rng.getrandbits(dut.ports[name].width) for name in INPUTS[kind]})
            seen.append([dut.get(name) for name in dut.ports])
            await dut.tick()
        return seen

    return program


@pytest.mark.parametrize("kind", INPUTS)
def test_a_used_simulator_plays_what_a_fresh_one_plays(kind: type) -> None:
    bench = Bench(kind(TINY))
    first = bench.play(random_inputs(kind, 1))
    second = bench.play(random_inputs(kind, 2))
    assert bench.play(random_inputs(kind, 1)) == first == simulate(kind(TINY), random_inputs(kind, 1))
    assert second == simulate(kind(TINY), random_inputs(kind, 2)) != first


def test_inputs_set_one_by_one_are_those_set_at_once() -> None:
    def program(*steps: dict[str, int]) -> Any:
        async def play(dut: Dut) -> Seen:
            seen = []
            for _ in range(40):
                for step in steps:
                    dut.set(**step)
                seen.append([dut.get(name) for name in dut.ports])
                await dut.tick()
            return seen

        return play

    at_once = simulate(Chopper(TINY), program({"finish": 1, "mode": ChopperMode.REGULAR, "scope": 1}))
    steps = ({"finish": 0}, {"scope": 1, "mode": ChopperMode.REGULAR}, {"finish": 1})
    assert simulate(Chopper(TINY), program(*steps)) == at_once
    assert simulate(Chopper(TINY), program(*steps[:2])) != at_once


def test_a_simulator_whose_program_raised_is_made_anew() -> None:
    async def broken(dut: Dut) -> None:
        dut.set(finish=1, mode=ChopperMode.REGULAR)
        await dut.tick()
        raise LookupError

    expected = simulate_again(Chopper, TINY, random_inputs(Chopper, 3))
    with pytest.raises(LookupError):
        simulate_again(Chopper, TINY, broken)
    assert simulate_again(Chopper, TINY, random_inputs(Chopper, 3)) == expected


def test_another_design_and_another_flip_have_their_own_run() -> None:
    program = random_inputs(Chopper, 4)
    expected = simulate_again(Chopper, TINY, program)
    assert simulate_again(Chopper, TINY.replace(chopper_probability=0.9), program) != expected
    assert simulate_again(Chopper, TINY, program, Flip("finish", 1, 20)) != expected
    assert simulate_again(Chopper, TINY, program) == expected
    bent = TINY.replace()
    bent.__dict__["row_bank"] = TINY.column_bank
    assert bent == TINY
    assert helper._sources(bent) != helper._sources(TINY)


def test_a_limited_number_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helper, "_benches", {})
    monkeypatch.setattr(helper, "KEPT", 2)
    for seed in (1, 2, 3, 2):
        simulate_again(Chopper, TINY.replace(bl_max=seed), random_inputs(Chopper, 1, cycles=2))
    assert [key[2].bl_max for key in helper._benches] == [3, 2]
