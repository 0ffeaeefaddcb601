# SPDX-License-Identifier: Apache-2.0
"""Golden random source: the shift register behind the random words of pulse trains and choppers.

    word = state >> (32 - bits),   state <- state * x**bits mod p      as often in a step as the source has words

State: 32 bits, bit k is the coefficient of x**k; p is primitive of degree 32. A word is unsigned, ``bits`` wide.
Latency 0: the words of a slot are read from the state before that slot's step. Throughput: the words of a source, one
or two, per slot. Source: Galois feedback shift registers that leap ``bits`` steps at a time (docs/tile.md, section 3).

The leap is linear. With t the word that leaves at the top, state * x**bits = (low part << bits) + t * x**32,
and t * x**32 mod p is the sum of one table entry for each byte of t.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from symtrack.model.compiled import njit
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.polynomials import DEGREE, power_of_x
from symtrack.model.spec.random_specs import SourceSpec

_MASK = (1 << DEGREE) - 1


@cache
def _feedback(polynomial: int) -> NDArray[np.uint32]:
    """uint32[2, 256]: entry [k, b] is b * x**(32 + 8k) mod p."""
    table = np.zeros((2, 256), np.uint32)
    for byte in range(2):
        for bit in range(8):
            table[byte, 1 << bit : 2 << bit] = table[byte, : 1 << bit] ^ power_of_x(DEGREE + 8 * byte + bit, polynomial)
    return table


class SourceRegisters(NamedTuple):
    """Sources for compiled code, which lets them step in place."""

    state: Int
    feedback: NDArray[np.uint32]
    bits: int
    words: int


@njit(cache=True)
def step_words(sources, count):  # type: ignore[no-untyped-def]
    """Words int64[count, n] of the next ``count`` slots of `SourceRegisters`, which take as many steps.

    Those of a source follow each other.
    """
    state, feedback, bits, each = sources
    words = np.empty((count, state.size * each), np.int64)
    for t in range(count):
        for number in range(each):
            for k in range(state.size):  # the inner loop, as sources do not wait for each other
                value = state[k]
                top = value >> (DEGREE - bits)
                words[t, k * each + number] = top
                state[k] = ((value << bits) & _MASK) ^ feedback[k, 0, top & 255] ^ feedback[k, 1, top >> 8]
    return words


@njit(cache=True)
def words_now(sources):  # type: ignore[no-untyped-def]
    """int64[n]: the words of the next slot of `SourceRegisters`, which stay where they are."""
    return step_words(SourceRegisters(sources.state.copy(), sources.feedback, sources.bits, sources.words), 1)[0]


class Sources:
    """Random sources that step together. All have as many words, of the same width.

    Attributes
    ----------
    state : int64[n], the registers of the n sources.
    each : words of a source in a step.
    """

    def __init__(self, specs: tuple[SourceSpec, ...]) -> None:
        self._bits, self.each = (specs[0].bits, specs[0].words) if specs else (0, 1)
        self.feedback = np.array([_feedback(spec.polynomial) for spec in specs], np.uint32).reshape(-1, 2, 256)
        self.state = np.array([spec.seed for spec in specs], np.int64)

    @property
    def registers(self) -> SourceRegisters:
        """The sources for compiled code."""
        return SourceRegisters(self.state, self.feedback, self._bits, self.each)

    def words(self, count: int) -> Int:
        """int64[count, n * each]: the words of the next ``count`` slots, each followed by a step of all sources."""
        words: Int = step_words(self.registers, count)
        return words
