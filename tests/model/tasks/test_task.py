# SPDX-License-Identifier: Apache-2.0
"""Tests of tasks: the samples of their steps, their limits, and that the digits task has not changed."""

from dataclasses import replace

import numpy as np
import pytest

from symtrack.model.network.standard_networks import network
from symtrack.model.tasks.task import TASKS, TILE_SEEDS, digits, with_seed
from symtrack.model.training.metrics import state_sha256
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer
from tests.model.helpers.idx_files import write_folder

# of devices and scales after 100 steps with E-RIDER under an offset of 0.3 ± 0.1; hidden layers of 32, and of 17 and 3
DIGITS_DIGEST = "ee9a2df8c6cfa2c82defa1e4ce4cc86de76efb6e93c2290a3ef220f6d0e1e650"
MNIST1D_DIGEST = "e10f76b50b6ae61afec00987b64dae8f7cd48e78cb120031faf70f58704b8594"


def run_digest(task, steps: int = 100) -> str:
    trainer = Trainer(TrainingSpec(task=task, algorithm="e-rider", reference_mean=0.3, reference_std=0.1))
    trainer.run(steps)
    ends = ("fast_state", "slow_state", "pulse_numbers", "scale", "noise_position")
    return state_sha256({name: array for name, array in trainer.network.state_arrays().items() if name.endswith(ends)})


def test_digits_is_what_it_always_was() -> None:
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
