# SPDX-License-Identifier: Apache-2.0
"""AXI4-Lite slave in front of a register file: 32-bit words, one read and one write in every cycle.

    read:   address -> word and whether it may be read         rdata, rresp two cycles after the address
    write:  address, word, strobes -> whether it was done      bresp two cycles after both have arrived

Addresses and data of writes may arrive in any order and apart; each is kept until its partner is there. A response
waits for its ``ready`` and is OKAY or SLVERR. Every output comes from a register, as the specification asks (IHI 0022,
A3.2): requests come in through register slices, which keep two of a channel. Latency: two cycles. Throughput: one each
per cycle.
"""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from symtrack.hdl.controller.registers import ADDRESS_BITS, WORD
from symtrack.hdl.parts.register_slice import RegisterSlice

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
        asked = self._requests(m, "ar", {"addr": self.read_address})
        m.d.comb += [
            self.read.eq(asked.valid & (~self.rvalid | self.rready)),
            asked.ready.eq(self.read),
        ]
        with m.If(self.read):
            m.d.sync += [
                self.rvalid.eq(1),
                self.rdata.eq(Mux(self.read_error, 0, self.read_data)),
                self.rresp.eq(Mux(self.read_error, SLVERR, OKAY)),
            ]
        with m.Elif(self.rready):
            m.d.sync += self.rvalid.eq(0)

        addresses = self._requests(m, "aw", {"addr": self.write_address})
        words = self._requests(m, "w", {"data": self.write_data, "strb": self.write_strobes})
        m.d.comb += [
            self.write.eq(addresses.valid & words.valid & (~self.bvalid | self.bready)),
            addresses.ready.eq(self.write),
            words.ready.eq(self.write),
        ]
        with m.If(self.write):
            m.d.sync += [self.bvalid.eq(1), self.bresp.eq(Mux(self.write_error, SLVERR, OKAY))]
        with m.Elif(self.bready):
            m.d.sync += self.bvalid.eq(0)
        return m

    def _requests(self, m: Module, channel: str, used: dict[str, Signal]) -> RegisterSlice:
        """The slice that a channel comes in through; ``used`` shows its payload from there on."""
        m.submodules[channel] = kept = RegisterSlice({name: len(shown) for name, shown in used.items()})
        ready = getattr(self, f"{channel}ready")
        m.d.comb += [ready.eq(kept.room), kept.arrives.eq(getattr(self, f"{channel}valid") & ready)]
        for name, shown in used.items():
            m.d.comb += [
                getattr(kept, f"{name}_in").eq(getattr(self, f"{channel}{name}")),
                shown.eq(getattr(kept, f"{name}_out")),
            ]
        return kept
