"""Threshold of one lane: whole pulses out of the hidden word.

    n = clamp(trunc(h / threshold), ±pulses_max),   threshold = 2**threshold_shift

Truncation is towards zero, so both polarities need the same |h|. With ``floor`` the quotient is rounded downwards
instead, as a word with its dither needs. Latency: combinational.
"""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from model.config import TileConfig


class Threshold(wiring.Component):
    """One comparison.

    Members
    -------
    hidden, floor : h and how it is rounded
    pulses : n
    clamped : the quotient lies beyond ±pulses_max
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        super().__init__(
            {
                "hidden": In(signed(config.hidden_bits)),
                "floor": In(1),
                "pulses": Out(signed(config.pulses_format.width)),
                "clamped": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shift, most = self.config.threshold_shift, self.config.pulses_max
        whole = Signal(signed(self.config.hidden_bits - shift + 1))
        upwards = (self.hidden < 0) & ~self.floor
        m.d.comb += whole.eq((self.hidden + Mux(upwards, (1 << shift) - 1, 0)) >> shift)
        with m.If(whole > most):
            m.d.comb += [self.pulses.eq(most), self.clamped.eq(1)]
        with m.Elif(whole < -most):
            m.d.comb += [self.pulses.eq(-most), self.clamped.eq(1)]
        with m.Else():
            m.d.comb += self.pulses.eq(whole)
        return m
