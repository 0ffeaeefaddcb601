#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure the speed of pulsed updates, of both engines and of training, how the cost of an update grows, and networks
of the paper's size beside aihwkit."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.table import Table

from symtrack.cosim.compare.speed import cosim_speed, rtl_training_speed
from symtrack.cosim.engine.lockstep import MismatchError
from symtrack.cosim.report.speed_record import (
    ENGINES,
    LAYER_UPDATES,
    NETWORKS,
    SIZES,
    TABLES,
    RecordTable,
    engine_rows,
    layer_rows,
    network_rows,
    rows,
    size_rows,
    speed_record,
)
from symtrack.cosim.report.tables import text
from symtrack.cosim.tools.toolchain import ToolError, find_verilator
from symtrack.model.analysis.layer_speed import LAYERS, layers
from symtrack.model.analysis.network_speed import WORKS, networks
from symtrack.model.analysis.speed import BL, DENSITIES, families, golden_update, growth, machine, training_speed
from symtrack.model.devices.presets import FAMILIES
from symtrack.model.devices.sharing import THREADS_MAX
from symtrack.model.files import picture
from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.model.tasks.task import TASKS
from symtrack.scripts.common import (
    FAILED,
    Parser,
    integer,
    output_file,
    picture_file,
    picture_format,
    progress,
    python_program,
    run,
    write_bytes,
    write_report,
    write_text,
)

NONE = "–"
UPDATED = (128, 512)
GROWTH_SIZES = (16, 32, 64, 128, 256, 512)
GROWTH_LENGTHS = (1, 3, 7, 15, 31, 63)
QUICK_SIZES = (16, 32)
QUICK_LENGTHS = (1, 31)
QUICK_STEPS = 50
TILES = {"cosim": TileConfig(rows=64, columns=64, lanes=8), "cosim_small": NAMED["small"]}
OF_SIZES = (
    *(NAMED["tiny"], NAMED["small"], TileConfig(rows=32, columns=32, lanes=4), TILES["cosim"]),
    *(TileConfig(rows=128, columns=128, lanes=16), TileConfig(rows=256, columns=785, lanes=16)),
)
NATIVE = ("native", "native_recorded")
QUICK_TILES = {"cosim": NAMED["small"], "cosim_small": NAMED["tiny"]}


def parser() -> Parser:
    """The parser of the command line."""
    result = Parser(__doc__ or "")
    add = result.add_argument
    add("--task", choices=sorted(TASKS), default="digits", help="task of the training")
    add("--repeats", type=integer(1, 1000), default=7, help="measurements of each figure, of which the median counts")
    add("--quick", action="store_true", help="small arrays and a few training steps only")
    add("--seed", type=integer(0, 2**32 - 1), default=1, help="seed of devices, lines and training")
    add("--json", type=output_file, metavar="FILE", help="write the figures to this file")
    add("--plot", type=picture_file, metavar="FILE", help="write a picture of the growth to this file (PNG, PDF, SVG)")
    add(
        "--networks",
        action="store_true",
        help="update layers and train the two networks of the paper's size only: milliseconds, and Python's share",
    )
    words = "threads of the networks' trainings, whose times are those of the wall then; with --networks only"
    add("--threads", type=integer(1, THREADS_MAX), default=1, help=words)
    add(
        "--against",
        type=python_program,
        metavar="PYTHON",
        help="Python of an environment that holds aihwkit, which does the same turn by turn; implies --networks",
    )
    add(
        "--record",
        type=output_file,
        metavar="FILE",
        help="measure the engines on one tile and the native one on tiles of several sizes only, or with --against the "
        "networks, and put the figures into the tables by version of this file, which keep those of other versions",
    )
    return result


