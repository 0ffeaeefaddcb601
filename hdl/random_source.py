"""Random source: a word of fresh bits per step from one feedback shift register.

    state <- state * x**bits mod p(x),    word = top ``bits`` bits of the state

p is primitive of degree 32, so the state runs through all 2**32 - 1 non-zero values; the multiplication by
x**bits is a fixed network of XORs. Latency: the word of the next step is there one cycle after ``advance``.
Throughput: one word per cycle.
"""

from functools import reduce
from operator import xor

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from model.config import SourceSpec


def reduced_power(exponent: int, polynomial: int) -> int:
    """``x**exponent mod polynomial``, one multiplication by x at a time."""
    degree = polynomial.bit_length() - 1
    value = 1
    for _ in range(exponent):
        value <<= 1
        if value >> degree:
            value ^= polynomial
    return value


class RandomSource(wiring.Component):
    """One source.

    Members
    -------
    advance : step at the end of this cycle
    word : the current word, valid always
    """

    def __init__(self, spec: SourceSpec) -> None:
        self.spec = spec
        super().__init__({"advance": In(1), "word": Out(spec.bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec = self.spec
        degree = spec.polynomial.bit_length() - 1
        state = Signal(degree, init=spec.seed)
        images = [reduced_power(bit + spec.bits, spec.polynomial) for bit in range(degree)]
        with m.If(self.advance):
            for target in range(degree):
                m.d.sync += state[target].eq(
                    reduce(xor, (state[bit] for bit, image in enumerate(images) if (image >> target) & 1))
                )
        m.d.comb += self.word.eq(state[degree - spec.bits :])
        return m
