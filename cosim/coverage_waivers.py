"""Points of coverage that random programmes do not reach in the tile of ``complete.toml``, and why.

Each is a line of a table in docs/verification.md. A point that is missed and is none of these is a hole, and a slow
test fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from cosim.coverage import Point


class Waiver(NamedTuple):
    """Points whose ``kind block name`` match ``pattern``, what they are, and the reason why they stay away."""

    pattern: str
    what: str
    reason: str


_BEYOND = r"\[(?:11|23|35)\]"  # words of the last beat of a column
WAIVERS: tuple[Waiver, ...] = (
    Waiver(
        rf"toggle \S+\.memory_(?:hidden words{_BEYOND}\[(?:1[4-9]|2\d)\]|q(?:_ref)? words{_BEYOND}\[(?:9|1\d)\]):",
        "words of memories: the lane beyond the last row",
        "23 rows, 2 lanes: nothing is ever written there but zero",
    ),
    Waiver(
        r"toggle (?:transfer\.symmetric_point\.demodulator_\d word\[[0-2]\]|transfer base\w*\[[015]\]"
        r"|transfer\.hidden_buffer\S* least\w*\[0\]|transfer\S* used\w*\[0\]):",
        "bits of reads in units of Q, of addresses that are multiples of 12, of +1 and -1; lane 0 is always used",
        "constants",
    ),
    Waiver(
        r"toggle transfer\.symmetric_point\S* \w*"
        r"(?:q_ref\w*|reference\w*|coarse|data\w*|word\w*|words\[\d+\])\[[09]\]:",
        "Qref on its way and in its memory: the lowest bit",
        "zero, `latch_shift` is 1",
    ),
    Waiver(
        r"toggle \S+ \w*memory_error:",
        "a memory has an error",
        "no bit flips; these are `tests/cosim/test_parity.py`",
    ),
    Waiver(
        r"toggle \S+ (?:rounds\[[67]\]|\w+_total\[8\]):",
        "the upper bits of a number of rounds and of counts",
        "no programming of 64 rounds ends before it is cut off; counts stop at 255",
    ),
    Waiver(
        r"branch transfer\.symmetric_point\.reference_latch_\d ",
        "the latch at the upper end of its range",
        "needs `latch_shift` > `reference_fraction_bits`; these are `tests/hdl/test_reference_latch.py` and the proof "
        "of the block",
    ),
    Waiver(
        r"branch transfer cond_else$",
        "the other side of a choice that is always made",
        "lanes beyond the last row, with a mask of two bits",
    ),
)


def waived(point: Point) -> Waiver | None:
    """The waiver of a point that was missed."""
    text = f"{point.kind} {point.block} {point.name}"
    return next((waiver for waiver in WAIVERS if re.match(waiver.pattern, text)), None)


def not_waived(points: Iterable[Point]) -> list[Point]:
    """Those that were missed without a reason."""
    return [point for point in points if not point.count and not waived(point)]
