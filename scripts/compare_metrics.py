#!/usr/bin/env python3
"""Train twice, golden and with RTL in the loop, and put both side by side.

The cocotb engine has the layer of --config in RTL and the others golden; the native engine has all layers in RTL.
With --report both runs are sampled at the same steps, and what the samples show must agree, too.
"""

import argparse
import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cosim.engines import ENGINES, compare
from cosim.page import page
from cosim.reports import comparison_table
from cosim.scenarios import with_layer
from cosim.toolchain import ToolError
from model.algorithms import ALGORITHMS
from model.config import TileConfig
from model.devices.presets import load_device
from model.history import SAMPLES
from model.tasks import TASKS
from model.training import Trainer
from scripts.common import (
    FAILED,
    Parser,
    config_argument,
    integer,
    interruptible,
    number,
    output_file,
    progress,
    run,
    to_total,
    write_json,
    write_text,
)

PAGE = "report.html"


def comparison(config: TileConfig, **arguments: Any) -> dict[str, Any]:
    """`cosim.engines.compare` with progress bars. Ctrl-C ends it after a step, a second one at once.

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
            report = compare(config, **arguments, bar=bar)
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
    """Argument type: a folder that can be written to, made if it is not there. Checked before the work."""
    folder = Path(text)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK) and not (folder / PAGE).is_dir()
    except OSError:
        writable = False
    if not writable:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a folder that {PAGE} can be written to")
    return folder


def write_page(folder: Path, report: dict[str, Any], command: str) -> Path:
    """Leave the page of a report in a folder; its path."""
    write_text(folder / PAGE, page(report, command))
    return folder / PAGE


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code is 0 only if both runs ended in the same state without a mismatch."""
    parser = Parser(__doc__ or "")
    config_argument(parser, default="digits_hidden")
    parser.add_argument("--task", choices=sorted(TASKS), default="digits", help="what is learned")
    parser.add_argument("--algorithm", choices=sorted(ALGORITHMS), default="e-rider", help="how it is learned")
    parser.add_argument("--engine", choices=sorted(ENGINES), default="cocotb", help="what plays the RTL")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=integer(1, 10**7), help="training steps, one sample each")
    length.add_argument("--epochs", type=integer(1, 10**4), help="instead of steps: passes over the training samples")
    parser.add_argument("--unrecorded", action="store_true", help="native only: compare only results and final states")
    parser.add_argument("--device", metavar="NAME_OR_TOML", help="a preset or a device's file, for both arrays")
    own = "without it 0.{}, or with --device its own"
    parser.add_argument("--reference-mean", type=number(-4, 4), help=f"mean reference offset of P; {own.format(3)}")
    parser.add_argument("--reference-std", type=number(0, 4), help=f"its standard deviation; {own.format(1)}")
    parser.add_argument("--seed", type=integer(0, 2**32 - 1), default=1, help="of everything random")
    parser.add_argument("--json", type=output_file, metavar="FILE", help="leave the report in this file")
    parser.add_argument("--report", type=report_folder, metavar="DIR", help=f"leave {PAGE} in this folder, one page")
    given = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args(given)
    if options.unrecorded and options.engine != "native":
        parser.error(f"argument --engine: {options.engine!r}: must be 'native' with --unrecorded")
    with parser.checks():
        config = TileConfig.load(options.config)
        task = with_layer(TASKS[options.task](), config)
        devices = load_device(options.device) if options.device else None
        mean, std = options.reference_mean, options.reference_std
        if devices is None:
            mean, std = 0.3 if mean is None else mean, 0.1 if std is None else std
        Trainer(
            task=task, algorithm=options.algorithm, devices=devices, reference_mean=mean, reference_std=std
        )  # refuses what cannot be trained
    epoch = task.samples
    default = 3 * epoch if options.engine == "native" else 2000
    steps = options.steps or (options.epochs * epoch if options.epochs else default)
    try:
        report = comparison(
            config,
            task=options.task,
            algorithm=options.algorithm,
            engine=options.engine,
            steps=steps,
            seed=options.seed,
            reference_mean=mean,
            reference_std=std,
            devices=devices,
            record=not options.unrecorded,
            samples=SAMPLES if options.report else 0,
        )
    except ToolError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return FAILED
    if options.json:
        write_json(options.json, report)
    print(comparison_table(report))
    if options.report:
        print(f"report: {write_page(options.report, report, shlex.join([parser.prog, *given]))}")
    return 0 if report["agree"] else FAILED


if __name__ == "__main__":
    run(main)
