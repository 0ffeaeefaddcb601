"""Zero-shifting: slots in which every line fires, of alternating or random polarity.

    up[s] = 1, 0, 1, 0, ...     or     the highest bit of the chopper source's word, which steps once a slot

Latency: the first slot is offered in the cycle after ``restart``. Throughput: one slot per cycle.
"""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from model.config import COUNT_BITS


class ZeroShift(wiring.Component):
    """Slot counter of a calibration.

    Members
    -------
    restart : begin anew
    pulses, random : how many slots, and whether their polarities are random
    chance : a random bit
    issue : the offered slot is taken at the end of this cycle
    pending : a slot is offered; up and last describe it
    draw : the slot that is taken uses the random bit
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "restart": In(1),
                "pulses": In(COUNT_BITS),
                "random": In(1),
                "chance": In(1),
                "issue": In(1),
                "pending": Out(1),
                "up": Out(1),
                "last": Out(1),
                "draw": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        slot = Signal(COUNT_BITS)
        m.d.comb += [
            self.pending.eq(slot != self.pulses),
            self.up.eq(Mux(self.random, self.chance, ~slot[0])),
            self.last.eq(slot == self.pulses - 1),
            self.draw.eq(self.issue & self.random),
        ]
        with m.If(self.restart):
            m.d.sync += slot.eq(0)
        with m.Elif(self.issue):
            m.d.sync += slot.eq(slot + 1)
        return m
