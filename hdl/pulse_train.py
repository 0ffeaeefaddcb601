"""Pulse trains of one side of the crossbar: one Bernoulli bit per line and slot.

    fires_l = (magnitude_l > word_l) and enable_l

so line l fires with probability magnitude_l / 2**magnitude_bits. The words are those of the side's `RandomBank`; rows
and columns share no source. Latency: combinational.
"""

from amaranth.hdl import Module, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out


class PulseTrains(wiring.Component):
    """The lines of one side.

    Members
    -------
    words, magnitude, enable : per line
    fires : per line
    """

    def __init__(self, *, lines: int, magnitude_bits: int) -> None:
        self.lines = lines
        values = data.ArrayLayout(unsigned(magnitude_bits), lines)
        super().__init__({"words": In(values), "magnitude": In(values), "enable": In(lines), "fires": Out(lines)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for line in range(self.lines):
            m.d.comb += self.fires[line].eq((self.magnitude[line] > self.words[line]) & self.enable[line])
        return m
