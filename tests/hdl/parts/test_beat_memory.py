# SPDX-License-Identifier: Apache-2.0
"""Tests of the beat memory: it equals a dictionary, holds its output, and is cleared through its port."""

from __future__ import annotations

from random import Random

import pytest

from symtrack.hdl.parts.beat_memory import BeatMemory
from tests.hdl.helpers.simulate import Dut, Flip, simulate


def compare(depth: int, lanes: int, width: int, *, flip: Flip | None = None) -> None:
    """Clears the memory through its port, then 200 cycles of reads and writes, never of one word at once."""
    rng = Random(depth)
    words = {address: [0] * lanes for address in range(depth)}
    half = 1 << (width - 1)

    async def program(dut: Dut) -> None:
        for address in range(depth):
            dut.set(clear=1, clear_address=address, write=1, write_data=[half - 1] * lanes)
            await dut.tick()
        held = None
        for _ in range(200):
            clear, write, read = (rng.random() < p for p in (0.05, 0.6, 0.6))
            to, source = rng.randrange(depth), rng.randrange(depth)
            cleared = rng.randrange(depth)
            read = read and source != (cleared if clear else to if write else None)
            value = [rng.randrange(-half, half) for _ in range(lanes)]
            dut.set(clear=clear, clear_address=cleared, write=write, write_address=to, write_data=value)
            dut.set(read=read, read_address=source)
            assert held is None or dut.get("data") == held
            await dut.tick()
            if read:
                held = words[source]
            if clear:
                words[cleared] = [0] * lanes
            elif write:
                words[to] = value

    simulate(BeatMemory(depth=depth, lanes=lanes, width=width), program, flip)


@pytest.mark.parametrize(("depth", "lanes", "width"), [(1, 1, 2), (2, 1, 15), (3, 3, 9), (17, 2, 24), (35, 4, 40)])
def test_contents(depth: int, lanes: int, width: int) -> None:
    compare(depth, lanes, width)


@pytest.mark.parametrize("port", ["write_data", "write_address", "read_address", "write", "read", "clear"])
def test_a_flipped_bit_of_any_input_is_found(port: str) -> None:
    caught = 0
    for cycle in range(40, 52):
        try:
            compare(3, 3, 9, flip=Flip(port, 1, cycle))
        except AssertionError:
            caught += 1
    assert caught >= 2, f"{port}: a flip was found in {caught} of 12 cycles"


def test_reset_leaves_the_words_alone() -> None:
    async def program(dut: Dut) -> None:
        dut.set(write=1, write_address=2, write_data=[5, -5])
        await dut.tick()
        dut.set(write=0)
        await dut.reset()
        dut.set(read=1, read_address=2)
        await dut.tick()
        assert dut.get("data") == [5, -5]

    simulate(BeatMemory(depth=4, lanes=2, width=8), program)
