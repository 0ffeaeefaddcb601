# SPDX-License-Identifier: Apache-2.0
"""Tests that the Verilog of a tile grows by a few lines with each row, column, lane and beat, and with nothing else."""

from __future__ import annotations

import re

import pytest

from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.model.spec.config import TileConfig

# Of the text, at most: for any tile, for a row or a column, for a lane, for a beat of vectors, which has a line for
# each bit of a magnitude.
LINES = (7_750, 5, 220, 17)
BYTES = (200_000, 700, 6_500, 700)
SIZES = [(3, 200, 1), (40, 40, 20)]
LARGE = [(256, 785, 16), (1024, 1024, 32)]


def allowed(of: tuple[int, int, int, int], size: tuple[int, int, int]) -> int:
    rows, columns, lanes = size
    return of[0] + of[1] * (rows + columns) + of[2] * lanes + of[3] * (-(-rows // lanes) - (-columns // lanes))


@pytest.mark.parametrize("size", [*SIZES, *(pytest.param(size, marks=pytest.mark.slow) for size in LARGE)])
def text(size: tuple[int, int, int]) -> str:
    rows, columns, lanes = size
    return tile_verilog(TileConfig(name="any", rows=rows, columns=columns, lanes=lanes))


@pytest.mark.parametrize("size", [*SIZES, *(pytest.param(size, marks=pytest.mark.slow) for size in LARGE)])
def test_lines_and_bytes_are_in_bounds(size: tuple[int, int, int]) -> None:
    assert text(size).count("\n") <= allowed(LINES, size)
    assert len(text(size)) <= allowed(BYTES, size)


def test_modules_are_the_same_in_every_tile() -> None:
    first, second = (set(re.findall(r"^module \\?(\S+?) ?\(", text(size), re.MULTILINE)) for size in SIZES)
    assert first == second
    assert {f"symtrack_any.{name}" for name in ("low_pass", "hidden_lane", "random_source_12")} < first


def test_deeper_memories_take_no_more_text() -> None:
    """Q, Qref and H are instances of one module: one loop at the start, and one place that writes."""
    for size in SIZES:
        assert len(re.findall(r"^  symtrack_memory_1r1w ", text(size), re.MULTILINE)) == 3
        assert re.findall(r"\bmem\[(\w+)\] (<?=) ", text(size)) == [("row", "="), ("write_address", "<=")]
