"""Pulse trains of one side of the crossbar: one Bernoulli bit per line and slot.

    fires_l = (magnitude_l > word_l) and enable_l

so line l fires with probability magnitude_l / 2**magnitude_bits. The words are those of the side's `RandomBank`; rows
and columns share no source. Latency: one cycle. Throughput: one slot per cycle.
"""

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out


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
        # The halves of a word are compared by themselves and brought together a cycle later.
        half = self.magnitude_bits // 2
        lows, highs, equals = (Signal(self.lines, name=name, reset_less=True) for name in ("lows", "highs", "equals"))
        pairs = list(zip(self.magnitude, self.words, strict=True))
        with m.If(self.compare):
            m.d.sync += [
                lows.eq(Cat(magnitude[:half] > word[:half] for magnitude, word in pairs)),
                highs.eq(Cat(magnitude[half:] > word[half:] for magnitude, word in pairs)),
                equals.eq(Cat(magnitude[half:] == word[half:] for magnitude, word in pairs)),
            ]
        above = highs | (equals & lows)
        m.d.comb += self.fires.eq((above & self.enable) | self.every.replicate(self.lines))
        return m
