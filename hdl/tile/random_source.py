# SPDX-License-Identifier: Apache-2.0
"""Random source: one word of fresh bits per step, or two, from one feedback shift register.

    state <- state * x**(words * bits) mod p(x),    word k = top ``bits`` bits of state * x**(k * bits) mod p(x)

p is primitive of degree 32, so x**n mod p takes all 2**32 - 1 non-zero values; a multiplication by x**bits is a fixed
network of XORs, one after the other for as many words as there are. Sources are in a chain through which states are
loaded, see `hdl.tile.seed_loader`. Latency: the words of the next step are there one cycle after ``advance``.
Throughput: the words of a step per cycle.
"""

from functools import reduce
from operator import xor

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from symtrack.hdl.parts.written_once import written_once
from symtrack.model.spec.polynomials import DEGREE
from symtrack.model.spec.random_specs import SourceSpec

GROUP = 3  # residues


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
    load, from_next : take the state of the next source in the chain in place of a step
    word, rest : the current words, valid always, the first one in the lowest bits; the bits of the state below that one
    """

    def __init__(self, spec: SourceSpec) -> None:
        self.spec = spec
        self.module = f"random_source_{spec.bits}" if spec.words == 1 else f"random_source_{spec.words}x{spec.bits}"
        degree = spec.polynomial.bit_length() - 1
        super().__init__(
            {
                "advance": In(1),
                "load": In(1),
                "from_next": In(degree),
                "word": Out(spec.words * spec.bits),
                "rest": Out(degree - spec.bits),
            }
        )

    @property
    def to_previous(self) -> Value:
        """The state, for the source before in the chain."""
        return Cat(self.rest, self.words[0])

    @property
    def words(self) -> list[Value]:
        """The current words, one by one."""
        return [self.word.word_select(k, self.spec.bits) for k in range(self.spec.words)]

    @property
    def parameters(self) -> dict[str, int]:
        """Constants that differ from source to source: the state after a reset, and p without its highest power."""
        return {"SEED": self.spec.seed, "POLYNOMIAL": self.spec.polynomial - (1 << DEGREE)}

    @property
    def derived(self) -> dict[str, tuple[int, str]]:
        """The residues of x**(32 + k), and how each follows from the one before."""
        values = [reduced_power(DEGREE + k, self.spec.polynomial) for k in range(self.spec.bits)]
        names = ["POLYNOMIAL", *(f"RESIDUE_{k}" for k in range(1, len(values)))]
        return {
            name: (value, f"{{{before}[{DEGREE - 2}:0], 1'b0}} ^ ({before}[{DEGREE - 1}] ? POLYNOMIAL : {DEGREE}'d0)")
            for before, name, value in zip(names[:-1], names[1:], values[1:], strict=True)
        }

    @written_once
    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec = self.spec
        degree = spec.polynomial.bit_length() - 1
        state = Signal(degree, init=spec.seed)
        states: list[Signal] = [state]  # after each word
        for k in range(1, spec.words):
            states.append(following := Signal(degree, name=f"state_{k}"))
            m.d.comb += following.eq(self._shifted(states[k - 1]))
        with m.If(self.load):
            m.d.sync += state.eq(self.from_next)
        with m.Elif(self.advance):
            m.d.sync += state.eq(self._shifted(states[-1]))
        kept = degree - spec.bits
        m.d.comb += [self.word.eq(Cat(of[kept:] for of in states)), self.rest.eq(state[:kept])]
        return m

    def _shifted(self, state: Signal) -> Value:
        """``state * x**bits mod p``."""
        # Shifting moves the top ``bits`` bits out; each of them comes back as its residue. They are added up in groups,
        # whose sums bits of the state share: fewer look-up tables.
        spec, degree = self.spec, len(state)
        kept = degree - spec.bits
        residues = [
            Mux(state[kept + k], Const(reduced_power(degree + k, spec.polynomial), degree), 0) for k in range(spec.bits)
        ]
        groups = (reduce(xor, residues[first : first + GROUP]) for first in range(0, spec.bits, GROUP))
        return (state << spec.bits)[:degree] ^ reduce(xor, groups)
