# SPDX-License-Identifier: Apache-2.0
"""Command-line options that describe a training, shared by every script that trains; those not given are absent."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from symtrack.model.arithmetic.activations import ACTIVATIONS
from symtrack.model.arithmetic.converters import BOUND_MIN
from symtrack.model.devices.presets import load_device
from symtrack.model.network.algorithms import ALGORITHMS, RESIDUALS, Choppers, Rates
from symtrack.model.network.architecture import SIZE_MAX, TILE_COLUMNS, TILE_ROWS, WEIGHT_SCALING
from symtrack.model.network.learning_tile import TOLERANCE_MAX, Programming
from symtrack.model.network.macro import Macro
from symtrack.model.network.standard_networks import HIDDEN
from symtrack.model.spec.settings import ROUND_BITS, ChopperMode, Scope
from symtrack.model.tasks.idx import files
from symtrack.model.tasks.task import TASKS, TILE_SEEDS
from symtrack.model.training.schedule import Schedule
from symtrack.model.training.spec import AUTO, BATCH_MAX, CALIBRATION_MAX, TrainingSpec
from symtrack.scripts.common import Parser, input_folder, integer, name_or_toml, number

NETWORK = ("hidden", "architecture", "activation", "weight_scaling", "tile_rows", "tile_columns")
LIMITS = ("train_samples", "test_samples")
RATES = (
    "learning_rate",
    "fast_rate",
    "granularity",
    "gamma",
    "scale_rate",
    "transfer_every",
    "reads",
    "hidden_momentum",
)
BOUNDS = ("output_bound", "read_bound")
CHOPPERS = ("chopper", "scope", "row_chopper")
OPTIONS = {  # of every task, beside those of all tasks; any other task has a network and limits
    "idx": ("data", *NETWORK, *LIMITS, "epochs"),
    "noisy-quadratic": ("steps",),
    "weight-programming": ("steps",),
}


def point(text: str) -> tuple[int, float]:
    """Argument type: a point of a schedule."""
    epoch, _, factor = text.partition(":")
    try:
        return int(epoch), float(factor)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: must be EPOCH:FACTOR, an integer and a number") from None


def assignment(text: str) -> tuple[str, int | float | str]:
    """Argument type: a field of a tile with its value."""
    name, _, value = text.partition("=")
    if (name, value) == AUTO:
        return AUTO
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    raise argparse.ArgumentTypeError(f"{text!r}: must be FIELD=NUMBER, see model/spec/config.py")


def macro(text: str) -> Macro:
    """Argument type: rows and columns of a macro."""
    rows, _, columns = text.partition("x")
    try:
        return Macro(int(rows), int(columns))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: must be ROWSxCOLUMNS, two integers") from None


def task_options(parser: Parser) -> None:
    """Adds the options for what is learned, by what network, on what tiles."""
    add = parser.add_argument_group("task").add_argument
    add("--task", choices=sorted(TASKS), default="digits", help="task to be learned")
    text = "folder with the IDX files (plain or .gz) of --task idx, named as those of MNIST"
    add("--data", type=input_folder(files), metavar="FOLDER", default=argparse.SUPPRESS, help=text)
    for name in ("train", "test"):
        text = f"{name} on the first N samples instead of all"
        add(f"--{name}-samples", type=integer(1, 10**9), metavar="N", default=argparse.SUPPRESS, help=text)

    def network(*names: str, **details: Any) -> None:
        group.add_argument(*names, default=argparse.SUPPRESS, **details)

    group = parser.add_argument_group("network")
    network("--architecture", choices=list(HIDDEN), help="default: perceptron")
    text = "sizes of the hidden dense layers, no number for none; default: 32, and 128 for lenet5"
    network("--hidden", type=integer(1, SIZE_MAX - 1), nargs="*", metavar="N", help=text)
    network("--activation", choices=list(ACTIVATIONS), help="activation between layers; default: tanh")
    text = f"W starts between -OMEGA and OMEGA, outputs are scaled accordingly; default: {WEIGHT_SCALING}"
    network("--weight-scaling", type=number(1e-3, 2), metavar="OMEGA", help=text)
    for name, high in (("rows", TILE_ROWS), ("columns", TILE_COLUMNS)):
        text = f"largest number of {name} of a tile, a larger layer takes several tiles; default: {high}"
        network(f"--tile-{name}", type=integer(1, high), metavar="N", help=text)
    text = (
        "fields of all tile configurations, such as filter_shift=3; threshold_shift=auto: the next to its own with "
        "which gains fit; lanes: a tile with fewer rows has as many lanes as rows; sizes and seeds are the network's"
    )
    group.add_argument("--tile", type=assignment, nargs="+", default=[], metavar="FIELD=VALUE", help=text)
    text = "put all tiles on macros of this size, each with as many lines in use as it needs: one netlist for all"
    group.add_argument("--macro", type=macro, metavar="ROWSxCOLUMNS", help=text)
    text = "seed of the random sources of all tiles, whose states are loaded after a reset"
    group.add_argument("--tile-seed", type=integer(1, TILE_SEEDS), default=1, metavar="N", help=text)


def learning_options(parser: Parser) -> None:
    """Adds the options for devices and for how they learn."""
    add = parser.add_argument_group("devices").add_argument
    text = "a preset or a device's file, for both arrays; without it the one of docs/devices.md"
    add("--device", type=name_or_toml, metavar="NAME_OR_TOML", help=text)
    add(
        "--slow-device",
        type=name_or_toml,
        metavar="NAME_OR_TOML",
        help="device of the slow arrays; without it that of --device without an offset",
    )
    own = "default: that of the task"
    text = f"full scale of the converters of products, weights times inputs; {own}"
    add("--output-bound", type=number(BOUND_MIN, 1024), metavar="Y", default=argparse.SUPPRESS, help=text)
    text = f"full scale of the converters of reads, weights, 0: that of products; {own}"
    add("--read-bound", type=number(0, 1024), metavar="W", default=argparse.SUPPRESS, help=text)
    text = "the fast arrays move by expected steps instead of whole random ones"
    add("--ideal-granularity", action="store_true", help=text)

    group = parser.add_argument_group("learning")
    add = group.add_argument
    add("--algorithm", choices=list(ALGORITHMS), default="e-rider", help="training algorithm")
    add("--batch", type=integer(1, BATCH_MAX), default=1, metavar="N", help="samples per training step")
    text = "multiply the learning rate by FACTOR from the end of EPOCH epochs to the next point"
    add("--schedule", type=point, nargs="+", default=[], metavar="EPOCH:FACTOR", help=text)
    text = (
        "first bring the fast arrays to their symmetric points with N pulses a cell, and keep what is read as reference"
    )
    add("--calibrate", type=integer(0, CALIBRATION_MAX), default=0, metavar="N", help=text)
    text = "program the reference array R, of devices like those of W, by write and verify instead of an ideal copy"
    add("--program-references", action="store_true", help=text)
    text = f"with --program-references: largest error, in LSB of the ADC, that stays; default: {Programming.tolerance}"
    add("--tolerance", type=number(0, TOLERANCE_MAX), metavar="LSB", default=argparse.SUPPRESS, help=text)
    text = f"with --program-references: largest number of reads of a column; default: {Programming.rounds}"
    add("--rounds", type=integer(1, (1 << ROUND_BITS) - 1), metavar="N", default=argparse.SUPPRESS, help=text)
    text = "residual of the products, where used: of P and R, or of the words that tiles hold since their last read"
    add("--residual", choices=RESIDUALS, default=RESIDUALS[0], help=text)
    own = "default: that of the algorithm"
    for name, kind, text in (
        ("chopper", ChopperMode, "when columns flip"),
        ("scope", Scope, "which flip together"),
        ("row-chopper", ChopperMode, "when rows flip, with --tile row_chopper=1"),
    ):
        choices = [one.name.lower() for one in kind]
        add(f"--{name}", choices=choices, default=argparse.SUPPRESS, help=f"{text}; {own}")

    def rate(name: str, kind: Any, text: str, **details: Any) -> None:
        group.add_argument(f"--{name}", type=kind, default=argparse.SUPPRESS, help=f"{text}; {own}", **details)

    rate("learning-rate", number(0, 16), "of the slow array")
    rate("fast-rate", number(0, 16), "of the fast array, in full pulse trains")
    rate("granularity", number(1, 1e6), "write threshold in steps times columns")
    rate("gamma", number(0, 16), "weight of the residual P - Qref, where used")
    rate("scale-rate", number(0, 16), "of the output scales, 0: fixed")
    rate("transfer-every", integer(1, 10**6), "steps to a transfer event", metavar="N")
    rate("reads", integer(1, 1024), "columns that an event reads", metavar="N")
    rate("hidden-momentum", number(0, 1), "what is left of H after a write, where it has a threshold")


def given(arguments: argparse.Namespace, names: Sequence[str]) -> dict[str, Any]:
    """The options of these names that were given."""
    return {name: value for name, value in vars(arguments).items() if name in names}


def check_task(arguments: argparse.Namespace, *others: str) -> None:
    """Raise ValueError for options that the task does not have; ``others`` are checked beside those of networks."""
    allowed = OPTIONS.get(arguments.task, (*NETWORK, *LIMITS, "epochs"))
    for name, value in given(arguments, ("data", *others, *NETWORK, *LIMITS)).items():
        if name not in allowed:
            option = name.replace("_", "-")
            raise ValueError(f"argument --{option}: {value!r}: must be left out with --task {arguments.task}")


def run_of(arguments: argparse.Namespace, **own: Any) -> TrainingSpec:
    """The run that the options describe; ``own`` holds what the command line has options of its own for.

    Raises
    ------
    TypeError, ValueError
        A device or a value is not allowed.
    """
    programming = given(arguments, ("tolerance", "rounds"))
    if programming and not arguments.program_references:
        name, value = next(iter(programming.items()))
        raise ValueError(f"argument --{name}: {value!r}: must be left out without --program-references")
    kinds = {"chopper": ChopperMode, "scope": Scope, "row_chopper": ChopperMode}
    network, bounds = given(arguments, ("data", *NETWORK)), given(arguments, BOUNDS)
    if bounds:
        task = TrainingSpec(task=arguments.task, network=network).problem()
        own["converters"] = replace(task.converters, **bounds)
    choppers = {name: kinds[name][value.upper()] for name, value in given(arguments, CHOPPERS).items()}
    return TrainingSpec(
        task=arguments.task,
        algorithm=arguments.algorithm,
        network=network,
        samples={name.removesuffix("_samples"): count for name, count in given(arguments, LIMITS).items()},
        tiles=dict(arguments.tile),
        tile_seed=arguments.tile_seed,
        macro=arguments.macro,
        devices=load_device(arguments.device) if arguments.device else None,
        slow_devices=load_device(arguments.slow_device) if arguments.slow_device else None,
        rates=Rates.of(arguments.algorithm, **given(arguments, RATES)),
        batch=arguments.batch,
        schedule=Schedule(tuple(arguments.schedule)),
        choppers=Choppers(**choppers),  # type: ignore[arg-type]
        calibration=arguments.calibrate,
        ideal_granularity=arguments.ideal_granularity,
        programming=Programming(**programming) if arguments.program_references else None,
        residual=arguments.residual,
        **own,
    )
