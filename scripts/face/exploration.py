# SPDX-License-Identifier: Apache-2.0
"""Explorations: a Pareto front of designs, found by trials that Optuna suggests and the golden model runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import BaseStorage

from symtrack.cosim.report.exploration_page import page
from symtrack.experiment import Experiment
from symtrack.hdl.output.package import to_toml
from symtrack.model.analysis.gates import recorded
from symtrack.model.files import write_all
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.validated import check
from symtrack.model.study.case import key
from symtrack.model.study.exploration import (
    OBJECTIVES,
    SAMPLERS,
    Exploration,
    Plan,
    Trial,
    front,
    importances,
    maker,
    objectives_of,
)
from symtrack.model.study.hardware import hardware
from symtrack.model.study.runner import run_all
from symtrack.model.study.space import PARAMETERS, Parameters, Value, known, space
from symtrack.model.study.store import Store
from symtrack.model.study.workers import Worker, name_of, open_storage
from symtrack.model.training.spec import TrainingSpec
from symtrack.scripts.common import progress
from symtrack.study import JOBS_MAX

TRIALS_MAX = 10**6
FRONT_OBJECTIVES = ("accuracy", "pulses", "cycles", "gates")
PAGE, TABLE, TILES = "explore.html", "trials.csv", "tiles"
Range = tuple[float, float] | Sequence[Value]
Command = Callable[[Parameters], str]


@dataclass(frozen=True, kw_only=True, eq=False)
class Explored:
    """What an exploration found.

    Attributes
    ----------
    plan : Plan
        What was explored.
    trials : list of Trial
        All of them, also those that could not be run, in their order.
    front : list of Trial
        Those that no other one is better than in one objective without being worse in another.
    importances : mapping
        Of each objective, the share of its variance that each parameter explains.
    train_command : function, optional
        Of the parameters of a trial, the command that repeats its run.
    """

    plan: Plan
    trials: list[Trial]
    front: list[Trial]
    importances: Mapping[str, Mapping[str, float]]
    train_command: Command | None = None

    def spec(self, trial: Trial) -> TrainingSpec:
        """The run of a trial."""
        return self.plan.make(trial.parameters)

    def tiles(self, trial: Trial) -> list[TileConfig]:
        """The configurations of its tiles, one for every netlist."""
        return list({config.fingerprint: config for config in hardware(self.spec(trial))}.values())

    def to_frame(self) -> pd.DataFrame:
        """A table with a line for every trial: number, parameters, figures, whether it is of the front, and keys."""
        best = {one.number for one in self.front}
        rows = [
            {"trial": one.number, **one.parameters, **one.figures, "front": one.number in best}
            | {"refused": one.refused, "state_sha256": one.state_sha256, "key": one.key}
            for one in self.trials
        ]
        columns = ["trial", *self.plan.ranges, *OBJECTIVES, "front", "refused", "state_sha256", "key"]
        return pd.DataFrame(rows, columns=columns)

    def page(self, command: str = "") -> str:
        """A report as one HTML page, which needs no other file; ``command`` is what makes it again."""
        best = [self._point(one) for one in self.front]
        fit = recorded()
        report = {
            "objectives": {name: OBJECTIVES[name] for name in self.plan.objectives},
            "parameters": list(self.plan.ranges),
            "trials": [vars(one) for one in self.trials],
            "front": best,
            "importances": self.importances,
            "sampler": self.plan.sampler,
            "seed": self.plan.seed,
            "gates": {"largest": fit.largest, "rms": fit.rms, "syntheses": fit.count},
        }
        return page(report, command)

    def _point(self, trial: Trial) -> dict[str, Any]:
        tiles = {config.name: config for config in self.tiles(trial)}
        return vars(trial) | {
            "tiles": {name: to_toml(config) for name, config in tiles.items()},
            "verilog": [
                f"symtrack generate-verilog --config {TILES}/{name}.toml --out verilog/{name}" for name in tiles
            ],
            "train": self.train_command(trial.parameters) if self.train_command else "",
        }

    def save(self, folder: str | Path, command: str = "") -> list[Path]:
        """Write the page, the table as CSV, and the TOML files of the front's tiles; returns the files."""
        folder = Path(folder)
        files = {folder / PAGE: self.page(command).encode()}
        files[folder / TABLE] = self.to_frame().to_csv(index=False).encode()
        for trial in self.front:
            for config in self.tiles(trial):
                files[folder / TILES / f"{config.name}.toml"] = to_toml(config).encode()
        for parent in {file.parent for file in files}:
            parent.mkdir(parents=True, exist_ok=True)
        write_all(files)
        return list(files)


