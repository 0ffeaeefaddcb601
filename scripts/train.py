"""Train a task on the golden model and report accuracy, symmetric-point error, counts and the digest of the state."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.table import Table

from model.algorithms import ALGORITHMS, Rates
from model.devices.presets import load_device
from model.devices.pulsed import reference_offset
from model.tasks import INPUTS_MAX, TASKS
from model.training import Metrics, Trainer
from scripts.common import INTERRUPTED, Parser, integer, interruptible, number, output_file, progress, run, write_json

CHUNK = 50  # training steps between two looks at the progress bar


def parser() -> Parser:
    """The command line."""
    rates = Rates()
    result = Parser(__doc__ or "")
    add = result.add_argument
    add("--task", choices=sorted(TASKS), default="digits", help="data set")
    add(
        "--data",
        metavar="FOLDER",
        help="folder with the IDX files (plain or .gz) of --task idx, named as those of MNIST",
    )
    add("--train-samples", type=integer(1, 10**9), metavar="N", help="train on the first N samples instead of all")
    add("--test-samples", type=integer(1, 10**9), metavar="N", help="test on the first N samples instead of all")
    add(
        "--hidden",
        type=integer(1, INPUTS_MAX),
        nargs="*",
        metavar="N",
        help="hidden layers, no number for none; default: 32",
    )
    add("--algorithm", choices=list(ALGORITHMS), default="e-rider", help="training algorithm")
    add(
        "--device",
        metavar="NAME_OR_TOML",
        help="a preset or a device's file, for both arrays; default: docs/devices.md",
    )
    add("--ideal-granularity", action="store_true", help="the fast arrays move by expected, not by whole random steps")
    add("--reference-mean", type=number(-4, 4), help="mean reference offset of the fast arrays, else the device's own")
    add("--reference-std", type=number(0, 4), help="its device-to-device spread, else the device's own")
    add("--seeds", type=integer(1, 1000), default=1, help="number of runs, with seeds from --seed upwards")
    add("--seed", type=integer(0, 2**32 - 1), default=1, help="first seed")
    add("--epochs", type=integer(1, 10000), default=12, help="passes over the training samples")
    add("--learning-rate", type=number(0, 16), default=rates.learning_rate, help="of the slow array")
    add("--fast-rate", type=number(0, 16), default=rates.fast_rate, help="of the fast array, in full pulse trains")
    add("--granularity", type=number(1, 1e6), default=rates.granularity, help="write threshold in steps times columns")
    add("--gamma", type=number(0, 16), default=rates.gamma, help="weight of the residual P - Qref, where used")
    add("--threads", type=integer(1, 1024), default=1, help="threads of an update; no result depends on it")
    add("--checkpoint", type=output_file, metavar="FILE", help="leave the run in this file, at the end and on Ctrl-C")
    add("--checkpoint-every", type=integer(1, 10000), default=1, metavar="N", help="and every N epochs")
    add("--resume", type=Path, metavar="FILE", help="go on from this checkpoint of the same run to --epochs")
    add("--json", type=output_file, metavar="FILE", help="write the results here")
    return result


def check(arguments: argparse.Namespace) -> None:
    """Raise ValueError for options that contradict each other."""
    if arguments.data is not None and arguments.task != "idx":
        raise ValueError(f"argument --data: {arguments.data!r}: must be left out with --task {arguments.task}")
    if arguments.seeds > 1 and (arguments.checkpoint or arguments.resume):
        raise ValueError(f"argument --seeds: {arguments.seeds}: must be 1 with --checkpoint or --resume")


def trainers(arguments: argparse.Namespace) -> list[Trainer]:
    """One per seed."""
    rates = Rates(
        learning_rate=arguments.learning_rate,
        fast_rate=arguments.fast_rate,
        granularity=arguments.granularity,
        gamma=arguments.gamma,
    )
    options = {"data": arguments.data, "hidden": arguments.hidden}
    task = TASKS[arguments.task](**{name: value for name, value in options.items() if value is not None})
    task = task.limited(train=arguments.train_samples, test=arguments.test_samples)
    device = load_device(arguments.device) if arguments.device else None
    return [
        Trainer(
            task=task,
            algorithm=arguments.algorithm,
            reference_mean=arguments.reference_mean,
            reference_std=arguments.reference_std,
            devices=device,
            rates=rates,
            seed=seed,
            threads=arguments.threads,
            ideal_granularity=arguments.ideal_granularity,
        )
        for seed in range(arguments.seed, arguments.seed + arguments.seeds)
    ]


def resume(trainer: Trainer, file: Path, steps: int) -> None:
    """Restore a checkpoint from which ``steps`` can still be reached."""
    trainer.restore(file)
    if trainer.steps > steps:
        raise ValueError(
            f"checkpoint = {str(file)!r}: steps = {trainer.steps}: must be at most {steps}, all of --epochs"
        )


def train(runs: Sequence[Trainer], steps: int, arguments: argparse.Namespace) -> bool:
    """Take all runs to ``steps`` steps; False if the user stopped a run that leaves a checkpoint."""
    file, every = arguments.checkpoint, arguments.checkpoint_every * runs[0].steps_per_epoch
    title, left = f"{arguments.task}, {arguments.algorithm}", sum(steps - trainer.steps for trainer in runs)
    with progress(title, left) as advance, interruptible() if file else nullcontext(lambda: False) as stopped:
        for trainer in runs:
            while trainer.steps < steps:
                amount = min(CHUNK, steps - trainer.steps, every - trainer.steps % every)
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
    """The results, a line per seed and their mean."""
    result = Table(box=None)
    for heading in ("seed", "accuracy %", "loss", "SP error", "update slots", "writes", "cycles"):
        result.add_column(heading, justify="right")
    for one in runs:
        counts = (one.counts[key] for key in ("update_slots", "transfer_pulses", "cycles"))
        result.add_row(
            str(one.seed),
            f"{100 * one.accuracy:.2f}",
            f"{one.loss:.4f}",
            f"{one.sp_rmse:.4f}",
            *(f"{count:,}" for count in counts),
        )
    means = [sum(values) / len(runs) for values in zip(*((r.accuracy, r.loss, r.sp_rmse) for r in runs), strict=True)]
    result.add_row("mean", f"{100 * means[0]:.2f}", f"{means[1]:.4f}", f"{means[2]:.4f}")
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    command = parser()
    arguments = command.parse_args(argv)
    with command.checks():
        check(arguments)
        runs = trainers(arguments)
        steps = arguments.epochs * runs[0].steps_per_epoch
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
