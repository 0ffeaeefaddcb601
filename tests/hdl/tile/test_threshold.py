# SPDX-License-Identifier: Apache-2.0
"""Tests of the write threshold against exact fractions: n = clamp(trunc(h/threshold), ±pulses_max), or floor."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import pytest

from symtrack.hdl.tile.threshold import Threshold
from symtrack.model.spec.config import TileConfig
from tests.hdl.helpers.simulate import Dut, simulate
from tests.hdl.references.naive_blocks import write_pulses


def config(bits: int, shift: int, most: int) -> TileConfig:
    return TileConfig(hidden_bits=bits, threshold_shift=shift, pulses_max=most)


def compare(
    built: TileConfig, naive: TileConfig, words: Iterable[int], *, wrong: int = 0, wrong_floor: int = 0
) -> None:
    """n and its flag for every word, rounded both ways, and none of a lane that is not in use; ``wrong...`` flip bits
    of what the component gets.
    """

    async def program(dut: Dut) -> None:
        for hidden in words:
            for floor, used in ((0, 1), (1, 1), (0, 0)):
                dut.set(hidden=hidden ^ wrong, floor=floor ^ wrong_floor, used=used, advance=1)
                await dut.tick()
                dut.set(hidden=~hidden, floor=1 - floor, used=1 - used, advance=0)  # the word is on its way
                await dut.tick()
                pulses, clamped = write_pulses(naive, hidden, direct=bool(floor)) if used else (0, False)
                expected = pulses, abs(pulses), int(not pulses), int(clamped)
                assert dut.read("pulses", "size", "zero", "clamped") == expected, f"h = {hidden}"

    simulate(Threshold(built), program)


def every(form: TileConfig) -> range:
    return range(form.hidden_format.low, form.hidden_format.high + 1)


@pytest.mark.parametrize("shift", range(7))
@pytest.mark.parametrize("most", [1, 3, 127])
def test_every_word_of_eight_bits(shift: int, most: int) -> None:
    form = config(8, shift, most)
    compare(form, form, every(form))


@pytest.mark.parametrize(("bits", "shift", "most"), [(4, 0, 1), (4, 2, 7), (24, 16, 10), (40, 0, 127), (40, 38, 1)])
def test_around_every_step(bits: int, shift: int, most: int) -> None:
    form, rng = config(bits, shift, most), Random(bits)
    low, high = form.hidden_format.low, form.hidden_format.high
    steps = [sign * n << shift for n in (*range(1, 12), most, most + 1) for sign in (-1, 1)]
    words = [0, low, low + 1, high, *(step + off for step in steps for off in (-1, 0, 1))]
    words += [rng.randint(low, high) for _ in range(300)]
    compare(form, form, [word for word in words if low <= word <= high])


def test_another_threshold_another_limit_and_a_flipped_bit_are_found() -> None:
    form = config(8, 3, 5)
    for other in (config(8, 4, 5), config(8, 3, 4), config(8, 3, 6)):
        with pytest.raises(AssertionError):
            compare(other, form, every(form))
    for bit in range(8):
        with pytest.raises(AssertionError):
            compare(form, form, every(form), wrong=1 << bit)


def test_the_other_rounding_is_found() -> None:
    form = config(8, 3, 5)
    compare(form, form, [0, 7, 8, -8, 127, -128], wrong_floor=1)  # it matters for negative fractions only
    for hidden in (-1, -7, -9):
        with pytest.raises(AssertionError):
            compare(form, form, [hidden], wrong_floor=1)
    whole = config(8, 0, 127)
    compare(whole, whole, every(whole), wrong_floor=1)
