# SPDX-License-Identifier: Apache-2.0
"""Shared by the command lines of mutation testing: their options, the run with its journal, and the table."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from rich.table import Table

from symtrack.cosim.mutation.netlist import KILLED, SURVIVED
from symtrack.cosim.report.tables import text
from symtrack.cosim.tools.toolchain import ToolError
from symtrack.scripts.common import (
    FAILED,
    Parser,
    campaign_options,
    integer,
    journal,
    output_file,
    progress,
    to_total,
    write_report,
)

Outcome = TypeVar("Outcome")
Fates = Counter[str]


def mutation_parser(description: str, *, log: str, at_least: int, what: str) -> Parser:
    """A parser with the options of a mutation campaign; ``what`` says of which mutants ``at_least`` is the share."""
    parser = Parser(description)
    parser.add_argument("--mutants", type=integer(1, 10**4), default=500, help="number of mutants, one error each")
    campaign_options(parser, seed_max=2**31 - 1, drawn="errors", log=log)
    parser.add_argument(
        "--at-least", type=integer(0, 100), default=at_least, help=f"share in per cent that must be killed, of {what}"
    )
    parser.add_argument(
        "--json",
        type=output_file,
        metavar="FILE",
        help="write the counts and the survivors to this file when all are judged",
    )
    return parser


def judged(
    parser: Parser,
    options: Namespace,
    key: Callable[[], str],
    campaign: Callable[..., list[Outcome]],
    tell: Callable[[Sequence[Outcome]], tuple[dict[str, Any], str]],
) -> int:
    """Run ``campaign(count, seed, jobs=, journal=, progress=)`` and report on it; returns the exit code.

    The exit code is 0 only if enough mutants were killed, and at least one.

    Parameters
    ----------
    key
        Makes the key of the journal.
    tell
        Makes a report of the outcomes, as data and as a text, see `report`.
    """
    try:
        with journal(parser, options.log, key()) as kept, progress("mutants", options.mutants) as advance:
            outcomes = campaign(
                options.mutants, options.seed, jobs=options.jobs, journal=kept, progress=to_total(advance)
            )
    except ToolError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return FAILED
    found, told = tell(outcomes)
    try:
        if options.json:
            write_report(options.json, found)
    finally:  # what cannot be written is shown
        print(told)
    killed, seen = found[KILLED], found[KILLED] + found[SURVIVED]
    return 0 if seen and 100 * killed >= options.at_least * seen else FAILED


def report(
    first: str, columns: Sequence[str], rows: Mapping[str, Fates], share: str, survivors: Sequence[str]
) -> tuple[dict[str, Any], str]:
    """What became of the mutants, by block or file, and which survived, as data and as a text."""
    table = Table(first, *columns, share, box=None)
    whole: Fates = sum(rows.values(), Counter())
    for name, fates in (*rows.items(), ("whole", whole)):
        seen = fates[KILLED] + fates[SURVIVED]
        rate = f"{fates[KILLED] / seen:.1%}" if seen else "–"
        table.add_row(name, *(str(fates[column]) for column in columns), rate)
    lines = [text(table), *(f"survived: {survivor}" for survivor in survivors)]
    counts = {name: {column: fates[column] for column in columns} for name, fates in rows.items()}
    data = {**{column: whole[column] for column in columns}, f"by_{first}": counts, "survivors": list(survivors)}
    return data, "\n".join(lines)
