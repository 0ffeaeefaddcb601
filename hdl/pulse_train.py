"""Pulse trains of one side of the crossbar: one Bernoulli bit per line and slot.

    fires_l = (magnitude_l > word_l) and enable_l,    word_l = source_a(l) XOR source_b(l)

so line l fires with probability magnitude_l / 2**magnitude_bits. n lines share about 2*sqrt(n) sources; the
words of any three lines are independent (see `model.config.BankSpec`), and rows and columns share none.
Latency: ``fires`` is combinational in this slot's words. Throughput: one slot per cycle.
"""

from amaranth.hdl import Module, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.random_source import RandomSource
from model.config import BankSpec


class PulseTrains(wiring.Component):
    """The lines of one side.

    Members
    -------
    advance : go on to the next slot's words at the end of this cycle
    magnitude, enable : per line
    fires : per line, valid always
    """

    def __init__(self, bank: BankSpec) -> None:
        self.bank = bank
        bits = bank.sources[0].bits
        super().__init__(
            {
                "advance": In(1),
                "magnitude": In(data.ArrayLayout(unsigned(bits), bank.lines)),
                "enable": In(bank.lines),
                "fires": Out(bank.lines),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        sources = [RandomSource(spec) for spec in self.bank.sources]
        for index, source in enumerate(sources):
            m.submodules[f"source_{index}"] = source
            m.d.comb += source.advance.eq(self.advance)
        for line in range(self.bank.lines):
            first, second = self.bank.pair(line)
            word = sources[first].word ^ sources[second].word
            m.d.comb += self.fires[line].eq((self.magnitude[line] > word) & self.enable[line])
        return m
