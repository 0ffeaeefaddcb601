#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Verify random legal configurations: random programs on both engines, in lock-step with the golden model.

The run goes on where it was stopped: --log has the batches so far. What fails is made as small as can be and written
out with the command line that plays it again.
"""

import shlex
import sys
from collections.abc import Sequence
from typing import Any

from symtrack.cosim.tools.toolchain import MissingError, ToolError
from symtrack.scripts.common import (
    FAILED,
    Parser,
    campaign_options,
    default_output,
    integer,
    journal,
    output_file,
    output_folder,
    program,
    progress,
    run,
    to_total,
    write_report,
)

try:
    from symtrack.cosim.campaign.random_configurations import campaign, key, written
except ModuleNotFoundError as error:  # for tests only, so not always there
    sys.exit(f"{program()}: {MissingError(str(error.name))}")

BATCH = 10  # configurations


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is 0 only if no configuration failed."""
    parser = Parser(__doc__ or "")
    add = parser.add_argument
    add("--configurations", type=integer(1, 10**5), default=200, help="number of configurations")
    add(
        "--cycles",
        type=integer(1000, 10**12),
        default=10**8,
        help="clock cycles on the native engine, all configurations together",
    )
    add("--cocotb-cycles", type=integer(1000, 10**12), default=10**6, help="clock cycles on the cocotb engine")
    add("--varied-cycles", type=integer(1000, 10**12), default=10**8, help="clock cycles of operations that never wait")
    campaign_options(parser, seed_max=2**15 - 1, drawn="configurations and programs", log="verify.jsonl")
    add(
        "--out",
        type=output_folder("failing.toml", "failing.v"),
        default=default_output("verify"),
        metavar="DIR",
        help="folder for a case that fails, with what replays it",
    )
    add("--json", type=output_file, metavar="FILE", help="write the totals to this file")
    options = parser.parse_args(arguments)
    cycles = {"native": options.cycles, "cocotb": options.cocotb_cycles, "varied": options.varied_cycles}
    size = min(BATCH, options.configurations)
    try:
        which = key(options.configurations, cycles, options.seed, size)
        with journal(parser, options.log, which) as kept, progress("configurations", options.configurations) as advance:
            totals, failure = campaign(
                options.configurations,
                cycles,
                options.seed,
                jobs=options.jobs,
                size=size,
                journal=kept,
                progress=to_total(advance),
            )
    except ToolError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return FAILED
    hours = totals.seconds / 3600
    failures = int(failure is not None)
    try:
        command = shlex.join(written(failure, options.out)) if failure else None
        if options.json:
            told: dict[str, Any] = {"configurations": totals.configurations, "runs": totals.runs, "failures": failures}
            told |= {"cycles": dict(totals.cycles), "words": totals.words, "hours": hours}
            told |= {"failure": failure and failure.text, "command": command, "operations": dict(totals.bins)}
            write_report(options.json, told)
    finally:  # what cannot be written is shown
        print(
            f"{totals.configurations} configurations, {totals.runs} runs, {failures} failed, {totals.words:,} words of "
            f"state compared, {hours:.2f} hours of {options.jobs} processes together"
        )
        cycles_of = {f"cycles, {kind}": count for kind, count in totals.cycles.items()}
        for name, count in (*cycles_of.items(), *sorted(totals.bins.items())):
            print(f"  {name}: {count:,}")
    if failure is None:
        return 0
    print(f"{failure.case.config.name} fails: {failure.text}", file=sys.stderr)
    print(f"play it again with: {command}", file=sys.stderr)
    return FAILED


if __name__ == "__main__":
    run(main)
