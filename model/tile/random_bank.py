# SPDX-License-Identifier: Apache-2.0
"""Golden random bank: one random word per line from pairs of about 2 * sqrt(n) words of sources for n lines.

    word_l = operand_a(l) XOR operand_b(l),    (a, b) = pair(l)

The words of any three lines are independent, see `model.spec.random_specs.BankSpec`. Latency 0, one word per line and
slot. Source: docs/tile.md, section 3.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from symtrack.model.spec.fixed import Int
from symtrack.model.spec.random_specs import BankSpec
from symtrack.model.tile.random_source import SourceRegisters, Sources


class BankRegisters(NamedTuple):
    """A bank for compiled code: its sources, and the two operands of every line, int64[lines]."""

    sources: SourceRegisters
    first: Int
    second: Int


class Bank(Sources):
    """Sources that serve lines in pairs.

    Attributes
    ----------
    first, second : int64[lines], the two words of sources that are XORed into the word of a line.
    split : words of sources that are first operands.
    """

    def __init__(self, spec: BankSpec) -> None:
        super().__init__(spec.sources)
        pairs = np.array([spec.pair(line) for line in range(spec.lines)], np.int64).reshape(-1, 2)
        self.split = spec.split
        self.first = pairs[:, 0].copy()
        self.second = pairs[:, 1].copy()

    @property
    def bank_registers(self) -> BankRegisters:
        """The bank for compiled code."""
        return BankRegisters(self.registers, self.first, self.second)

    def line_words(self, count: int) -> Int:
        """int64[count, lines]: the words of the lines in the next ``count`` steps."""
        words = self.words(count)
        return words[:, self.first] ^ words[:, self.second]
