# SPDX-License-Identifier: Apache-2.0
"""Tunes the settings of every algorithm for every workload, with the same budget, and keeps all trials as a record.

A trial trains one epoch of `Workload.trial` samples at `TUNING_OFFSET` and is judged by its loss on `VALIDATION`
samples, the last ones of the training set, which no trial trains with; the test set has no part in it. Trials are asked
for in batches of `TOGETHER`, so that they are the same however many processes run them. The settings of the best trial
are the tuned ones from then on: what is in the record is not asked for again.

A mini-batch of the paper has one read; here it may have up to as many as samples, for all algorithms alike, since few
epochs have few reads. Only the ratio of learning rate and granularity matters to a buffered algorithm, so its
granularity, which sets the write threshold, stays that of the paper. The filters of RIDER, A and B are slow ones, as
their theory wants.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from symtrack.model.arithmetic.noise import derive_key
from symtrack.model.files import write_bytes
from symtrack.model.network.algorithms import ALGORITHMS as KNOWN
from symtrack.model.network.algorithms import Rates
from symtrack.model.spec.settings import ChopperMode
from symtrack.model.study.case import DIGITAL, GOLDEN, Case, key, labels
from symtrack.model.study.paper import (
    ALGORITHMS,
    DIGITAL_ALGORITHM,
    LITERAL,
    TUNING_OFFSET,
    WORKLOADS,
    Settings,
    Tuned,
    digital_run,
    run_of,
)
from symtrack.model.study.space import rounded
from symtrack.model.study.store import Store

RECORD = "tuning.json"
TRIALS, TOGETHER, STARTUP = 30, 2, 10
VALIDATION = 5_000
PAIRS = tuple(
    (workload, algorithm)
    for workload in WORKLOADS
    for algorithm in (DIGITAL_ALGORITHM, *ALGORITHMS, *(LITERAL if workload == "mnist" else ()))
)
GRANULARITY = 1000.0
RATES: dict[str, BaseDistribution] = {
    "fast_rate": FloatDistribution(0.02, 2.0, log=True),
    "learning_rate": FloatDistribution(0.003, 3.0, log=True),
    "scale_rate": FloatDistribution(0.0001, 0.03, log=True),
    "reads": CategoricalDistribution((1, 3, 10)),
}
GAMMA: dict[str, BaseDistribution] = {"gamma": FloatDistribution(0.003, 0.5, log=True)}
CHOPPER: dict[str, BaseDistribution] = {
    "chopper_period": CategoricalDistribution((1, 2, 5, 10, 20)),
    "filter_shift": IntDistribution(0, 4),
}
SLOW_FILTER: dict[str, BaseDistribution] = {"filter_shift": IntDistribution(4, 8)}
BY_CHANCE: dict[str, BaseDistribution] = {"chopper_probability": FloatDistribution(0.002, 0.5, log=True)}


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A line of the record."""

    workload: str
    algorithm: str
    trial: int
    settings: dict[str, float]
    loss: float
    accuracy: float
    key: str


def space(algorithm: str) -> dict[str, BaseDistribution]:
    """What is tuned of an algorithm."""
    if algorithm == DIGITAL_ALGORITHM:
        return {"learning_rate": FloatDistribution(0.001, 1.0, log=True)}
    residual = GAMMA if KNOWN[algorithm].residual else {}
    if algorithm not in LITERAL:
        return RATES | residual | (CHOPPER if algorithm != "tt-v2" else {})
    chance = BY_CHANCE if KNOWN[algorithm].chopper == ChopperMode.RANDOM else {}
    # Without a regular chopper its period is the length of the warm-up, where there is one.
    warm_up = {"chopper_period": CHOPPER["chopper_period"]} if KNOWN[algorithm].warm_up else {}
    return RATES | residual | SLOW_FILTER | chance | warm_up


