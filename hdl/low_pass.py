"""Low-pass filter of one lane: the step of the symmetric-point estimate.

    Q <- Q + round((r - Q) * eta),   eta = 2**-filter_shift,   H(z) = eta / (1 - (1 - eta) z**-1)

r has `adc_bits`, Q `reference_fraction_bits` more below them. Halves round upwards, so a step never passes r and
Q cannot leave the range of the codes. With ``enable`` off Q stays. Latency: combinational.
"""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from model.config import TileConfig


class LowPass(wiring.Component):
    """One filter step.

    Members
    -------
    enable : off leaves Q as it is
    code : r
    q, q_next : Q before and after
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        q = signed(config.reference_format.width)
        super().__init__({"enable": In(1), "code": In(signed(config.adc_bits)), "q": In(q), "q_next": Out(q)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shift = self.config.filter_shift
        error = Signal(signed(self.config.difference_format.width))
        half = (1 << shift) >> 1
        m.d.comb += [
            error.eq((self.code << self.config.reference_fraction_bits) - self.q),
            self.q_next.eq(self.q + Mux(self.enable, (error + half) >> shift, 0)),
        ]
        return m
