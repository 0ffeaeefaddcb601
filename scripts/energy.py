#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure the energy of a tile in cells of a library: per slot, column read, weight and update, and by block."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from symtrack.cosim.energy import event_fit
from symtrack.cosim.energy.document import DOCUMENT, STUDIED, document, studied
from symtrack.cosim.energy.liberty import DEBIAN, LibertyError, read_library
from symtrack.cosim.energy.report import CYCLES, WORKLOADS, Silicon, report
from symtrack.cosim.report.tables import text
from symtrack.cosim.tools.toolchain import ToolError
from symtrack.model.analysis.energy import PARTS, EnergyTable
from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.scripts.common import (
    FAILED,
    Parser,
    input_file,
    integer,
    name_or_toml,
    number,
    output_file,
    output_folder,
    progress,
    run,
    to_total,
    write_json,
    write_report,
    write_text,
)

OF_A_TILE = ("--workload", "--clock-gating", "--cycles", "--seed", "--activity", "--json")  # as --config is
CYCLES_MIN, CYCLES_MAX = 100, 10_000_000


def parser() -> Parser:
    """The parser of the command line."""
    result = Parser(__doc__ or "")
    add = result.add_argument
    what = result.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--config", type=name_or_toml, help=f"{', '.join(NAMED)}, or a TOML file with the fields that differ"
    )
    what.add_argument("--document", type=output_folder(DOCUMENT), metavar="DIR", help=f"write {DOCUMENT} there")
    text = "measure tiles of many word widths, and write what the closed form of their energies is fitted to"
    what.add_argument("--fit", type=output_file, metavar="FILE", help=text)
    add("--workload", choices=WORKLOADS, default="training", help="what the tile does while it is measured")
    add("--liberty", type=input_file, default=str(DEBIAN), metavar="FILE", help="cell library in the Liberty format")
    add("--clock-gating", action="store_true", help="give registers with an enable a clock gate")
    add("--cycles", type=integer(CYCLES_MIN, CYCLES_MAX), default=CYCLES, help="fewest clock cycles of the workload")
    add("--seed", type=integer(0, 2**31 - 1), default=1, help="seed of the workload's data")
    text = "share of the lines of an update, or of the range of codes of a transfer, that is in use; without it all"
    add("--activity", type=number(0.0, 1.0), metavar="SHARE", help=text)
    text = "TOML or JSON file with energies of memories and converters, wires and the clock, where they differ"
    add("--table", type=input_file, metavar="FILE", help=text)
    add("--json", type=output_file, metavar="FILE", help="write the figures to this file")
    return result


def blocks_table(figures: dict[str, Any]) -> Table:
    """A table of picojoules in a cycle of the workload, a line a block down to the second level."""
    result = Table(box=None, title="pJ in a cycle, by block", title_justify="left")
    result.add_column("block")
    for part in (*PARTS, "all"):
        result.add_column(part, justify="right")
    for name, energies in figures["blocks"].items():
        if name.count(".") < 2:
            values = [energies[part] for part in PARTS]
            result.add_row(name, *(f"{value:,.2f}" for value in (*values, sum(values))))
    return result


def lines(figures: dict[str, Any]) -> list[str]:
    """What is told of a report below its table."""
    told = []
    for key, what in (("per_slot_pj", "a slot"), ("per_read_pj", "a column read"), ("idle_pj", "an idle cycle")):
        if figures[key] is not None and any(figures[key].values()):
            parts = ", ".join(f"{part} {figures[key][part]:,.2f}" for part in PARTS)
            told.append(f"{what}: {sum(figures[key].values()):,.1f} pJ ({parts})")
    if figures["per_weight_and_update_pj"] is not None:
        told.append(f"a weight and update: {figures['per_weight_and_update_pj']:,.3f} pJ")
    if "window_pj" in figures:
        window, summed = figures["window_pj"]["all"], figures["window_from_events_pj"]["all"]
        told.append(f"the window: {window / 1e3:,.1f} nJ, from its events {summed / 1e3:,.1f} nJ")
    cycles = sum(figures["cycles"].values())
    anywhere = figures.get("toggled_pins_anywhere")
    also = "" if anywhere is None else f", {anywhere / figures['pins']:.1%} in any cycle of any workload"
    told.append(
        f"{figures['config']} in {figures['library']} at {figures['supply_v']:g} V: {figures['cells']:,} cells, "
        f"{figures['flip_flops']:,} flip-flops, {figures['clock_gates']:,} clock gates; {cycles:,} cycles, "
        f"{figures['toggled_pins'] / figures['pins']:.1%} of {figures['pins']:,} pins with transitions in updates and "
        f"transfers{also}; {figures['played_pins'] / figures['pins']:.1%} played, the others tied to constants"
    )
    return told


def write_document(folder: Path, liberty: Path, table: EnergyTable) -> int:
    """Measure all that the document has, and write it into a folder; the exit code."""
    with progress("energy", len(STUDIED), few=True) as advance:
        page = document(studied(liberty, table, advance), read_library(liberty), liberty, table)
    write_text(folder / DOCUMENT, page)
    print(folder / DOCUMENT)
    return 0


def write_fit(file: Path, liberty: Path) -> int:
    """Measure the tiles of the closed form, and write what it is fitted to; the exit code."""
    with progress("energy", len(event_fit.tiles()), few=True) as advance:
        found = event_fit.content(liberty, advance)
    write_json(file, found)
    errors = ", ".join(f"{event} {one['largest']:.1%}" for event, one in found["fits"].items())
    print(f"{file}: {len(found['tiles'])} tiles, relative errors at most: {errors}")
    return 0


def refuse(command: Parser, arguments: Sequence[str], whole: str, options: Sequence[str]) -> None:
    """Bad input if what measures many tiles is given one of these options."""
    for word in arguments:
        name = word.partition("=")[0]
        if name in options:
            command.error(f"argument {name}: must be left out with {whole}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    command = parser()
    options = command.parse_args(arguments)
    given = sys.argv[1:] if arguments is None else arguments
    if options.document:
        refuse(command, given, "--document", OF_A_TILE)
    if options.fit:
        refuse(command, given, "--fit", (*OF_A_TILE, "--table"))
    if options.activity is not None and options.workload == "training":
        command.error(f"argument --activity: {options.activity:g}: must be left out with --workload training")
    with command.checks():
        table = EnergyTable.load(Path(options.table)) if options.table else EnergyTable()
        liberty = Path(options.liberty)
        read_library(liberty)
        config = TileConfig.load(options.config) if options.config else None
    try:
        if options.fit:
            return write_fit(options.fit, liberty)
        if config is None:
            return write_document(options.document, liberty, table)
        rounds = 3 if options.workload == "training" else 1  # it measures updates and transfers, too
        with progress("energy", rounds * options.cycles) as advance:
            silicon = Silicon.of(config, liberty, gated=options.clock_gating, table=table)
            figures = report(
                silicon,
                options.workload,
                cycles=options.cycles,
                seed=options.seed,
                activity=options.activity,
                progress=to_total(advance),
            )
    except LibertyError as error:
        command.error(str(error))
    except ToolError as error:
        print(f"{command.prog}: {error}", file=sys.stderr)
        return FAILED
    try:
        if options.json:
            write_report(options.json, figures)
    finally:  # what cannot be written is shown
        print(text(blocks_table(figures)))
        print("\n".join(lines(figures)))
    return 0


if __name__ == "__main__":
    run(main)
