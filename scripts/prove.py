#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prove properties of the hardware with SymbiYosys and z3, without bound, and show that each proof can fail.

Where one of these is not installed, proofs are skipped: a line tells so, and the exit code is 0.
"""

import sys
from collections.abc import Sequence

from rich.table import Table

from symtrack.cosim.formal.sby import FAILED as BROKEN
from symtrack.cosim.formal.sby import PASSED, prove, refute
from symtrack.cosim.formal.table import PROPERTIES
from symtrack.cosim.report.tables import text
from symtrack.cosim.tools.toolchain import MissingError, ToolError
from symtrack.scripts.common import FAILED, Parser, output_file, progress, run, write_json


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is 0 only if every property holds and every twin fails, or none is tried."""
    parser = Parser(__doc__ or "")
    blocks = sorted({entry.block for entry in PROPERTIES})
    parser.add_argument(
        "--block", nargs="+", choices=blocks, default=blocks, help="prove the properties of these blocks only"
    )
    parser.add_argument("--json", type=output_file, metavar="FILE", help="write the results to this file")
    options = parser.parse_args(arguments)
    chosen = [entry for entry in PROPERTIES if entry.block in options.block]
    table = Table("block", "property", "size", "kind", "result", "s", "with an error", box=None)
    results = []
    try:
        with progress("proofs", len(chosen)) as advance:
            for entry in chosen:
                found, twin = prove(entry.text(), entry.depth), refute(entry)
                results.append(
                    {
                        "block": entry.block,
                        "property": entry.name,
                        "size": entry.size,
                        "kind": f"induction, {entry.depth} cycles",
                        "result": found.status,
                        "seconds": round(found.seconds, 1),
                        "twin": twin.status,
                    }
                )
                table.add_row(*(str(value) for value in results[-1].values()))
                advance(1)
    except MissingError as error:
        print(f"{parser.prog}: proofs are skipped: {error}", file=sys.stderr)
        return 0
    except ToolError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return FAILED
    try:
        if options.json:
            write_json(options.json, results)
    finally:  # what cannot be written is shown
        print(text(table))
    good = all(entry["result"] == PASSED and entry["twin"] == BROKEN for entry in results)
    return 0 if good else FAILED


if __name__ == "__main__":
    run(main)
