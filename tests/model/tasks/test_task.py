# SPDX-License-Identifier: Apache-2.0
"""Tests of tasks: the samples of their steps, their limits, and that the digits task has not changed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.network.standard_networks import network
from symtrack.model.tasks.task import TASKS, TILE_SEEDS, Task, digits, with_seed
from symtrack.model.training.metrics import state_sha256
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer
from tests.model.helpers import tiny
from tests.model.helpers.idx_files import write_folder

# of devices and scales after 100 steps with E-RIDER under an offset of 0.3 ± 0.1; hidden layers of 32, and of 17 and 3
DIGITS_DIGEST = "c292ffabd2e7e5e4a71bff54e73f0325f73a9216e60efbf9c3ce63d50595f9ad"
MNIST1D_DIGEST = "bd1ee92746f9dde825668a00081f070fcc319bffba44d7231fcd17f6c8958dd8"


def run_digest(task, steps: int = 100) -> str:
    trainer = Trainer(TrainingSpec(task=task, algorithm="e-rider", reference_mean=0.3, reference_std=0.1))
    trainer.run(steps)
    ends = ("fast_state", "slow_state", "pulse_numbers", "scale", "noise_position")
    return state_sha256({name: array for name, array in trainer.network.state_arrays().items() if name.endswith(ends)})


def test_digits_is_what_it_was() -> None:
    assert run_digest(digits()) == DIGITS_DIGEST
    assert digits(hidden=[32]).tile_configs == digits().tile_configs


def test_signals_with_negative_points_train() -> None:
    task = TASKS["mnist1d"](hidden=(17, 3))
    assert task.train_x.min() < 0
    assert run_digest(task) == MNIST1D_DIGEST
    flipped = task.train_x.copy()
    flipped[:, 0] ^= 1 << 19
    assert run_digest(type(task)(**{**vars(task), "train_x": flipped})) != MNIST1D_DIGEST


def test_wide_layers_learn() -> None:
    task = digits(hidden=(130, 40)).limited(test=100)
    trainer = Trainer(TrainingSpec(task=task, algorithm="e-rider"))
    before = trainer.evaluate().loss
    trainer.run(1437)
    assert trainer.evaluate().loss < before / 2


def test_idx(tmp_path) -> None:
    write_folder(tmp_path)
    task = TASKS["idx"](data=tmp_path, hidden=(5,))
    assert [(config.columns, config.rows) for config in task.tile_configs] == [(13, 5), (6, 10)]
    assert run_digest(task, 12) == run_digest(TASKS["idx"](data=str(tmp_path), hidden=(5,)), 12)


def test_every_epoch_has_all_samples_in_an_order_of_its_own() -> None:
    task = digits().limited(train=7)
    epochs = []
    for epoch in range(3):
        parts = [task.draw(3, 7 * epoch + first, count)[0] for first, count in ((0, 2), (2, 4), (6, 1))]
        epochs.append(np.concatenate(parts))
        assert sorted(epochs[-1].tolist()) == sorted(task.train_x.tolist())
    assert not np.array_equal(epochs[0], epochs[1])
    assert not np.array_equal(epochs[0], task.draw(4, 0, 7)[0])
    x, y = task.draw(3, 9, 1)
    assert y[0] == task.train_y[task.train_x.tolist().index(x[0].tolist())]


def test_limits_take_the_first_samples() -> None:
    task = digits()
    small = task.limited(train=17, test=3)
    assert np.array_equal(small.train_x, task.train_x[:17])
    assert np.array_equal(small.train_y, task.train_y[:17])
    assert np.array_equal(small.test_x, task.test_x[:3])
    assert np.array_equal(small.test_y, task.test_y[:3])
    assert len(task.limited().train_y) == 1437


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: digits(hidden=(0,)), r"hidden = 0: must be from 1 to 65535"),
        (lambda: TASKS["mnist1d"](architecture="lenet5"), r"architecture = 'lenet5': must be another for inputs of 40"),
        (
            lambda: replace(digits(), architecture=network((40,), 10), tile_configs=network((40,), 10).tiles()),
            r"architecture.layers\[0\].inputs = 40: must be 64, what a sample has",
        ),
        (lambda: TASKS["idx"](), r"data: must be given for the task idx"),
        (lambda: digits().limited(train=1438), r"train_samples = 1438: must be from 1 to 1437 for the task digits"),
        (lambda: digits().limited(test=0), r"test_samples = 0: must be from 1 to 360"),
    ],
)
def test_bad_values(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_every_tile_seed_has_random_sources_of_its_own() -> None:
    task = digits()
    assert with_seed(task, 1).tile_configs == task.tile_configs
    sources = [layer.seed for seed in (1, 2, TILE_SEEDS) for layer in with_seed(task, seed).tile_configs]
    assert len(set(sources)) == len(sources)
    with pytest.raises(ValueError, match=r"^tile_seed = 0: must be from 1 to 65536$"):
        with_seed(task, 0)


def changed(**changes: Any) -> Callable[[], Task]:
    return lambda: replace(tiny.task(), **changes)


X, Y = tiny.task().train_x, tiny.task().train_y


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (changed(train_y=Y - 1), ValueError, r"train_y\[\d+\] = -1: must be from 0 to 1, one for every output"),
        (changed(test_y=Y + 1), ValueError, r"test_y\[\d+\] = 2: must be from 0 to 1"),
        (changed(train_y=Y[:-2]), ValueError, r"train_y = int64\[30\]: must be 32 labels, one for every sample"),
        (changed(test_x=X[:-2]), ValueError, r"test_y = int64\[32\]: must be 30 labels"),
        (changed(train_y=Y[:, None]), ValueError, r"train_y = int64\[32, 1\]: must be an array \[samples\]"),
        (changed(train_y=Y / 1), TypeError, r"train_y = float64\[32\]: must be an array of integers, classes from 0"),
        (changed(train_y=Y > 0), TypeError, r"train_y = bool\[32\]: must be an array of integers"),
        (changed(train_y=list(Y)), TypeError, r"train_y = list: must be an array of integers"),
        (
            changed(train_x=X / VALUE_ONE),
            TypeError,
            r"train_x = float64\[32, 4\]: must be an array of integers, values",
        ),
        (changed(test_x=X.astype(np.float32)), TypeError, r"test_x = float32\[32, 4\]: must be an array of integers"),
        (changed(train_x=X + VALUE_ONE), ValueError, r"train_x\[\d+, \d\] = \d+: must be from -1048576 to 1048576"),
        (changed(train_x=X.ravel()), ValueError, r"train_x = int64\[128\]: must be an array \[samples, inputs\]"),
        (changed(train_x=X[:, :3]), ValueError, r"layers\[0\].inputs = 4: must be 3, what a sample has"),
        (changed(test_x=X[:, :3]), ValueError, r"test_x = int64\[32, 3\]: must have 4 inputs, as train_x has"),
        (changed(train_x=X[:0], train_y=Y[:0]), ValueError, r"train_x = int64\[0, 4\]: must have at least one sample"),
        (
            changed(train_x=X % 256, test_x=X % 17),
            ValueError,
            r"train_x, test_x = \d+ at most: must reach 65536 at least",
        ),
        (changed(train_x=(X % 2**16).astype(np.uint16), test_x=X % 2), ValueError, r"at most: must reach 65536"),
    ],
)
def test_data_that_cannot_be_learned_are_refused(
    make: Callable[[], Task], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as found:
        make()
    assert "\n" not in str(found.value)


def test_integers_of_any_kind_are_the_same_task() -> None:
    task = replace(tiny.task(), train_x=X.astype(np.int32), train_y=Y.astype(np.uint8))
    assert (task.train_x.dtype, task.train_y.dtype) == (np.int64, np.int64)
    digests = set()
    for one in (task, tiny.task()):
        trainer = Trainer(TrainingSpec(task=one))
        trainer.run(3)
        digests.add((trainer.settings["task.train_x"], trainer.metrics().state_sha256))
    assert len(digests) == 1
