# SPDX-License-Identifier: Apache-2.0
"""One access at a time on AXI4-Lite, for bridges from other buses.

    start, write, address, word, strobes -> done, failed, word

``start`` begins an access unless one is ``busy``; both channels of a write go out at once. ``done`` is high for a cycle
when the answer is there. Every output comes from a register but ``bready`` and ``rready``, which are always high.
Latency: two cycles beside those of the slave.
"""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from symtrack.hdl.controller.axi_lite import CHANNELS
from symtrack.hdl.controller.registers import ADDRESS_BITS, WORD

MASTER = {name: Out(member.shape) if member.flow is In else In(member.shape) for name, member in CHANNELS.items()}


def join(m: Module, inner: wiring.Component, outer: wiring.Component) -> None:
    """Give the five channels of a master inside to the ports of what has it."""
    for name, member in MASTER.items():
        ends = getattr(outer, name), getattr(inner, name)
        to, source = ends if member.flow is Out else reversed(ends)
        m.d.comb += to.eq(source)


class LiteMaster(wiring.Component):
    """The master.

    Members
    -------
    aw*, w*, b*, ar*, r* : the five channels, towards a slave
    start : an access begins, ignored while one is busy
    write, address, word, strobes : what it is
    busy : from the cycle after its start to that of its answer
    done, failed, answer : it has ended, not as asked for, and the word that was read
    """

    def __init__(self) -> None:
        super().__init__(
            {
                **MASTER,
                "start": In(1),
                "write": In(1),
                "address": In(ADDRESS_BITS),
                "word": In(WORD),
                "strobes": In(WORD // 8),
                "busy": Out(1),
                "done": Out(1),
                "failed": Out(1),
                "answer": Out(WORD),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        begins, answered = Signal(), Signal()
        m.d.comb += [
            self.bready.eq(1),
            self.rready.eq(1),
            begins.eq(self.start & ~self.busy),
            answered.eq(self.bvalid | self.rvalid),
        ]
        for channel in ("aw", "w", "ar"):
            valid, ready = getattr(self, f"{channel}valid"), getattr(self, f"{channel}ready")
            with m.If(valid & ready):
                m.d.sync += valid.eq(0)
        with m.If(begins):
            m.d.sync += [
                self.awvalid.eq(self.write),
                self.wvalid.eq(self.write),
                self.arvalid.eq(~self.write),
                self.awaddr.eq(self.address),
                self.araddr.eq(self.address),
                self.wdata.eq(self.word),
                self.wstrb.eq(self.strobes),
            ]
        m.d.sync += [
            self.busy.eq(begins | (self.busy & ~answered)),
            self.done.eq(answered),
            self.failed.eq((self.bvalid & self.bresp[1]) | (self.rvalid & self.rresp[1])),
        ]
        with m.If(self.rvalid):
            m.d.sync += self.answer.eq(self.rdata)
        return m
