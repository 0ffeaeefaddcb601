#!/usr/bin/env python3
"""Errors of single cells in the tile's netlist: how many of them lock-step with the golden model finds, by block.

The run goes on where it was stopped: --log has the outcomes so far.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import partial

from cosim.mutants import CONFIG, EQUIVALENT, KILLED, REJECTED, SURVIVED, Outcome, campaign, key
from scripts.common import run
from scripts.mutation import Fates, judged, mutation_parser, print_table

NUMBER = re.compile(r"_\d+(?=\.|$)")  # of a lane or a source, which are alike
FATES = (KILLED, SURVIVED, EQUIVALENT, REJECTED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is 0 only if enough of the errors that can be seen were found."""
    what = "those not equivalent"
    parser = mutation_parser(__doc__ or "", log="build/mutants.jsonl", at_least=97, what=what)
    options = parser.parse_args(arguments)
    return judged(parser, options, key(CONFIG, options.count, options.seed), partial(campaign, CONFIG), _tell)


def _tell(outcomes: Sequence[Outcome]) -> Fates:
    blocks: dict[str, Fates] = {}
    for outcome in sorted(outcomes, key=lambda outcome: outcome.block):
        blocks.setdefault(NUMBER.sub("", outcome.block), Counter())[outcome.fate] += 1
    whole = print_table("block", FATES, blocks, "killed of those that can be")
    for outcome in outcomes:
        if outcome.fate == SURVIVED:
            print(f"survived: {outcome.error}")
    return whole


if __name__ == "__main__":
    run(main)