def updates_table(title: str, entries: Iterable[dict[str, Any]]) -> Table:
    """A table of the measured updates, one line each."""
    result = Table(title=title, box=None)
    result.add_column("device")
    for heading in (
        "rows",
        "columns",
        "inputs",
        "errors",
        "BL",
        "threads",
        "coincidences",
        "ms",
        "spread %",
        "million/s",
    ):
        result.add_column(heading, justify="right")
    for entry in entries:
        result.add_row(
            entry["device"],
            *(f"{entry[key]:g}" for key in ("rows", "columns", "density", "row_density", "bl", "threads")),
            f"{entry['coincidences']:,}",
            f"{entry['ms_per_update']:.4f}",
            f"{100 * entry['spread']:.0f}",
            f"{entry['coincidences_per_second'] / 1e6:.1f}",
        )
    return result


def plot(entries: Sequence[dict[str, Any]], lengths: int, *, form: str = "png") -> bytes:
    """A picture of the time of an update over cells and over BL; the last ``lengths`` entries are those of BL."""
    from matplotlib.figure import Figure  # a second to import, and only pictures need it

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    by_size, by_length = figure.subplots(1, 2)
    sizes, trains = entries[:-lengths], entries[-lengths:]
    cells = [entry["rows"] * entry["columns"] for entry in sizes]
    by_size.loglog(cells, [entry["ms_per_update"] for entry in sizes], marker=".")
    by_size.set(xlabel=f"rows x columns (BL {BL})", ylabel="ms per update")
    by_length.plot([entry["bl"] for entry in trains], [entry["ms_per_update"] for entry in trains], marker=".")
    by_length.set(xlabel=f"BL ({trains[0]['rows']}x{trains[0]['columns']})", ylabel="ms per update", ylim=0)
    for axes in (by_size, by_length):
        axes.grid(alpha=0.3)
    return picture(figure, dpi=120, form=form)


def cosim_table(entries: Iterable[dict[str, Any]]) -> Table:
    """A table of the engines' speeds, one line per tile."""
    result = Table(title="engines, cycles/s", box=None)
    headings = ("tile", "cocotb", "spread %", "native", "spread %", "ratio", "native, recorded", "spread %", "ratio")
    for heading in headings:
        result.add_column(heading, justify="right")
    for entry in entries:
        cells = [f"{entry['rows']}x{entry['columns']}"]
        for key in ("cocotb", "native", "native_recorded"):
            cells += [f"{entry[key]:,.0f}", f"{100 * entry['spread'][key]:.0f}"]
            if key != "cocotb":
                cells.append(f"{entry[key] / entry['cocotb']:.0f}")
        result.add_row(*cells)
    return result


def sizes_table(entries: Iterable[dict[str, Any]]) -> Table:
    """A table of the native engine's speed, one line per tile."""
    result = Table(title="native engine by size", box=None)
    for heading in ("tile", "lanes", "cycles/s", "µs a cycle", "spread %", "recorded", "spread %"):
        result.add_column(heading, justify="right")
    for entry in entries:
        cells = [f"{entry['rows']}x{entry['columns']}", f"{entry['lanes']}"]
        cells += [f"{entry['native']:,.0f}", f"{1e6 / entry['native']:.2f}", f"{100 * entry['spread']['native']:.0f}"]
        cells += [f"{entry['native_recorded']:,.0f}", f"{100 * entry['spread']['native_recorded']:.0f}"]
        result.add_row(*cells)
    return result


def networks_table(entries: Iterable[dict[str, Any]]) -> Table:
    """A table of the networks, one line each, with the goal of the ratio beside it."""
    result = Table(title="networks", box=None)
    result.add_column("network")
    result.add_column("algorithm")
    headings = ("batch", "images", "coincidences a sample", "ms a sample", "spread %", "Python %")
    for heading in (*headings, "aihwkit ms", "spread %", "ratio", "goal"):
        result.add_column(heading, justify="right")
    for entry in entries:
        cells = [entry["network"], entry["algorithm"], f"{entry['batch']}", entry["images"]]
        cells += [f"{entry['coincidences_per_sample']:,.0f}", f"{entry['ms_per_sample']:.3f}"]
        cells += [f"{100 * entry['spread']:.0f}", f"{100 * entry['python_share']:.0f}"]
        if "ratio" in entry:
            theirs = f"{entry['aihwkit_ms_per_sample']:.3f}", f"{100 * entry['aihwkit_spread']:.0f}"
            cells += [*theirs, f"{entry['ratio']:.1f}"]
        else:
            cells += [NONE] * 3
        result.add_row(*cells, f"{entry['goal']:g} x aihwkit")
    return result


