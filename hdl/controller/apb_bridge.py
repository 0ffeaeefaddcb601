# SPDX-License-Identifier: Apache-2.0
"""Bridge from APB4 (IHI 0024) to the AXI4-Lite registers of a controller.

    setup phase (psel & ~penable) -> access on AXI4-Lite -> pready for one cycle, with prdata or pslverr

A read of what may not be read, and a write that is refused, end with ``pslverr``. Latency: the access phase lasts three
cycles beside those of the slave. Every output comes from a register.
"""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from symtrack.hdl.controller.lite_master import MASTER, LiteMaster, join
from symtrack.hdl.controller.registers import ADDRESS_BITS, WORD


class ApbBridge(wiring.Component):
    """The bridge.

    Members
    -------
    psel, penable, pwrite, paddr, pwdata, pstrb, pready, prdata, pslverr : the bus, as a completer
    aw*, w*, b*, ar*, r* : the registers, as a master
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "psel": In(1),
                "penable": In(1),
                "pwrite": In(1),
                "paddr": In(ADDRESS_BITS),
                "pwdata": In(WORD),
                "pstrb": In(WORD // 8),
                "pready": Out(1),
                "prdata": Out(WORD),
                "pslverr": Out(1),
                **MASTER,
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.master = master = LiteMaster()
        join(m, master, self)
        m.d.comb += [
            master.start.eq(self.psel & ~self.penable),
            master.write.eq(self.pwrite),
            master.address.eq(self.paddr),
            master.word.eq(self.pwdata),
            master.strobes.eq(self.pstrb),
            self.pready.eq(master.done),
            self.prdata.eq(master.answer),
            self.pslverr.eq(master.failed),
        ]
        return m
