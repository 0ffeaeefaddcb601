# SPDX-License-Identifier: Apache-2.0
"""Explore designs for a task: the Pareto front of accuracy, pulses, cycles and gates over word widths, lanes and rates.

The same command with the same seed has the same trials, also after it was interrupted: it goes on where it was.
Processes that share the folder of --cache share the work; with --storage they share the trials, see docs/cluster.md.
The folder of --out gets a page, a table of all trials, and the TOML files of the tiles of the front.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from symtrack.exploration import FRONT_OBJECTIVES, PAGE, TABLE, TRIALS_MAX, explored
from symtrack.model.network.macro import Macro
from symtrack.model.study.exploration import OBJECTIVES, SAMPLERS, Plan, maker, objectives_of
from symtrack.model.study.space import CONVERTERS, PARAMETERS, RATES, Parameters, applied, space
from symtrack.model.study.store import Store
from symtrack.model.study.workers import open_storage
from symtrack.model.tasks.regression import STEPS
from symtrack.model.training.spec import SEED_MAX, TrainingSpec
from symtrack.scripts.common import (
    INTERRUPTED,
    Parser,
    PathType,
    default_output,
    integer,
    number,
    output_folder,
    program,
    run,
)
from symtrack.scripts.options import OPTIONS, check_task, learning_options, run_of, task_options
from symtrack.study import JOBS_MAX

EPOCHS = 1
SHOWN = 20  # designs of the front in the terminal, the best by the first objective; the page has all
VARIED = (*CONVERTERS, *RATES)  # that have options of their own, too

storage_text = PathType(str, written=True, files=lambda text: [] if "://" in text else [Path(text)])
"""Argument type: a storage of Optuna, a journal file or a URL."""


def value(text: str) -> tuple[str, int | float]:
    """Argument type: a parameter with its value."""
    name, _, digits = text.partition("=")
    for kind in (int, float):
        try:
            return name, kind(digits)
        except ValueError:
            continue
    raise argparse.ArgumentTypeError(f"{text!r}: must be NAME=NUMBER")


def parser() -> Parser:
    """The parser of the command line."""
    result = Parser(__doc__ or "")
    training_options(result)
    add = result.add_argument_group("exploration").add_argument
    add("--trials", type=integer(1, TRIALS_MAX), default=100, metavar="N", help="designs to try")
    add("--sampler", choices=SAMPLERS, default=SAMPLERS[0], help="what suggests them")
    names = ", ".join(OBJECTIVES)
    text = f"what is to be best, of {names}"
    add("--objectives", choices=list(OBJECTIVES), nargs="+", default=list(FRONT_OBJECTIVES), metavar="NAME", help=text)
    text = f"what is varied, of {', '.join(PARAMETERS)}; default: all that matter to the algorithm and are not given"
    add("--vary", choices=list(PARAMETERS), nargs="+", metavar="NAME", default=argparse.SUPPRESS, help=text)
    text = "parameters that all trials have alike"
    add("--fix", type=value, nargs="+", default=[], metavar="NAME=VALUE", help=text)
    add("--jobs", type=integer(1, JOBS_MAX), default=1, metavar="N", help="processes")
    add(
        "--out",
        type=output_folder(PAGE, TABLE),
        default=default_output("explore"),
        metavar="DIR",
        help=f"folder of {PAGE}, {TABLE} and the tiles of the front",
    )
    add(
        "--cache",
        type=output_folder(),
        default=default_output("runs"),
        metavar="DIR",
        help="folder of the results of single runs, which several machines may share",
    )
    text = "share trials by this journal file, database (sqlite:///FILE, postgresql://...) or proxy (grpc://HOST:PORT)"
    add("--storage", type=storage_text, metavar="PATH_OR_URL", help=text)
    return result


def training_options(parser: Parser) -> None:
    """Adds the options that describe the runs, those of ``train``."""
    task_options(parser)
    learning_options(parser)
    add = parser.add_argument_group("run").add_argument
    text = "mean reference offset of the fast arrays; without it the device's own"
    add("--reference-mean", type=number(-4, 4), help=text)
    text = "device-to-device spread of the reference offset; without it the device's own"
    add("--reference-std", type=number(0, 4), help=text)
    text = f"passes over the training samples of each trial; default: {EPOCHS}"
    add("--epochs", type=integer(1, 10000), default=argparse.SUPPRESS, help=text)
    text = f"steps of each trial of a regression task; default: {STEPS}"
    add("--steps", type=integer(1, 10**9), default=argparse.SUPPRESS, help=text)
    add("--seed", type=integer(0, SEED_MAX), default=1, help="seed of the sampler and of all runs")


def length(arguments: argparse.Namespace) -> dict[str, int]:
    """How long each run is: ``epochs`` or ``steps``."""
    if OPTIONS.get(arguments.task) == ("steps",):
        return {"steps": getattr(arguments, "steps", STEPS)}
    return {"epochs": getattr(arguments, "epochs", EPOCHS)}


def train_command(arguments: argparse.Namespace, spec: TrainingSpec, parameters: Parameters) -> str:
    """The command that repeats the run of a trial."""
    known = Parser("")
    training_options(known)
    words = ["symtrack", "train"]
    for action in known._actions:  # argparse has no public list of them
        given = getattr(arguments, action.dest, action.default)
        if given != action.default and action.dest not in ("tile", "epochs", "steps", "seed", *parameters):
            words.append(action.option_strings[0])
            words += [] if given is True else [_word(one) for one in _items(given)]
    for name, amount in {**length(arguments), "seed": arguments.seed}.items():
        words += [f"--{name}", str(amount)]
    tiles = applied(spec, parameters).tiles
    words += ["--tile", *(f"{name}={one}" for name, one in tiles.items())] if tiles else []
    for name in VARIED:
        if name in parameters:
            words += [f"--{name.replace('_', '-')}", str(parameters[name])]
    return shlex.join(words)


def _items(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _word(given: Any) -> str:
    if isinstance(given, Macro):
        return f"{given.rows}x{given.columns}"
    if isinstance(given, tuple):
        return ":".join(map(str, given))
    return given.name.lower() if isinstance(given, Enum) else str(given)


def plan_of(arguments: argparse.Namespace) -> tuple[Plan, TrainingSpec, dict[str, Any]]:
    """What is explored, the run that trials differ from, and what is the same in all of them.

    Raises
    ------
    TypeError, ValueError
        Options contradict each other, or a value is not allowed.
    """
    check_task(arguments, "steps", "epochs")
    fixed: dict[str, Any] = {name: getattr(arguments, name) for name in VARIED if name in arguments}
    for name, amount in arguments.fix:
        if name in fixed:
            raise ValueError(f"argument --fix: {name}={amount}: must be there once")
        fixed[name] = amount
    offset = {"reference_mean": arguments.reference_mean, "reference_std": arguments.reference_std}
    spec = run_of(arguments, **offset, seed=arguments.seed)
    plan = Plan(
        make=maker(spec, fixed),
        ranges=space(spec, getattr(arguments, "vary", None), fixed),
        objectives=objectives_of(arguments.objectives, spec),
        trials=arguments.trials,
        sampler=arguments.sampler,
        seed=arguments.seed,
        **length(arguments),
    )
    return plan, spec, fixed


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    command = parser()
    arguments = command.parse_args(argv)
    for name in ("out", "cache"):
        folder: Path = getattr(arguments, name)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            command.error(f"argument --{name}: {str(folder)!r}: must be a writable folder ({error.strerror})")
    store = Store(arguments.cache)
    with command.checks():
        plan, spec, fixed = plan_of(arguments)
        storage = None if arguments.storage is None else open_storage(arguments.storage, arguments.cache)
    words = shlex.join(["symtrack", "explore", *(sys.argv[1:] if argv is None else argv)])
    try:
        with command.checks():
            found = explored(
                plan,
                store,
                arguments.jobs,
                storage,
                lambda parameters: train_command(arguments, spec, {**fixed, **parameters}),
            )
    except KeyboardInterrupt:
        print(f"{program()}: interrupted: the same command goes on where it was", file=sys.stderr)
        return INTERRUPTED
    files = found.save(arguments.out, words)
    order = [one.number for one in found.front[:SHOWN]]
    shown = found.to_frame().set_index("trial").loc[order, [*plan.objectives, *plan.ranges]].reset_index()
    print(shown.to_string(index=False))
    print(f"the front, {len(found.front)} of {len(found.trials)} trials: {files[0]}")
    return 0


if __name__ == "__main__":
    run(main)