def layers_table(entries: Iterable[dict[str, Any]]) -> Table:
    """A table of the layers, one line each, with the goal of the ratio beside it."""
    result = Table(title="updates of a layer", box=None)
    result.add_column("layer")
    for heading in ("BL", "batch", "coincidences", "ms an update", "spread %", "million/s"):
        result.add_column(heading, justify="right")
    for heading in ("aihwkit ms", "spread %", "ratio", "goal"):
        result.add_column(heading, justify="right")
    for entry in entries:
        ms, count = entry["ms_per_update"], entry["coincidences_per_update"]
        cells = [entry["layer"], f"{entry['bl']}", f"{entry['batch']}", f"{count:,.0f}", f"{ms:.4f}"]
        cells += [f"{100 * entry['spread']:.0f}", f"{count / ms / 1e3:.0f}"]
        if "ratio" in entry:
            theirs = f"{entry['aihwkit_ms_per_update']:.4f}", f"{100 * entry['aihwkit_spread']:.0f}"
            cells += [*theirs, f"{entry['ratio']:.1f}"]
        else:
            cells += [NONE] * 3
        result.add_row(*cells, f"{entry['goal']:g} x aihwkit" if entry["goal"] else NONE)
    return result


def measure_networks(command: Parser, options: argparse.Namespace) -> int:
    """Update layers and train networks, beside aihwkit if it is named; write report and record. The exit code."""
    with command.checks():
        if options.plot:
            raise ValueError("argument --plot: must be left out with --networks and --against")
        if options.record and not options.against:
            raise ValueError("argument --record: must be left out with --networks, or --against be given")
        if options.record and options.threads > 1:
            raise ValueError(f"argument --threads: {options.threads}: must be 1 with --record")
        if options.record and options.quick:
            raise ValueError("argument --quick: must be left out with --record")
    before = recorded(command, options) if options.record else ""
    turns = 1 if options.quick else options.repeats
    try:
        with progress("benchmark", (turns + 1) * (len(LAYERS) + len(WORKS))) as advance:
            common = {"against": options.against, "turns": turns, "seed": options.seed, "advance": advance}
            updates, found = list(layers(**common)), list(networks(**common, threads=options.threads))
    except ValueError as error:
        command.error(f"argument --against: {error}")
    about = machine()
    try:
        if options.json:
            write_report(options.json, {"layers": updates, "networks": found, "machine": about})
        if options.record:
            write_record(options.record, before, (NETWORKS, network_rows(found)), (LAYER_UPDATES, layer_rows(updates)))
    finally:  # what cannot be written is shown
        print(text(layers_table(updates)))
        print(text(networks_table(found)))
        print(", ".join(f"{key} {value}" for key, value in about.items()))
    return 0


def recorded(command: Parser, options: argparse.Namespace) -> str:
    """The record as it is, empty if there is none."""
    file = options.record
    try:
        document = file.read_text(encoding="utf-8") if file.exists() else ""
        for table in TABLES:
            rows(document, table)
    except ValueError as error:
        command.error(f"argument --record: {str(file)!r}: {error}")
    return document


def write_record(file: Path, before: str, *new: tuple[RecordTable, list[tuple[str, ...]]]) -> None:
    """Write the record with the rows of this version in some tables."""
    about = machine()
    where = ", ".join(filter(None, (about["cpu"], about["vectors"], f"{about['cores']} cores")))
    for table, lines in new:
        before = speed_record(before, table, lines, version=version("symtrack"), machine=where)
    write_text(file, before)


