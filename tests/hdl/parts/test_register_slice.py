# SPDX-License-Identifier: Apache-2.0
"""Tests of the register slice: no beat is lost, doubled or overtaken, and the output keeps its payload."""

from __future__ import annotations

from collections import deque
from random import Random

import pytest

from symtrack.hdl.parts.register_slice import RegisterSlice
from tests.hdl.helpers.simulate import Dut, simulate

SHAPES = {"word": 7, "last": 1}


def play(*, offers: float, takes: float, cycles: int = 600, wrong: str = "") -> None:
    """Beats arrive and are taken at random, beside two places in a row; ``wrong`` makes an error of the places."""
    rng = Random(1)

    async def program(dut: Dut) -> None:
        places: deque[tuple[int, int]] = deque()  # the output first, the spare register behind it
        shown = (0, 0)
        for _ in range(cycles):
            room = len(places) < 2
            arrives, ready = room and rng.random() < offers, rng.random() < takes
            beat = rng.getrandbits(7), rng.getrandbits(1)
            dut.set(arrives=arrives, word_in=beat[0], last_in=beat[1], ready=ready)
            shown = places[0] if places else shown
            assert dut.read("room", "valid", "word_out", "last_out") == (room, bool(places), *shown)
            await dut.tick()
            if ready and places:
                places.popleft()
            if arrives:
                places.append(beat)
                if wrong == "order":
                    places.rotate(1)

    simulate(RegisterSlice(SHAPES), program)


@pytest.mark.parametrize("offers", [0.2, 0.7, 1.0])
@pytest.mark.parametrize("takes", [0.0, 0.3, 0.8, 1.0])
def test_two_places_in_a_row(offers: float, takes: float) -> None:
    play(offers=offers, takes=takes)


def test_an_error_is_found() -> None:
    with pytest.raises(AssertionError):
        play(offers=0.7, takes=0.5, wrong="order")


def test_full_throughput() -> None:
    """With a beat in every cycle and a client that never waits there is always room."""

    async def program(dut: Dut) -> None:
        dut.set(arrives=1, ready=1)
        for beat in range(20):
            dut.set(word_in=beat)
            assert dut.read("room", "valid") == (1, int(beat > 0))
            if beat:
                assert dut.get("word_out") == beat - 1
            await dut.tick()

    simulate(RegisterSlice(SHAPES), program)
