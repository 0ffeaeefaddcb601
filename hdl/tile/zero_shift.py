# SPDX-License-Identifier: Apache-2.0
"""Zero-shifting: slots of calibration in which every line fires, of alternating or random polarity.

    up[s] = 1, 0, 1, 0, ...     or     the highest bit of the chopper source's word, which steps once a slot

The random polarities are drawn elsewhere. Latency: the first slot is offered in the cycle after ``begin``. Throughput:
one slot per cycle.
"""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from symtrack.model.spec.settings import COUNT_BITS


class ZeroShift(wiring.Component):
    """Slot counter of a calibration.

    Members
    -------
    begin : a new calibration
    pulses : how many slots, at least one
    issue : the offered slot is taken at the end of this cycle
    pending : a slot is offered; up and last describe it
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "begin": In(1),
                "pulses": In(COUNT_BITS),
                "issue": In(1),
                "pending": Out(1),
                "up": Out(1),
                "last": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        left = Signal(COUNT_BITS)  # after the one on offer
        m.d.comb += self.last.eq(~left.any())
        with m.If(self.begin):
            m.d.sync += [left.eq(self.pulses - 1), self.up.eq(1), self.pending.eq(1)]
        with m.Elif(self.issue):
            m.d.sync += [left.eq(left - 1), self.up.eq(~self.up), self.pending.eq(~self.last)]
        return m
