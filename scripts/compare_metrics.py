#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Train twice, on the golden model and with RTL in the loop, and compare both side by side.

The cocotb engine has the layer of --config in RTL and the others golden; the native engine has all layers in RTL.
With --report both runs are sampled at the same steps, and what the samples show must agree, too.
"""

import argparse
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from symtrack.cosim.compare.training import compare
from symtrack.cosim.engine.registry import ENGINES
from symtrack.cosim.report.comparison_page import page
from symtrack.cosim.report.tables import comparison_table
from symtrack.cosim.tools.toolchain import ToolError
from symtrack.model.spec.config import TileConfig
from symtrack.model.training.history import SAMPLES
from symtrack.model.training.spec import SEED_MAX, TrainingSpec
from symtrack.model.training.trainer import Trainer
from symtrack.scripts.common import (
    FAILED,
    INTERRUPTED,
    Parser,
    config_argument,
    integer,
    interruptible,
    number,
    output_file,
    output_folder,
    progress,
    resumed_file,
    run,
    to_total,
    writable_folder,
    write_report,
    write_text,
)
from symtrack.scripts.options import check_task, learning_options, run_of, task_options

PAGE = "report.html"


def comparison(run: TrainingSpec, **arguments: Any) -> dict[str, Any]:
    """Runs `cosim.compare.training.compare` with progress bars. Ctrl-C ends it after a step, a second one at once.

    An interrupt at any other moment may fall into compiled code, which loses it or makes another error of it.
    """
    with interruptible() as stopped:
        told = threading.Event()  # who watches the work tells more than once

        @contextmanager
        def bar(text: str, total: int) -> Iterator[Callable[[int], None]]:
            with progress(text, total) as advance:
                show = to_total(advance)

                def tell(done: int) -> None:
                    if stopped() and not told.is_set():
                        told.set()
                        _interrupt()
                    show(done)

                yield tell

        try:
            report = compare(run, **arguments, bar=bar)
        except Exception:
            if stopped():  # Ctrl-C reaches the simulator and builds, too, and what ended them is of no interest
                raise KeyboardInterrupt from None
            raise
        if stopped():
            raise KeyboardInterrupt
    return report


def _interrupt() -> None:
    """Interrupt the main thread, from whichever thread watches the work."""
    if threading.current_thread() is threading.main_thread():
        raise KeyboardInterrupt
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def report_folder(text: str) -> Path:
    """Argument type: a folder that the page of a report can be written to, which is checked before the work."""
    try:
        folder = writable_folder(text)
        free = not (folder / PAGE).is_dir()
    except (OSError, argparse.ArgumentTypeError):
        free = False
    if not free:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a folder that {PAGE} can be written to")
    return folder


def write_page(folder: Path, report: dict[str, Any], command: str) -> Path:
    """Write the page of a report into a folder; returns its path."""
    write_text(folder / PAGE, page(report, command))
    return folder / PAGE


def _written(file: Path) -> int | None:
    """The time at which a file was written, None if there is none."""
    return file.stat().st_mtime_ns if file.exists() else None


def command_line() -> Parser:
    """The parser of the command line."""
    parser = Parser(__doc__ or "")
    config_argument(parser, default="")
    task_options(parser)
    learning_options(parser)
    add = parser.add_argument_group("run").add_argument
    own = "without it 0.{}, or with --device its own"
    add("--reference-mean", type=number(-4, 4), help=f"mean reference offset of P; {own.format(3)}")
    add("--reference-std", type=number(0, 4), help=f"standard deviation of the reference offset; {own.format(1)}")
    add("--engine", choices=sorted(ENGINES), default="cocotb", help="simulator that plays the RTL")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=integer(1, 10**7), help="training steps, one batch each")
    length.add_argument("--epochs", type=integer(1, 10**4), help="instead of steps: passes over the training samples")
    add(
        "--unrecorded",
        action="store_true",
        help="with the native engine: compare results and final states only, not every cycle",
    )
    add("--seed", type=integer(0, SEED_MAX), default=1, help="seed of everything random")
    text = "with the native engine: write a checkpoint of the run with RTL to this file, at its end and on Ctrl-C"
    add("--checkpoint", type=output_file, metavar="FILE", help=text)
    text = "with the native engine: the run with RTL goes on from this checkpoint; the golden run starts anew"
    add("--resume", type=resumed_file, metavar="FILE", help=text)
    add("--json", type=output_file, metavar="FILE", help="write the report to this file")
    add(
        "--report",
        type=output_folder(PAGE, convert=report_folder),
        metavar="DIR",
        help=f"write the report as an HTML page, {PAGE}, into this folder",
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code is 0 only if both runs ended in the same state without a mismatch."""
    parser = command_line()
    given = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args(given)
    for name in ("unrecorded", "checkpoint", "resume"):
        if getattr(options, name) and options.engine != "native":
            parser.error(f"argument --engine: {options.engine!r}: must be 'native' with --{name}")
    with interruptible() as stopped, parser.checks():  # what builds a trainer is compiled code, too
        check_task(options)
        mean, std = options.reference_mean, options.reference_std
        if options.device is None:
            mean, std = 0.3 if mean is None else mean, 0.1 if std is None else std
        config = TileConfig.load(options.config).replace(**dict(options.tile)) if options.config else None
        compared = run_of(options, config=config, reference_mean=mean, reference_std=std, seed=options.seed)
        trainer = Trainer(compared)  # refuses what cannot be trained
        epoch = trainer.steps_per_epoch
        default = 3 * epoch if options.engine == "native" else 2000
        steps = options.steps or (options.epochs * epoch if options.epochs else default)
        if options.resume:
            trainer.restore(options.resume)
            if trainer.steps > steps:
                raise ValueError(
                    f"checkpoint = {str(options.resume)!r}: steps = {trainer.steps}: must be at most {steps}"
                )
    before = _written(options.checkpoint) if options.checkpoint else None
    if options.report:
        options.report.mkdir(parents=True, exist_ok=True)
    if stopped():
        raise KeyboardInterrupt
    try:
        report = comparison(
            compared,
            engine=options.engine,
            steps=steps,
            record=not options.unrecorded,
            samples=SAMPLES if options.report else 0,
            checkpoint=options.checkpoint,
            resume=Path(options.resume) if options.resume else None,
        )
    except ToolError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        if options.checkpoint is None or _written(options.checkpoint) == before:
            raise
        print(f"interrupted: go on with --resume {options.checkpoint}", file=sys.stderr)
        return INTERRUPTED
    try:
        if options.json:
            write_report(options.json, report)
        if options.report:
            page_file = write_page(options.report, report, f"{parser.prog} {shlex.join(given)}")
    finally:  # what cannot be written is shown
        print(comparison_table(report))
    if options.report:
        print(f"report: {page_file}")
    return 0 if report["agree"] else FAILED


if __name__ == "__main__":
    run(main)
