#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Characterise devices: states, symmetric points, step ratios, and responses to recorded pulses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from symtrack.model.analysis.characterize import Record, characteristics
from symtrack.model.analysis.pictures import CELLS, RAMPS, device_picture, ramps
from symtrack.model.devices.presets import PRESETS, device_toml, load_device
from symtrack.model.devices.pulsed import Pulsed
from symtrack.scripts.common import (
    Parser,
    input_file,
    integer,
    name_or_toml,
    output_file,
    picture_file,
    picture_format,
    progress,
    run,
    write_bytes,
    write_json,
    write_text,
)

WIDTH = 120  # of the tables, also where the output is no terminal


def parser() -> Parser:
    """The parser of the command line."""
    result = Parser(__doc__ or "")
    what = result.add_mutually_exclusive_group(required=True)
    what.add_argument("--list", action="store_true", help="table of the presets")
    what.add_argument(
        "--device", type=name_or_toml, metavar="NAME_OR_TOML", help="one preset, or the device of a TOML file"
    )
    what.add_argument(
        "--records",
        type=input_file,
        metavar="FILE",
        help="JSON with pulse responses, to be repeated with the devices of this model",
    )
    result.add_argument(
        "--every-pulse",
        action="store_true",
        help="with --records: also apply pulses that moved nothing in the recording though the device would have moved",
    )
    result.add_argument(
        "--plot",
        type=picture_file,
        metavar="FILE",
        help="with --list or --device: write a picture of responses, steps and spread to this file (PNG, PDF, SVG)",
    )
    result.add_argument(
        "--pulses",
        type=output_file,
        metavar="FILE",
        help="with --device: write noisy ramps of some cells to this file (CSV)",
    )
    result.add_argument("--seed", type=integer(0, 2**32 - 1), default=1, help="seed of the spread over the cells")
    result.add_argument("--json", type=output_file, metavar="FILE", help="write the results to this file")
    return result


def load_records(path: str) -> tuple[dict[str, Any], list[Record]]:
    """The contents of the file, and its records, checked."""
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ValueError(f"records = {path!r}: must be a readable file ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"records = {path!r}: must be valid JSON ({error})") from None
    if not isinstance(data, dict) or not isinstance(data.get("records"), list):
        raise ValueError(f"records = {path!r}: must be an object with a list 'records'")
    return data, [Record.from_dict(record, k) for k, record in enumerate(data["records"])]


def text(value: float | None, form: str) -> str:
    """A figure as text of a table."""
    return "none" if value is None else format(value, form)


def table(rows: dict[str, dict[str, Any]]) -> Table:
    """A table of characteristics, one line per device."""
    result = Table(box=None)
    for heading in ("device", "family", "states", "SP", "mean of cells", "spread", "up/down at 0"):
        result.add_column(heading, justify="left" if heading in ("device", "family") else "right", no_wrap=True)
    for name, row in rows.items():
        result.add_row(
            name,
            row["family"],
            f"{row['states']:,.1f}",
            text(row["symmetric_point"], ".4f"),
            text(row["symmetric_point_mean"], ".4f"),
            text(row["symmetric_point_std"], ".4f"),
            text(row["up_down_ratio"], ".4f"),
        )
    return result


def repeat(data: dict[str, Any], records: Sequence[Record], every_pulse: bool) -> tuple[dict[str, Any], Table]:
    """Repeat the recorded pulses with the model's devices; returns the file with their weights, and a table of the
    deviations.

    A coincidence that a stochastic train missed is not the device's fault, and without it the rest of a recording says
    nothing: such pulses are left out and listed under ``missed``, counted from 0.
    """
    result = Table(box=None)
    for heading in ("record", "pulses", "deviation", "missed", "deviation without missed"):
        result.add_column(heading, justify="left" if heading == "record" else "right", no_wrap=True)
    written = []
    with progress("records", sum(len(record.signs) for record in records)) as advance:
        for record, entry in zip(records, data["records"], strict=True):
            missed = record.missed()
            weights = record.response()
            without = record.response(missed) if missed.any() else weights
            advance(len(record.signs))
            result.add_row(
                record.name,
                f"{len(record.signs):,}",
                text(record.deviation(weights), ".2e"),
                str(int(missed.sum())),
                text(record.deviation(without), ".2e"),
            )
            kept = {**entry, "weights": (weights if every_pulse else without).tolist()}
            if missed.any() and not every_pulse:
                kept["missed"] = np.flatnonzero(missed).tolist()
            written.append(kept)
    return {**data, "records": written}, result


def pulses_csv(device: Pulsed, *, seed: int) -> str:
    """Noisy ramps of some cells, as a file that fit_device.py reads."""
    _, weights = ramps(device, cells=CELLS + 1, seed=seed, every=1)
    length = (len(weights) - 1) // RAMPS
    lines = ["cell,pulse,direction,weight"]
    for cell, trace in enumerate(weights[1:, 1:].T):
        lines += [f"{cell},{k + 1},{1 if k // length % 2 == 0 else -1},{weight:.6f}" for k, weight in enumerate(trace)]
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    command = parser()
    arguments = command.parse_args(argv)
    if arguments.every_pulse and not arguments.records:
        command.error("--every-pulse: must come with --records")
    if arguments.plot and arguments.records:
        command.error("--plot: must come with --list or --device")
    if arguments.pulses and not arguments.device:
        command.error("--pulses: must come with --device")
    report: dict[str, Any]
    if arguments.records:
        with command.checks():
            data, records = load_records(arguments.records)
        repeated, shown = repeat(data, records, arguments.every_pulse)
        report = {**repeated, "symtrack_version": version("symtrack")}
    else:
        with command.checks():
            devices = PRESETS if arguments.list else {arguments.device: load_device(arguments.device)}
            report = {name: characteristics(device, seed=arguments.seed) for name, device in devices.items()}
        shown = table(report)
        if arguments.plot:
            write_bytes(
                arguments.plot, device_picture(devices, seed=arguments.seed, form=picture_format(arguments.plot))
            )
        if arguments.pulses:
            write_text(arguments.pulses, pulses_csv(devices[arguments.device], seed=arguments.seed))
    try:
        if arguments.json:
            write_json(arguments.json, report)
    finally:  # what cannot be written is shown
        Console(width=WIDTH).print(shown)
        if arguments.device:
            print(device_toml(devices[arguments.device]), end="")
    return 0


if __name__ == "__main__":
    run(main)
