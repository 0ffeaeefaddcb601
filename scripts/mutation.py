"""What the command lines that judge mutants share: their options, their course, and their table."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from rich.table import Table

from cosim.mutants import KILLED, SURVIVED
from cosim.reports import text
from cosim.toolchain import ToolError
from scripts.common import FAILED, Parser, campaign_options, integer, journal, progress, to_total

Outcome = TypeVar("Outcome")
Fates = Counter[str]


def mutation_parser(description: str, *, log: str, at_least: int, what: str) -> Parser:
    """A parser with the options of a campaign. what: the mutants of which ``at_least`` per cent must be killed."""
    parser = Parser(description)
    parser.add_argument("--count", type=integer(1, 10**5), default=500, help="errors")
    campaign_options(parser, seed_max=2**31 - 1, drawn="errors", log=log)
    parser.add_argument(
        "--at-least", type=integer(0, 100), default=at_least, help=f"per cent that must be killed of {what}"
    )
    return parser


def judged(
    parser: Parser,
    options: Namespace,
    key: str,
    campaign: Callable[..., list[Outcome]],
    tell: Callable[[Sequence[Outcome]], Fates],
) -> int:
    """Run ``campaign(count, seed, jobs=, journal=, progress=)`` and ``tell`` what it found; the exit code."""
    try:
        with journal(parser, options.log, key) as kept, progress("mutants", options.count) as advance:
            outcomes = campaign(
                options.count, options.seed, jobs=options.jobs, journal=kept, progress=to_total(advance)
            )
    except ToolError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return FAILED
    whole = tell(outcomes)
    return 0 if 100 * whole[KILLED] >= options.at_least * _seen(whole) else FAILED


def print_table(first: str, columns: Sequence[str], rows: Mapping[str, Fates], share: str) -> Fates:
    """Print what became of the mutants by block or file; the counts of all."""
    table = Table(first, *columns, share, box=None)
    whole: Fates = sum(rows.values(), Counter())
    for name, fates in (*rows.items(), ("whole", whole)):
        seen = _seen(fates)
        rate = f"{fates[KILLED] / seen:.1%}" if seen else "–"
        table.add_row(name, *(str(fates[column]) for column in columns), rate)
    print(text(table))
    return whole


def _seen(fates: Fates) -> int:
    return fates[KILLED] + fates[SURVIVED]
