# SPDX-License-Identifier: Apache-2.0
"""Tests of the line registers: lines keep magnitude and sign of their beat, summary bits say which signs came."""

from __future__ import annotations

from random import Random

import pytest

from symtrack.hdl.tile.line_registers import LineRegisters
from tests.hdl.helpers.simulate import Dut, Flip, simulate
from tests.hdl.references.naive_blocks import planes

SIZES = [(1, 1), (1, 3), (3, 1), (3, 2), (3, 3), (17, 1), (17, 4), (17, 17)]


def compare(lines: int, lanes: int, *, bits: int = 5, chopped: bool = True, flip: Flip | None = None) -> None:
    """150 cycles of loads in order, waits and clears at any time, every output of every cycle."""
    rng = Random(100 * lines + lanes)
    magnitude, negative = [0] * lines, [0] * lines
    seen, beats = [0, 0], -(-lines // lanes)

    async def program(dut: Dut) -> None:
        beat, taken, keep = beats, 0, False  # the next beat, and the flips of this operation
        for _ in range(150):
            clear = rng.random() < (0.4 if beat == beats else 0.05)
            load = not clear and beat < beats and rng.random() < 0.7
            density = rng.choice((0, 1, 1))
            values = [density * rng.getrandbits(bits) for _ in range(lanes)]
            signs, flips = rng.getrandbits(lanes), rng.getrandbits(lines)
            dut.set(clear=clear, load=load, beat=min(beat, beats - 1), keep=keep)
            used = rng.getrandbits(lanes) | rng.getrandbits(lanes)
            used &= (1 << (lines - min(beat, beats - 1) * lanes)) - 1
            dut.set(magnitude_in=values, negative_in=signs, flip=flips, used=used)
            assert dut.read("magnitude", "any_positive", "any_negative") == (planes(magnitude, bits), *seen)
            assert dut.get("negative") == sum(sign << line for line, sign in enumerate(negative))
            await dut.tick()
            for lane in range(lanes if load else 0):
                line = beat * lanes + lane
                if line < lines:
                    magnitude[line] = values[lane]
                    negative[line] = (signs >> lane ^ (chopped and not keep) * taken >> line) & 1
                    seen[negative[line]] |= values[lane] > 0 and used >> lane & 1
            beat += load
            if clear:
                seen[:] = 0, 0
                beat, taken, keep = 0, flips, rng.random() < 0.3

    simulate(LineRegisters(lines=lines, lanes=lanes, magnitude_bits=bits, chopped=chopped), program, flip)


@pytest.mark.parametrize(("lines", "lanes"), SIZES)
@pytest.mark.parametrize("bits", [1, 5])
@pytest.mark.parametrize("chopped", [False, True])
def test_loads(lines: int, lanes: int, bits: int, chopped: bool) -> None:
    compare(lines, lanes, bits=bits, chopped=chopped)


@pytest.mark.parametrize(("lines", "lanes"), SIZES)
def test_a_line_alone_is_in_the_summary(lines: int, lanes: int) -> None:
    """Every line in turn, with every single bit and both signs."""
    bits, beats = 3, -(-lines // lanes)
    told: list[tuple[int, int]] = []

    async def program(dut: Dut) -> None:
        for line in range(lines):
            for magnitude, negative in [(1 << bit, sign) for bit in range(bits) for sign in (0, 1)]:
                dut.set(clear=1, load=0)
                await dut.tick()
                dut.set(clear=0, load=1)
                for beat in range(beats):
                    values = [magnitude * (beat * lanes + lane == line) for lane in range(lanes)]
                    signs = (1 << lanes) - 1 if negative else 0
                    used = (1 << min(lanes, lines - beat * lanes)) - 1
                    dut.set(beat=beat, magnitude_in=values, negative_in=signs, used=used)
                    await dut.tick()
                told.append(dut.read("any_positive", "any_negative"))

    simulate(LineRegisters(lines=lines, lanes=lanes, magnitude_bits=bits, chopped=False), program)
    assert told == [(1, 0), (0, 1)] * bits * lines


@pytest.mark.parametrize("port", ["magnitude_in", "negative_in", "flip", "keep", "beat", "load", "clear", "used"])
def test_a_flipped_bit_of_any_input_is_found(port: str) -> None:
    caught = 0
    for cycle in range(20, 60):
        try:
            compare(5, 4, flip=Flip(port, 0b10001 if port == "flip" else 1, cycle))
        except AssertionError:
            caught += 1
    assert caught >= 2, f"{port}: a flip was found in {caught} of 40 cycles"
