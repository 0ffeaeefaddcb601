# SPDX-License-Identifier: Apache-2.0
"""Low-pass filter of one lane: the step of the symmetric-point estimate.

    Q <- Q + round((r - Q) * eta),   eta = 2**-filter_shift,   H(z) = eta / (1 - (1 - eta) z**-1)

r has `adc_bits`, Q `reference_fraction_bits` more below them. Halves round upwards, so a step never passes r and
Q cannot leave the range of the codes. With ``enable`` off Q stays. The difference is formed in one cycle and added in
the next. Latency: one cycle. Throughput: one step per cycle while ``advance``.
"""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from symtrack.hdl.parts.written_once import written_once
from symtrack.model.spec.config import TileConfig


class LowPass(wiring.Component):
    """One filter step.

    Members
    -------
    advance : a step goes on to its second cycle at the end of this one
    code, q, enable : of the step in its first cycle, r, Q, and off to leave Q as it is
    q_next : Q after the step in its second cycle
    """

    module = "low_pass"

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        q = signed(config.reference_format.width)
        super().__init__(
            {"advance": In(1), "enable": In(1), "code": In(signed(config.adc_bits)), "q": In(q), "q_next": Out(q)}
        )

    @written_once
    def elaborate(self, platform: object) -> Module:
        m = Module()
        shift = self.config.filter_shift
        step = Signal(signed(self.config.difference_format.width - shift), reset_less=True)
        q = Signal.like(self.q, reset_less=True)
        half = (1 << shift) >> 1  # lies in the bits below r
        with m.If(self.advance):
            error = ((self.code << self.config.reference_fraction_bits) | half) - self.q
            m.d.sync += [step.eq(Mux(self.enable, error >> shift, 0)), q.eq(self.q)]
        m.d.comb += self.q_next.eq(q + step)
        return m
