# SPDX-License-Identifier: Apache-2.0
"""Random sources as data: polynomial, first state and words of each, and which two of their words a line combines."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SourceSpec:
    """One random source: ``state <- state * x**(words * bits) mod polynomial``.

    Its first word is the top ``bits`` of the state, each further one the top ``bits`` of the state after ``bits`` more
    multiplications by x. ``seed`` is the state after a reset, until another one is loaded.
    """

    polynomial: int
    seed: int
    bits: int
    words: int = 1


@dataclass(frozen=True)
class BankSpec:
    """Random words of one side of the crossbar: line l uses ``operands[first(l)] ^ operands[second(l)]``.

    Operands are the words of the sources in their order, all words of one after each other. The first ``split`` are
    first operands, the others second ones, and no source has some of both, so that n lines need only about 2*sqrt(n)
    operands. Words of any three lines are independent: the fewest lines whose words cancel are the four corners of a
    rectangle.
    """

    lines: int
    split: int
    sources: tuple[SourceSpec, ...]

    def pair(self, line: int) -> tuple[int, int]:
        """Indices of the two operands of a line."""
        return line % self.split, self.split + line // self.split
