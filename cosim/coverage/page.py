# SPDX-License-Identifier: Apache-2.0
"""Coverage report as an HTML page and as a table: figures by block, source that was not reached, functional bins."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from symtrack.cosim.coverage.measure import KINDS, Coverage, Point
from symtrack.cosim.report.document import document
from symtrack.cosim.report.html import Markup, element, folded, join, table

HEAD = ("block", *KINDS)


def of(numbers: tuple[int, int]) -> str:
    """Covered points of all points, as text."""
    reached, every = numbers
    return f"{reached:,} of {every:,} ({reached / every:.1%})" if every else "–"


def rows(coverage: Coverage) -> Iterator[list[str]]:
    """A row of the table for each block, and one for the whole tile."""
    for block in (*sorted({point.block for point in coverage.points}), None):
        yield [block or "whole", *(of(coverage.share(kind, block)) for kind in KINDS)]


def block_table(coverage: Coverage) -> Table:
    """The table of blocks for the terminal."""
    result = Table(*HEAD, box=None)
    for row in rows(coverage):
        result.add_row(*row)
    return result


def page(coverage: Coverage, what: str, command: str) -> str:
    """The HTML page.

    Parameters
    ----------
    what
        What was played.
    command
        The command line that makes the page again.
    """
    return document(
        "Coverage of the tile",
        element("p", what, class_="soft"),
        [
            ("blocks", "By block", table("Points reached, of all points", HEAD, rows(coverage))),
            ("bins", "Functional bins", _bins(coverage)),
            ("missed", "What was never reached", _missed(coverage)),
        ],
        command,
    )


def _bins(coverage: Coverage) -> Markup:
    groups: dict[str, list[tuple[str, int]]] = {}
    for name, count in coverage.bins.items():
        group, _, rest = name.partition(": ")
        groups.setdefault(group, []).append((rest, count))
    parts = []
    for group, entries in groups.items():
        reached = sum(count > 0 for _, count in entries)
        rows = [[name, f"{count:,}"] for name, count in entries]
        parts.append(folded(f"{group}: {reached} of {len(entries)}", table(group, ("bin", "times"), rows)))
    return join(parts)


def _missed(coverage: Coverage) -> Markup:
    parts = []
    for kind in KINDS:
        missed = [point for point in coverage.points if point.kind == kind and not point.count]
        rows = [[point.block, point.source or "–", point.name] for point in sorted(missed, key=_place)]
        if rows:
            parts.append(folded(f"{kind}: {len(rows)}", table(kind, ("block", "source", "what"), rows)))
    return join(parts) if parts else element("p", "Nothing.")


def _place(point: Point) -> tuple[str, str, str]:
    return point.block, point.source, point.name
