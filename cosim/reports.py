"""Reports for people: aligned tables of what the JSON files hold."""

from __future__ import annotations

import io
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

ROWS = (
    ("accuracy", "test accuracy", "{:.2%}"),
    ("loss", "test loss (cross-entropy)", "{:.4f}"),
    ("sp_rmse", "SP error (RMS, weight)", "{:.4f}"),
    ("update_slots", "update slots", "{:,}"),
    ("coincidences", "coincidences", "{:,}"),
    ("transfer_pulses", "pulses written to W", "{:,}"),
    ("reads", "columns read", "{:,}"),
    ("cycles", "clock cycles", "{:,}"),
    ("state_sha256", "final state (SHA-256)", "{:.16}"),
)


def text(table: Table) -> str:
    """The table as plain text of its natural width."""
    file = io.StringIO()
    Console(file=file, width=160).print(table)
    return file.getvalue().rstrip()


def comparison_table(report: dict[str, Any]) -> str:
    """Golden beside RTL, one metric a line, and what was compared below."""
    table = Table(title=f"{report['algorithm']} on {report['task']}, {report['steps']} steps", box=box.SIMPLE)
    table.add_column("metric")
    for side in ("golden", "RTL"):
        table.add_column(side, justify="right")
    for key, label, form in ROWS:
        cells = []
        for side in (report["golden"], report["rtl"]):
            value = None if side is None else side.get(key, side["counts"].get(key))
            cells.append("-" if value is None else form.format(value))
        table.add_row(label, *cells)
    lines = [
        text(table),
        f"  {report['config']} in RTL ({report['engine']}): {report['compared_cycles']:,} cycles and "
        f"{report['states_compared']:,} state words compared, {report['mismatches']} mismatches, "
        f"{report['cycles_per_second']:,.0f} cycles/s",
    ]
    if report["first_mismatch"]:
        first = report["first_mismatch"]
        lines.append(f"  first mismatch: cycle {first['cycle']}, {first['signal']}")
    return "\n".join(lines)
