#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fit device families to measured pulse responses and write the best one as a device for training."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from symtrack.cosim.tools.journal import Journal
from symtrack.hdl.output.notice import notice
from symtrack.model.arithmetic.formats import WEIGHT_ONE
from symtrack.model.cache import cache_folder
from symtrack.model.devices.fitting.columns import FORMS, READ_VOLTAGE_MAX, Options
from symtrack.model.devices.fitting.data import RANGES, SCALES, Recording
from symtrack.model.devices.fitting.fit import Fit, alike, span_of_points
from symtrack.model.devices.fitting.forms import read_recording
from symtrack.model.devices.fitting.models import MODELS
from symtrack.model.devices.fitting.table import DECIMALS
from symtrack.model.devices.fitting.text_file import SEPARATORS
from symtrack.model.devices.fitting.words import ROLES
from symtrack.model.devices.presets import device_toml
from symtrack.model.files import picture
from symtrack.scripts.common import (
    Parser,
    input_file,
    integer,
    journal,
    journal_file,
    number,
    output_file,
    picture_file,
    picture_format,
    progress,
    run,
    write_bytes,
    write_report,
    write_text,
)
from symtrack.scripts.families import fit_families, key

WIDTH = 140  # of the table, also where the output is no terminal
TOLD = 10  # readings that are left out, each with a line
SHOWN = 3  # cells in the picture
BINS = 24  # of measured steps in the picture

EPILOG = """
DATA is a text or a workbook with measured conductances, currents or resistances
after pulses. What is found out about it is shown as a table; what cannot be
found out is refused, with what was seen, and told by options. docs/devices.md
has an example of each form:
  rows     a row for each pulse, with its direction, and a column or several
  up-down  a column after pulses upwards, and one after pulses downwards
  lists    the same below each other, or in two sheets
The simplest has the columns pulse, direction (1 or -1), conductance (after that
pulse, in any unit) and, with several cells, cell. A column weight instead of
conductance has scale 1 and offset 0. Missing points are an empty conductance
or no row; a pulse without a row has the direction of the next one if the two
rows before and after it agree, else its direction is taken as unknown.
Families are ranked by BIC: the smaller, the better, differences above 10 are
clear. One that has a better BIC for its few parameters alone comes behind:
another family is more likely, and its free run is much nearer to the data.
"free run" is the RMS residual of the golden integer device pulsed from
the first weight on, which cycle-to-cycle noise drives away from any one course;
"one pulse" that of predictions from pulse to pulse. "SP 95 %" is where the
symmetric point lies if the family is right, from the likelihood and a bootstrap
of pulses and cells.
Families with a reference have the response of those without, shifted: no data
of visible weights tell them apart, so they are not fitted.
"""


def scale(text: str) -> float:
    """Argument type: conductance of a weight of 1."""
    value = number(-1e30, 1e30)(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a number above 0")
    return value


def told(name: str) -> Callable[[str], str]:
    """Argument type: a text that the field ``name`` of `Options` takes."""

    def convert(text: str) -> str:
        try:
            field: dict[str, Any] = {name: [text] if name == "columns" else text}
            Options(**field)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r}: {str(error).partition(': ')[2]}") from None
        return text

    return convert


