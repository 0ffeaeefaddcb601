# SPDX-License-Identifier: Apache-2.0
"""Explores designs: trials that Optuna suggests, each a run of the golden model, and their Pareto front.

Trials are asked for in batches of `TOGETHER`, and told in their order, whoever runs them and however many processes
there are; the sampler of trial n is seeded by the seed and n. So the same exploration has the same trials, also after
it was stopped: it is asked for from its start again and finds its results in the `Store`. With a storage of Optuna that
workers share, `model.study.workers`, trials are whichever come first instead.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from symtrack.model.arithmetic.noise import derive_key
from symtrack.model.study.case import Case, key
from symtrack.model.study.hardware import gates_of
from symtrack.model.study.space import Parameters, Value, applied, rounded
from symtrack.model.study.store import Result, Store
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer

TOGETHER, STARTUP, POPULATION = 8, 16, 24
SAMPLERS = ("tpe", "nsga2", "random")
REGRESSIONS = ("noisy-quadratic", "weight-programming")
OBJECTIVES = {
    "accuracy": ("maximize", "share of right answers on the test set"),
    "loss": ("minimize", "mean loss on the test set"),
    "pulses": ("minimize", "slots of updates and calibrations in which lines fire, and pulses written to W and R"),
    "coincidences": ("minimize", "steps of cells of P"),
    "cycles": ("minimize", "clock cycles of all tiles"),
    "gates": ("minimize", "NAND gates of all tiles by the closed form, without flip-flops and memories"),
}
Run = Callable[[Sequence[Case]], None]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A design that was tried.

    Attributes
    ----------
    number : from 0 on.
    parameters : what was varied.
    figures : all of `OBJECTIVES`, None for what the task does not have; none at all if it could not be run.
    key, state_sha256 : of the run, and of where it ended.
    refused : why it could not be run.
    """

    number: int
    parameters: dict[str, Value]
    figures: dict[str, float | None]
    key: str = ""
    state_sha256: str = ""
    refused: str = ""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is explored.

    Attributes
    ----------
    make : the run with values of parameters; ValueError says why there is none.
    ranges : of the parameters.
    objectives : names in `OBJECTIVES`.
    trials : how many.
    epochs, steps : of a run; one of them.
    sampler : one of `SAMPLERS`.
    seed : of the sampler.
    """

    make: Callable[[Parameters], TrainingSpec]
    ranges: Mapping[str, BaseDistribution]
    objectives: Sequence[str]
    trials: int
    epochs: int | None = None
    steps: int | None = None
    sampler: str = SAMPLERS[0]
    seed: int = 1

    def case(self, number: int, parameters: Parameters) -> Case:
        """The run of a trial."""
        named = (("trial", number), *parameters.items())
        run = self.make(parameters)
        return Case(experiment="exploration", labels=named, run=run, epochs=self.epochs, steps=self.steps)


def maker(spec: TrainingSpec, fixed: Parameters) -> Callable[[Parameters], TrainingSpec]:
    """What makes runs like one, with values of parameters; ``fixed`` are the same in all of them.

    It raises ValueError where a network or settings cannot be; what is written or calibrated first is not tried.
    """

    def make(parameters: Parameters) -> TrainingSpec:
        try:
            made = applied(spec, {**fixed, **parameters})
            Trainer(replace(made, calibration=0, weights=None, reference_start=None))
        except TypeError as error:
            raise ValueError(str(error)) from None
        return made

    return make


def figures_of(result: Result, spec: TrainingSpec) -> dict[str, float | None]:
    """The value of every objective."""
    metrics = result["metrics"]
    counts = metrics["counts"]
    pulses = counts["update_slots"] + counts["transfer_pulses"] + counts["reference_pulses"]  # calibrations are slots
    return {
        "accuracy": metrics["accuracy"],
        "loss": metrics["loss"],
        "pulses": pulses,
        "coincidences": counts["coincidences"],
        "cycles": counts["cycles"],
        "gates": gates_of(spec),
    }


class Exploration:
    """Asks Optuna for trials and tells it their results.

    Parameters
    ----------
    plan
        What is explored.
    store
        Results of runs.
    storage
        Optuna's, where others have theirs, too; None for one of this process.
    """

    def __init__(
        self, plan: Plan, store: Store, storage: optuna.storages.BaseStorage | None = None, name: str | None = None
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.plan, self.store = plan, store
        directions = [optuna.study.StudyDirection[OBJECTIVES[name][0].upper()] for name in plan.objectives]
        self.study = optuna.create_study(
            storage=storage, study_name=name, directions=directions, load_if_exists=name is not None
        )
        self._cases: dict[int, Case | None] = {}
        self._refused: dict[int, str] = {}

    @property
    def frozen(self) -> list[FrozenTrial]:
        """Trials as Optuna has them, but those of which a worker that was killed had not said all parameters."""
        return [one for one in self.study.get_trials(deepcopy=False) if set(one.params) == set(self.plan.ranges)]

    def ask(self) -> int:
        """The number of a new trial."""
        number = len(self.study.get_trials(deepcopy=False))
        self.study.sampler = _sampler(self.plan, number)
        asked = self.study.ask(dict(self.plan.ranges)).number
        self.case(asked)
        return asked

    def case(self, number: int) -> Case | None:
        """The run of a trial; None if it cannot be, which Optuna is told."""
        if number not in self._cases:
            parameters = rounded(self.study.get_trials(deepcopy=False)[number].params)
            try:
                self._cases[number] = self.plan.case(number, parameters)
            except ValueError as error:
                self._cases[number], self._refused[number] = None, str(error)
                self.study.tell(number, state=TrialState.FAIL, skip_if_finished=True)
        return self._cases[number]

    def tell(self, number: int) -> bool:
        """Tell the result of a trial; False if there is none yet."""
        case = self.case(number)
        result = None if case is None else self.store.get(key(case))
        if case is None or result is None:
            return case is None
        found = figures_of(result, case.run)
        self.study.tell(number, [found[name] for name in self.plan.objectives], skip_if_finished=True)  # type: ignore[misc]
        return True

    def run(self, run: Run, told: Callable[[int], None] = lambda count: None) -> None:
        """All trials; ``run`` brings the results of cases into the store, ``told`` hears of the number of trials that
        are over.
        """
        while (count := len(self.frozen)) < self.plan.trials:
            numbers = [self.ask() for _ in range(min(TOGETHER, self.plan.trials - count))]
            run([case for number in numbers if (case := self.case(number)) is not None])
            for number in numbers:
                if not self.tell(number):
                    raise RuntimeError(f"trial {number} has no result")
            told(len(self.frozen))

    def trials(self) -> list[Trial]:
        """All trials that are over."""
        found = []
        for one in self.frozen:
            case, parameters = self.case(one.number), rounded(one.params)
            if case is None:
                refused = self._refused[one.number]
                found.append(Trial(number=one.number, parameters=parameters, figures={}, refused=refused))
            elif (result := self.store.get(key(case))) is not None:
                figures, state = figures_of(result, case.run), result["metrics"]["state_sha256"]
                found.append(
                    Trial(number=one.number, parameters=parameters, figures=figures, key=key(case), state_sha256=state)
                )
        return found


def front(trials: Sequence[Trial], objectives: Sequence[str]) -> list[Trial]:
    """Trials that no other one is better than in an objective without being worse in another, each run once."""
    signs = [-1.0 if OBJECTIVES[name][0] == "maximize" else 1.0 for name in objectives]
    values, tried = {}, {}
    for one in trials:
        if not one.refused and one.key not in tried:
            tried[one.key] = one
            values[one.key] = [sign * float(one.figures[n] or 0.0) for sign, n in zip(signs, objectives, strict=True)]
    best = [
        one
        for name, one in tried.items()
        if not any(
            other != values[name] and all(a <= b for a, b in zip(other, values[name], strict=True))
            for other in values.values()
        )
    ]
    return sorted(best, key=lambda one: values[one.key])


def importances(study: optuna.Study, objectives: Sequence[str], seed: int) -> dict[str, dict[str, float]]:
    """Shares of the variance of each objective that parameters explain (fANOVA), the most important one first.

    None of an objective that is the same in all trials, or of fewer than four trials.
    """
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    found: dict[str, dict[str, float]] = {}
    for index, name in enumerate(objectives):
        if len(done) < 4 or len({one.values[index] for one in done}) < 2:
            continue
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=seed)

        def target(one: FrozenTrial, index: int = index) -> float:
            return float(one.values[index])

        found[name] = optuna.importance.get_param_importances(study, evaluator=evaluator, target=target)
    return found


def objectives_of(names: Sequence[str], spec: TrainingSpec | None) -> list[str]:
    """The names, checked.

    Raises
    ------
    ValueError
        One is none of `OBJECTIVES`, comes twice, or is none of the task's.
    """
    found = list(names)
    for name in found:
        if name not in OBJECTIVES:
            raise ValueError(f"objectives = {name!r}: must be of {', '.join(OBJECTIVES)}")
        if found.count(name) > 1:
            raise ValueError(f"objectives = {name!r}: must be there once")
    if not found:
        raise ValueError(f"objectives = {found!r}: must be one or more of {', '.join(OBJECTIVES)}")
    if spec is not None and "accuracy" in found and spec.task in REGRESSIONS:
        raise ValueError(f"objectives = 'accuracy': must be another one, such as loss, with the task {spec.task}")
    return found


def _sampler(plan: Plan, number: int) -> optuna.samplers.BaseSampler:
    seed = derive_key(plan.seed, "exploration", number) % 2**32
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if plan.sampler == "random":
            return optuna.samplers.RandomSampler(seed=seed)
        if plan.sampler == "nsga2":
            return optuna.samplers.NSGAIISampler(seed=seed, population_size=POPULATION)
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP)
