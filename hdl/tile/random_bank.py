# SPDX-License-Identifier: Apache-2.0
"""Random bank: one random word per line and step, from about 2*sqrt(n) sources for n lines.

    word_l = source_a(l) XOR source_b(l),    (a, b) = pair(l)

The words of any three lines are independent (see `model.spec.random_specs.BankSpec`). Latency: the words of the next
step are there one cycle after ``advance``. Throughput: one word per line and cycle.
"""

from amaranth.hdl import Cat, Module, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from symtrack.hdl.tile.random_source import RandomSource
from symtrack.model.spec.polynomials import DEGREE
from symtrack.model.spec.random_specs import BankSpec


class RandomBank(wiring.Component):
    """The words of ``bank.lines`` lines, at least one.

    Members
    -------
    advance : all sources step at the end of this cycle
    load, from_next : their states move one source on in place of a step, and the last source takes this one
    to_previous : the state of the first source
    words : the current words, valid always
    """

    def __init__(self, bank: BankSpec) -> None:
        self.bank = bank
        words = data.ArrayLayout(unsigned(bank.sources[0].bits), bank.lines)
        super().__init__(
            {"advance": In(1), "load": In(1), "from_next": In(DEGREE), "to_previous": Out(DEGREE), "words": Out(words)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        sources = [RandomSource(spec) for spec in self.bank.sources]
        states = [*(source.to_previous for source in sources[1:]), self.from_next]
        m.d.comb += self.to_previous.eq(sources[0].to_previous)
        for index, source in enumerate(sources):
            m.submodules[f"source_{index}"] = source
            m.d.comb += [
                source.advance.eq(self.advance),
                source.load.eq(self.load),
                source.from_next.eq(states[index]),
            ]
        first, second = zip(*(self.bank.pair(line) for line in range(self.bank.lines)), strict=True)
        m.d.comb += self.words.as_value().eq(
            Cat(sources[index].word for index in first) ^ Cat(sources[index].word for index in second)
        )
        return m
