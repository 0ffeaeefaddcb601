# SPDX-License-Identifier: Apache-2.0
"""Demodulator of one lane: subtracts the reference from the read and undoes the sign of the chopper.

    d = c * (r - s),   s = 0, ref or Q in reference mode zero, latched or filtered

d needs one bit more than Q. Latency: combinational.
"""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from symtrack.hdl.parts.written_once import written_once
from symtrack.model.spec.config import TileConfig


class Demodulator(wiring.Component):
    """One difference.

    Members
    -------
    code : r
    reference, latched : Qref, and whether it is subtracted
    q : Q as it was before this read where that is subtracted, else zero; not both
    negative : c = -1
    difference : d
    """

    module = "demodulator"

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        super().__init__(
            {
                "code": In(signed(config.adc_bits)),
                "reference": In(signed(config.reference_format.width)),
                "q": In(signed(config.reference_format.width)),
                "latched": In(1),
                "negative": In(1),
                "difference": Out(signed(config.difference_format.width)),
            }
        )

    @written_once
    def elaborate(self, platform: object) -> Module:
        m = Module()
        word = Signal(signed(self.config.reference_format.width))
        subtracted = Signal(signed(self.config.reference_format.width))
        m.d.comb += subtracted.eq((self.reference & self.latched.replicate(len(word)).as_signed()) | self.q)
        # One adder: the difference of complements ~r - ~s is s - r.
        c = self.negative.replicate(len(word))
        m.d.comb += [
            word.eq(self.code << self.config.reference_fraction_bits),
            self.difference.eq((word.as_unsigned() ^ c).as_signed() - (subtracted.as_unsigned() ^ c).as_signed()),
        ]
        return m
