# SPDX-License-Identifier: Apache-2.0
"""Formal properties of the choppers: they flip exactly when section 7 of docs/tile.md says."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Assert, Cat, Mux, Signal, Value

from symtrack.cosim.formal import contracts as rules
from symtrack.cosim.formal.sby import Checked
from symtrack.hdl.tile.chopper import Chopper
from symtrack.hdl.tile.random_bank import RandomBank
from symtrack.hdl.tile.random_source import RandomSource
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import ChopperMode, Scope


def flips() -> Checked:
    """Property of the choppers: signs, flags, column and sweep after each read are those specified, in every mode.

    Mode, scope and the columns in use change at will; a mode counts from the cycle after it is set.
    """
    config = TileConfig(rows=3, columns=2, lanes=1, chopper_period=2, chopper_probability=0.3, row_chopper=1)
    period, below, columns = config.chopper_period, config.chopper_flip_below, config.columns
    dut: Any = Chopper(config)
    checked = Checked(dut)
    checked.assume(rules.chopper)
    m, state, finished = checked.module, checked.state, Signal()
    m.d.sync += finished.eq(dut.finish)

    # The same sources, told when to step; a step of theirs is proved of `hdl.tile.random_source`.
    source: Any = RandomSource(config.chopper_source)
    bank: Any = RandomBank(config.row_chopper_bank)
    for name, same in (("source", source), ("rows", bank)):
        for part, register in checked.beside(same, f"naive_{name}").items():
            m.d.comb += Assert(state[f"{name}.{part}"] == register)

    column, sweep, wrapped = Signal(range(columns)), Signal(range(2 * period)), Signal()
    c, flipped = Signal(columns), Signal(columns)
    c_rows, flipped_rows = Signal(config.rows), Signal(config.rows)
    here, wrap = 1 << column, column == dut.last_column
    was_last = Signal()
    m.d.sync += was_last.eq(wrap)
    m.d.sync += wrapped.eq(dut.finish & wrap)
    m.d.comb += [source.advance.eq(finished | dut.draw), bank.advance.eq(wrapped)]
    m.d.comb += [source.load.eq(dut.load_seed), source.from_next.eq(dut.from_next)]
    m.d.comb += [bank.load.eq(dut.load_seed), bank.from_next.eq(dut.row_from_next)]
    with m.If(wrapped):
        m.d.sync += sweep.eq(Mux(sweep == 2 * period - 1, 0, sweep + 1))

    def decided(mode: Value, turn: Value, word: Value) -> Value:
        return Mux(mode == ChopperMode.REGULAR, turn, Mux(mode == ChopperMode.RANDOM, word < below, 0))

    mode, row_mode = (Signal(2, name=name, reset_less=True) for name in ("mode_before", "row_mode_before"))
    m.d.sync += [mode.eq(dut.mode), row_mode.eq(dut.row_mode)]
    flip = decided(mode, sweep % period == period - 1, source.word)
    with m.If(dut.finish):
        m.d.sync += column.eq(Mux(wrap, 0, column + 1))
        with m.If(dut.scope == Scope.COLUMN):
            m.d.sync += [flipped.eq((flipped & ~here) | Mux(flip, here, 0)), c.eq(c ^ Mux(flip, here, 0))]
        with m.Elif(wrap & flip):
            m.d.sync += [flipped.eq(~0), c.eq(~c)]
        with m.Else():
            m.d.sync += flipped.eq(flipped & ~here)
        with m.If(wrap):
            for row in range(config.rows):
                turns = decided(row_mode, sweep == period + row % period, bank.word(row))
                m.d.sync += [flipped_rows[row].eq(turns), c_rows[row].eq(c_rows[row] ^ turns)]

    with m.If(dut.restart):
        m.d.sync += column.eq(0)

    seen = Signal(2)  # what the column's outputs say follows a cycle later
    m.d.sync += seen.eq(Cat(c.bit_select(column, 1), flipped.bit_select(column, 1)))
    m.d.comb += [
        Assert(column < columns),
        Assert(state["here"] == here),
        Assert(dut.end_of_sweep == was_last),
        Assert(state["sweep"] == sweep),
        Assert(state["flipped"] == flipped),
        Assert(dut.column == column),
        Assert(dut.signs == c),
        Assert(dut.row_signs == c_rows),
        Assert(dut.row_flipped == flipped_rows),
        Assert(Cat(dut.negative, dut.column_flipped) == seen),
        Assert(dut.chance == source.word[-1]),
    ]
    return checked
