# SPDX-License-Identifier: Apache-2.0
"""Tests of the quadrant sequencer: BL slots for every quadrant with lines on both sides, in rising order."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from symtrack.hdl.tile.quadrants import Quadrants
from symtrack.model.spec.config import TileConfig
from tests.hdl.helpers.simulate import Dut, Flip, simulate

SIGNS = {0: (1, 1), 1: (1, -1), 2: (-1, 1), 3: (-1, -1)}  # of row and column


def schedule(rows_any: int, columns_any: int, bl: int) -> list[tuple[int, int, int]]:
    """Quadrant, polarity and last of every slot."""
    slots = []
    for quadrant, (row, column) in SIGNS.items():
        if rows_any & (1 if row > 0 else 2) and columns_any & (1 if column > 0 else 2):
            slots += [(quadrant, int(row * column < 0), 0)] * bl
    return [*slots[:-1], (*slots[-1][:2], 1)] if slots else []


def compare(bl_max: int, *, lengths: set[int], flip: Flip | None = None, ready: float = 1.0) -> None:
    """All combinations of signs and the given lengths, one update after the other."""
    rng = Random(bl_max)

    async def program(dut: Dut) -> None:
        for rows_any, columns_any, bl in product(range(4), range(4), sorted(lengths)):
            dut.set(begin=1, issue=0, rows_any=rows_any, columns_any=columns_any, bl=bl)
            await dut.tick()
            dut.set(begin=0)
            for slot in schedule(rows_any, columns_any, bl):
                while rng.random() >= ready:
                    dut.set(issue=0)
                    assert dut.read("pending", "quadrant", "up", "last") == (1, *slot)
                    await dut.tick()
                dut.set(issue=1)
                assert dut.read("pending", "quadrant", "up", "last") == (1, *slot)
                await dut.tick()
            dut.set(issue=0)
            assert dut.get("pending") == 0

    simulate(Quadrants(TileConfig(bl_max=bl_max)), program, flip)


@pytest.mark.parametrize("bl_max", [1, 2, 20, 31, 63])
def test_schedule(bl_max: int) -> None:
    compare(bl_max, lengths={0, 1, min(2, bl_max), bl_max})


def test_schedule_with_waits() -> None:
    compare(20, lengths={0, 1, 3, 20}, ready=0.6)


def test_an_update_that_is_cut_off_leaves_nothing_behind() -> None:
    async def program(dut: Dut) -> None:
        dut.set(begin=1, rows_any=3, columns_any=3, bl=3, issue=1)
        await dut.tick()
        dut.set(begin=0)
        for _ in range(5):
            await dut.tick()
        assert dut.get("quadrant") == 1
        dut.set(begin=1)
        await dut.tick()
        dut.set(begin=0)
        for slot in schedule(3, 3, 3):
            assert dut.read("quadrant", "up", "last") == slot
            await dut.tick()
        assert dut.get("pending") == 0

    simulate(Quadrants(TileConfig(bl_max=3)), program)


@pytest.mark.parametrize("flip", [Flip("issue", 1, 200), Flip("bl", 1, 193), Flip("begin", 1, 200)])
def test_a_flipped_bit_is_found(flip: Flip) -> None:
    with pytest.raises(AssertionError):
        compare(20, lengths={20}, flip=flip)
