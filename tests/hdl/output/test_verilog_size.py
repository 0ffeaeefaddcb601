# SPDX-License-Identifier: Apache-2.0
"""Tests that the Verilog of a tile grows by a few lines with each row, column, lane and beat, and with nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from symtrack.cosim.tools.verilog_texts import controller_verilog, tile_verilog
from symtrack.model.spec.config import TileConfig

# Of the text, at most: for any tile, for a row or a column, for a lane, for a beat of vectors, which has a line for
# each bit of a magnitude. Long lists of rows and columns are broken, which takes lines but no bytes.
LINES = (7_850, 7, 220, 17)
BYTES = (200_000, 700, 6_500, 700)
SIZES = [(3, 200, 1), (40, 40, 20)]
LARGE = [(256, 785, 16), (1024, 1024, 32)]


def allowed(of: tuple[int, int, int, int], size: tuple[int, int, int]) -> int:
    rows, columns, lanes = size
    return of[0] + of[1] * (rows + columns) + of[2] * lanes + of[3] * (-(-rows // lanes) - (-columns // lanes))


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


@pytest.mark.parametrize("convert", [tile_verilog, controller_verilog])
def test_no_line_is_long(convert: Callable[[TileConfig], str]) -> None:
    """Lists of ports and of bits are broken behind commas."""
    lines = convert(TileConfig(rows=32, columns=32, lanes=4, programmer=1)).splitlines()
    assert max(map(len, lines)) <= 300


def test_modules_of_lanes_and_sources_are_written_once() -> None:
    """Each kind of lane is one module however many there are."""
    for size in SIZES:
        names = re.findall(r"^module \\?(\S+?) ?\(", text(size), re.MULTILINE)
        assert len(names) == len(set(names))
        for kind in ("hidden_lane", "threshold", "low_pass", "demodulator", "reference_latch"):
            assert names.count(f"symtrack_any.{kind}") == 1
            assert len(re.findall(rf"^  \\symtrack_any\.{kind} ", text(size), re.MULTILINE)) == size[2]
