# SPDX-License-Identifier: Apache-2.0
"""Write and verify of one lane: the pulses that bring a cell of the reference array R to Qref.

    d = Qref - r;   outside = |d| > tolerance
    n = what the threshold makes of gain * d, at least one pulse;   0 within the tolerance

d is judged in stage 4, the judgement waits beside the product, and n is made in stage 9. Throughput: one beat per
cycle while ``advance``.
"""

from amaranth.hdl import Cat, Module, Mux, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from symtrack.hdl.parts.delay import delayed
from symtrack.hdl.parts.written_once import written_once
from symtrack.model.spec.config import TileConfig


class Programmer(wiring.Component):
    """One comparison.

    Members
    -------
    advance : all stages move at the end of this cycle
    difference, tolerance : d of the beat in stage 4
    last : of the beat in stage 9, nothing may be written any more
    least, correct, outside : of the beat in stage 9, the sign of d, whether n is not 0, and whether |d| > tolerance
    """

    module = "programmer"

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        super().__init__(
            {
                "advance": In(1),
                "difference": In(signed(config.difference_format.width)),
                "tolerance": In(config.reference_format.width),
                "last": In(1),
                "least": Out(signed(2)),
                "correct": Out(1),
                "outside": Out(1),
            }
        )

    @written_once
    def elaborate(self, platform: object) -> Module:
        m = Module()
        above, below = self.tolerance - self.difference, self.tolerance + self.difference
        judged = Cat(self.difference < 0, (above < 0) | (below < 0))
        negative, outside = delayed(m, judged, 5, self.advance, "judged")
        m.d.comb += [
            self.outside.eq(outside),
            self.correct.eq(outside & ~self.last),
            self.least.eq(Mux(negative, -1, 1)),
        ]
        return m
