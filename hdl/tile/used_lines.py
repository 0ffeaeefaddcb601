# SPDX-License-Identifier: Apache-2.0
"""Used lines: the rows and columns of an operation, from settings that are sampled with its command.

    last = (used - 1 if 0 < used <= lines else lines - 1),   mask_l = l <= last,   restart = column > last

Latency: one cycle.
"""

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from symtrack.model.spec.config import TileConfig


def up_to(last: Value, lines: int) -> Value:
    """A bit per line, 1 up to the ``last``, of which the bits that number so many lines are looked at."""
    return ~(Const((1 << lines) - 2, lines) << last[: (lines - 1).bit_length()])[:lines]


def below(value: Value, limit: int) -> Value:
    """``value < limit``, a constant where every value is."""
    return value < limit if limit >> len(value) == 0 else Const(1, 1)


class UsedLines(wiring.Component):
    """Which lines are in use.

    Members
    -------
    start, used_rows, used_columns : a command is accepted, and its settings
    column : the next column to be read
    restart : that column is not in use any more; with ``start``
    coming_column : what ``last_column`` becomes; with ``start``
    last_row, last_column : of the command being carried out
    rows, columns : per line, it is in use by that
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        super().__init__(
            {
                "start": In(1),
                "used_rows": In(config.row_count_bits),
                "used_columns": In(config.column_count_bits),
                "column": In(config.column_bits),
                "restart": Out(1),
                "coming_column": Out(config.column_bits),
                "last_row": Out(config.row_bits, init=config.rows - 1),
                "last_column": Out(config.column_bits, init=config.columns - 1),
                "rows": Out(config.rows),
                "columns": Out(config.columns),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config

        def last(used: Value, lines: int) -> Value:
            part = Signal(name=f"part_of_{used.name}")
            m.d.comb += part.eq(used.any() & (used < lines))
            return Mux(part, used - 1, lines - 1)

        m.d.comb += [
            self.coming_column.eq(last(self.used_columns, config.columns)),
            self.restart.eq(self.start & self.used_columns.any() & (self.column >= self.used_columns)),
        ]
        with m.If(self.start):
            if config.rows > 1:  # the only one is always in use
                m.d.sync += self.last_row.eq(last(self.used_rows, config.rows))
            if config.columns > 1:
                m.d.sync += self.last_column.eq(self.coming_column)
        for mask, end in ((self.rows, self.last_row), (self.columns, self.last_column)):
            m.d.comb += mask.eq(up_to(end, len(mask)))
        return m
