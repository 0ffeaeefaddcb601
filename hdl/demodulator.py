"""Demodulator of one lane: the read without its reference, brought back to the sign of the gradient.

    d = c * (r - s),   s = 0, ref or Q in reference mode zero, latched or filtered

d needs one bit more than Q. Latency: combinational.
"""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from model.config import Reference, TileConfig


class Demodulator(wiring.Component):
    """One difference.

    Members
    -------
    code, reference, q : r, Qref and Q as it was before this read
    mode : `model.config.Reference`
    negative : c = -1
    difference : d
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        super().__init__(
            {
                "code": In(signed(config.adc_bits)),
                "reference": In(signed(config.reference_format.width)),
                "q": In(signed(config.reference_format.width)),
                "mode": In(2),
                "negative": In(1),
                "difference": Out(signed(config.difference_format.width)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        plain = Signal(signed(self.config.difference_format.width))
        subtracted = Signal(signed(self.config.reference_format.width))
        with m.If(self.mode == Reference.LATCHED):
            m.d.comb += subtracted.eq(self.reference)
        with m.Elif(self.mode == Reference.FILTERED):
            m.d.comb += subtracted.eq(self.q)
        m.d.comb += [
            plain.eq((self.code << self.config.reference_fraction_bits) - subtracted),
            self.difference.eq(Mux(self.negative, -plain, plain)),
        ]
        return m
