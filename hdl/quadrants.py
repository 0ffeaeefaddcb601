"""Quadrant sequencing: which sign quadrant the slots of an update belong to.

    q = 2 * (rows negative) + (columns negative),   up = sign(row) != sign(column)

A line has one voltage at a time, so cells of different polarity cannot share a slot. The non-empty quadrants
run one after the other in rising order, BL slots each; empty ones cost nothing.
Latency: the first slot is offered in the cycle after the summary bits are complete. Throughput: one slot per cycle.
"""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from model.config import TileConfig


class Quadrants(wiring.Component):
    """Slot counter over the non-empty quadrants.

    Members
    -------
    restart : begin a new update with all quadrants to do
    rows_any, columns_any : bit 0 positive, bit 1 negative lines present
    bl : slots per quadrant
    issue : the offered slot is taken at the end of this cycle
    pending : a slot is offered; quadrant, up, last describe it
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        super().__init__(
            {
                "restart": In(1),
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
        done = Signal(4)
        slot = Signal(self.config.bl_bits)
        left = Signal(4)
        current = Signal(4)
        final_slot = Signal()
        m.d.comb += [
            left.eq(Cat(self.rows_any[q >> 1] & self.columns_any[q & 1] for q in range(4)) & ~done),
            current.eq(left & (~left + 1)),
            self.pending.eq(left.any() & (self.bl != 0)),
            self.quadrant.eq(Cat(current[1] | current[3], current[2] | current[3])),
            self.up.eq(current[1] | current[2]),
            final_slot.eq(slot == self.bl - 1),
            self.last.eq(final_slot & (left == current)),
        ]
        with m.If(self.restart):
            m.d.sync += [done.eq(0), slot.eq(0)]
        with m.Elif(self.issue):
            m.d.sync += [slot.eq(Mux(final_slot, 0, slot + 1)), done.eq(done | Mux(final_slot, current, 0))]
        return m
