# SPDX-License-Identifier: Apache-2.0
"""Choppers: the signs c_j and c'_i by which columns and rows are modulated, and when they flip.

    after a read of column j:  flip = (s mod N = N - 1)  or  (word < probability * 2**16)
        scope column:  c_j <- c_j * (-1)**flip
        scope tile:    c <- c * (-1)**flip, if j was the last column
    after a read of the last column:  flip'_i = (s = N + i mod N)  or  (word_i < probability * 2**16)
        c'_i <- c'_i * (-1)**flip'_i

Columns are read in cyclic order, from the first to the last one in use, and s counts the sweeps mod 2N,
N = chopper_period, so one counter serves all lines.
The flag *flipped* of a line lasts until its next decision; it makes the reads in between latch the reference.
Latency: a flip is visible one cycle after ``finish``, in ``negative`` and ``column_flipped`` two. A read may finish
three cycles after another or a reset and two after a draw or a load, not sooner: the sources step in the cycle after
``finish``, and the words are compared in a cycle of their own.
"""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from symtrack.hdl.tile.random_bank import RandomBank
from symtrack.hdl.tile.random_source import RandomSource
from symtrack.model.spec.config import CHOPPER_RANDOM_BITS, TileConfig
from symtrack.model.spec.polynomials import DEGREE
from symtrack.model.spec.settings import ChopperMode, Scope


