#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Show where symtrack keeps what it compiles and builds, and how much it is; empty that folder."""

from collections.abc import Sequence
from dataclasses import asdict

from symtrack.model.cache import KINDS, VARIABLE, cache_root, empty, usage
from symtrack.scripts.common import Parser, output_file, run, write_report

EPILOG = f"""
The folder is that of the variable {VARIABLE}, else build/ of a checkout, else
the user's cache folder. All that is counted here is made again when it is
needed; results, logs and whatever else lies in the folder are not touched.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    parser = Parser(__doc__ or "", EPILOG)
    add = parser.add_argument
    add("--empty", action="store_true", help="remove what is shown; nothing else may use the folder meanwhile")
    add("--json", type=output_file, metavar="FILE", help="leave the figures in this file, those before it is emptied")
    options = parser.parse_args(arguments)
    found = usage()
    total = sum(one.bytes for one in found.values())
    if options.empty:
        empty()
    try:
        if options.json:
            report = {"folder": str(cache_root()), "kinds": {kind: asdict(one) for kind, one in found.items()}}
            write_report(options.json, report | {"bytes": total, "emptied": options.empty})
    finally:  # what cannot be written is shown
        print(cache_root())
        for kind, one in found.items():
            print(f"  {kind:10} {one.bytes / 1e6:10,.1f} MB in {one.entries:,} entries: {KINDS[kind]}")
        if options.empty:
            print(f"emptied of {total / 1e6:,.1f} MB")
    return 0


if __name__ == "__main__":
    run(main)
