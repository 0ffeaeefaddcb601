# SPDX-License-Identifier: Apache-2.0
"""Pipelined multiplier: product of a word and a factor that stands still, in three steps of one addition each.

    product = word * factor = Σ_k digit_k(word) * factor * 4**k,   digit_k in 0..3, the last one in -2..1

Multiples of the factor are kept, so a digit of the word only chooses one. The last addition is left to whoever adds
something to the product anyhow: `addends` are numbers with that sum. Latency: two moves from word to addends; the
factor must stand for two cycles before. Throughput: one word per cycle while ``advance``.
"""

from collections.abc import Sequence
from functools import reduce
from operator import add

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned

DIGIT = 2  # bits


class Multiples:
    """Registers with 0 to 3 times an unsigned factor, and with -2 to 1 times it; always taken, or by ``enable``."""

    def __init__(self, m: Module, factor: Value, enable: Value | None = None) -> None:
        size = len(factor)
        once = Signal(size, name="once", reset_less=True)
        # Their lowest bits are that of the factor.
        thrice = Signal(size + DIGIT - 1, name="thrice_half", reset_less=True)
        minus = Signal(size, name="minus_half", reset_less=True)
        taken = [
            once.eq(factor),
            thrice.eq((factor + (factor << 1)) >> 1),
            minus.eq((-factor) >> 1),
        ]
        if enable is None:
            m.d.sync += taken
        else:
            with m.If(enable):
                m.d.sync += taken
        self._choices(once, thrice, minus)

    @classmethod
    def kept_elsewhere(cls, once: Value, thrice_half: Value, minus_half: Value) -> "Multiples":
        """Those in the `registers` of another component."""
        multiples = cls.__new__(cls)
        multiples._choices(once, thrice_half, minus_half)
        return multiples

    def _choices(self, once: Value, thrice: Value, minus: Value) -> None:
        self.bits = len(once)
        self.registers = {"once": once, "thrice_half": thrice, "minus_half": minus}
        negative = Cat(once[0], minus).as_signed()
        self.unsigned = (Const(0), once, once << 1, Cat(once[0], thrice))
        self.signed = (Const(0), once, negative << 1, negative)  # by the two bits


def addends(m: Module, word: Value, multiples: Multiples, advance: Value, name: str) -> Sequence[Value]:
    """Numbers whose sum is the product of the signed ``word``, two moves later."""
    even = Cat(word, word[-1].replicate(len(word) % DIGIT))
    last = len(even) - DIGIT
    parts = [
        _chosen(even[place : place + DIGIT], multiples.unsigned if place < last else multiples.signed)
        for place in range(0, len(even), DIGIT)
    ]
    digits = 1  # in every part but the last, which may have fewer
    for step in range(2):
        sums = []
        for number, first in enumerate(range(0, len(parts), 2)):
            pair = parts[first : first + 2]
            is_last = first + len(pair) == len(parts)
            size = multiples.bits + min(2 * digits * DIGIT, len(even) - 2 * digits * DIGIT * number)
            result = Signal(
                signed(size) if is_last else unsigned(size), name=f"{name}_{step}_{number}", reset_less=True
            )
            with m.If(advance):
                m.d.sync += result.eq(sum((part << digits * DIGIT for part in pair[1:]), pair[0]))
            sums.append(result)
        parts, digits = sums, 2 * digits
    return [part << number * digits * DIGIT for number, part in enumerate(parts)]


def _chosen(digit: Value, choice: Sequence[Value]) -> Value:
    return Mux(digit[1], Mux(digit[0], choice[3], choice[2]), Mux(digit[0], choice[1], choice[0]))


def tree(terms: Sequence[Value]) -> Value:
    """The sum of the terms, in as few levels of additions as possible."""
    terms = list(terms)
    while len(terms) > 1:
        terms = [reduce(add, terms[first : first + 2]) for first in range(0, len(terms), 2)]
    return terms[0]


def times(word: Value, constant: int) -> Value:
    """The product ``word * constant``, without a multiplier."""
    return tree([word << place for place in range(constant.bit_length()) if constant >> place & 1])