def record(command: Parser, options: argparse.Namespace) -> int:
    """Measure the engines and write the record of their speed by version; the exit code."""
    with command.checks():
        for name in ("quick", "json", "plot"):
            if getattr(options, name):
                raise ValueError(f"argument --{name}: must be left out with --record")
    before = recorded(command, options)
    common = {"repeats": options.repeats, "seed": options.seed}
    sizes = []
    try:
        with progress("benchmark", 1 + len(OF_SIZES)) as advance:
            entry = cosim_speed(TILES["cosim"], **common)
            advance(1)
            for config in OF_SIZES:
                sizes.append(cosim_speed(config, runs=NATIVE, **common))
                advance(1)
    except (ToolError, MismatchError) as error:
        print(f"{command.prog}: {error}", file=sys.stderr)
        return FAILED
    try:
        write_record(options.record, before, (ENGINES, engine_rows(entry)), (SIZES, size_rows(sizes)))
    finally:  # what cannot be written is shown
        print(text(cosim_table([entry])))
        print(text(sizes_table(sizes)))
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    command = parser()
    options = command.parse_args(arguments)
    if options.networks or options.against:
        return measure_networks(command, options)
    if options.threads > 1:
        command.error("argument --threads: must be left out without --networks or --against")
    if options.record:
        return record(command, options)
    sizes = QUICK_SIZES if options.quick else UPDATED
    growth_sizes = QUICK_SIZES if options.quick else GROWTH_SIZES
    lengths = QUICK_LENGTHS if options.quick else GROWTH_LENGTHS
    tiles = QUICK_TILES if options.quick else TILES
    with command.checks():
        task = TASKS[options.task]()
    steps = QUICK_STEPS if options.quick else len(task.train_y)
    common = {"repeats": options.repeats, "seed": options.seed}

    report: dict[str, Any] = {"golden_update": [], "families": [], "growth": []}
    parts = 2 * len(DENSITIES) * len(sizes) + len(FAMILIES) + len(growth_sizes) + len(lengths) + len(tiles) + 2
    try:
        with progress("benchmark", parts) as advance:
            for entry in golden_update(sizes=sizes, **common):
                report["golden_update"].append(entry)
                advance(1)
            for entry in families(size=sizes[0], **common):
                report["families"].append(entry)
                advance(1)
            for entry in growth(sizes=growth_sizes, lengths=lengths, **common):
                report["growth"].append(entry)
                advance(1)
            report["training"] = training_speed(task, steps=steps, **common)
            advance(1)
            report["training"] |= rtl_training_speed(options.task, steps=steps, **common)
            advance(1)
            for key, config in tiles.items():
                report[key] = cosim_speed(config, quick=options.quick, **common)
                advance(1)
    except (ToolError, MismatchError) as error:
        print(f"{command.prog}: {error}", file=sys.stderr)
        return FAILED
    report["machine"] = {**machine(), "verilator": find_verilator().version}

    try:
        if options.json:
            write_report(options.json, report)
        if options.plot:
            write_bytes(options.plot, plot(report["growth"], len(lengths), form=picture_format(options.plot)))
    finally:  # what cannot be written is shown
        print(text(updates_table("updates", report["golden_update"])))
        print(text(updates_table("device families", report["families"])))
        print(text(updates_table("growth", report["growth"])))
        print(text(cosim_table(report[key] for key in tiles)))
        training = report["training"]
        for side, words in (
            ("golden", "golden"),
            ("rtl", "RTL in the loop"),
            ("rtl_recorded", "RTL, every cycle compared"),
        ):
            seconds, range_ = training[f"{side}_s_per_epoch"], 100 * training[f"{side}_spread"]
            print(f"{task.name}, one epoch, {words}: {seconds:.3f} s (spread {range_:.0f} %)")
        print(", ".join(f"{key} {value}" for key, value in report["machine"].items()))
    return 0


if __name__ == "__main__":
    run(main)
