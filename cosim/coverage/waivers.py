# SPDX-License-Identifier: Apache-2.0
"""Coverage waivers: points that random programs do not reach in the tile of ``complete.toml``, each with its reason.

Each is a line of a table in docs/verification.md. A point that is missed and is none of these is a hole, and a slow
test fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from symtrack.cosim.coverage.measure import Point


class CoverageWaiver(NamedTuple):
    """A waiver for ``points`` missed points whose ``kind block name`` fits ``pattern``: what they are, and why."""

    pattern: str
    points: int
    what: str
    reason: str


_BEYOND = r"\[(?:11|23|35)\]"  # words of the last beat of a column
_LANE = r"\[(?:1[4-9]|2[0-79])\]"  # H of the second lane and its parity
_SHORT_LANE = r"\[(?:9|1[0-79])\]"  # the same of Q
_SHORTEST_LANE = r"\[(?:[89]|1[0-57])\]"  # the same of Qref, which has no lowest bit
_POINT = r"transfer\.symmetric_point"
_EDGE = r":(?:0->1|1->0)"
WAIVERS: tuple[CoverageWaiver, ...] = (
    CoverageWaiver(
        rf"toggle (?:transfer\.hidden_buffer\.memory_hidden\.words mem{_BEYOND}{_LANE}|{_POINT}\.memory_q\.words "
        rf"mem{_BEYOND}{_SHORT_LANE}|{_POINT}\.memory_q_ref\.words mem{_BEYOND}{_SHORTEST_LANE}){_EDGE}",
        195,
        "words of memories: the lane beyond the last row",
        "23 rows, 2 lanes: nothing is ever written there but zero",
    ),
    CoverageWaiver(
        rf"toggle (?:{_POINT}\.demodulator_\d word\[[0-2]\]|transfer base\[[015]\]"
        rf"|transfer\.hidden_buffer(?:\.(?:programmer|lane)_\d)? least\w*\[0\]"
        rf"|transfer(?:\.symmetric_point)? used\[0\]){_EDGE}",
        28,
        "bits of reads in units of Q, of addresses that are multiples of 12, of +1 and -1; lane 0 is always used",
        "constants",
    ),
    CoverageWaiver(
        rf"toggle {_POINT}(?:\.reference_latch_\d|\.demodulator_\d)? "
        rf"(?:q_ref\w*|reference\w*|coarse|(?:write_)?data__\w+)\[[09]\]{_EDGE}",
        44,
        "Qref on its way: the lowest bit",
        "zero, `latch_shift` is 1",
    ),
    CoverageWaiver(
        rf"toggle (?:tile|transfer) (?:status___05F)?memory_error{_EDGE}",
        6,
        "a memory has an error",
        "no bit flips; these are `tests/cosim/mutation/test_memory_flips.py`",
    ),
    CoverageWaiver(
        rf"toggle (?:sequencer rounds\[[67]\]|counters (?:reads|unprogrammed)_total\[8\]){_EDGE}",
        4,
        "the upper bits of a number of rounds and of counts",
        "no programming of 64 rounds ends before it is cut off: see the tests of it; counts stop at 255",
    ),
    CoverageWaiver(
        rf"branch {_POINT}\.reference_latch_\d cond_then",
        2,
        "the latch at the upper end of its range",
        "needs `latch_shift` > `reference_fraction_bits`; these are `tests/hdl/tile/test_reference_latch.py` and the "
        "proof of the block",
    ),
    CoverageWaiver(
        r"toggle (?:(?:tile|update|used_lines) (?:used_)?(?:rows|columns)\w*\[0\]"
        r"|transfer(?:\.hidden_buffer(?:\.threshold_0)?|\.symmetric_point)? (?:late_|in_)?used?\w*(?:\[0\])?):1->0",
        22,
        "the first row and column, and the first lane, are in use",
        "always, once the first beat has passed",
    ),
)


def waived(point: Point) -> CoverageWaiver | None:
    """The waiver of a point that was missed, None if there is none."""
    text = f"{point.kind} {point.block} {point.name}"
    return next((waiver for waiver in WAIVERS if re.fullmatch(waiver.pattern, text)), None)


def not_waived(points: Iterable[Point]) -> list[Point]:
    """The missed points for which there is no waiver."""
    return [point for point in points if not point.count and not waived(point)]
