# SPDX-License-Identifier: Apache-2.0
"""Tests of which samples a task trains with and is tested on."""

import re

import numpy as np
import pytest

from symtrack.model.training.spec import TrainingSpec
from tests.model.helpers import tiny


def test_validation_holds_the_last_training_samples_out() -> None:
    task = tiny.task()
    apart = task.limited(validation=8)
    assert np.array_equal(apart.train_x, task.train_x[:24])
    assert np.array_equal(apart.test_x, task.train_x[24:])
    assert np.array_equal(apart.test_y, task.train_y[24:])
    fewer = task.limited(validation=8, train=5)
    assert (fewer.samples, len(fewer.test_y)) == (5, 8)
    assert np.array_equal(fewer.train_y, task.train_y[:5])


def test_seen_tests_on_samples_that_are_trained_with() -> None:
    task = tiny.task()
    seen = task.limited(train=10, seen=4)
    assert np.array_equal(seen.train_x, task.train_x[:10])
    assert np.array_equal(seen.test_x, task.train_x[:4])
    assert np.array_equal(seen.test_y, task.train_y[:4])


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ({"validation": 32}, "validation = 32: must be from 1 to 31"),
        ({"validation": 8, "train": 25}, "train_samples = 25: must be from 1 to 24"),
        ({"seen": 11, "train": 10}, "seen = 11: must be from 1 to 10"),
        ({"test": 4, "validation": 4}, "validation = 4: must be left out beside test, both are for tests"),
        ({"seen": 4, "validation": 4}, "seen = 4: must be left out beside validation"),
    ],
)
def test_samples_that_are_not_there_are_refused(samples: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        TrainingSpec(task=tiny.task(), samples=samples).problem()
