#!/usr/bin/env python3
"""Measure the speed of pulsed updates and of training, and how the cost of an update grows with its size."""

import io
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from model.benchmark import BL, golden_update, growth, machine, training_speed
from model.tasks import TASKS, Task
from scripts.common import Parser, integer, output_file, progress, run, write_bytes, write_json

SIZES = (128, 512)
GROWTH_SIZES = (16, 32, 64, 128, 256, 512)
GROWTH_LENGTHS = (1, 3, 7, 15, 31, 63)
QUICK_SIZES = (16, 32)
QUICK_LENGTHS = (1, 31)
QUICK_STEPS = 50


def parser() -> Parser:
    """The command line."""
    result = Parser(__doc__ or "")
    add = result.add_argument
    add("--task", choices=sorted(TASKS), default="digits", help="what is trained")
    add("--repeats", type=integer(1, 1000), default=7, help="measurements of each figure, of which the median counts")
    add("--quick", action="store_true", help="small arrays and a few training steps only")
    add("--seed", type=integer(0, 2**32 - 1), default=1, help="of devices, lines and training")
    add("--json", type=output_file, metavar="FILE", help="leave the figures in this file")
    add("--plot", type=output_file, metavar="FILE", help="leave a picture (PNG) of the growth in this file")
    return result


def updates_table(title: str, entries: Iterable[dict[str, Any]]) -> Table:
    """A line per measured update."""
    result = Table(title=title, box=None)
    for heading in ("rows", "columns", "density", "BL", "threads", "coincidences", "ms", "spread %", "million/s"):
        result.add_column(heading, justify="right")
    for entry in entries:
        result.add_row(
            *(f"{entry[key]:g}" for key in ("rows", "columns", "density", "bl", "threads")),
            f"{entry['coincidences']:,}",
            f"{entry['ms_per_update']:.4f}",
            f"{100 * entry['spread']:.0f}",
            f"{entry['coincidences_per_second'] / 1e6:.1f}",
        )
    return result


def plot(entries: Sequence[dict[str, Any]], lengths: int) -> bytes:
    """PNG of the time of an update over cells and over BL; the last ``lengths`` entries are those of BL."""
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
    file = io.BytesIO()
    figure.savefig(file, dpi=120, format="png")
    return file.getvalue()


def main(
    arguments: Sequence[str] | None = None,
    *,
    cosim: Callable[[], dict[str, Any]] | None = None,
    rtl_s_per_epoch: Callable[[Task], float] | None = None,
) -> int:
    """Run the command line; ``cosim`` and ``rtl_s_per_epoch`` measure what needs an RTL engine."""
    options = parser().parse_args(arguments)
    sizes = QUICK_SIZES if options.quick else SIZES
    growth_sizes = QUICK_SIZES if options.quick else GROWTH_SIZES
    lengths = QUICK_LENGTHS if options.quick else GROWTH_LENGTHS
    task = TASKS[options.task]()
    steps = QUICK_STEPS if options.quick else len(task.train_y)
    common = {"repeats": options.repeats, "seed": options.seed}

    updates, growths = [], []
    with progress("benchmark", 4 * len(sizes) + len(growth_sizes) + len(lengths) + 1) as advance:
        for entry in golden_update(sizes=sizes, **common):
            updates.append(entry)
            advance(1)
        for entry in growth(sizes=growth_sizes, lengths=lengths, **common):
            growths.append(entry)
            advance(1)
        training = training_speed(task, steps=steps, rtl_s_per_epoch=rtl_s_per_epoch, **common)
        advance(1)

    report: dict[str, Any] = {
        "golden_update": updates,
        "growth": growths,
        "training": training,
        "cosim": None if cosim is None else cosim(),
        "machine": machine(),
    }
    if options.json:
        write_json(options.json, report)
    if options.plot:
        write_bytes(options.plot, plot(growths, len(lengths)))
    console = Console()
    console.print(updates_table("updates", updates))
    console.print(updates_table("growth", growths))
    print(f"training on {task.name}: {training['golden_s_per_epoch']:.3f} s per epoch, golden, one thread")
    print(", ".join(f"{key} {value}" for key, value in report["machine"].items()))
    return 0


if __name__ == "__main__":
    run(main)
