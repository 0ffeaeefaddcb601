"""Train a task on the golden model and report its quality, symmetric-point error, counts and the digest of the state.

Options that a task or an algorithm does not need are left out of its run; docs/training.md says what they mean.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.table import Table

from model.algorithms import ALGORITHMS, Rates
from model.architecture import SIZE_MAX, TILE_COLUMNS, TILE_ROWS, WEIGHT_SCALING
from model.devices.presets import load_device
from model.devices.pulsed import Pulsed, reference_offset
from model.host import ACTIVATIONS
from model.networks import HIDDEN
from model.regression import STEPS, Regression
from model.schedule import Schedule
from model.tasks import TASKS
from model.training import BATCH_MAX, Metrics, Trainer
from scripts.common import INTERRUPTED, Parser, integer, interruptible, number, output_file, progress, run, write_json

CHUNK = 50  # vectors through the first layer between two looks at the progress bar
SEED_MAX = 2**32 - 1
EPOCHS = 12

NETWORK = ("hidden", "architecture", "activation", "weight_scaling", "tile_rows", "tile_columns")
LIMITS = ("train_samples", "test_samples", "epochs")
OPTIONS = {  # of every task, beside those of all tasks; any other task has a network and limits
    "idx": ("data", *NETWORK, *LIMITS),
    "noisy-quadratic": ("steps",),
    "weight-programming": ("steps",),
}
RATES = ("learning_rate", "fast_rate", "granularity", "gamma", "scale_rate", "transfer_every", "reads")


def point(text: str) -> tuple[int, float]:
    """Argument type: a point of a schedule."""
    epoch, _, factor = text.partition(":")
    try:
        return int(epoch), float(factor)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: must be EPOCH:FACTOR, an integer and a number") from None


def parser() -> Parser:
    """The command line. Options without a default are absent where they are not given."""
    result = Parser(__doc__ or "")
    result.argument_default = argparse.SUPPRESS
    add = result.add_argument_group("task").add_argument
    add("--task", choices=sorted(TASKS), default="digits", help="what is learned")
    add(
        "--data",
        metavar="FOLDER",
        help="folder with the IDX files (plain or .gz) of --task idx, named as those of MNIST",
    )
    add("--train-samples", type=integer(1, 10**9), metavar="N", help="train on the first N samples, not all")
    add("--test-samples", type=integer(1, 10**9), metavar="N", help="test on the first N samples, not all")

    add = result.add_argument_group("network").add_argument
    add("--architecture", choices=list(HIDDEN), help="default: perceptron")
    add(
        "--hidden",
        type=integer(1, SIZE_MAX - 1),
        nargs="*",
        metavar="N",
        help="hidden dense layers, no number for none; default: 32, and 128 for lenet5",
    )
    add("--activation", choices=list(ACTIVATIONS), help="between layers; default: tanh")
    scaling = f"W starts between -OMEGA and OMEGA, outputs are scaled accordingly; default: {WEIGHT_SCALING}"
    add("--weight-scaling", type=number(1e-3, 2), metavar="OMEGA", help=scaling)
    for name, high in (("rows", TILE_ROWS), ("columns", TILE_COLUMNS)):
        text = f"most {name} of a tile, a larger layer takes several; default: {high}"
        add(f"--tile-{name}", type=integer(1, high), metavar="N", help=text)

    add = result.add_argument_group("devices").add_argument
    add(
        "--device",
        metavar="NAME_OR_TOML",
        default=None,
        help="a preset or a device's file, for both arrays; else that of docs/devices.md",
    )
    text = "for the slow arrays; else as --device without an offset"
    add("--slow-device", default=None, metavar="NAME_OR_TOML", help=text)
    text = "the fast arrays move by expected, not by whole random steps"
    add("--ideal-granularity", action="store_true", default=False, help=text)
    text = "mean reference offset of the fast arrays, else the device's own"
    add("--reference-mean", type=number(-4, 4), default=None, help=text)
    add("--reference-std", type=number(0, 4), default=None, help="its device-to-device spread, else the device's own")

    add = result.add_argument_group("learning").add_argument
    add("--algorithm", choices=list(ALGORITHMS), default="e-rider", help="training algorithm")
    add("--epochs", type=integer(1, 10000), help=f"passes over the training samples; default: {EPOCHS}")
    add("--steps", type=integer(1, 10**9), help=f"steps of a regression task; default: {STEPS}")
    add("--batch", type=integer(1, BATCH_MAX), default=1, metavar="N", help="samples of a step")
    add(
        "--schedule",
        type=point,
        nargs="+",
        default=[],
        metavar="EPOCH:FACTOR",
        help="multiply the learning rate by FACTOR from the end of EPOCH epochs to the next point",
    )
    own = "default: that of the algorithm"
    add("--learning-rate", type=number(0, 16), help=f"of the slow array; {own}")
    add("--fast-rate", type=number(0, 16), help=f"of the fast array, in full pulse trains; {own}")
    add("--granularity", type=number(1, 1e6), help=f"write threshold in steps times columns; {own}")
    add("--gamma", type=number(0, 16), help=f"weight of the residual P - Qref, where used; {own}")
    add("--scale-rate", type=number(0, 16), help=f"of the output scales, 0: fixed; {own}")
    add("--transfer-every", type=integer(1, 10**6), metavar="N", help=f"steps to a transfer event; {own}")
    add("--reads", type=integer(1, 1024), metavar="N", help=f"columns that an event reads; {own}")

    add = result.add_argument_group("run").add_argument
    add("--seed", type=integer(0, SEED_MAX), default=1, help="first seed")
    add("--seeds", type=integer(1, 1000), default=1, help="number of runs, with seeds from --seed upwards")
    add("--threads", type=integer(1, 1024), default=1, help="threads of an update; no result depends on it")
    text = "leave the run in this file, at the end and on Ctrl-C"
    add("--checkpoint", type=output_file, default=None, metavar="FILE", help=text)
    add("--checkpoint-every", type=integer(1, 10000), default=1, metavar="N", help="and every N epochs")
    text = "go on from this checkpoint of the same run to its end"
    add("--resume", type=Path, default=None, metavar="FILE", help=text)
    add("--json", type=output_file, default=None, metavar="FILE", help="write the results here")
    return result


def given(arguments: argparse.Namespace, names: Sequence[str]) -> dict[str, object]:
    """Those of the options that were given."""
    return {name: value for name, value in vars(arguments).items() if name in names}


def check(arguments: argparse.Namespace) -> None:
    """Raise ValueError for options that contradict each other."""
    allowed = OPTIONS.get(arguments.task, (*NETWORK, *LIMITS))
    for name, value in given(arguments, ("data", "steps", *NETWORK, *LIMITS)).items():
        if name not in allowed:
            option = name.replace("_", "-")
            raise ValueError(f"argument --{option}: {value!r}: must be left out with --task {arguments.task}")
    if arguments.seeds > 1 and (arguments.checkpoint or arguments.resume):
        raise ValueError(f"argument --seeds: {arguments.seeds}: must be 1 with --checkpoint or --resume")
    if arguments.seed + arguments.seeds - 1 > SEED_MAX:
        most = SEED_MAX - arguments.seed + 1
        raise ValueError(f"argument --seeds: {arguments.seeds}: must be at most {most} with --seed {arguments.seed}")


def trainers(arguments: argparse.Namespace) -> list[Trainer]:
    """One per seed."""
    task = TASKS[arguments.task](**given(arguments, ("data", *NETWORK)))
    limits = {name.removesuffix("_samples"): count for name, count in given(arguments, LIMITS[:2]).items()}
    if limits:
        task = task.limited(**limits)

    def device(name: str | None) -> Pulsed | None:
        return load_device(name) if name else None

    return [
        Trainer(
            task=task,
            algorithm=arguments.algorithm,
            reference_mean=arguments.reference_mean,
            reference_std=arguments.reference_std,
            devices=device(arguments.device),
            slow_devices=device(arguments.slow_device),
            rates=Rates.of(arguments.algorithm, **given(arguments, RATES)),  # type: ignore[arg-type]
            batch=arguments.batch,
            schedule=Schedule(tuple(arguments.schedule)),
            seed=seed,
            threads=arguments.threads,
            ideal_granularity=arguments.ideal_granularity,
        )
        for seed in range(arguments.seed, arguments.seed + arguments.seeds)
    ]


def total_steps(trainer: Trainer, arguments: argparse.Namespace) -> int:
    """Steps of a whole run."""
    if isinstance(trainer.task, Regression):
        return getattr(arguments, "steps", STEPS)
    return getattr(arguments, "epochs", EPOCHS) * trainer.steps_per_epoch


def resume(trainer: Trainer, file: Path, steps: int) -> None:
    """Restore a checkpoint from which ``steps`` can still be reached."""
    trainer.restore(file)
    if trainer.steps > steps:
        option = "--steps" if isinstance(trainer.task, Regression) else "all of --epochs"
        raise ValueError(f"checkpoint = {str(file)!r}: steps = {trainer.steps}: must be at most {steps}, {option}")


def train(runs: Sequence[Trainer], steps: int, arguments: argparse.Namespace) -> bool:
    """Take all runs to ``steps`` steps; False if the user stopped a run that leaves a checkpoint."""
    file, every = arguments.checkpoint, arguments.checkpoint_every * runs[0].steps_per_epoch
    title, left = f"{arguments.task}, {arguments.algorithm}", sum(steps - trainer.steps for trainer in runs)
    chunk = max(CHUNK // (runs[0].batch * runs[0].task.architecture.layers[0].patches), 1)
    with progress(title, left) as advance, interruptible() if file else nullcontext(lambda: False) as stopped:
        for trainer in runs:
            while trainer.steps < steps:
                amount = min(chunk, steps - trainer.steps, every - trainer.steps % every)
                trainer.run(amount)
                advance(amount)
                stop = stopped()
                if file and (stop or trainer.steps % every == 0):
                    trainer.save(file)
                if stop:
                    text = f"interrupted after {trainer.steps} of {steps} steps: go on with --resume {file}"
                    print(text, file=sys.stderr)
                    return False
            if file:
                trainer.save(file)
    return True


def table(runs: Sequence[Metrics]) -> Table:
    """The results, a line per seed and their mean; what a task does not have is left out."""
    columns: list[tuple[str, list[float | None], str]] = [
        ("accuracy %", [None if one.accuracy is None else 100 * one.accuracy for one in runs], ".2f"),
        ("loss", [one.loss for one in runs], ".4f"),
        ("weight error", [one.rms_error for one in runs], ".4f"),
        ("SP error", [one.sp_rmse for one in runs], ".4f"),
        ("of pulsed cells", [one.sp_rmse_pulsed for one in runs], ".4f"),
    ]
    shown = []
    for name, values, form in columns:
        numbers = [value for value in values if value is not None]
        if len(numbers) == len(runs):
            shown.append((name, numbers, form))
    result = Table(box=None)
    for heading in ("seed", *(name for name, _, _ in shown), "update slots", "writes", "cycles"):
        result.add_column(heading, justify="right")
    for index, one in enumerate(runs):
        figures = (format(numbers[index], form) for _, numbers, form in shown)
        counts = (f"{one.counts[key]:,}" for key in ("update_slots", "transfer_pulses", "cycles"))
        result.add_row(str(one.seed), *figures, *counts)
    result.add_row("mean", *(format(sum(numbers) / len(runs), form) for _, numbers, form in shown))
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    command = parser()
    arguments = command.parse_args(argv)
    with command.checks():
        check(arguments)
        runs = trainers(arguments)
        steps = total_steps(runs[0], arguments)
        if arguments.resume:
            resume(runs[0], arguments.resume, steps)
    if not train(runs, steps, arguments):
        return INTERRUPTED
    results = [trainer.metrics() for trainer in runs]
    Console().print(table(results))
    for one in results:
        print(f"state of seed {one.seed}: {one.state_sha256}")
    if arguments.json:
        report = {
            "task": arguments.task,
            "algorithm": arguments.algorithm,
            **reference_offset(runs[0].physics.fast),
            "runs": [run.as_dict() for run in results],
        }
        write_json(arguments.json, report)
    return 0


if __name__ == "__main__":
    run(main)
