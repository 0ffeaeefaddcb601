# SPDX-License-Identifier: Apache-2.0
"""Tests of regression with a network: its errors and loss are those of the equations, and it learns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from symtrack.model.arithmetic.converters import NoiseStream
from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.network.algorithms import Rates
from symtrack.model.tasks.dataset import Dataset
from symtrack.model.tasks.vector_regression import VectorRegression
from symtrack.model.training.metrics import state_sha256
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer

RNG = np.random.default_rng(5)
X = RNG.uniform(-1, 1, (240, 4))
Y = np.stack([X[:, 0] - X[:, 2], X[:, 1]], axis=1)


@pytest.fixture(scope="module")
def task() -> VectorRegression:
    found = Dataset.regression(X, Y, test=40).task([6])
    assert isinstance(found, VectorRegression)
    return found


def test_the_loss_is_half_the_mean_squared_error(task: VectorRegression) -> None:
    trainer = Trainer(TrainingSpec(task=task))
    z = np.concatenate(
        [trainer.network.forward(task.test_x[first : first + 100], NoiseStream(9, 0)).outputs for first in (0,)]
    )
    expected = np.mean(((z - task.test_y) / VALUE_ONE) ** 2) / 2
    found = task.evaluate(trainer.network, NoiseStream(9, 0), 0)
    assert found.loss == pytest.approx(expected, abs=1e-12)
    assert (found.accuracy, found.rms_error) == (None, None)
    assert task.errors(z, task.test_y).tolist() == (z - task.test_y).tolist()


def test_it_learns_and_every_epoch_has_all_samples(task: VectorRegression) -> None:
    rates = Rates.of("e-rider", learning_rate=0.4, fast_rate=1.0)
    trainer = Trainer(TrainingSpec(task=task, reference_mean=0.3, reference_std=0.1, seed=2, rates=rates))
    before = trainer.evaluate().loss
    trainer.run(12 * trainer.steps_per_epoch)
    assert trainer.evaluate().loss < before / 3
    drawn = [task.draw(2, first, 1)[0].tobytes() for first in range(200, 400)]
    assert sorted(drawn) == sorted(row.tobytes() for row in task.train_x)


def test_targets_are_part_of_what_a_run_is(task: VectorRegression) -> None:
    plain = Trainer(TrainingSpec(task=task))
    changed = task.train_y.copy()
    changed[0, 0] += 1
    other = Trainer(TrainingSpec(task=replace(task, train_y=changed)))
    assert plain.settings != other.settings
    digests = set()
    for trainer in (plain, Trainer(TrainingSpec(task=task), threads=2)):
        trainer.run(60)
        digests.add(state_sha256(trainer.network.state_arrays()))
    assert len(digests) == 1


def test_limits_take_the_first_samples(task: VectorRegression) -> None:
    short = task.limited(train=7, test=3)
    assert (short.samples, len(short.test_x)) == (7, 3)
    assert np.array_equal(short.train_y, task.train_y[:7])
    with pytest.raises(ValueError, match="train_samples = 999: must be from 1 to 200 for the task regression"):
        task.limited(train=999)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_y": np.zeros((200, 3), np.int64)}, r"train_y = int64\[200, 3\]: must be \[200, 2\], a row for every"),
        (
            {"test_y": np.full((40, 2), 9 * VALUE_ONE)},
            r"test_y\[0, 0\] = 9437184: must be from -8388608 to 8388608, wh",
        ),
        ({"train_x": np.full((200, 4), 2 * VALUE_ONE)}, r"train_x\[0, 0\] = 2097152: must be from -1048576 to 1048576"),
    ],
)
def test_bad_data_are_refused(task: VectorRegression, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(task, **changes)