class Chopper(wiring.Component):
    """Choppers of all columns and, if the configuration has them, of all rows; else the rows' outputs are 0.

    Members
    -------
    mode, row_mode : `model.spec.settings.ChopperMode`, since the cycle before ``finish``
    scope : `model.spec.settings.Scope`
    restart : the next column is the first one; not in the cycle of ``finish`` or before it
    last_column : the last one in use, at least ``column``; two cycles before ``finish`` or longer
    finish : the transfer of ``column`` ends in this cycle
    draw, chance : the source steps at the end of this cycle, too; the highest bit of its word. Not in the cycle after
        ``finish``
    load_seed : the states of the sources move on in place of a step; not in the cycle before or after ``finish``
    from_next, to_previous : that of the source of the columns takes the first, and leaves by the second
    row_from_next, row_to_previous : the same for the sources of the rows, as in `hdl.tile.random_bank`
    column : the next column to be read, in cyclic order
    end_of_sweep : no column after it is in use
    negative, column_flipped : c and *flipped* of that column
    signs, row_signs : per line, 1 where c_j = -1 and c'_i = -1
    row_flipped : per row, *flipped'*
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        super().__init__(
            {
                "mode": In(2),
                "scope": In(1),
                "row_mode": In(2),
                "restart": In(1),
                "last_column": In(config.column_bits),
                "finish": In(1),
                "draw": In(1),
                "chance": Out(1),
                "load_seed": In(1),
                "from_next": In(DEGREE),
                "to_previous": Out(DEGREE),
                "row_from_next": In(DEGREE),
                "row_to_previous": Out(DEGREE),
                "column": Out(config.column_bits),
                "end_of_sweep": Out(1),
                "negative": Out(1),
                "column_flipped": Out(1),
                "signs": Out(config.columns),
                "row_signs": Out(config.rows),
                "row_flipped": Out(config.rows),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        period, below = config.chopper_period, config.chopper_flip_below
        certain = below in (0, 1 << CHOPPER_RANDOM_BITS)  # probability zero or one needs no comparison
        flipped = Signal(config.columns)
        here: Value = Const(1, 1)  # the bit of the column
        if config.columns > 1:
            here = Signal(config.columns, name="here", init=1)
        sweep = Signal(range(config.sweeps))
        m.d.sync += self.end_of_sweep.eq(self.column == self.last_column)
        wrap = Signal()
        finished = Signal()
        wrapped = Signal()
        m.d.sync += [finished.eq(self.finish), wrapped.eq(wrap)]  # near the sources, which are large
        m.d.comb += [
            wrap.eq(self.finish & self.end_of_sweep),
        ]
        if config.chopper_draws:
            m.submodules.source = source = RandomSource(config.chopper_source)
            m.d.comb += [
                source.advance.eq(finished | self.draw),
                source.load.eq(self.load_seed),
                source.from_next.eq(self.from_next),
                self.to_previous.eq(source.to_previous),
                self.chance.eq(source.word[-1]),
            ]
        else:
            m.d.comb += self.to_previous.eq(self.from_next)
        first = self.restart | wrap
        with m.If(first | self.finish):
            m.d.sync += self.column.eq(Mux(first, 0, self.column + 1))
            if config.columns > 1:
                m.d.sync += here.eq(Mux(first, 1, here << 1))
        with m.If(wrapped):
            m.d.sync += sweep.eq(Mux(sweep == config.sweeps - 1, 0, sweep + 1))

        flip = Signal()
        flips = Signal(config.columns)
        # Decided long before a read finishes, but by the cycle in which the words have been compared.
        by_sweep = Signal(reset_less=True)
        random = Signal(reset_less=True)
        end_of_period = (sweep == period - 1) | (sweep == config.sweeps - 1)
        m.d.sync += [
            by_sweep.eq((self.mode == ChopperMode.REGULAR) & end_of_period),
        ]
        if config.random_chopper:
            m.d.sync += random.eq(self.mode == ChopperMode.RANDOM)
        by_chance = Signal(init=below > 0)
        if config.random_chopper and not certain:
            m.d.sync += by_chance.eq(source.word < below)
        together = self.scope == Scope.TILE
        m.d.comb += [
            flip.eq(by_sweep | (random & by_chance)),
            flips.eq(Mux(flip, Mux(together, Mux(self.end_of_sweep, (1 << config.columns) - 1, 0), here), 0)),
        ]
        m.d.sync += self.negative.eq((self.signs & here).any())
        with m.If(self.finish):
            m.d.sync += self.signs.eq(self.signs ^ flips)
        if config.symmetric_point:  # else nothing latches by it
            m.d.sync += self.column_flipped.eq((flipped & here).any())
            with m.If(self.finish):
                m.d.sync += flipped.eq((flipped & ~here) | flips)

        if config.row_chopper:
            # Bit k: the rows i with i mod N = k flip after this sweep.
            turns = Signal(min(period, config.rows), reset_less=True)
            row_flips = Signal(config.rows)
            rows_random = Signal(reset_less=True)
            regular = (self.row_mode == ChopperMode.REGULAR).replicate(len(turns))
            m.d.sync += [
                turns.eq(Cat(sweep == period + k for k in range(len(turns))) & regular),
            ]
            by_chance = Signal(config.rows, name="rows_by_chance", init=-(below > 0))
            if config.random_chopper:
                m.submodules.rows = rows = RandomBank(config.row_chopper_bank)
                m.d.comb += [
                    rows.advance.eq(wrapped),
                    rows.load.eq(self.load_seed),
                    rows.from_next.eq(self.row_from_next),
                    self.row_to_previous.eq(rows.to_previous),
                ]
                m.d.sync += rows_random.eq(self.row_mode == ChopperMode.RANDOM)
                if not certain:
                    m.d.sync += by_chance.eq(Cat(rows.word(row) < below for row in range(config.rows)))
            else:
                m.d.comb += self.row_to_previous.eq(self.row_from_next)
            by_turn = Cat(turns[row % period] for row in range(config.rows))
            m.d.comb += row_flips.eq(by_turn | (rows_random.replicate(config.rows) & by_chance))
            with m.If(wrap):
                m.d.sync += self.row_signs.eq(self.row_signs ^ row_flips)
                if config.symmetric_point:
                    m.d.sync += self.row_flipped.eq(row_flips)
        else:
            m.d.comb += self.row_to_previous.eq(self.row_from_next)
        return m
