#!/usr/bin/env python3
"""Errors of single cells in the tile's netlist: how many of them lock-step with the golden model finds, by block.

The run goes on where it was stopped: --log has the outcomes so far.
"""

import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from cosim.journal import Journal
from cosim.mutants import CONFIG, EQUIVALENT, KILLED, REJECTED, SURVIVED, campaign, key
from cosim.reports import text
from cosim.toolchain import ToolError
from scripts.common import FAILED, Parser, integer, progress, run, to_total

NUMBER = re.compile(r"_\d+(?=\.|$)")  # of a lane or a source, which are alike
FATES = (KILLED, SURVIVED, EQUIVALENT, REJECTED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is 0 only if enough of the errors that can be seen were found."""
    parser = Parser(__doc__ or "")
    add = parser.add_argument
    add("--count", type=integer(1, 10**5), default=500, help="errors")
    add("--seed", type=integer(0, 2**31 - 1), default=1, help="of the choice of errors")
    add("--jobs", type=integer(1, 256), default=2, help="processes")
    add("--log", type=Path, default=Path("build/mutants.jsonl"), metavar="FILE", help="outcomes, a line each")
    add("--at-least", type=integer(0, 100), default=97, help="per cent that must be killed of those not equivalent")
    options = parser.parse_args(arguments)
    try:
        with parser.checks():
            journal = Journal(options.log, key(CONFIG, options.count, options.seed))
        with journal, progress("mutants", options.count) as advance:
            outcomes = campaign(
                CONFIG, options.count, options.seed, jobs=options.jobs, journal=journal, progress=to_total(advance)
            )
    except OSError as error:
        parser.error(f"argument --log: {str(options.log)!r}: must be a file that can be written to ({error.strerror})")
    except ToolError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return FAILED
    table = Table("block", *FATES, "killed of those that can be", box=None)
    blocks: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        blocks.setdefault(NUMBER.sub("", outcome.block), Counter())[outcome.fate] += 1
    whole: Counter[str] = sum(blocks.values(), Counter())
    for name, fates in (*sorted(blocks.items()), ("whole", whole)):
        table.add_row(name, *(str(fates[fate]) for fate in FATES), _share(fates))
    print(text(table))
    for outcome in outcomes:
        if outcome.fate == SURVIVED:
            print(f"survived: {outcome.error}")
    seen = whole[KILLED] + whole[SURVIVED]
    return 0 if 100 * whole[KILLED] >= options.at_least * seen else FAILED


def _share(fates: Counter[str]) -> str:
    seen = fates[KILLED] + fates[SURVIVED]
    return f"{fates[KILLED] / seen:.1%}" if seen else "–"


if __name__ == "__main__":
    run(main)
