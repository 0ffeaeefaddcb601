# SPDX-License-Identifier: Apache-2.0
"""Train a task on the golden model and report its quality, symmetric-point error, counts and the digest of the state.

Options that a task or an algorithm does not need are left out of its run; docs/training.md says what they mean.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from typing import Any

from rich.console import Console
from rich.table import Table

from symtrack.model.analysis.run_energy import EnergyReports, energies_of_tiles, load_energies, run_joules
from symtrack.model.devices.pulsed import reference_offset
from symtrack.model.devices.sharing import THREADS_MAX
from symtrack.model.tasks.regression import STEPS, Regression
from symtrack.model.training.spec import SEED_MAX
from symtrack.model.training.trainer import Metrics, Trainer
from symtrack.scripts.common import (
    INTERRUPTED,
    Parser,
    input_files,
    integer,
    interruptible,
    number,
    output_file,
    progress,
    resumed_file,
    run,
    write_report,
)
from symtrack.scripts.options import check_task, learning_options, run_of, task_options

CHUNK = 50  # vectors through the first layer between two looks at the progress bar
EPOCHS = 12
CURVE_POINTS = 20  # evaluations of a regression, which has no epochs


def parser() -> Parser:
    """The parser of the command line. Options without a default are absent where they are not given."""
    result = Parser(__doc__ or "")
    task_options(result)
    learning_options(result)
    add = result.add_argument_group("run").add_argument
    text = "mean reference offset of the fast arrays; without it the device's own"
    add("--reference-mean", type=number(-4, 4), help=text)
    add(
        "--reference-std",
        type=number(0, 4),
        help="device-to-device spread of the reference offset; without it the device's own",
    )
    text = f"passes over the training samples; default: {EPOCHS}"
    add("--epochs", type=integer(1, 10000), default=argparse.SUPPRESS, help=text)
    text = f"steps of a regression task; default: {STEPS}"
    add("--steps", type=integer(1, 10**9), default=argparse.SUPPRESS, help=text)
    add("--seed", type=integer(0, SEED_MAX), default=1, help="first seed")
    add("--seeds", type=integer(1, 1000), default=1, help="number of runs, with seeds from --seed upwards")
    text = "steps between two evaluations, which are in --json and in the checkpoint; default: an epoch"
    add("--evaluate-every", type=integer(1, 10**9), metavar="N", default=argparse.SUPPRESS, help=text)
    text = "threads of an update, at most what numba offers; no result depends on their number"
    add("--threads", type=integer(1, THREADS_MAX), default=1, help=text)
    text = "write a checkpoint of the run to this file, at the end and on Ctrl-C"
    add("--checkpoint", type=output_file, metavar="FILE", help=text)
    add(
        "--checkpoint-every",
        type=integer(1, 10000),
        default=1,
        metavar="N",
        help="write the checkpoint every N epochs, too",
    )
    text = "go on from this checkpoint of the same run to its end"
    add("--resume", type=resumed_file, metavar="FILE", help=text)
    text = "reports of `symtrack energy` of the tiles: tell the energy of the run, by its counts"
    add("--energy", type=input_files, nargs="+", metavar="FILE", help=text)
    add("--json", type=output_file, metavar="FILE", help="write the results to this file")
    return result


def check(arguments: argparse.Namespace) -> None:
    """Raise ValueError for options that contradict each other."""
    check_task(arguments, "steps", "epochs")
    if arguments.seeds > 1 and (arguments.checkpoint or arguments.resume):
        raise ValueError(f"argument --seeds: {arguments.seeds}: must be 1 with --checkpoint or --resume")
    if "evaluate_every" in arguments and not (arguments.json or arguments.checkpoint):
        value = arguments.evaluate_every
        raise ValueError(f"argument --evaluate-every: {value}: must be left out without --json or --checkpoint")
    if arguments.seed + arguments.seeds - 1 > SEED_MAX:
        most = SEED_MAX - arguments.seed + 1
        raise ValueError(f"argument --seeds: {arguments.seeds}: must be at most {most} with --seed {arguments.seed}")


def trainers(arguments: argparse.Namespace) -> list[Trainer]:
    """The trainers of all runs, one per seed."""
    offset = {"reference_mean": arguments.reference_mean, "reference_std": arguments.reference_std}
    first = run_of(arguments, **offset)
    seeds = range(arguments.seed, arguments.seed + arguments.seeds)
    return [Trainer(replace(first, seed=seed), threads=arguments.threads) for seed in seeds]


def total_steps(trainer: Trainer, arguments: argparse.Namespace) -> int:
    """The number of steps of a whole run."""
    if isinstance(trainer.task, Regression):
        return getattr(arguments, "steps", STEPS)
    return getattr(arguments, "epochs", EPOCHS) * trainer.steps_per_epoch


def resume(trainer: Trainer, file: str, steps: int) -> None:
    """Restore a trainer from a checkpoint from which ``steps`` can still be reached."""
    trainer.restore(file)
    if trainer.steps > steps:
        option = "--steps" if isinstance(trainer.task, Regression) else "all of --epochs"
        raise ValueError(f"checkpoint = {file!r}: steps = {trainer.steps}: must be at most {steps}, {option}")


def train(runs: Sequence[Trainer], steps: int, arguments: argparse.Namespace) -> bool:
    """Take all runs to ``steps`` steps; False if the user stopped a run that leaves a checkpoint."""
    file, every = arguments.checkpoint, arguments.checkpoint_every * runs[0].steps_per_epoch
    evaluated = evaluations(runs[0], steps, arguments)
    title, left = f"{arguments.task}, {arguments.algorithm}", sum(steps - trainer.steps for trainer in runs)
    chunk = max(CHUNK // (runs[0].spec.batch * runs[0].task.architecture.layers[0].patches), 1)
    with progress(title, left) as advance, interruptible() as stopped:
        for trainer in runs:
            while trainer.steps < steps:
                looks = [period - trainer.steps % period for period in (every, evaluated)]
                amount = min(chunk, steps - trainer.steps, *looks)
                trainer.run(amount)
                if trainer.steps % evaluated == 0:
                    trainer.evaluate()
                advance(amount)
                stop = stopped()
                if stop and not file:
                    raise KeyboardInterrupt  # of our own: one that is raised anywhere may fall into compiled code
                if file and stop:
                    trainer.save(file)
                elif file and trainer.steps % every == 0:
                    try:
                        trainer.save(file)
                    except OSError as error:  # the run goes on, and its last checkpoint is the one before
                        text = f"not saved after {trainer.steps} of {steps} steps: {file}: {error.strerror or error}"
                        print(text, file=sys.stderr)
                if stop:
                    text = f"interrupted after {trainer.steps} of {steps} steps: go on with --resume {file}"
                    print(text, file=sys.stderr)
                    return False
            if file:
                trainer.save(file)
    return True


def evaluations(trainer: Trainer, steps: int, arguments: argparse.Namespace) -> int:
    """Steps between two evaluations: as told, or an epoch; none before the end if nobody would see them."""
    if not (arguments.json or arguments.checkpoint):
        return steps
    whole = max(steps // CURVE_POINTS, 1) if isinstance(trainer.task, Regression) else trainer.steps_per_epoch
    return getattr(arguments, "evaluate_every", whole)


def warn_of_warm_up(trainer: Trainer, steps: int) -> None:
    """Tell on standard error of a run that spends most of its steps, or all, without a write of W."""
    quiet = trainer.warm_up_steps
    if 2 * quiet >= steps:
        largest = max(trainer.task.tile_configs, key=lambda config: config.chopper_period * config.columns)
        events = f"{largest.chopper_period} sweeps (chopper_period) of {largest.columns} columns"
        what = "nothing is learned" if quiet >= steps else "a layer does not learn"
        print(
            f"{what} in the first {quiet:,} of {steps:,} steps, a warm-up of {events}: "
            "shorter with --tile chopper_period=N or --reads N, or train longer",
            file=sys.stderr,
        )


def energies(runs: Sequence[Trainer], files: Sequence[str] | None) -> EnergyReports | None:
    """The reports of energies in files; None without any. They must have those of all tiles."""
    if not files:
        return None
    found = load_energies(files)
    energies_of_tiles(runs[0], found.events)
    return found


def report(
    runs: Sequence[Trainer],
    results: Sequence[Metrics],
    spent: Sequence[dict[str, float] | None],
    known: EnergyReports | None,
    arguments: argparse.Namespace,
) -> dict[str, Any]:
    """All figures of the runs with all that they depend on and every evaluation."""
    first = runs[0]
    settings = {name: text for name, text in first.settings.items() if name != "seed"}
    points = [[asdict(point) for point in trainer.curve] for trainer in runs]
    return {
        "task": arguments.task,
        "algorithm": arguments.algorithm,
        **reference_offset(first.physics.fast),
        "runs": [
            one.as_dict() | {"curve": curve} | ({"joules": energy} if energy else {})
            for one, curve, energy in zip(results, points, spent, strict=True)
        ],
        **({"energy": known.provenance()} if known else {}),
        "steps": first.steps,
        "steps_per_epoch": first.steps_per_epoch,
        "warm_up_steps": first.warm_up_steps,
        "devices": {
            name: {"family": type(device).__name__} | asdict(device)
            for name, device in (("fast", first.physics.fast), ("slow", first.physics.slow))
        },
        "settings": settings,
        "versions": {name: version(name) for name in ("numpy", "numba")} | {"python": platform.python_version()},
    }


def table(runs: Sequence[Metrics], spent: Sequence[dict[str, float] | None]) -> Table:
    """A table of the results, a line per seed and one for their mean; what a task does not have is left out."""
    columns: list[tuple[str, list[float | None], str]] = [
        ("accuracy %", [None if one.accuracy is None else 100 * one.accuracy for one in runs], ".2f"),
        ("loss", [one.loss for one in runs], ".4f"),
        ("weight error", [one.rms_error for one in runs], ".4f"),
        ("SP error", [one.sp_rmse for one in runs], ".4f"),
        ("of pulsed cells", [one.sp_rmse_pulsed for one in runs], ".4f"),
        *(
            (f"{part} µJ", [None if energy is None else 1e6 * energy[part] for energy in spent], ".3f")
            for part in ("digital", "analog")
        ),
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
        known = energies(runs, arguments.energy)
        if arguments.resume:
            resume(runs[0], arguments.resume, steps)
    warn_of_warm_up(runs[0], steps)
    if not train(runs, steps, arguments):
        return INTERRUPTED
    results = [trainer.metrics() for trainer in runs]
    spent = [run_joules(trainer, known.events, known.table) if known else None for trainer in runs]
    try:
        if arguments.json:
            write_report(arguments.json, report(runs, results, spent, known, arguments))
    finally:  # what cannot be written is shown
        Console().print(table(results, spent))
        for one in results:
            print(f"state of seed {one.seed}: {one.state_sha256}")
    return 0


if __name__ == "__main__":
    run(main)
