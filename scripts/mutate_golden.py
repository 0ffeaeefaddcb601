#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Inject errors into the golden model's code, one place at a time; report by file how many its own tests find.

The run goes on where it was stopped: --log has the outcomes so far. A survivor is tried again when a test has changed.
"""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from symtrack.cosim.mutation.golden_places import FILES, places
from symtrack.cosim.mutation.golden_trials import RECORD, TrialOutcome, campaign, key
from symtrack.cosim.mutation.netlist import KILLED, REJECTED, SURVIVED
from symtrack.scripts.common import run
from symtrack.scripts.mutation import Fates, judged, mutation_parser, report

ROOT = Path(__file__).resolve().parent.parent
WAIVED = "waived"
FATES = (KILLED, SURVIVED, WAIVED, REJECTED)
BY_NO_TEST, BY_RECORD = "by no test", "by the record"  # how some were killed: no end, no memory or a crash; RECORD


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is 0 only if enough of the errors were found."""
    what = "those that are not waived"
    parser = mutation_parser(__doc__ or "", log="golden_mutants.jsonl", at_least=90, what=what)
    options = parser.parse_args(arguments)
    return judged(parser, options, partial(key, ROOT), partial(campaign, ROOT), _tell)


def _tell(outcomes: Sequence[TrialOutcome]) -> tuple[dict[str, Any], str]:
    files: dict[str, Fates] = {}
    for file in FILES:
        found = places(ROOT, file)
        left_out = sum(place.left_out is not None for place in found)
        files[file] = Counter({"possible": len(found), "left out": left_out})
    survivors = []
    for outcome in outcomes:
        fate = WAIVED if outcome.waived else outcome.fate
        files[outcome.file][fate] += 1
        files[outcome.file][BY_NO_TEST] += outcome.doubtful
        files[outcome.file][BY_RECORD] += str(outcome.test).startswith(RECORD)
        if fate == SURVIVED:
            place = f"{outcome.file}:{outcome.line}, in {outcome.scope or 'the module'}"
            survivors.append(f"{place}\n- {outcome.before}\n+ {outcome.after}")
    columns = ("possible", "left out", *FATES, BY_NO_TEST, BY_RECORD)
    return report("file", columns, files, "killed of those not waived", survivors)


if __name__ == "__main__":
    run(main)