def parser() -> Parser:
    """The parser of the command line."""
    result = Parser(__doc__ or "", EPILOG)
    add = result.add_argument
    add("data", type=input_file, metavar="DATA", help="measured responses, a text or a workbook (.xlsx, .xls, .ods)")
    add("--out", type=output_file, required=True, metavar="FILE", help="write the device to this file (TOML)")
    add("--families", nargs="+", choices=MODELS, default=list(MODELS), metavar="NAME", help="device families to fit")
    add("--family", choices=MODELS, help="write this family instead of the best one")
    add("--format", choices=FORMS, default="auto", help="form of the data")
    roles = f"what columns are: {', '.join(ROLES)}, each with a name, a number from 1, or a range such as 3-6"
    add("--columns", nargs="+", type=told("columns"), default=[], metavar="ROLE=COLUMN", help=roles)
    add("--sheet", type=told("sheet"), metavar="NAME", help="sheet of a workbook, by its name or its number from 1")
    add("--separator", choices=SEPARATORS, help="what separates columns; without it, as the last rows show")
    add("--decimal", choices=DECIMALS, help="decimal mark; without it, the one that is there")
    text = "lists of pulses downwards are stored backwards; without it, if they rise to where those upwards ended"
    add("--reverse-down", action=argparse.BooleanOptionalAction, default=None, help=text)
    add(
        "--unit",
        type=told("unit"),
        metavar="UNIT",
        help="unit of the values, such as uS, nA or kOhm, where no name of a column tells it",
    )
    add(
        "--read-voltage",
        type=number(-READ_VOLTAGE_MAX, READ_VOLTAGE_MAX),
        metavar="VOLTS",
        help="values are currents at this voltage",
    )
    add("--scale", type=scale, help="weight = (conductance - offset) / scale; without it, from the data")
    add("--offset", type=number(-1e30, 1e30), help="conductance of weight 0; without it, the middle of the data")
    add(
        "--scales",
        choices=SCALES,
        default="auto",
        help="one scale and offset of all cells, each cell its own, or each its own if the ranges of two cells differ "
        f"by more than a factor of {RANGES:g} or do not overlap (default: auto)",
    )
    add("--json", type=output_file, metavar="FILE", help="write the results to this file")
    add("--jobs", type=integer(1, 256), default=2, help="number of processes, each of which fits a family")
    text = "journal of the families so far, from which a run goes on; without it, one in the cache"
    add("--log", type=journal_file, metavar="FILE", help=text)
    text = "write a picture of data and fits to this file (PNG, PDF, SVG)"
    add("--plot", type=picture_file, metavar="FILE", help=text)
    return result


def entry(one: Fit, best: Fit) -> dict[str, Any]:
    """A fit as plain data; lengths are in weights."""
    return {
        "family": one.family,
        "bic": one.bic,
        "bic_above_best": one.bic - best.bic,
        "log_likelihood": -one.misfit,
        "effective_parameters": one.parameters,
        "rms_free_run": one.rms,
        "rms_one_pulse": one.rms_step,
        "rms_free_run_of_noise": one.rms_of_noise,
        "steps_off": one.systematic,
        "warnings": list(one.warnings),
        "float_integer_deviation": one.deviation,
        "read_noise": one.read_noise,
        "limits": list(one.limits),
        "outliers": [dict(zip(("cell", "pulse", "conductance"), outlier, strict=True)) for outlier in one.outliers],
        "symmetric_point": one.symmetric_point,
        "symmetric_point_interval": one.symmetric_point_interval,
        "symmetric_point_conductance": one.recording.conductance(one.symmetric_point),
        "symmetric_point_mean": one.symmetric_points_mean[0],
        "symmetric_point_std": one.symmetric_points_mean[1],
        "parameters": asdict(one.device),
    }


def table(fits: Sequence[Fit]) -> Table:
    """A table of the fits, one line per family, best first."""
    result = Table(box=None)
    for heading in (
        "family",
        "BIC - best",
        "free run",
        "one pulse",
        "read noise",
        "dw_min",
        "dw_min_std",
        "SP",
        "SP 95 %",
        "cells",
    ):
        result.add_column(heading, justify="left" if heading == "family" else "right", no_wrap=True)
    for one in fits:
        point, (mean, spread) = one.symmetric_point, one.symmetric_points_mean
        interval = one.symmetric_point_interval
        result.add_row(
            one.family,
            f"{one.bic - fits[0].bic:,.1f}",
            *(f"{value:.5f}" for value in (one.rms, one.rms_step, one.read_noise, one.device.dw_min)),
            f"{one.device.dw_min_std:.3f}",
            "none" if point is None else f"{point:.4f}",
            "none" if interval is None else f"{interval[0]:.4f} to {interval[1]:.4f}",
            "none" if mean is None else f"{mean:.4f} ± {spread:.4f}",
        )
    return result


def preset(one: Fit, recording: Recording, source: str) -> str:
    """The TOML file of the device, with comments that say where it comes from."""
    point, interval = "none" if one.symmetric_point is None else f"{one.symmetric_point:.6f}", ""
    if one.symmetric_point_interval:
        interval = " ({:.4f} to {:.4f} at 95 %)".format(*one.symmetric_point_interval)
    mean = "none" if one.symmetric_points_mean[0] is None else f"{one.symmetric_points_mean[0]:.6f}"
    comments = [
        *notice(),
        f"fitted to {source!r}: {recording.cells} cells, {recording.points} points",
        *recording.equations(),
        f"RMS residual {one.rms_step:.6f} from pulse to pulse, {one.rms:.6f} of a free run; read noise "
        f"{one.read_noise:.6f}",
        f"symmetric point {point}{interval}; mean of the cells {mean}",
        *one.warnings,
        *one.limits,
    ]
    return "".join(f"# {line}\n" for line in comments) + device_toml(one.device)


