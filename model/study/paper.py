# SPDX-License-Identifier: Apache-2.0
"""Experiments of the size of arXiv 2602.21321: its networks, devices, offsets and data, all runs as cases.

table-2   784-256-128-10, sigmoid, MNIST, HfO2 preset: offsets, algorithms, settings of the paper and tuned ones
table-1   LeNet-5, tanh, MNIST, HfO2 preset: four offsets
others    the same perceptron on Fashion-MNIST, and with other devices

Settings of the paper, in words of this project: the flip probability p is a regular chopper of period 1/p, the tail
weight 5 a filter of eta = 5p to the next power of two, and the fast rate is that of updates which are scaled to their
running maxima. TT-v2 has no granularity there; as that of here is divided by the columns, it is that of the first
layer's columns, so that a write threshold of its buffer is a step. What the paper leaves open is as it is elsewhere
here. Tuned settings are the best of `model.study.tuning`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from symtrack.model.devices.presets import PRESETS
from symtrack.model.devices.pulsed import Pulsed
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.network.algorithms import Rates
from symtrack.model.spec.config import TileConfig
from symtrack.model.study.case import DIGITAL, Case, labels
from symtrack.model.training.spec import TrainingSpec

SEEDS = (1, 2, 3)
BATCH, BL = 10, 5
ALGORITHMS = ("tt-v2", "agad", "e-rider")
LITERAL = ("rider", "e-rider-a", "e-rider-b")
DIGITAL_ALGORITHM = "digital-sgd"
PAPER, TUNED = "paper", "tuned"

MEANS, SPREADS = (0.0, 0.2, 0.3, 0.4), (0.05, 0.4, 1.0)
CORNERS = tuple(product((0.0, 0.4), (0.05, 1.0)))
TUNING_OFFSET = (0.3, 0.4)
EPOCHS, LONG_EPOCHS = 10, 40
OTHER_EPOCHS, OTHER_OFFSETS = 5, (TUNING_OFFSET, (0.4, 1.0))

Settings = Mapping[str, float]  # rates, and fields of tiles
TILE_FIELDS = ("chopper_period", "chopper_probability", "filter_shift")

PAPER_SETTINGS: dict[str, dict[str, float]] = {
    "tt-v2": {"fast_rate": 0.03, "learning_rate": 0.01, "granularity": 785.0},
    "agad": {
        "fast_rate": 0.05,
        "learning_rate": 0.3,
        "granularity": 1000.0,
        "chopper_period": 10,
        "filter_shift": 1,
    },
    "e-rider": {
        "fast_rate": 0.5,
        "learning_rate": 0.05,
        "granularity": 1000.0,
        "gamma": 0.1,
        "chopper_period": 20,
        "filter_shift": 2,
    },
}


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A network on data and devices, for which rates are tuned.

    Attributes
    ----------
    task, network : as `model.training.spec.TrainingSpec` has them.
    device : a preset, "1200 states" for the default, or parameters.
    tiles : fields of all tiles.
    trial : samples of a run that tunes.
    batch : samples of a step.
    """

    task: str = "mnist"
    network: Mapping[str, Any] = field(default_factory=dict)
    device: str | Pulsed = "reram-array-hfo2"
    tiles: Mapping[str, int] = field(default_factory=dict)
    trial: int = 50_000
    batch: int = BATCH


PERCEPTRON = {"hidden": (256, 128), "activation": "sigmoid"}
LENET = {"architecture": "lenet5"}
WIDE = {"bl_max": BL, "gain_bits": 16, "hidden_bits": 40}
FRACTION_BITS = TileConfig().reference_fraction_bits
DEFAULT_DEVICE = "1200 states"
SLOTS, SLOT_RANGE = "slots", 1.2  # LeNet-5 on soft bounds of a weight of so much from bound to bound

WORKLOADS: dict[str, Workload] = {
    "mnist": Workload(network=PERCEPTRON, tiles=WIDE),
    "lenet": Workload(network=LENET, tiles=WIDE, trial=10_000),
    "fashion": Workload(task="fashion-mnist", network=PERCEPTRON, tiles=WIDE),
    "metal-oxide": Workload(network=PERCEPTRON, tiles=WIDE, device="reram-array-om"),
    DEFAULT_DEVICE: Workload(network=PERCEPTRON, tiles=WIDE, device=DEFAULT_DEVICE),
    SLOTS: Workload(
        network=LENET,
        tiles=WIDE,
        device=SoftBoundsReference(dw_min=SLOT_RANGE / 1000),
        batch=64,
        trial=20_000,
    ),
}


