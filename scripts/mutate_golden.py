#!/usr/bin/env python3
"""Errors of single places in the golden model's code: how many of them its own tests find, by file.

The run goes on where it was stopped: --log has the outcomes so far. A survivor is tried again when a test has changed.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from rich.table import Table

from cosim.golden_mutants import FILES, places
from cosim.golden_trials import campaign, key
from cosim.golden_waivers import waived
from cosim.journal import Journal
from cosim.mutants import KILLED, REJECTED, SURVIVED
from cosim.reports import text
from cosim.toolchain import ToolError
from scripts.common import FAILED, Parser, integer, progress, run, to_total

ROOT = Path(__file__).resolve().parent.parent
WAIVED = "waived"
FATES = (KILLED, SURVIVED, WAIVED, REJECTED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is 0 only if enough of the errors were found."""
    parser = Parser(__doc__ or "")
    add = parser.add_argument
    add("--count", type=integer(1, 10**5), default=500, help="errors")
    add("--seed", type=integer(0, 2**31 - 1), default=1, help="of the choice of errors")
    add("--jobs", type=integer(1, 256), default=2, help="processes")
    add("--log", type=Path, default=Path("build/golden_mutants.jsonl"), metavar="FILE", help="outcomes, a line each")
    add("--at-least", type=integer(0, 100), default=90, help="per cent that must be killed of those not waived")
    options = parser.parse_args(arguments)
    if find_spec("cosmic_ray") is None:
        print(f'{parser.prog}: cosmic-ray is missing: install it with: pip install -e ".[mutation]"', file=sys.stderr)
        return FAILED
    try:
        with parser.checks():
            journal = Journal(options.log, key(ROOT))
        with journal, progress("mutants", options.count) as advance:
            outcomes = campaign(
                ROOT, options.count, options.seed, jobs=options.jobs, journal=journal, progress=to_total(advance)
            )
    except OSError as error:
        parser.error(f"argument --log: {str(options.log)!r}: must be a file that can be written to ({error.strerror})")
    except ToolError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return FAILED
    files: dict[str, Counter[str]] = {file: Counter() for file in FILES}
    survivors = []
    for outcome in outcomes:
        fate = outcome.fate
        if fate == SURVIVED and waived(outcome.file, outcome.before, outcome.after):
            fate = WAIVED
        files[outcome.file][fate] += 1
        if fate == SURVIVED:
            survivors.append(f"{outcome.file}:{outcome.line}\n- {outcome.before}\n+ {outcome.after}")
    table = Table("file", "possible", "left out", *FATES, "killed of those not waived", box=None)
    whole: Counter[str] = Counter()
    for file, fates in files.items():
        found = places(ROOT, file)
        fates["possible"], fates["left out"] = len(found), sum(place.left_out is not None for place in found)
        whole += fates
    for name, fates in (*files.items(), ("whole", whole)):
        columns = ("possible", "left out", *FATES)
        table.add_row(name, *(str(fates[column]) for column in columns), _share(fates))
    print(text(table))
    for survivor in survivors:
        print(f"\nsurvived: {survivor}")
    return 0 if 100 * whole[KILLED] >= options.at_least * (whole[KILLED] + whole[SURVIVED]) else FAILED


def _share(fates: Counter[str]) -> str:
    seen = fates[KILLED] + fates[SURVIVED]
    return f"{fates[KILLED] / seen:.1%}" if seen else "–"


if __name__ == "__main__":
    run(main)
