# SPDX-License-Identifier: Apache-2.0
"""AXI4-Lite slave in front of a register file: 32-bit words, one read and one write in every cycle.

    read:   address -> word and whether it may be read         rdata, rresp two cycles after the address
    write:  address, word, strobes -> whether it was done      bresp two cycles after both have arrived

Addresses and data of writes may arrive in any order and apart; one of each is kept until its partner is there. A
response waits for its ``ready`` and is OKAY or SLVERR. Latency: two cycles. Throughput: one each per cycle.
"""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from symtrack.hdl.controller.registers import ADDRESS_BITS, WORD

OKAY, SLVERR = 0, 2
CHANNELS = {
    "awaddr": In(ADDRESS_BITS),
    "awvalid": In(1),
    "awready": Out(1),
    "wdata": In(WORD),
    "wstrb": In(WORD // 8),
    "wvalid": In(1),
    "wready": Out(1),
    "bresp": Out(2),
    "bvalid": Out(1),
    "bready": In(1),
    "araddr": In(ADDRESS_BITS),
    "arvalid": In(1),
    "arready": Out(1),
    "rdata": Out(WORD),
    "rresp": Out(2),
    "rvalid": Out(1),
    "rready": In(1),
}


class AxiLite(wiring.Component):
    """The slave.

    Members
    -------
    aw*, w*, b*, ar*, r* : the five channels
    read, read_address : a word is asked for in this cycle
    read_data, read_error : its answer, in the same cycle
    write, write_address, write_data, write_strobes : a word is written at the end of this cycle
    write_error : it is not, in the same cycle
    """

    def __init__(self) -> None:
        super().__init__(
            {
                **CHANNELS,
                "read": Out(1),
                "read_address": Out(ADDRESS_BITS),
                "read_data": In(WORD),
                "read_error": In(1),
                "write": Out(1),
                "write_address": Out(ADDRESS_BITS),
                "write_data": Out(WORD),
                "write_strobes": Out(WORD // 8),
                "write_error": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        asked = Signal()
        m.d.comb += [
            self.read.eq(asked & (~self.rvalid | self.rready)),
            self.arready.eq(~asked | self.read),
        ]
        with m.If(self.arready):
            m.d.sync += asked.eq(self.arvalid)
        with m.If(self.arready & self.arvalid):
            m.d.sync += self.read_address.eq(self.araddr)
        with m.If(self.read):
            m.d.sync += [
                self.rvalid.eq(1),
                self.rdata.eq(Mux(self.read_error, 0, self.read_data)),
                self.rresp.eq(Mux(self.read_error, SLVERR, OKAY)),
            ]
        with m.Elif(self.rready):
            m.d.sync += self.rvalid.eq(0)

        address_kept = Signal()
        data_kept = Signal()
        m.d.comb += [
            self.write.eq(address_kept & data_kept & (~self.bvalid | self.bready)),
            self.awready.eq(~address_kept | self.write),
            self.wready.eq(~data_kept | self.write),
        ]
        with m.If(self.awready):
            m.d.sync += address_kept.eq(self.awvalid)
        with m.If(self.awready & self.awvalid):
            m.d.sync += self.write_address.eq(self.awaddr)
        with m.If(self.wready):
            m.d.sync += data_kept.eq(self.wvalid)
        with m.If(self.wready & self.wvalid):
            m.d.sync += [self.write_data.eq(self.wdata), self.write_strobes.eq(self.wstrb)]
        with m.If(self.write):
            m.d.sync += [self.bvalid.eq(1), self.bresp.eq(Mux(self.write_error, SLVERR, OKAY))]
        with m.Elif(self.bready):
            m.d.sync += self.bvalid.eq(0)
        return m
