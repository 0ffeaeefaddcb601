# SPDX-License-Identifier: Apache-2.0
"""Random sources as data: polynomial, first state and width of each, and which two of them a line combines."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SourceSpec:
    """One random source: ``state <- state * x**bits mod polynomial``, word = the top ``bits`` of the state.

    ``seed`` is the state after a reset, until another one is loaded.
    """

    polynomial: int
    seed: int
    bits: int


@dataclass(frozen=True)
class BankSpec:
    """Random words of one side of the crossbar: line l uses ``sources[first(l)] ^ sources[second(l)]``.

    The first ``split`` sources are the first operands, the others the second operands, so that n lines
    need only about 2*sqrt(n) sources. Words of any three lines are independent: the fewest lines whose
    words cancel are the four corners of a rectangle.
    """

    lines: int
    split: int
    sources: tuple[SourceSpec, ...]

    def pair(self, line: int) -> tuple[int, int]:
        """Indices of the two sources of a line."""
        return line % self.split, self.split + line // self.split
