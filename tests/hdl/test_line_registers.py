"""Lines keep magnitude and sign of the beat they belong to, and the summary bits say which signs came."""

from __future__ import annotations

from random import Random

import pytest

from hdl.line_registers import LineRegisters
from tests.hdl.simulate import Dut, Flip, simulate

SIZES = [(1, 1), (1, 3), (3, 1), (3, 2), (3, 3), (17, 1), (17, 4), (17, 17)]


def compare(lines: int, lanes: int, *, bits: int = 5, flip: Flip | None = None) -> None:
    """150 cycles of loads, waits and clears in any order, every output of every cycle."""
    rng = Random(100 * lines + lanes)
    magnitude, negative = [0] * lines, [0] * lines
    seen = [0, 0]

    async def program(dut: Dut) -> None:
        for _ in range(150):
            clear, load = rng.random() < 0.1, rng.random() < 0.6
            beat = rng.randrange(-(-lines // lanes))
            density = rng.choice((0, 1, 1))
            values = [density * rng.getrandbits(bits) for _ in range(lanes)]
            signs, flips = rng.getrandbits(lanes), rng.getrandbits(lines)
            dut.set(clear=clear, load=load, beat=beat, magnitude_in=values, negative_in=signs, flip=flips)
            assert dut.read("magnitude", "any_positive", "any_negative") == (magnitude, *seen)
            assert dut.get("negative") == sum(sign << line for line, sign in enumerate(negative))
            await dut.tick()
            for lane in range(lanes if load else 0):
                line = beat * lanes + lane
                if line < lines:
                    magnitude[line] = values[lane]
                    negative[line] = (signs >> lane ^ flips >> line) & 1
                    seen[negative[line]] |= values[lane] > 0
            if clear:
                seen[:] = 0, 0

    simulate(LineRegisters(lines=lines, lanes=lanes, magnitude_bits=bits), program, flip)


@pytest.mark.parametrize(("lines", "lanes"), SIZES)
@pytest.mark.parametrize("bits", [1, 5])
def test_loads(lines: int, lanes: int, bits: int) -> None:
    compare(lines, lanes, bits=bits)


@pytest.mark.parametrize("port", ["magnitude_in", "negative_in", "flip", "beat", "load", "clear"])
def test_a_flipped_bit_of_any_input_is_found(port: str) -> None:
    caught = 0
    for cycle in range(20, 30):
        try:
            compare(5, 4, flip=Flip(port, 0b10001 if port == "flip" else 1, cycle))
        except AssertionError:
            caught += 1
    assert caught >= 2, f"{port}: a flip was found in {caught} of 10 cycles"