def run_of(
    workload: Workload, algorithm: str, settings: Settings, offset: tuple[float, float], seed: int, **others: Any
) -> TrainingSpec:
    """The run of an algorithm with rates and fields of tiles, at an offset of P (mean, spread)."""
    rates = {name: value for name, value in settings.items() if name not in TILE_FIELDS}
    tiles = {name: settings[name] for name in TILE_FIELDS if name in settings}
    if (shift := int(tiles.get("filter_shift", 0))) > FRACTION_BITS:  # so that the filter has no dead zone
        tiles["reference_fraction_bits"] = shift
    return TrainingSpec(
        task=workload.task,
        algorithm=algorithm,
        network=workload.network,
        tiles={**workload.tiles, "threshold_shift": "auto", **tiles},
        devices=PRESETS.get(workload.device) if isinstance(workload.device, str) else workload.device,
        reference_mean=offset[0],
        reference_std=offset[1],
        rates=Rates.of(algorithm, **rates),
        batch=workload.batch,
        seed=seed,
        tile_seed=seed,
        **others,
    )


def digital_run(workload: Workload, learning_rate: float, seed: int, **others: Any) -> TrainingSpec:
    """The run of the digital baseline, which has neither devices nor tiles."""
    rates = Rates.of("analog-sgd", learning_rate=learning_rate)
    return TrainingSpec(
        task=workload.task,
        algorithm="analog-sgd",
        network=workload.network,
        rates=rates,
        batch=workload.batch,
        seed=seed,
        tile_seed=seed,
        **others,
    )


Tuned = Mapping[tuple[str, str], Settings]  # by workload and algorithm


def _cases(
    experiment: str,
    workload: str,
    algorithms: Sequence[str],
    choices: Mapping[str, Mapping[str, Settings]],
    offsets: Sequence[tuple[float, float]],
    epochs: int,
) -> list[Case]:
    """Cases of a workload; ``choices`` are names of settings with those of the algorithms."""
    found = []
    for (name, settings), algorithm, (mean, std), seed in product(choices.items(), algorithms, offsets, SEEDS):
        if algorithm not in settings:
            continue
        run = run_of(WORKLOADS[workload], algorithm, settings[algorithm], (mean, std), seed)
        named = labels(
            workload=workload, settings=name, algorithm=algorithm, mean=mean, std=std, epochs=epochs, seed=seed
        )
        every = max(epochs // 10, 1) * (60_000 // WORKLOADS[workload].batch)
        found.append(Case(experiment=experiment, labels=named, run=run, epochs=epochs, evaluate_every=every))
    return found


def _digital(experiment: str, workload: str, tuned: Tuned, epochs: int) -> list[Case]:
    if (workload, DIGITAL_ALGORITHM) not in tuned:
        return []
    rate = tuned[workload, DIGITAL_ALGORITHM]["learning_rate"]
    found = []
    for seed in SEEDS:
        named = labels(workload=workload, settings=TUNED, algorithm=DIGITAL_ALGORITHM, epochs=epochs, seed=seed)
        run = digital_run(WORKLOADS[workload], rate, seed)
        found.append(Case(experiment=experiment, labels=named, run=run, epochs=epochs, kind=DIGITAL))
    return found


def _of(tuned: Tuned, workload: str) -> dict[str, Settings]:
    """The tuned settings of a workload by algorithm."""
    return {algorithm: settings for (name, algorithm), settings in tuned.items() if name == workload}


def table_2(tuned: Tuned) -> list[Case]:
    """The perceptron: all offsets with both settings, four of them for long, and RIDER, A and B at those."""
    offsets, own = tuple(product(MEANS, SPREADS)), _of(tuned, "mnist")
    cases = _digital("table-2", "mnist", tuned, EPOCHS)
    cases += _cases("table-2", "mnist", ALGORITHMS, {TUNED: own, PAPER: PAPER_SETTINGS}, offsets, EPOCHS)
    cases += _cases("table-2", "mnist", LITERAL, {TUNED: own}, CORNERS, EPOCHS)
    return cases + _cases("table-2", "mnist", ALGORITHMS, {PAPER: PAPER_SETTINGS}, CORNERS, LONG_EPOCHS)


def table_1(tuned: Tuned) -> list[Case]:
    """LeNet-5 at four offsets."""
    cases = _digital("table-1", "lenet", tuned, EPOCHS)
    choices: dict[str, Mapping[str, Settings]] = {TUNED: _of(tuned, "lenet"), PAPER: PAPER_SETTINGS}
    return cases + _cases("table-1", "lenet", ALGORITHMS, choices, CORNERS, EPOCHS)


def others(tuned: Tuned) -> list[Case]:
    """Fashion-MNIST, and other devices."""
    cases = []
    for workload in WORKLOADS:
        if workload not in ("mnist", "lenet", SLOTS):
            cases += _digital("others", workload, tuned, OTHER_EPOCHS)
            choices = {TUNED: _of(tuned, workload)}
            cases += _cases("others", workload, ALGORITHMS, choices, OTHER_OFFSETS, OTHER_EPOCHS)
    return cases


EXPERIMENTS = {"table-2": table_2, "table-1": table_1, "others": others}
