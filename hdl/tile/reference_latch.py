# SPDX-License-Identifier: Apache-2.0
"""Reference latch of one lane: takes Q, in coarse steps, as the new Qref when a chopper has flipped.

    ref = coarse(Q) if latch else Qref,   coarse(Q) = min(round(Q / 2**s), high) * 2**s,   s = latch_shift

Halves round upwards; high is the largest quotient whose multiple is in the range of Q. Latency: combinational.
"""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from symtrack.hdl.parts.written_once import written_once
from symtrack.model.spec.config import TileConfig


class ReferenceLatch(wiring.Component):
    """One reference.

    Members
    -------
    latch : take Q
    q, q_ref : Q and Qref before
    reference : Qref after
    """

    module = "reference_latch"

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        word = signed(config.reference_format.width)
        super().__init__({"latch": In(1), "q": In(word), "q_ref": In(word), "reference": Out(word)})

    @written_once
    def elaborate(self, platform: object) -> Module:
        m = Module()
        form, shift = self.config.reference_format, self.config.latch_shift
        multiple = Signal(signed(form.width - shift + 1))
        coarse = Signal(signed(form.width))
        above = ~multiple[-1] & multiple[-2]  # the largest quotient in the range plus one; halves go nowhere else
        m.d.comb += [
            multiple.eq((self.q + ((1 << shift) >> 1)) >> shift),
            coarse.eq(Mux(above, form.high >> shift, multiple) << shift),
            self.reference.eq(Mux(self.latch, coarse, self.q_ref)),
        ]
        return m
