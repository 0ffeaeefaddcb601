# SPDX-License-Identifier: Apache-2.0
"""Tests of the used lines: 0 and too many are all, a next column beyond the last is told, errors are found."""

from __future__ import annotations

import sys
from random import Random

import pytest

from symtrack.hdl.tile.chopper import Chopper
from symtrack.hdl.tile.sequencer import Sequencer
from symtrack.hdl.tile.symmetric_point import SymmetricPoint
from symtrack.hdl.tile.threshold import Threshold
from symtrack.hdl.tile.tile import Tile
from symtrack.hdl.tile.transfer import TransferPath
from symtrack.hdl.tile.update import UpdatePath
from symtrack.hdl.tile.used_lines import UsedLines
from symtrack.model.spec.config import TileConfig
from tests.cosim.helpers.bent import elaborated_with
from tests.hdl.helpers.simulate import Dut, Flip, simulate
from tests.hdl.tile import test_tile


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


ERRORS = [
    (UsedLines, "self.used_columns.any() & (self.column >= ", "(self.column >= "),
    (UsedLines, "self.column >= self.used_columns", "self.column > self.used_columns"),
    (UsedLines, "part.eq(used.any() & (used < lines))", "part.eq(used < lines)"),
    (UsedLines, "Mux(part, used - 1, lines - 1)", "Mux(part, used, lines - 1)"),
    (Sequencer, "end_of_sweep = column == self.last_column", "end_of_sweep = column == config.columns - 1"),
    (Sequencer, "self.column.eq(self.coming_column)", "self.column.eq(config.columns - 1)"),
    (Chopper, "first = self.restart | wrap", "first = wrap"),
    (Chopper, "end_of_sweep.eq(self.column == self.last_column)", "end_of_sweep.eq(self.column == config.columns - 1)"),
    (UpdatePath, "used.eq(~ends.replicate(lanes) | up_to(coming, lanes))", "used.eq(~0)"),
    (UpdatePath, "trains.enable.eq(in_use & (", "trains.enable.eq(("),
    (UpdatePath, "Mux(self.start, self.coming_column, ", "Mux(self.start, config.columns - 1, "),
    (UpdatePath, "Mux(end_of_side, self.last_row, ", "Mux(end_of_side, config.rows - 1, "),
    (UpdatePath, "ends = below(coming, lanes)", "ends = below(coming, lanes - 1)"),
    (TransferPath, "with m.If(self.restart):", "with m.If(0):"),
    (TransferPath, "last.eq(below(left, 2 * lanes))", "last.eq(below(left, lanes))"),
    (TransferPath, "Mux(point.in_use[lane], point.reference[lane], 0)", "point.reference[lane]"),
    (TransferPath, "offer.last_in.eq(~more & (beat + 1 == taken))", "offer.last_in.eq(beat + 1 == taken)"),
    (TransferPath, "offer.last_in.eq(~more & (beat + 1 == taken))", "offer.last_in.eq(beat == config.row_beats - 1)"),
    (SymmetricPoint, "self.filter & used[lane]", "self.filter"),
    (SymmetricPoint, "(self.latch & self.used)", "self.latch"),
    (SymmetricPoint, "Mux(late_used[lane], demodulator.difference, 0)", "demodulator.difference"),
    (Threshold, "Mux(self.used, (self.hidden", "Mux(1, (self.hidden"),
]


@pytest.mark.parametrize(
    ("block", "place", "error"), ERRORS, ids=[f"{block.__name__}: {new}" for block, _, new in ERRORS]
)
def test_an_error_in_the_source_is_found(block: type, place: str, error: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a whole tile, by the naive description of its operations."""
    config = TileConfig(rows=5, columns=3, lanes=2, chopper_period=2, row_chopper=1, programmer=1, pulses_max=2)
    monkeypatch.setattr(block, "elaborate", elaborated_with(sys.modules[block.__module__], block, place, error))
    with pytest.raises(AssertionError):
        test_tile.compare(config, commands=150, speed=0.3, gain=900, kind=type("Bent", (Tile,), {}))