def curves(one: Fit) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Weights, and the up and down steps of the integer device without spread at them."""
    cells = one.nominal.cells(rows=1, columns=1, seed=0, array="nominal")
    states = np.linspace(int(cells.low[0, 0]), int(cells.high[0, 0]), 101).astype(np.int64)
    up, down = (np.array([cells.changes(k, v.reshape(1, 1))[0, 0] for v in states]) for k in (1, 0))
    return states / WEIGHT_ONE, up / WEIGHT_ONE, down / WEIGHT_ONE


def plot(fits: Sequence[Fit], recording: Recording, *, form: str = "png") -> bytes:
    """A picture: data and residuals of some cells with the best fit, and steps against weight with all fits."""
    from matplotlib.figure import Figure  # a second to import, and only pictures need it

    figure = Figure(figsize=(12, 7), layout="constrained")
    panels = figure.subplot_mosaic([["course", "steps"], ["rest", "steps"]], height_ratios=(2, 1))
    course, rest, steps = panels["course"], panels["rest"], panels["steps"]
    best = fits[0]
    for k in range(min(SHOWN, recording.cells)):
        here, color = recording.of(k), f"C{k}"
        numbers, weights = recording.numbers[here], recording.weights[here]
        course.plot(
            numbers,
            weights,
            ".",
            ms=2.5,
            color=color,
            alpha=0.5,
            label=f"cell {recording.names[k]}".replace("$", r"\$"),
        )
        course.plot(numbers, best.free_run[here], color=color, lw=1)
        rest.plot(numbers, weights - best.free_run[here], ".", ms=2.5, color=color)
    rest.axhline(0, color="0.6", lw=0.8)
    course.set(title=f"data and free run of the best fit, {best.family}", ylabel="weight")
    rest.set(xlabel="pulse", ylabel="data - free run")
    before, moved, up, _ = recording.increments()
    edges = np.linspace(before.min(), before.max(), BINS + 1)
    for direction, marker, text in ((1, "^", "measured up"), (0, "v", "measured down")):
        there = up == direction
        place = np.clip(np.digitize(before[there], edges) - 1, 0, BINS - 1)
        count = np.bincount(place, minlength=BINS)
        mean = np.bincount(place, moved[there], minlength=BINS) / np.maximum(count, 1)
        shown = count > 4
        steps.plot(((edges[1:] + edges[:-1]) / 2)[shown], mean[shown], marker, color="0.5", label=text)
    top = 0.0
    for k, one in enumerate(fits):
        weights, up_step, down_step = curves(one)
        steps.plot(weights, up_step, color=f"C{k}", lw=2 if k == 0 else 0.9, label=one.family)
        steps.plot(weights, down_step, color=f"C{k}", lw=2 if k == 0 else 0.9, ls="--")
        inside = (weights > edges[0]) & (weights < edges[-1])
        top = max(top, float(np.concatenate([up_step[inside], down_step[inside], [0.0]]).max()) if k == 0 else 0.0)
        if one.symmetric_point is not None:
            at = float(np.interp(one.symmetric_point, weights, up_step))
            steps.plot(one.symmetric_point, at, "o", color=f"C{k}", ms=7 if k == 0 else 4)
    steps.set(title="steps, up solid and down dashed, symmetric points marked", xlabel="weight", ylabel="step")
    steps.set_xlim(edges[0] - 0.05, edges[-1] + 0.05)
    steps.set_ylim(0, 1.3 * top or None)
    for axes in (course, steps):
        axes.legend(fontsize="small")
    for axes in panels.values():
        axes.grid(alpha=0.3)
    return picture(figure, dpi=120, form=form)


def _tell(program: str, chosen: Fit, fits: Sequence[Fit]) -> None:
    """The table of all fits, the span of their symmetric points, and what is remarkable about the chosen one."""
    Console(width=WIDTH).print(table(fits))
    points = span_of_points(fits)
    if points:
        names = ", ".join(one.family for one in alike(fits))
        print(f"symmetric point: {points[0]:.4f} to {points[1]:.4f} at 95 %, of all families like the best: {names}")
    for name, pulse, value in chosen.outliers[:TOLD]:
        print(f"{program}: cell {name}, pulse {pulse}: {value:g} is left out, no pulse explains it", file=sys.stderr)
    if len(chosen.outliers) > TOLD:
        print(f"{program}: {len(chosen.outliers) - TOLD} more readings are left out, see --json", file=sys.stderr)
    for line in (*chosen.warnings, *chosen.limits):
        print(f"{program}: {chosen.family}: {line}", file=sys.stderr)


def _journal(options: argparse.Namespace, recording: Recording) -> Path:
    """The file of fits so far: the one that was told, or one of these data in the cache."""
    return options.log or cache_folder("fits") / f"{key(recording)}.jsonl"


@contextmanager
def _kept_fits(command: Parser, options: argparse.Namespace, recording: Recording) -> Iterator[Journal]:
    """The journal of fits, from which another run of the same data goes on."""
    file = _journal(options, recording)
    with journal(command, file, key(recording)) as kept:
        try:
            yield kept
        except KeyboardInterrupt:
            if file.stat().st_size:
                print(f"{command.prog}: finished families are in {file}: the same command goes on", file=sys.stderr)
            raise
    if options.log is None and {entry["family"] for entry in kept.entries} <= set(options.families):
        file.unlink(missing_ok=True)  # of the cache: it has nothing that another run of these data would want


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    command = parser()
    options = command.parse_args(argv)
    families = list(dict.fromkeys(options.families))
    if options.family and options.family not in families:
        command.error(f"--family = {options.family!r}: must be one of --families {', '.join(families)}")
    with command.checks():
        given = Options(**{spec.name: getattr(options, spec.name) for spec in fields(Options)})
        scaling = {"scale": options.scale, "offset": options.offset, "scales": options.scales}
        recording = read_recording(options.data, options=given, **scaling)
    understood = Table(box=None, show_header=False)
    for part in recording.understood.items():
        understood.add_row(*map(escape, part))
    Console(width=WIDTH).print(understood)
    for remark in recording.remarks:
        print(remark)
    with _kept_fits(command, options, recording) as kept:
        _fit_and_write(command, options, families, recording, kept)
    return 0


def _fit_and_write(
    command: Parser, options: argparse.Namespace, families: Sequence[str], recording: Recording, kept: Journal
) -> None:
    """Fit what no earlier run has kept, and write everything."""
    left = len(set(families) - {entry["family"] for entry in kept.entries})
    if left < len(families):
        print(
            f"{len(families) - left} of {len(families)} families are fitted already, in {_journal(options, recording)}"
        )
    with progress("families", left, few=True) as advance, command.checks():
        fits = fit_families(recording, families, jobs=options.jobs, journal=kept, advance=advance)
    for family in set(families) - {one.family for one in fits}:
        print(f"{family}: left out, no array can be built that is like the data")
    chosen = next((one for one in fits if one.family == options.family), fits[0])
    if options.family and chosen.family != options.family:
        command.error(
            f"--family = {options.family!r}: must be like the data, one of {', '.join(f.family for f in fits)}"
        )
    points = span_of_points(fits)
    try:
        drawn = plot(fits, recording, form=picture_format(options.plot)) if options.plot else b""
        write_text(options.out, preset(chosen, recording, options.data))
        if options.json:
            report = {
                "data": options.data,
                "understood": dict(recording.understood),
                "unit": recording.unit,
                "scale": recording.scale,
                "offset": recording.offset,
                "scales": recording.scales.tolist(),
                "offsets": recording.offsets.tolist(),
                "cells": recording.cells,
                "points": recording.points,
                "family": chosen.family,
                "families_like_the_best": [one.family for one in alike(fits)],
                "symmetric_point_interval": points,
                "fits": [entry(one, fits[0]) for one in fits],
            }
            write_report(options.json, report)
        if options.plot:
            write_bytes(options.plot, drawn)
    finally:  # what cannot be written is shown
        _tell(command.prog, chosen, fits)
    print(f"{chosen.family} written to {options.out}")


if __name__ == "__main__":
    run(main)
