# SPDX-License-Identifier: Apache-2.0
"""Parity injector: makes the parity of one lane of the next word that a memory stores wrong.

    flips <- 1 << lane (arm),   0 (written, not armed in the same cycle)

Latency: a word written in the cycle after ``arm`` is the first that can be stored so. A reset disarms it.
"""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class ParityInjector(wiring.Component):
    """The injector of one memory.

    Members
    -------
    arm, lane : flip the parity of this lane in the next word; of no lane if there is no such lane
    written : the memory stores a word in this cycle, with ``flips``
    flips : per lane, its parity is stored inverted
    """

    def __init__(self, *, lanes: int) -> None:
        super().__init__(
            {"arm": In(1), "lane": In(range(max(2, lanes))), "written": In(1), "flips": Out(lanes)},
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        with m.If(self.arm):
            m.d.sync += self.flips.eq(1 << self.lane)
        with m.Elif(self.written):
            m.d.sync += self.flips.eq(0)
        return m
