"""Chopper: the sign c_j by which column j is modulated, and when it flips.

    after a read of column j:  flip = (s = period - 1)  or  (word < probability * 2**16),  c_j <- c_j * (-1)**flip

Columns are read in cyclic order and s counts the sweeps, so one counter serves all columns. The flag *flipped*
of a column lasts until its next read, which latches the reference.
Latency: a flip is visible one cycle after ``finish``. Throughput: one read per cycle.
"""

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl.random_source import RandomSource
from model.config import CHOPPER_RANDOM_BITS, TileConfig
from model.config import Chopper as Mode


class Chopper(wiring.Component):
    """Chopper of all columns.

    Members
    -------
    mode : `model.config.Chopper`
    finish : the transfer of ``column`` ends in this cycle
    column : the next column to be read, in cyclic order
    negative, latch : c and *flipped* of that column
    signs : per column, 1 where c_j = -1
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        super().__init__(
            {
                "mode": In(2),
                "finish": In(1),
                "column": Out(config.column_bits),
                "negative": Out(1),
                "latch": Out(1),
                "signs": Out(config.columns),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        m.submodules.source = source = RandomSource(config.chopper_source)
        flipped = Signal(config.columns)
        sweep = Signal(range(max(2, config.chopper_period)))
        end_of_row = self.column == config.columns - 1
        end_of_period = sweep == config.chopper_period - 1
        flip = Signal()
        below = config.chopper_flip_below
        certain = below in (0, 1 << CHOPPER_RANDOM_BITS)  # probability zero or one needs no comparison
        by_chance = Const(below > 0) if certain else source.word < below
        here = Signal(config.columns)
        m.d.comb += [
            flip.eq(((self.mode == Mode.REGULAR) & end_of_period) | ((self.mode == Mode.RANDOM) & by_chance)),
            here.eq(1 << self.column),
            self.negative.eq((self.signs & here).any()),
            self.latch.eq((flipped & here).any()),
            source.advance.eq(self.finish),
        ]
        with m.If(self.finish):
            m.d.sync += [
                flipped.eq((flipped & ~here) | Mux(flip, here, 0)),
                self.signs.eq(self.signs ^ Mux(flip, here, 0)),
                self.column.eq(Mux(end_of_row, 0, self.column + 1)),
            ]
            with m.If(end_of_row):
                m.d.sync += sweep.eq(Mux(end_of_period, 0, sweep + 1))
        return m
