# SPDX-License-Identifier: Apache-2.0
"""Tests of the experiments of the paper's size: what they plan, and that all of it can be run."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.study import paper, questions, tuning
from symtrack.model.study.case import DIGITAL, GOLDEN, key
from symtrack.model.tasks import task as tasks
from symtrack.model.training.trainer import Trainer

TUNED = {
    pair: {"learning_rate": 0.1}
    | ({} if pair[1] in (paper.DIGITAL_ALGORITHM, *paper.LITERAL) else {"granularity": tuning.GRANULARITY})
    for pair in tuning.PAIRS
}


EXPERIMENTS = paper.EXPERIMENTS | questions.EXPERIMENTS


def labels(case) -> dict:
    return dict(case.labels)


def test_table_2_has_all_that_is_asked_for() -> None:
    cases = paper.table_2(TUNED)
    count = Counter((labels(case)["settings"], labels(case)["algorithm"], case.epochs) for case in cases)
    for algorithm in paper.ALGORITHMS:
        assert count["tuned", algorithm, 10] == count["paper", algorithm, 10] == 12 * 3
        assert count["paper", algorithm, 40] == 4 * 3
    for algorithm in paper.LITERAL:
        assert count["tuned", algorithm, 10] == 4 * 3
    assert count["tuned", paper.DIGITAL_ALGORITHM, 10] == 3
    assert sum(count.values()) == len(cases) == len({key(case) for case in cases})
    assert {case.kind for case in cases} == {GOLDEN, DIGITAL}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_what_is_planned_can_be_counted_before_anything_is_tuned(name: str) -> None:
    assert len(EXPERIMENTS[name](tuning.untuned())) == len(EXPERIMENTS[name](TUNED))


def test_without_tuned_settings_there_are_those_of_the_paper() -> None:
    assert {labels(case)["settings"] for case in paper.table_2({})} == {"paper"}
    assert paper.others({}) == []


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_choice_can_be_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On random images in place of the real ones, which need not be there."""

    def images(**options):
        x = np.random.default_rng(1).integers(0, VALUE_ONE + 1, (4, 784))
        return tasks._task("images", (x, np.arange(4), x, np.arange(4)), tasks.network((28, 28), 10, **options))

    for task in ("mnist", "fashion-mnist"):
        monkeypatch.setitem(tasks.TASKS, task, images)
    tried = set()
    for case in EXPERIMENTS[name](TUNED):
        names = ("workload", "settings", "algorithm", "reference", "parameter", "value", "gamma")
        chosen = tuple(labels(case).get(name) for name in names)
        if case.kind == GOLDEN and chosen not in tried:
            tried.add(chosen)
            trainer = Trainer(replace(case.run, batch=2, samples={}, calibration=min(case.run.calibration, 4)))
            trainer.run(1)
            assert trainer.steps_per_epoch == 2
    assert tried


def test_questions_have_all_that_is_asked_for() -> None:
    count = {name: len(make(TUNED)) for name, make in questions.EXPERIMENTS.items()}
    assert count["figure-4"] == 3 * 6 * 3
    assert count["figure-5"] == 4 * 3 * 3
    assert count["tracking"] == (3 + 4 + 2) * 3
    assert count["mnist-widths"] == (5 + 5 + 4 + 4 + 4 + 5) * 2
    for make in questions.EXPERIMENTS.values():
        cases = make(TUNED)
        assert len({case.labels for case in cases}) == len(cases)
        assert make({}) == []
    held = [case for case in questions.tracking(TUNED) if "held" in str(labels(case)["reference"])]
    assert all(not case.run.algorithm.filter and case.run.reference_start for case in held)
