# SPDX-License-Identifier: Apache-2.0
"""Write threshold of one lane: how many whole pulses a hidden word is worth.

    n = clamp(trunc(h / threshold), ±pulses_max),   threshold = 2**threshold_shift

Truncation is towards zero, so both polarities need the same |h|. With ``floor`` the quotient is rounded downwards
instead, as a word with its dither needs. The quotient is formed in one cycle and clamped in the next. Latency: one
cycle. Throughput: one word per cycle while ``advance``.
"""

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from symtrack.hdl.parts.written_once import written_once
from symtrack.model.spec.config import TileConfig


def exceeds(word: Value, limit: int) -> Value:
    """Unsigned ``word > limit``, bit by bit."""
    result: Value = Const(0)
    for place, bit in enumerate(word):
        result = bit & result if limit >> place & 1 else bit | result
    return result if limit >> len(word) == 0 else Const(0)


class Threshold(wiring.Component):
    """One comparison.

    Members
    -------
    advance : a word goes on to its second cycle at the end of this one
    hidden, floor, used : h of the word in its first cycle, how it is rounded, and off for n = 0; the second only with
        ``direct_writes``
    pulses, size, zero, clamped : of the word in its second cycle, n, |n|, whether n = 0, and whether the quotient lies
        beyond ±pulses_max
    """

    module = "threshold"

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        super().__init__(
            {
                "advance": In(1),
                "hidden": In(signed(config.hidden_bits)),
                **({"floor": In(1)} if config.direct_writes else {}),
                "used": In(1),
                "pulses": Out(signed(config.pulses_format.width)),
                "size": Out(range(config.pulses_max + 1)),
                "zero": Out(1),
                "clamped": Out(1),
            }
        )

    @written_once
    def elaborate(self, platform: object) -> Module:
        m = Module()
        shift, most = self.config.threshold_shift, self.config.pulses_max
        whole = Signal(signed(self.config.hidden_bits - shift + 1), reset_less=True)
        upwards = self.hidden < 0
        if self.config.direct_writes:
            upwards = upwards & ~self.floor
        with m.If(self.advance):
            m.d.sync += whole.eq(Mux(self.used, (self.hidden + Mux(upwards, (1 << shift) - 1, 0)) >> shift, 0))
        # Without carries: whole > most is the same as that of its bits, and whole < -most that of ~whole > most - 1.
        negative, bits = whole[-1], whole[:-1]
        low = whole[: len(self.size)]
        m.d.comb += [
            self.zero.eq(~whole.any()),
            self.clamped.eq(Mux(negative, exceeds(~bits, most - 1), exceeds(bits, most))),
            self.size.eq(Mux(self.clamped, most, (low ^ negative.replicate(len(low))) + negative)),
            self.pulses.eq(Mux(self.clamped, Mux(negative, -most, most), whole)),
        ]
        return m
