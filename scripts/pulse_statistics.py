#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure the coincidence probability of the tile's random generator, and the correlation between cells."""

import sys
from collections.abc import Sequence

from symtrack.cosim.compare.generator import DEFAULT_GRID, load_grid, pulse_statistics
from symtrack.cosim.engine.registry import ENGINES
from symtrack.cosim.tools.toolchain import ToolError
from symtrack.model.spec.config import TileConfig
from symtrack.scripts.common import FAILED, Parser, config_argument, input_file, integer, output_file, run, write_report


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is 0 unless the RTL differs from its golden twin."""
    parser = Parser(__doc__ or "")
    config_argument(parser, default="small")
    parser.add_argument(
        "--grid", type=input_file, metavar="FILE", help="JSON with the points; without it 81 points from 0.05 to 0.95"
    )
    parser.add_argument("--slots", type=integer(1000, 10**11), default=1 << 27, help="slots per pair of lines")
    parser.add_argument(
        "--pairs", type=integer(1, 1000), default=4, help="pairs of lines; there are three times as many pairs of cells"
    )
    parser.add_argument("--engine", choices=sorted(ENGINES), default="cocotb", help="simulator that plays the RTL")
    parser.add_argument(
        "--rtl-slots", type=integer(0, 10**8), default=50_000, help="slots that the RTL plays in lock-step"
    )
    parser.add_argument("--seed", type=integer(0, 2**32 - 1), default=1, help="seed of the choice of lines and cells")
    parser.add_argument("--json", type=output_file, metavar="FILE", help="write the report to this file")
    options = parser.parse_args(arguments)
    with parser.checks():
        config = TileConfig.load(options.config)
        points = (
            [(p, q) for p in DEFAULT_GRID for q in DEFAULT_GRID] if options.grid is None else load_grid(options.grid)
        )
    try:
        report = pulse_statistics(
            config,
            points=points,
            slots=options.slots,
            pairs=options.pairs,
            seed=options.seed,
            engine=options.engine,
            rtl_slots=options.rtl_slots,
        )
    except ToolError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return FAILED
    try:
        if options.json:
            write_report(options.json, report)
    finally:  # what cannot be written is shown
        worst = max(report["grid"], key=lambda entry: abs(entry["relative_error"]))
        print(
            f"{config.name}: {len(points)} points, {options.pairs} pairs of lines, {options.slots:,} slots each: "
            f"worst relative error {report['worst_relative_error']:.3%}; "
            f"lines 0, 0: {worst['relative_error']:+.3%} at p = {worst['p_row']:g}, {worst['p_column']:g}"
        )
        print(
            f"counts of {len(report['cell_pairs'])} pairs of cells: correlation at most "
            f"{report['worst_pair_correlation']:.5f} from independent words, "
            f"{report['worst_pair_standard_errors']:.1f} standard errors"
        )
        rtl = report["rtl"]
        if rtl is not None:
            print(f"RTL: {rtl['result']}, {rtl['compared_cycles']} cycles compared, {rtl['mismatches']} mismatches")
    return 0 if rtl is None or (rtl["mismatches"] == 0 and rtl["compared_cycles"] > 0) else FAILED


if __name__ == "__main__":
    run(main)
