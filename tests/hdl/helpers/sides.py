# SPDX-License-Identifier: Apache-2.0
"""Naive update path for tests: the sides of an update, how they go in and which slots come out (section 5)."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tests.hdl.references.naive_blocks import Lines, bits

PAYLOAD = tuple(f"pulses__{name}" for name in ("rows", "columns", "up", "quadrant", "slow", "last"))


@dataclass
class Side:
    """The magnitudes of one side and its signs, choppers included."""

    magnitudes: list[int]
    signs: list[int]

    def present(self, sign: int) -> bool:
        return any(m > 0 and s == sign for m, s in zip(self.magnitudes, self.signs, strict=True))

    def fires(self, sign: int, words: list[int]) -> int:
        lines = zip(self.magnitudes, self.signs, words[: len(self.signs)], strict=True)
        return sum((m > w and s == sign) << line for line, (m, s, w) in enumerate(lines))


def draw(lines: int, bits: int, rng: Random) -> Side:
    """Random sides of all kinds: zeros only, one sign only, full magnitudes, mixtures."""
    high, signs = (1 << bits) - 1, rng.choice(((1,), (-1,), (1, -1), (1, -1)))
    pool = rng.choice(((0,), (0, high), (high,), (rng.randint(1, high), rng.randint(1, high), 0)))
    return Side([rng.choice(pool) for _ in range(lines)], [rng.choice(signs) for _ in range(lines)])


def beats(side: Side, flips: list[int], lanes: int, width: int, rng: Random) -> list[tuple[list[int], int]]:
    """Magnitudes and signs as they go in, with garbage in the lanes beyond the last line."""
    lines = list(zip(side.magnitudes, (s * c < 0 for s, c in zip(side.signs, flips, strict=True)), strict=True))
    lines += [(rng.getrandbits(width) | 1, bool(rng.getrandbits(1))) for _ in range(-len(lines) % lanes)]
    groups = [lines[start : start + lanes] for start in range(0, len(lines), lanes)]
    return [([m for m, _ in group], bits(negative for _, negative in group)) for group in groups]


def slots(x: Side, delta: Side, x_lines: Lines, delta_lines: Lines, bl: int, slow: bool) -> list[tuple[int, ...]]:
    """`PAYLOAD` of all slots; the words go on."""
    expected = []
    for quadrant, (row, column) in enumerate((row, column) for row in (1, -1) for column in (1, -1)):
        if delta.present(row) and x.present(column):
            for _ in range(bl):
                rows, columns = delta.fires(row, delta_lines.words()), x.fires(column, x_lines.words())
                expected.append((rows, columns, int(row != column), quadrant, int(slow), 0))
    if expected:
        expected[-1] = (*expected[-1][:-1], 1)
    return expected
