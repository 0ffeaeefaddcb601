# SPDX-License-Identifier: Apache-2.0
"""Tests of the memory with one read and one write port: it equals a dictionary and holds what it has read."""

from __future__ import annotations

from random import Random

import pytest

from symtrack.hdl.parts.memory_1r1w import Memory1R1W
from tests.hdl.helpers.simulate import Dut, Flip, simulate


def compare(width: int, depth: int, flip: Flip | None = None) -> None:
    """300 cycles of random reads and writes, never of one word at once."""
    rng, words = Random(depth), dict.fromkeys(range(depth), 0)

    async def program(dut: Dut) -> None:
        held = None
        for _ in range(300):
            write, read = rng.random() < 0.6, rng.random() < 0.6
            to, source, value = rng.randrange(depth), rng.randrange(depth), rng.getrandbits(width)
            read = read and not (write and to == source)
            dut.set(read_enable=read, read_address=source, write_enable=write, write_address=to, write_data=value)
            assert held is None or dut.get("read_data") == held
            await dut.tick()
            held = words[source] if read else held
            words[to] = value if write else words[to]

    simulate(Memory1R1W(width=width, depth=depth), program, flip)


@pytest.mark.parametrize(("width", "depth"), [(1, 2), (9, 3), (64, 17), (100, 256)])
def test_contents(width: int, depth: int) -> None:
    compare(width, depth)


@pytest.mark.parametrize("port", ["read_enable", "read_address", "write_enable", "write_address", "write_data"])
def test_a_flipped_bit_of_any_input_is_found(port: str) -> None:
    caught = 0
    for cycle in range(40, 64):
        try:
            compare(9, 3, Flip(port, 1, cycle))
        except AssertionError:
            caught += 1
    assert caught >= 2, f"{port}: a flip was found in {caught} of 24 cycles"
