"""Threshold of one lane: whole pulses out of the hidden word.

    n = clamp(trunc(h / threshold), ±pulses_max),   threshold = 2**threshold_shift

Truncation is towards zero, so both polarities need the same |h|. With ``floor`` the quotient is rounded downwards
instead, as a word with its dither needs. The quotient is formed in one cycle and clamped in the next. Latency: one
cycle. Throughput: one word per cycle while ``advance``.
"""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from model.config import TileConfig


class Threshold(wiring.Component):
    """One comparison.

    Members
    -------
    advance : a word goes on to its second cycle at the end of this one
    hidden, floor : h of the word in its first cycle and how it is rounded
    pulses, zero, clamped : of the word in its second cycle, n, whether n = 0, and whether the quotient lies beyond
        ±pulses_max
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        super().__init__(
            {
                "advance": In(1),
                "hidden": In(signed(config.hidden_bits)),
                "floor": In(1),
                "pulses": Out(signed(config.pulses_format.width)),
                "zero": Out(1),
                "clamped": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shift, most = self.config.threshold_shift, self.config.pulses_max
        whole = Signal(signed(self.config.hidden_bits - shift + 1), reset_less=True)
        upwards = (self.hidden < 0) & ~self.floor
        with m.If(self.advance):
            m.d.sync += whole.eq((self.hidden + Mux(upwards, (1 << shift) - 1, 0)) >> shift)
        m.d.comb += self.zero.eq(~whole.any())
        with m.If(whole > most):
            m.d.comb += [self.pulses.eq(most), self.clamped.eq(1)]
        with m.Elif(whole < -most):
            m.d.comb += [self.pulses.eq(-most), self.clamped.eq(1)]
        with m.Else():
            m.d.comb += self.pulses.eq(whole)
        return m