def explore(
    experiment: Experiment | Callable[[dict[str, Any]], Experiment],
    *,
    folder: str | Path,
    epochs: int | None = None,
    steps: int | None = None,
    trials: int = 100,
    objectives: Sequence[str] = FRONT_OBJECTIVES,
    vary: Sequence[str] | Mapping[str, Range] | None = None,
    fix: Mapping[str, Value] | None = None,
    sampler: str = SAMPLERS[0],
    seed: int = 1,
    jobs: int = 1,
    storage: str | None = None,
) -> Explored:
    """Find the Pareto front of designs for a task: accuracy, pulses, cycles and gates over widths, lanes and rates.

    The same call has the same trials, also after it was stopped, as long as there is no ``storage``.

    Parameters
    ----------
    experiment
        An experiment, whose tiles, converters and gamma are varied, or a function that makes one of the parameters of a
        trial, a dict; a ValueError of it is a design that cannot be, and is listed.
    folder
        Where results of runs are kept; several processes and machines may share it, as that of a `Study`.
    epochs, steps
        How long each run is; exactly one of them.
    trials
        How many.
    objectives
        Of ``accuracy``, ``loss``, ``pulses``, ``coincidences``, ``cycles`` and ``gates``, see
        `model.study.exploration.OBJECTIVES`.
    vary
        Names in `model.study.space.PARAMETERS`, all of them unless told otherwise; or ranges by name, which for a
        function may have any name: ``(low, high)`` of two integers or two floats, or a list of choices.
    fix
        Values of parameters that all trials have.
    sampler
        ``"tpe"``, ``"nsga2"`` or ``"random"``.
    seed
        Of the sampler.
    jobs
        Processes.
    storage
        The path of a journal, or the URL of a database or proxy, by which workers share trials; see docs/cluster.md.

    Raises
    ------
    TypeError, ValueError
        An argument is not what it must be; the message names it, its value and what is allowed.

    Examples
    --------
    >>> data = symtrack.Dataset.classification(X, y)
    >>> found = symtrack.explore(symtrack.Experiment(data, network=[32]), folder="build/runs", epochs=2, trials=40)
    >>> found.to_frame().query("front")
    """
    if Path(folder).exists() and not Path(folder).is_dir():
        raise ValueError(f"folder = {str(folder)!r}: must be a folder, or the name of a new one")
    fixed = dict(fix or {})
    names = None if vary is None else [name for name in vary if isinstance(experiment, Experiment) or name not in fixed]
    if isinstance(experiment, Experiment):
        spec: TrainingSpec | None = experiment.spec
        make = maker(experiment.spec, fixed)
        ranges = space(experiment.spec, names, fixed)
    elif callable(experiment):
        spec, made = None, experiment
        ranges = {} if isinstance(vary, Mapping) else known(list(PARAMETERS) if names is None else names)

        def make(parameters: Parameters) -> TrainingSpec:
            one = made({**fixed, **parameters})
            if not isinstance(one, Experiment):
                raise TypeError(f"experiment: returns {one!r}: must return an Experiment")
            return one.spec

    else:
        raise TypeError(f"experiment = {experiment!r}: must be an Experiment, or a function that makes one")
    if isinstance(vary, Mapping):
        ranges |= {name: _range(name, given) for name, given in vary.items()}
    if not ranges:
        raise ValueError(f"vary = {vary!r}: must have one parameter at least")
    if sampler not in SAMPLERS:
        raise ValueError(f"sampler = {sampler!r}: must be one of {', '.join(SAMPLERS)}")
    if (steps is None) == (epochs is None):
        raise ValueError(f"steps = {steps}, epochs = {epochs}: exactly one of them must be given")
    plan = Plan(
        make=make,
        ranges=ranges,
        objectives=objectives_of(objectives, spec),
        trials=check("trials", trials, 1, TRIALS_MAX),
        epochs=epochs,
        steps=steps,
        sampler=sampler,
        seed=check("seed", seed, 0, 2**32 - 1),
    )
    jobs = check("jobs", jobs, 1, JOBS_MAX)
    return explored(plan, Store(Path(folder)), jobs, None if storage is None else open_storage(storage, Path(folder)))


def explored(
    plan: Plan, store: Store, jobs: int, storage: BaseStorage | None, train_command: Command | None = None
) -> Explored:
    """Run a plan, alone or with others by a storage of Optuna.

    Raises
    ------
    ValueError
        No trial can be run.
    """
    name = None if storage is None else name_of(plan, _content(plan))
    exploration = Exploration(plan, store, storage, name)
    with progress("explore", plan.trials, few=True) as advance:
        done = 0

        def told(count: int) -> None:
            nonlocal done
            advance(count - done)
            done = count

        if storage is None:
            exploration.run(lambda cases: run_all(cases, store, jobs), told)
        else:
            Worker(exploration, jobs).work(lambda cases: run_all(cases, store, jobs), told)
    trials = exploration.trials()
    best = front(trials, plan.objectives)
    if not best:
        raise ValueError(f"trials = {plan.trials}: none can be run: {trials[0].refused}")
    return Explored(
        plan=plan,
        trials=trials,
        front=best,
        importances=importances(exploration.study, plan.objectives, plan.seed),
        train_command=train_command,
    )


def _content(plan: Plan) -> str:
    """The key of the run with the first value of each parameter, or why there is none."""
    first: dict[str, Any] = {}
    for name, one in plan.ranges.items():
        first[name] = one.choices[0] if isinstance(one, CategoricalDistribution) else one.low  # type: ignore[attr-defined]
    try:
        return key(plan.case(0, first))
    except ValueError as error:
        return str(error)


def _range(name: str, given: Range) -> BaseDistribution:
    """The range that a pair of numbers or a list of choices says."""
    if isinstance(given, list) and given and all(isinstance(one, (int, float, str)) for one in given):
        return CategoricalDistribution(given)
    if isinstance(given, tuple) and len(given) == 2:
        low, high = given
        if isinstance(low, int) and isinstance(high, int) and low <= high:
            return IntDistribution(low, high)
        if isinstance(low, (int, float)) and isinstance(high, (int, float)) and low <= high:
            return FloatDistribution(float(low), float(high))
    raise ValueError(f"vary: {name} = {given!r}: must be (low, high), two numbers, or a list of numbers or texts")
