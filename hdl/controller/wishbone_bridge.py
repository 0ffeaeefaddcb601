# SPDX-License-Identifier: Apache-2.0
"""Bridge from Wishbone B4, standard or pipelined, to the AXI4-Lite registers of a controller.

    cyc & stb & ~stall -> access on AXI4-Lite -> ack or err for one cycle, with dat_r

``adr`` is an address of words. A read of what may not be read, and a write that is refused, end with ``err``. ``stall``
stays high with the answer, so that a standard master, whose ``stb`` is still high then, does not begin another access.
Who lowers ``cyc`` gets no answer any more, while the access ends on AXI4-Lite. Latency: three cycles beside those of
the slave. Every output comes from a register.
"""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from symtrack.hdl.controller.lite_master import MASTER, LiteMaster, join
from symtrack.hdl.controller.registers import ADDRESS_BITS, WORD


class WishboneBridge(wiring.Component):
    """The bridge.

    Members
    -------
    cyc, stb, we, adr, dat_w, sel, stall, ack, err, dat_r : the bus, as a slave
    aw*, w*, b*, ar*, r* : the registers, as a master
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "cyc": In(1),
                "stb": In(1),
                "we": In(1),
                "adr": In(ADDRESS_BITS - 2),
                "dat_w": In(WORD),
                "sel": In(WORD // 8),
                "stall": Out(1),
                "ack": Out(1),
                "err": Out(1),
                "dat_r": Out(WORD),
                **MASTER,
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.master = master = LiteMaster()
        join(m, master, self)
        taken, left = Signal(), Signal()  # an access begins; the master has gone since the last one began
        m.d.comb += [
            taken.eq(self.cyc & self.stb & ~self.stall),
            master.start.eq(taken),
            master.write.eq(self.we),
            master.address.eq(Cat(Const(0, 2), self.adr)),
            master.word.eq(self.dat_w),
            master.strobes.eq(self.sel),
            self.dat_r.eq(master.answer),
        ]
        answers = Signal()
        m.d.comb += answers.eq(master.done & self.cyc & ~left)
        m.d.sync += [
            left.eq(~taken & (left | ~self.cyc)),
            self.stall.eq(taken | (self.stall & ~self.ack & ~self.err & ~(master.done & ~answers))),
            self.ack.eq(answers & ~master.failed),
            self.err.eq(answers & master.failed),
        ]
        return m
