# SPDX-License-Identifier: Apache-2.0
"""Tests of the used lines: 0 and more than there are is all, and a next column beyond the last is told."""

from __future__ import annotations

from random import Random

import pytest

from symtrack.hdl.tile.used_lines import UsedLines
from symtrack.model.spec.config import TileConfig
from tests.hdl.helpers.simulate import Dut, Flip, simulate


def compare(rows: int, columns: int, *, flip: Flip | None = None) -> None:
    """Every word of both settings, with commands and without."""
    rng, config = Random(rows + columns), TileConfig(rows=rows, columns=columns, lanes=1)
    words = [(r, c) for r in range(1 << rows.bit_length()) for c in range(1 << columns.bit_length())]

    async def program(dut: Dut) -> None:
        used_rows, used_columns = rows, columns
        for row_word, column_word in rng.sample(words, len(words)):
            start, column = rng.random() < 0.7, rng.randrange(columns)
            dut.set(start=start, used_rows=row_word, used_columns=column_word, column=column)
            coming = column_word if 0 < column_word <= columns else columns
            assert dut.get("coming_column") == coming - 1
            assert dut.get("restart") == (start and column >= coming)
            assert dut.read("last_row", "last_column") == (used_rows - 1, used_columns - 1)
            assert dut.read("rows", "columns") == ((1 << used_rows) - 1, (1 << used_columns) - 1)
            await dut.tick()
            if start:
                used_rows, used_columns = row_word if 0 < row_word <= rows else rows, coming

    simulate(UsedLines(config), program, flip)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 5), (3, 1), (4, 4), (17, 7), (7, 16)])
def test_every_word(rows: int, columns: int) -> None:
    compare(rows, columns)


@pytest.mark.parametrize("port", ["start", "used_rows", "used_columns"])
def test_a_flipped_bit_is_found(port: str) -> None:
    for cycle in range(40):
        try:
            compare(5, 7, flip=Flip(port, 1, cycle))
        except AssertionError:
            return
    pytest.fail(f"{port}: found in none of 40 cycles")
