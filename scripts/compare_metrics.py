#!/usr/bin/env python3
"""Train twice, golden and with RTL in the loop, and put both side by side.

The cocotb engine has the layer of --config in RTL and the others golden; the native engine has all layers in RTL.
"""

import sys

from cosim.engines import ENGINES, compare
from cosim.reports import comparison_table
from cosim.scenarios import with_layer
from cosim.toolchain import ToolError
from model.algorithms import ALGORITHMS
from model.config import TileConfig
from model.devices.presets import load_device
from model.tasks import TASKS
from model.training import Trainer
from scripts.common import (
    FAILED,
    Parser,
    config_argument,
    integer,
    number,
    output_file,
    progress,
    run,
    to_total,
    write_json,
)


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
    options = parser.parse_args(arguments)
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
    epoch = len(task.train_y)
    default = 3 * epoch if options.engine == "native" else 2000
    steps = options.steps or (options.epochs * epoch if options.epochs else default)
    try:
        with progress("steps with RTL in the loop", steps) as advance:
            report = compare(
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
                progress=to_total(advance),
            )
    except ToolError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return FAILED
    if options.json:
        write_json(options.json, report)
    print(comparison_table(report))
    return 0 if report["agree"] else FAILED


if __name__ == "__main__":
    run(main)
