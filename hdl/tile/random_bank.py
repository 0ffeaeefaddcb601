# SPDX-License-Identifier: Apache-2.0
"""Random bank: one random word per line and step, from about 2*sqrt(n) words of sources for n lines.

    word_l = operand_a(l) XOR operand_b(l),    (a, b) = pair(l)

The words of any three lines are independent (see `model.spec.random_specs.BankSpec`). They leave bit by bit, bit k of
all lines in ``planes[k]``: simulators then work on as many lines at once as their words have bits. Latency: the words
of the next step are there one cycle after ``advance``. Throughput: one word per line and cycle.
"""

from amaranth.hdl import Cat, Module, Signal, Value, unsigned
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
    planes : bit by bit the current words, valid always; `word` is that of a line
    """

    def __init__(self, bank: BankSpec) -> None:
        self.bank = bank
        planes = data.ArrayLayout(unsigned(bank.lines), bank.sources[0].bits)
        super().__init__(
            {
                "advance": In(1),
                "load": In(1),
                "from_next": In(DEGREE),
                "to_previous": Out(DEGREE),
                "planes": Out(planes),
            }
        )

    def word(self, line: int) -> Value:
        """The current word of a line."""
        return Cat(plane[line] for plane in self.planes)

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
        split = self.bank.split
        words = [word for source in sources for word in source.words]
        for place, plane in enumerate(self.planes):
            firsts = Signal(split, name=f"firsts_{place}")
            m.d.comb += firsts.eq(Cat(word[place] for word in words[:split]))
            # Lines with the same second operand follow each other, see `BankSpec.pair`.
            alike = (firsts ^ word[place].replicate(split) for word in words[split:])
            m.d.comb += plane.eq(Cat(alike))
        return m
