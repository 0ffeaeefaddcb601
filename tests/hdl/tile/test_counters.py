# SPDX-License-Identifier: Apache-2.0
"""Tests of the event counters: events are counted, and counts stop at their largest value."""

from __future__ import annotations

from random import Random

import pytest

from symtrack.hdl.tile.counters import Counters
from symtrack.model.spec.config import TileConfig
from tests.hdl.helpers.simulate import Dut, Flip, simulate


def config(lanes: int, most: int) -> TileConfig:
    return TileConfig(rows=max(lanes, 3), lanes=lanes, pulses_max=most, counter_bits=8, programmer=lanes % 2)


COUNTS = ("slots", "reads", "transfer_pulses", "reference_pulses", "unprogrammed")


def compare(form: TileConfig, *, cycles: int = 700, seed: int = 0, flip: Flip | None = None) -> None:
    """All counts of every cycle, well into saturation."""
    rng, counts, most = Random(seed), [0] * len(COUNTS), 2**form.counter_bits - 1

    async def program(dut: Dut) -> None:
        held: list[int] = []  # Σ|n| of the beats in the register slice
        array = False
        for _ in range(cycles):
            events = [rng.random() < p for p in (0.8, 0.5, 0.6)]
            scale = rng.choice((0, 1, form.pulses_max))
            pulses = [rng.choice((-scale, scale, rng.randint(-scale, scale))) for _ in range(form.lanes)]
            outside = rng.getrandbits(form.lanes) & rng.getrandbits(form.lanes)
            array = array if held else rng.random() < 0.4
            total, cells, last_round = sum(map(abs, pulses)), outside.bit_count(), rng.random() < 0.5
            two = len(held) == 2
            arrives = not two and rng.random() < 0.7
            events[2] &= bool(held)
            dut.set(slot=events[0], read=events[1], write=events[2], array=array, cells=cells, last_round=last_round)
            dut.set(amount=held[-1] if held else 0, two=two)
            assert list(dut.read(*COUNTS)) == counts
            assert dut.get("gave_up") == (counts[-1] > 0)
            await dut.tick()
            programs = events[2] and array and form.programmer
            happens = (events[0], events[1], events[2] and not array, programs, programs and last_round)
            taken = held.pop(0) if events[2] else 0
            if arrives:
                held.append(total)
            for index, amount in enumerate((1, 1, taken, taken, cells)):
                counts[index] = min(counts[index] + happens[index] * amount, most)

    simulate(Counters(form), program, flip)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("lanes", "most"), [(1, 1), (1, 127), (2, 127), (3, 10), (5, 3), (17, 15)])
def test_counts(lanes: int, most: int, seed: int) -> None:
    form = config(lanes, most)
    assert lanes * most <= 2**form.counter_bits, "one beat fills the counter at most once"
    compare(form, seed=seed)
    assert form.counter_bits == 8


@pytest.mark.parametrize(("lanes", "most"), [(3, 127), (5, 127), (64, 127), (64, 10)])
def test_a_beat_that_exceeds_the_counter(lanes: int, most: int) -> None:
    compare(config(lanes, most), seed=lanes, cycles=60)


@pytest.mark.parametrize("port", ["slot", "read", "write", "array"])
def test_a_flipped_bit_is_found(port: str) -> None:
    caught = 0
    for cycle in range(5, 15):
        try:
            compare(config(3, 10), cycles=20, flip=Flip(port, 1, cycle))
        except AssertionError:
            caught += 1
    assert caught >= 2


def test_reset_gives_zero() -> None:
    async def program(dut: Dut) -> None:
        dut.set(slot=1, read=1, write=1, amount=7)
        for _ in range(9):
            await dut.tick()
        assert dut.read("slots", "reads", "transfer_pulses") == (9, 9, 63)
        await dut.reset()
        assert dut.read("slots", "reads", "transfer_pulses") == (0, 0, 0)

    simulate(Counters(config(3, 10)), program)
