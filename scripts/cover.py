#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure how much of a tile the random scenario reaches: lines, branches and toggles of Verilog, functional bins."""

import sys
from collections.abc import Sequence
from dataclasses import asdict

from symtrack.cosim.coverage.measure import KINDS, cover
from symtrack.cosim.coverage.page import block_table, of, page
from symtrack.cosim.engine.lockstep import MismatchError
from symtrack.cosim.report.tables import text
from symtrack.cosim.tools.toolchain import ToolError
from symtrack.model.spec.config import TileConfig
from symtrack.scripts.common import (
    FAILED,
    Parser,
    config_argument,
    default_output,
    integer,
    output_folder,
    program,
    progress,
    run,
    to_total,
    write_report,
    write_text,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is 0 only if RTL and golden agreed."""
    parser = Parser(__doc__ or "")
    config_argument(parser)
    add = parser.add_argument
    add("--cycles", type=integer(1, 10**9), default=100_000, help="clock cycles to play at least")
    add("--seed", type=integer(0, 2**32 - 1), default=1, help="seed of the scenario")
    add(
        "--out",
        type=output_folder("coverage.html", "coverage.json"),
        default=default_output("coverage"),
        metavar="DIR",
        help="folder for coverage.html and .json",
    )
    options = parser.parse_args(arguments)
    with parser.checks():
        config = TileConfig.load(options.config)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(
            f"argument --out: {str(options.out)!r}: must be a folder that can be written to ({error.strerror})"
        )
    try:
        with progress("cycles", options.cycles) as advance:
            coverage = cover(config, options.cycles, options.seed, to_total(advance))
    except (ToolError, MismatchError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return FAILED
    reached = sum(count > 0 for count in coverage.bins.values())
    totals = {kind: coverage.share(kind) for kind in KINDS} | {"bins": (reached, len(coverage.bins))}
    missed = [asdict(point) for point in coverage.points if not point.count]
    write_report(options.out / "coverage.json", {"totals": totals, "bins": coverage.bins, "missed": missed})
    what = (
        f"{config.name}, {options.cycles:,} cycles of the random scenario in lock-step with golden, seed {options.seed}"
    )
    command = f"{program()} --config {options.config} --cycles {options.cycles} --seed {options.seed}"
    write_text(options.out / "coverage.html", page(coverage, what, command))
    print(text(block_table(coverage)))
    print(f"bins: {of(totals['bins'])}")
    for name, count in coverage.bins.items():
        if not count:
            print(f"  never: {name}")
    print(f"written to {options.out / 'coverage.html'}")
    return 0


if __name__ == "__main__":
    run(main)
