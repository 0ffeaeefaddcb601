# SPDX-License-Identifier: Apache-2.0
"""Tests of the tuning: trials repeat, the record is gone on from, and the best settings are those of the record."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from symtrack.model.study import paper, tuning
from symtrack.model.study.case import Case, key
from symtrack.model.study.store import Store
from symtrack.model.training.trainer import Trainer
from tests.paths import ROOT

SMALL = paper.Workload(task="digits", network={"hidden": (8,)}, device="1200 states", trial=30)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(paper.WORKLOADS, "mnist", SMALL)
    monkeypatch.setattr(tuning, "VALIDATION", 40)


def judged(store: Store, made: list[Case]):
    """In place of training: the loss is how far the fast rate is from 0.3."""

    def run(cases: Sequence[Case]) -> None:
        for case in cases:
            made.append(case)
            loss = abs(case.run.rates.fast_rate - 0.3) if case.run.algorithm != "analog-sgd" else 1.0
            store.add(key(case), {"metrics": {"loss": loss, "accuracy": 1 - loss}})

    return run


@pytest.mark.parametrize("algorithm", ["agad", "e-rider", "tt-v2", "rider", "e-rider-b", "digital-sgd"])
def test_trials_repeat_and_the_best_is_found(algorithm: str, tmp_path: Path) -> None:
    made, again = [], []
    store = Store(tmp_path / "one")
    trials = tuning.tune("mnist", algorithm, store, judged(store, made), trials=14)
    other = Store(tmp_path / "other")
    assert tuning.tune("mnist", algorithm, other, judged(other, again), trials=14) == trials
    assert [key(case) for case in made] == [key(case) for case in again]
    assert [one.trial for one in trials] == list(range(14))
    assert all(one.key == key(case) for one, case in zip(trials, made, strict=True))
    assert len({tuple(one.settings.items()) for one in trials}) == 14
    names = set(tuning.space(algorithm))
    assert all(set(one.settings) == names for one in trials)
    assert ("gamma" in names) == algorithm.endswith(("rider", "-b"))
    assert ("chopper_period" in names) == (algorithm in ("agad", "e-rider", "e-rider-b"))
    assert ("chopper_probability" in names) == (algorithm == "e-rider-b")


@pytest.mark.parametrize("pair", [pair for pair in tuning.PAIRS if pair[1] != paper.DIGITAL_ALGORITHM], ids=" ".join)
def test_every_choice_of_every_range_can_be_run(pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """At both ends of all ranges, on the devices and tiles of the workload and a network of the digits."""
    workload, algorithm = pair
    monkeypatch.undo()
    small = replace(paper.WORKLOADS[workload], task="digits", network={"hidden": (8,)}, trial=30)
    monkeypatch.setitem(paper.WORKLOADS, workload, small)
    monkeypatch.setattr(tuning, "VALIDATION", 40)
    ranges = tuning.space(algorithm)
    for end in (0, -1):
        chosen = {
            name: one.choices[end] if hasattr(one, "choices") else (one.low, one.high)[end]
            for name, one in ranges.items()
        }
        Trainer(tuning.case_of(workload, algorithm, chosen, 0).run).run(1)


def test_trials_are_trained_and_judged_without_the_test_set() -> None:
    case = tuning.case_of("mnist", "e-rider", {"fast_rate": 0.2, "filter_shift": 2}, 3)
    trainer = Trainer(case.run)
    assert (trainer.task.samples, len(trainer.task.test_y)) == (30, 40)
    whole = Trainer(replace(case.run, samples={})).task
    assert (trainer.task.test_x == whole.train_x[-40:]).all()
    assert (trainer.task.train_x == whole.train_x[:30]).all()
    assert (trainer.rates.fast_rate, trainer.rates.granularity) == (0.2, tuning.GRANULARITY)
    assert {tile.filter_shift for tile in trainer.task.tile_configs} == {2}


def test_the_record_is_gone_on_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "PAIRS", (("mnist", "agad"), ("mnist", "tt-v2")))
    monkeypatch.setattr(tuning, "TRIALS", 4)
    store, file = Store(tmp_path / "store"), tmp_path / tuning.RECORD
    assert tuning.read(file) == []
    assert tuning.left([]) == [("mnist", "agad"), ("mnist", "tt-v2")]
    trials = tuning.tune("mnist", "agad", store, judged(store, []), trials=4)
    tuning.write(file, [*reversed(trials)])
    assert tuning.read(file) == trials
    assert tuning.left(trials) == [("mnist", "tt-v2")]
    chosen = min(trials, key=lambda one: one.loss).settings
    assert tuning.best(trials) == {("mnist", "agad"): chosen | {"granularity": tuning.GRANULARITY}}
    assert tuning.best(trials[:3]) == {}


def test_a_tuning_that_was_stopped_goes_on_from_its_record_elsewhere(tmp_path: Path) -> None:
    store, kept = Store(tmp_path / "store"), []
    whole = tuning.tune("mnist", "agad", store, judged(store, []), trials=6, keep=lambda some: kept.append(list(some)))
    assert kept == [whole[:2], whole[:4], whole]
    elsewhere, made = Store(tmp_path / "elsewhere"), []
    tuning.adopt(kept[1], elsewhere)
    judge = judged(elsewhere, made)
    again = tuning.tune(
        "mnist",
        "agad",
        elsewhere,
        lambda cases: judge([case for case in cases if elsewhere.get(key(case)) is None]),
        trials=6,
    )
    assert again == whole
    assert [key(case) for case in made] == [one.key for one in whole[4:]]


def test_the_committed_trials_are_of_the_settings_that_they_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    trials = tuning.read(ROOT / "docs" / tuning.RECORD)
    assert trials
    for one in trials:
        assert key(tuning.case_of(one.workload, one.algorithm, one.settings, one.trial)) == one.key


@pytest.mark.parametrize("text", ["", "[", '[{"trial": 1}]'])
def test_what_is_no_record_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / tuning.RECORD).write_text(text)
    with pytest.raises(ValueError, match=r"tuning.json': must be a list of trials"):
        tuning.read(tmp_path / tuning.RECORD)
