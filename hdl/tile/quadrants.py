# SPDX-License-Identifier: Apache-2.0
"""Quadrant sequencer: decides which sign quadrant each slot of an update belongs to.

    q = 2 * (rows negative) + (columns negative),   up = sign(row) != sign(column)

A line has one voltage at a time, so cells of different polarity cannot share a slot. The non-empty quadrants
run one after the other in rising order, BL slots each; empty ones cost nothing.
Latency: the first slot is offered in the cycle after ``begin``. Throughput: one slot per cycle.
"""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from symtrack.model.spec.config import TileConfig


class Quadrants(wiring.Component):
    """Slot counter over the non-empty quadrants.

    Members
    -------
    begin : a new update, whose inputs are complete
    rows_any, columns_any : bit 0 positive, bit 1 negative lines present
    bl : slots per quadrant
    issue : the offered slot is taken at the end of this cycle
    pending : a slot is offered; quadrant, up, last describe it
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        super().__init__(
            {
                "begin": In(1),
                "rows_any": In(2),
                "columns_any": In(2),
                "bl": In(config.bl_bits),
                "issue": In(1),
                "pending": Out(1),
                "quadrant": Out(2),
                "up": Out(1),
                "last": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        left = Signal(4)  # quadrants to do, the current one among them
        slots = Signal(self.config.bl_bits)  # of the current one, after the one on offer
        current = Signal(4)
        final_slot = Signal()
        m.d.comb += [
            current.eq(left & (~left + 1)),
            self.pending.eq(left.any()),
            self.quadrant.eq(Cat(current[1] | current[3], current[2] | current[3])),
            self.up.eq(current[1] | current[2]),
            final_slot.eq(~slots.any()),
            self.last.eq(final_slot & (left == current)),
        ]
        with m.If(self.begin):
            there = Cat(self.rows_any[q >> 1] & self.columns_any[q & 1] for q in range(4))
            m.d.sync += [left.eq(Mux(self.bl.any(), there, 0)), slots.eq(self.bl - 1)]
        with m.Elif(self.issue):
            m.d.sync += [slots.eq(Mux(final_slot, self.bl, slots) - 1), left.eq(left & ~Mux(final_slot, current, 0))]
        return m
