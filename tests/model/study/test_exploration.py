# SPDX-License-Identifier: Apache-2.0
"""Tests of explorations: trials repeat, stops lose nothing, fronts are right, and workers share trials."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from optuna.distributions import IntDistribution
from optuna.trial import TrialState

from symtrack.model.study import exploration
from symtrack.model.study.case import Case, key
from symtrack.model.study.exploration import Exploration, Plan, Trial, front, importances, objectives_of
from symtrack.model.study.space import PARAMETERS, Parameters, applied
from symtrack.model.study.store import Store
from symtrack.model.study.workers import Worker, name_of, open_storage
from symtrack.model.training.spec import TrainingSpec

SPEC = TrainingSpec(network={"hidden": [4]})
RANGES = {name: PARAMETERS[name] for name in ("adc_bits", "hidden_bits", "gamma")}
OBJECTIVES = ("accuracy", "pulses", "gates")


def make(parameters: Parameters) -> TrainingSpec:
    """A run; one width of the ADC cannot be."""
    if parameters["adc_bits"] == 9:
        raise ValueError("adc_bits = 9: must be another")
    return applied(SPEC, parameters)


PLAN = Plan(make=make, ranges=RANGES, objectives=OBJECTIVES, trials=40, epochs=1)


def result_of(case: Case) -> dict:
    """In place of training: more bits are better, and gamma costs pulses."""
    bits, gamma = case.run.tiles["adc_bits"], case.run.rates.gamma
    counts = {"update_slots": round(1000 * gamma), "transfer_pulses": 1, "reference_pulses": 0}
    counts |= {"coincidences": 2, "cycles": 3}
    metrics = {"accuracy": bits / 20 + gamma / 10, "loss": 1.0, "counts": counts, "calibration_slots": 5}
    return {"metrics": metrics | {"state_sha256": key(case)[:8]}}


class Runs:
    """Brings results into a store; stops after so many."""

    def __init__(self, store: Store, most: int = 10**6) -> None:
        self.store, self.most, self.made = store, most, list[str]()

    def __call__(self, cases: Sequence[Case]) -> None:
        self.store.refresh()
        for case in cases:
            if self.store.get(key(case)) is None:
                if len(self.made) == self.most:
                    raise KeyboardInterrupt
                self.made.append(key(case))
                self.store.add(key(case), result_of(case))


def explored(folder: Path, plan: Plan = PLAN) -> tuple[list[Trial], list[str]]:
    store = Store(folder)
    runs, found = Runs(store), Exploration(plan, store)
    found.run(runs)
    return found.trials(), runs.made


@pytest.mark.parametrize("sampler", exploration.SAMPLERS)
def test_trials_repeat_and_a_stop_loses_nothing(sampler: str, tmp_path: Path) -> None:
    plan = replace(PLAN, sampler=sampler)
    trials, made = explored(tmp_path / "one", plan)
    assert [one.number for one in trials] == list(range(40))
    assert explored(tmp_path / "other", plan) == (trials, made)
    store = Store(tmp_path / "stopped")
    stopped = Runs(store, most=13)
    with pytest.raises(KeyboardInterrupt):
        Exploration(plan, store).run(stopped)
    again, rest = explored(tmp_path / "stopped", plan)
    assert again == trials
    assert stopped.made + rest == made
    assert explored(tmp_path / "one", replace(plan, seed=2))[0] != trials


def test_what_cannot_be_run_is_listed(tmp_path: Path) -> None:
    trials, _ = explored(tmp_path)
    refused = [one for one in trials if one.refused]
    assert refused
    assert all(one.parameters["adc_bits"] == 9 and one.figures == {} for one in refused)
    assert refused[0].refused == "adc_bits = 9: must be another"
    assert not set(map(id, refused)) & set(map(id, front(trials, OBJECTIVES)))


def test_objectives_are_those_of_results(tmp_path: Path) -> None:
    trials, _ = explored(tmp_path)
    one = next(one for one in trials if not one.refused)
    gamma = one.parameters["gamma"]
    assert one.figures["pulses"] == round(1000 * gamma) + 1  # slots of calibrations are among those of updates
    assert (one.figures["coincidences"], one.figures["cycles"]) == (2, 3)
    assert one.figures["gates"] > 10_000


def test_the_front_is_what_nothing_is_better_than() -> None:
    rng = np.random.default_rng(3)
    trials = [
        Trial(number=n, parameters={}, figures={"accuracy": float(a), "gates": float(g)}, key=str(n))
        for n, (a, g) in enumerate(rng.integers(0, 12, (60, 2)))
    ]
    trials.append(replace(trials[0], number=60))  # the same run again
    best = {one.number for one in front(trials, ("accuracy", "gates"))}
    assert 60 not in best
    for one in trials[:60]:
        a, g = one.figures["accuracy"], one.figures["gates"]
        beaten = any(
            (b >= a and h <= g) and (b, h) != (a, g)
            for b, h in ((two.figures["accuracy"], two.figures["gates"]) for two in trials)
        )
        assert (one.number in best) == (not beaten)


def test_importance_finds_what_an_objective_depends_on(tmp_path: Path) -> None:
    store = Store(tmp_path)
    found = Exploration(PLAN, store)
    found.run(Runs(store))
    shares = importances(found.study, OBJECTIVES, 1)
    assert set(shares) == set(OBJECTIVES)
    assert next(iter(shares["pulses"])) == "gamma"
    assert sum(shares["gates"].values()) == pytest.approx(1)


def storage_of(kind: str, folder: Path) -> str:
    return {"journal": str(folder / "journal.log"), "sqlite": f"sqlite:///{folder}/trials.db"}[kind]


def shared(folder: Path, kind: str, plan: Plan = PLAN) -> Exploration:
    return Exploration(
        plan, Store(folder / "runs"), open_storage(storage_of(kind, folder), folder / "runs"), name_of(plan, "x")
    )


def test_a_worker_that_was_killed_over_a_trial_that_cannot_be_leaves_it_to_others(tmp_path: Path) -> None:
    plan = replace(PLAN, trials=3, ranges=RANGES | {"adc_bits": IntDistribution(9, 9)})
    killed = shared(tmp_path, "journal", plan)
    killed.study.ask(dict(plan.ranges))  # and it did not find out
    other = shared(tmp_path, "journal", plan)
    Worker(other).work(Runs(other.store, most=0))
    assert [one.refused for one in other.trials()] == ["adc_bits = 9: must be another"] * 3
    assert {one.state for one in other.study.get_trials()} == {TrialState.FAIL}


@pytest.mark.parametrize("kind", ["journal", "sqlite"])
def test_workers_share_trials_and_take_up_those_of_killed_ones(kind: str, tmp_path: Path) -> None:
    plan = replace(PLAN, trials=12)
    killed = shared(tmp_path, kind, plan)
    with pytest.raises(KeyboardInterrupt):
        Worker(killed, 3).work(Runs(killed.store, most=4))
    running = killed.study.get_trials(states=(TrialState.RUNNING,))
    assert running, "they are nobody's"
    half = killed.study.ask()  # killed before it had parameters
    heard: list[int] = []
    other = shared(tmp_path, kind, plan)
    runs = Runs(other.store)
    Worker(other).work(runs, heard.append)
    assert runs.made[0] == key(other.case(running[-1].number)) or len(running) > 1
    trials = other.trials()
    assert [one.number for one in trials if one.number == half.number] == []
    assert len(trials) == 12 == heard[-1]
    assert len(Store(tmp_path / "runs")) == len({one.key for one in trials if not one.refused})
    assert not other.study.get_trials(states=(TrialState.RUNNING,))
    third = shared(tmp_path, kind, plan)
    Worker(third).work(Runs(third.store, most=0))
    assert third.trials() == trials


def test_a_trial_that_another_works_on_is_left_to_it(tmp_path: Path) -> None:
    plan = replace(PLAN, trials=2, ranges=RANGES | {"adc_bits": IntDistribution(5, 8)})
    one, other = shared(tmp_path, "journal", plan), shared(tmp_path, "journal", plan)
    seen: list[list[int]] = []

    def run(cases: Sequence[Case]) -> None:
        theirs: list[int] = []
        if not seen:
            seen.append(theirs)
            Worker(other).work(lambda some: [theirs.append(dict(c.labels)["trial"]) or finish(some) for c in some])
        finish(cases)

    def finish(cases: Sequence[Case]) -> None:
        Runs(one.store)(cases)
        if seen and seen[0]:
            Runs(one.store)([one.case(0)])  # so that the other has an end

    Worker(one).work(run)
    assert seen == [[1]]
    assert [trial.number for trial in one.trials()] == [0, 1]


def test_other_plans_have_other_names() -> None:
    names = {name_of(plan, "x") for plan in (PLAN, replace(PLAN, seed=2), replace(PLAN, objectives=("loss",)))}
    assert len(names | {name_of(PLAN, "y")}) == 4
    assert name_of(replace(PLAN, trials=5), "x") == name_of(PLAN, "x"), "more trials go on"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "and its folder must be there"),
        ("/no/such/folder/journal", "and its folder must be there"),
        ("grpc://nowhere", "or grpc://HOST:PORT"),
        ("grpc://a:b", "or grpc://HOST:PORT"),
        ("nosql://a", "that can be reached"),
        ("sqlite:////no/such/folder/trials.db", "that can be reached"),
    ],
)
def test_bad_storages(text: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"storage = '{text}': must be the path of a journal file, .*{reason}"):
        open_storage(text, tmp_path)


def test_bad_objectives() -> None:
    for names, text in (
        (["speed"], "'speed': must be of accuracy"),
        ([], "must be one or more"),
        (["loss"] * 2, "once"),
    ):
        with pytest.raises(ValueError, match=text):
            objectives_of(names, SPEC)
    with pytest.raises(ValueError, match="objectives = 'accuracy': must be another one, such as loss"):
        objectives_of(["accuracy"], TrainingSpec(task="noisy-quadratic"))
