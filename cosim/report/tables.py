# SPDX-License-Identifier: Apache-2.0
"""Text tables for the terminal, aligned, of what the JSON reports hold."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from symtrack.model.tasks.evaluation import Evaluation
from symtrack.model.tasks.task import Task

ROWS = (
    ("accuracy", "test accuracy", "{:.2%}"),
    ("loss", "test loss (cross-entropy)", "{:.4f}"),
    ("rms_error", "RMS error of W (weight)", "{:.4f}"),
    ("sp_rmse", "SP error (RMS, weight)", "{:.4f}"),
    ("sp_rmse_pulsed", "SP error, pulsed cells (RMS, weight)", "{:.4f}"),
    ("update_slots", "update slots", "{:,}"),
    ("coincidences", "coincidences", "{:,}"),
    ("transfer_pulses", "pulses written to W", "{:,}"),
    ("reads", "columns read", "{:,}"),
    ("calibration_slots", "calibration slots", "{:,}"),
    ("reference_pulses", "pulses written to R", "{:,}"),
    ("unprogrammed", "cells of R given up", "{:,}"),
    ("cycles", "clock cycles", "{:,}"),
    ("state_sha256", "final state (SHA-256)", "{:.16}"),
)


def text(table: Table) -> str:
    """The table as plain text of its natural width."""
    file = io.StringIO()
    Console(file=file, width=160).print(table)
    return file.getvalue().rstrip()


def comparison_table(report: dict[str, Any]) -> str:
    """The table of a comparison: one metric a line, golden beside RTL, and below what was compared."""
    table = Table(title=f"{report['algorithm']} on {report['task']}, {report['steps']} steps", box=box.SIMPLE)
    table.add_column("metric")
    for side in ("golden", "RTL"):
        table.add_column(side, justify="right")
    for key, label, form in ROWS:
        sides = (report["golden"], report["rtl"])
        values = [None if side is None else side.get(key, side["counts"].get(key)) for side in sides]
        if values != [None, None]:  # what the task does not have
            table.add_row(label, *("-" if value is None else form.format(value) for value in values))
    layers = "all layers" if report["engine"] == "native" else report["config"]
    what = (
        f"{report['compared_cycles']:,} cycles and {report['states_compared']:,} state words compared, "
        f"{report['mismatches']} mismatches"
        if report["recorded"]
        else f"{report['cycles']:,} cycles not recorded, only metrics, counts and the final state compared"
    )
    samples = max(report["rtl_samples"], 1)  # where a run had been over when it was resumed there is none
    golden, rtl = 1000 * report["golden_s"] / report["golden_samples"], 1000 * report["rtl_s"] / samples
    speed = (
        f"{report['cycles'] / samples:,.0f} cycles a sample, {report['cycles_per_second']:,.0f} cycles/s, "
        f"golden {golden:.2f} ms a sample, RTL {rtl:.2f}, which is {rtl / golden:.1f} times as much"
    )
    lines = [
        text(table),
        f"  {layers} in RTL ({report['engine']}): {what}",
        f"  {report['rtl_samples']:,} samples: {speed}",
    ]
    if report["first_mismatch"]:
        first = report["first_mismatch"]
        where = f"{first['tile']}, " if first["tile"] else ""
        lines.append(f"  first mismatch: {where}cycle {first['cycle']}, {first['signal']}")
    return "\n".join(lines)


def training_curves(curves: Mapping[str, Sequence[Evaluation]], task: Task, file: Path) -> None:
    """A picture of test accuracy and loss over the epochs of a classification, one line per run."""
    from matplotlib.figure import Figure  # a second to import, and only pictures need it

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    accuracy, loss = figure.subplots(1, 2)
    for name, curve in curves.items():
        epochs = [point.step / task.samples for point in curve]
        accuracy.plot(epochs, [100 * (point.accuracy or 0.0) for point in curve], marker=".", label=name)
        loss.plot(epochs, [point.loss for point in curve], marker=".", label=name)
    for axes, label in ((accuracy, "test accuracy, %"), (loss, "test loss (cross-entropy)")):
        axes.set(xlabel="epoch", ylabel=label)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(file, dpi=120)
