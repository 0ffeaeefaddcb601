# SPDX-License-Identifier: Apache-2.0
"""Pulse trains of one side of the crossbar: one Bernoulli bit per line and slot.

    fires_l = (magnitude_l > word_l) and enable_l

so line l fires with probability magnitude_l / 2**magnitude_bits. The words are those of the side's `RandomBank`; rows
and columns share no source. Latency: one cycle. Throughput: one slot per cycle.
"""

from amaranth.hdl import Cat, Const, Module, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

PART = 3  # bits


def compared(left: Value, right: Value) -> tuple[Value, Value]:
    """``left > right`` and ``left == right`` of unsigned words of a few bits, without carries."""
    if len(left) == 1:
        return left & ~right, ~(left ^ right)
    half = len(left) // 2
    above, equal = compared(left[half:], right[half:])
    above_low, equal_low = compared(left[:half], right[:half])
    return above | (equal & above_low), equal & equal_low


class PulseTrains(wiring.Component):
    """The lines of one side.

    Members
    -------
    compare : the words are those of a new slot
    words, magnitude : per line, of that slot
    enable : per line, of the slot that was compared last
    every : all lines fire in that slot, whatever was compared
    fires : per line, in that slot
    """

    def __init__(self, *, lines: int, magnitude_bits: int) -> None:
        self.lines, self.magnitude_bits = lines, magnitude_bits
        values = data.ArrayLayout(unsigned(magnitude_bits), lines)
        super().__init__(
            {
                "compare": In(1),
                "words": In(values),
                "magnitude": In(values),
                "enable": In(lines),
                "every": In(1),
                "fires": Out(lines),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # Parts of a word are compared by themselves and brought together a cycle later.
        pairs = list(zip(self.magnitude, self.words, strict=True))
        result: Value = Const(0, self.lines)
        for place in range(0, self.magnitude_bits, PART):
            parts = [compared(left[place : place + PART], right[place : place + PART]) for left, right in pairs]
            above = Signal(self.lines, name=f"above_{place}", reset_less=True)
            with m.If(self.compare):
                m.d.sync += above.eq(Cat(more for more, _ in parts))
            if place:
                equal = Signal(self.lines, name=f"equal_{place}", reset_less=True)
                with m.If(self.compare):
                    m.d.sync += equal.eq(Cat(same for _, same in parts))
                above = above | (equal & result)
            result = above
        m.d.comb += self.fires.eq((result & self.enable) | self.every.replicate(self.lines))
        return m
