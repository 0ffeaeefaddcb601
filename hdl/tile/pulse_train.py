# SPDX-License-Identifier: Apache-2.0
"""Pulse trains of one side of the crossbar: one Bernoulli bit per line and slot.

    fires_l = (magnitude_l > word_l or every) and enable_l

so line l fires with probability magnitude_l / 2**magnitude_bits. The words are those of the side's `RandomBank`; rows
and columns share no source. Both come bit by bit, bit k of all lines in one word. Latency: one cycle. Throughput: one
slot per cycle.
"""

from collections.abc import Sequence

from amaranth.hdl import Const, Module, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

PART = 3  # bits


def joined(above: Sequence[Value], equal: Sequence[Value]) -> tuple[Value, Value]:
    """``left > right`` and ``left == right`` of unsigned words of a few bits, from those of their bits.

    Bit by bit for many pairs of words at once, without carries.
    """
    if len(above) == 1:
        return above[0], equal[0]
    half = len(above) // 2
    above_high, equal_high = joined(above[half:], equal[half:])
    above_low, equal_low = joined(above[:half], equal[:half])
    return above_high | (equal_high & above_low), equal_high & equal_low


class PulseTrains(wiring.Component):
    """The lines of one side.

    Members
    -------
    compare : the words are those of a new slot
    words, magnitude : of that slot, of every bit the lines
    enable : per line, of that slot; off: it does not fire
    every : in the slot that was compared last all lines fire that are enabled, whatever was compared; only if
        ``zero_shift``
    fires : per line, in that slot
    """

    def __init__(self, *, lines: int, magnitude_bits: int, zero_shift: bool = True) -> None:
        self.lines, self.magnitude_bits, self.zero_shift = lines, magnitude_bits, zero_shift
        values = data.ArrayLayout(unsigned(lines), magnitude_bits)
        super().__init__(
            {
                "compare": In(1),
                "words": In(values),
                "magnitude": In(values),
                "enable": In(lines),
                **({"every": In(1)} if zero_shift else {}),
                "fires": Out(lines),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # Parts of a word are compared by themselves and brought together a cycle later.
        result: Value = Const(0, self.lines)
        for place in range(0, self.magnitude_bits, PART):
            bits = [(self.magnitude[k], self.words[k]) for k in range(place, min(place + PART, self.magnitude_bits))]
            more, same = joined([m & ~w for m, w in bits], [~(m ^ w) for m, w in bits])
            above = Signal(self.lines, name=f"above_{place}", reset_less=True)
            with m.If(self.compare):
                m.d.sync += above.eq(more)
            if place:
                equal = Signal(self.lines, name=f"equal_{place}", reset_less=True)
                with m.If(self.compare):
                    m.d.sync += equal.eq(same)
                above = above | (equal & result)
            result = above
        enabled = Signal(self.lines, reset_less=True)
        with m.If(self.compare):
            m.d.sync += enabled.eq(self.enable)
        if self.zero_shift:
            result = result | self.every.replicate(self.lines)
        m.d.comb += self.fires.eq(result & enabled)
        return m