def case_of(workload: str, algorithm: str, settings: Settings, trial: int) -> Case:
    """The run of a trial."""
    given = WORKLOADS[workload]
    samples = {"validation": VALIDATION, "train": given.trial}
    named = labels(workload=workload, algorithm=algorithm, trial=trial, seed=1)
    if algorithm == DIGITAL_ALGORITHM:
        run = digital_run(given, settings["learning_rate"], 1, samples=samples)
    else:
        own = {} if KNOWN[algorithm].direct else {"granularity": GRANULARITY}
        run = run_of(given, algorithm, own | dict(settings), TUNING_OFFSET, 1, samples=samples)
    kind = DIGITAL if algorithm == DIGITAL_ALGORITHM else GOLDEN
    return Case(experiment="tuning", labels=named, run=run, epochs=1, kind=kind)


def tune(
    workload: str,
    algorithm: str,
    store: Store,
    run: Callable[[Sequence[Case]], None],
    trials: int = TRIALS,
    keep: Callable[[Sequence[Trial]], None] = lambda trials: None,
) -> list[Trial]:
    """All trials of an algorithm; ``run`` brings the results of cases into the store, and ``keep`` gets all trials so
    far after every batch.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(
        seed=derive_key(1, workload, algorithm) % 2**32, n_startup_trials=STARTUP, multivariate=True
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study = optuna.create_study(sampler=sampler)
    found: list[Trial] = []
    while len(found) < trials:
        asked = [study.ask(space(algorithm)) for _ in range(min(TOGETHER, trials - len(found)))]
        settings = [rounded(one.params) for one in asked]
        cases = [case_of(workload, algorithm, some, one.number) for one, some in zip(asked, settings, strict=True)]
        run(cases)
        for one, some, case in zip(asked, settings, cases, strict=True):
            result = store.get(key(case))
            if result is None:
                raise RuntimeError(f"trial {one.number} of {algorithm} on {workload} has no result")
            metrics = result["metrics"]
            study.tell(one, metrics["loss"])
            found.append(
                Trial(
                    workload=workload,
                    algorithm=algorithm,
                    trial=one.number,
                    settings=some,
                    loss=metrics["loss"],
                    accuracy=metrics["accuracy"],
                    key=key(case),
                )
            )
        keep(found)
    return found


def adopt(trials: Sequence[Trial], store: Store) -> None:
    """Put the trials of a record into the store, where it has no result of its own: the tuning goes on from them."""
    store.add_all(
        (
            one.key,
            {"metrics": {"loss": one.loss, "accuracy": one.accuracy}, "curve": []},
            {"experiment": "tuning", "workload": one.workload, "algorithm": one.algorithm, "trial": one.trial},
        )
        for one in trials
        if store.get(one.key) is None
    )


def read(file: Path) -> list[Trial]:
    """The trials of a record; none where there is no file.

    Raises
    ------
    ValueError
        The file is not a record.
    """
    if not file.exists():
        return []
    try:
        return [Trial(**line) for line in json.loads(file.read_bytes())]
    except (TypeError, ValueError):
        raise ValueError(f"{str(file)!r}: must be a list of trials") from None


def write(file: Path, trials: Sequence[Trial]) -> None:
    """Write a record, a line for a trial."""
    order = {pair: place for place, pair in enumerate(PAIRS)}
    ordered = sorted(trials, key=lambda one: (order[one.workload, one.algorithm], one.trial))
    lines = [json.dumps(asdict(one)) for one in ordered]
    write_bytes(file, ("[\n" + ",\n".join(lines) + "\n]\n").encode())


def left(trials: Sequence[Trial]) -> list[tuple[str, str]]:
    """Workloads and algorithms that have not had all their trials."""
    done = [(one.workload, one.algorithm) for one in trials]
    return [pair for pair in PAIRS if done.count(pair) < TRIALS]


def untuned() -> Tuned:
    """Settings for every workload and algorithm as they are without tuning, with which all cases can be counted."""
    return {pair: {"learning_rate": Rates().learning_rate} for pair in PAIRS}


def best(trials: Sequence[Trial]) -> Tuned:
    """The settings of the best trial of every workload and algorithm that has had all of them."""
    unfinished, found = left(trials), {}
    for pair in PAIRS:
        some = [one for one in trials if (one.workload, one.algorithm) == pair]
        if some and pair not in unfinished:
            chosen = min(some, key=lambda one: one.loss).settings
            buffered = pair[1] != DIGITAL_ALGORITHM and not KNOWN[pair[1]].direct
            found[pair] = chosen | ({"granularity": GRANULARITY} if buffered else {})
    return found
