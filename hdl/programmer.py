"""Write and verify of one lane: the pulses that bring a cell of the reference array R to Qref.

    d = r - Qref;   outside = |d| > tolerance
    n = -pulses, where ``pulses`` is what the threshold makes of gain * d, at least one;   0 within the tolerance

``outside`` and the sign of d travel beside the product, from stage 2 to stage 3. Latency: one cycle. Throughput: one
beat per cycle while ``advance``.
"""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from model.config import TileConfig


class Programmer(wiring.Component):
    """One comparison.

    Members
    -------
    enter, difference, tolerance : d of a beat that moves from stage 2 to stage 3
    pulses, last : of the beat in stage 3, n of the threshold, and whether nothing may be written any more
    corrections, outside : of the beat in stage 3
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        pulses = signed(config.pulses_format.width)
        super().__init__(
            {
                "enter": In(1),
                "difference": In(signed(config.difference_format.width)),
                "tolerance": In(config.reference_format.width),
                "pulses": In(pulses),
                "last": In(1),
                "corrections": Out(pulses),
                "outside": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        negative = Signal()
        with m.If(self.enter):
            m.d.sync += [
                negative.eq(self.difference < 0),
                self.outside.eq((self.difference > self.tolerance) | (self.difference < -self.tolerance)),
            ]
        with m.If(self.outside & ~self.last):
            m.d.comb += self.corrections.eq(Mux(self.pulses.any(), -self.pulses, Mux(negative, 1, -1)))
        return m
