#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Play a scenario on the RTL and the golden model in lock-step and report the first difference, if there is one."""

import sys
from dataclasses import replace
from pathlib import Path

from symtrack.cosim.compare.scenario import play
from symtrack.cosim.engine.registry import ENGINES, WITH_WAVES
from symtrack.cosim.stimulus.scenarios import SCENARIOS
from symtrack.cosim.stimulus.training import DIGITS
from symtrack.cosim.tools.toolchain import ToolError
from symtrack.model.spec.config import TileConfig
from symtrack.model.training.trainer import Trainer
from symtrack.scripts.common import (
    FAILED,
    Parser,
    config_argument,
    input_file,
    integer,
    output_file,
    progress,
    run,
    to_total,
    write_report,
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code is 0 only if something was compared and nothing differed."""
    parser = Parser(__doc__ or "")
    config_argument(parser)
    parser.add_argument("--engine", choices=sorted(ENGINES), default="cocotb", help="simulator that plays the RTL")
    parser.add_argument("--scenario", choices=sorted(SCENARIOS), default="random", help="stimulus scenario to play")
    parser.add_argument("--cycles", type=integer(1, 10**9), default=10_000, help="clock cycles to play at least")
    parser.add_argument("--seed", type=integer(0, 2**32 - 1), default=1, help="seed of the scenario")
    parser.add_argument(
        "--verilog", type=input_file, metavar="FILE", help="other Verilog with the same top module and ports"
    )
    parser.add_argument("--waves", type=output_file, metavar="FILE", help="write a VCD of all signals to this file")
    parser.add_argument("--json", type=output_file, metavar="FILE", help="write the report to this file")
    options = parser.parse_args(arguments)
    if options.waves and options.engine not in WITH_WAVES:
        allowed = " or ".join(map(repr, WITH_WAVES))
        parser.error(f"argument --engine: {options.engine!r}: must be {allowed} with --waves")
    with parser.checks():
        config = TileConfig.load(options.config)
        if options.scenario == "training":
            Trainer(replace(DIGITS, config=config))  # refuses what cannot train
    verilog = None
    if options.verilog is not None:
        try:
            verilog = Path(options.verilog).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            parser.error(f"argument --verilog: {options.verilog!r}: must be a readable file ({reason})")
    try:
        with progress("cycles", options.cycles) as advance:
            report, outcome = play(
                config,
                options.scenario,
                engine=options.engine,
                cycles=options.cycles,
                seed=options.seed,
                verilog=verilog,
                waves=options.waves,
                progress=to_total(advance),
            )
    except ToolError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return FAILED
    try:
        if options.json:
            write_report(options.json, report)
    finally:  # what cannot be written is shown
        verdict = outcome.verdict
        print(
            f"{config.name} {options.scenario} seed {options.seed}: {verdict.compared_cycles} cycles and "
            f"{verdict.states_compared} state words compared, {verdict.mismatches} mismatches, "
            f"{report['cycles_per_second']:.0f} cycles/s"
        )
        if verdict.states_hidden:
            print(f"  not shown by this netlist and not compared: {', '.join(verdict.states_hidden)}")
        for name, value in sorted((outcome.result or {}).items()):
            print(f"  {name}: {value}")
        if verdict.first_mismatch is not None:
            print(f"first mismatch: {verdict.first_mismatch}\n{verdict.first_mismatch.table()}")
    return 0 if verdict.passed else FAILED


if __name__ == "__main__":
    run(main)
