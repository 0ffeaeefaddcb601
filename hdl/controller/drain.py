# SPDX-License-Identifier: Apache-2.0
"""Drain of a stream out of the tile: the beat on offer stays until it is taken, and no other one is offered.

    passes = not draining or offered,   tvalid = valid and passes,   ready = tready and passes

A tile that is reset once no stream has a beat on offer withdraws no ``tvalid``, which AXI4-Stream forbids. Latency:
none; while ``draining`` is low the stream is as it was.
"""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Drain(wiring.Component):
    """One stream.

    Members
    -------
    draining : what is not on offer yet is held back
    valid, ready : handshake with the tile
    tvalid, tready : handshake with what is connected
    offered : there is a beat on offer, since an earlier cycle
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "draining": In(1),
                "valid": In(1),
                "ready": Out(1),
                "tvalid": Out(1),
                "tready": In(1),
                "offered": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        passes = Signal()
        m.d.comb += [
            passes.eq(~self.draining | self.offered),
            self.tvalid.eq(self.valid & passes),
            self.ready.eq(self.tready & passes),
        ]
        m.d.sync += self.offered.eq(self.tvalid & ~self.tready)
        return m
