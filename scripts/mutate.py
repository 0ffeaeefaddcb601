#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Inject errors into cells of the tile's netlist; report by block how many lock-step with the golden model finds.

The run goes on where it was stopped: --log has the outcomes so far.
"""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

from symtrack.cosim.mutation.netlist import (
    CONFIG,
    EQUIVALENT,
    KILLED,
    REJECTED,
    SURVIVED,
    MutantOutcome,
    campaign,
    key,
    kind,
)
from symtrack.scripts.common import run
from symtrack.scripts.mutation import Fates, judged, mutation_parser, report

FATES = (KILLED, SURVIVED, EQUIVALENT, REJECTED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is 0 only if enough of the errors that can be seen were found."""
    what = "those that are not equivalent"
    parser = mutation_parser(__doc__ or "", log="mutants.jsonl", at_least=97, what=what)
    options = parser.parse_args(arguments)
    return judged(parser, options, partial(key, CONFIG, options.seed), partial(campaign, CONFIG), _tell)


def _tell(outcomes: Sequence[MutantOutcome]) -> tuple[dict[str, Any], str]:
    blocks: dict[str, Fates] = {}
    for outcome in sorted(outcomes, key=lambda outcome: kind(outcome.block)):
        blocks.setdefault(kind(outcome.block), Counter())[outcome.fate] += 1
    survivors = [outcome.error for outcome in outcomes if outcome.fate == SURVIVED]
    return report("block", FATES, blocks, "killed of those that can be", survivors)


if __name__ == "__main__":
    run(main)
