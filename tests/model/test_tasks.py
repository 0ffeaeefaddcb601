"""Tasks: the networks that are built for them, limits, and that digits is what it always was."""

from itertools import pairwise

import numpy as np
import pytest

from model.algorithms import ALGORITHMS, Rates, settings
from model.config import NAMED
from model.metrics import state_sha256
from model.products import Converters
from model.tasks import INPUTS_MAX, TASKS, digits, perceptron
from model.training import Trainer
from tests.model.idx_files import write_folder

LSB = Converters().lsb
# of the states after 100 steps with E-RIDER under an offset of 0.3 ± 0.1; hidden layers of 32, and of 17 and 3
DIGITS_DIGEST = "06616bdd9190354572f3d0efbbc796dc35dd955a163a66dbc2928a6c3de14728"
MNIST1D_DIGEST = "fe2d296e76c6e7bd6fbc494031b2712a3978045c55bb6808301f82e3c9b8bffe"


def run_digest(task, steps: int = 100) -> str:
    trainer = Trainer(task=task, algorithm="e-rider", reference_mean=0.3, reference_std=0.1)
    trainer.run(steps)
    return state_sha256(trainer.network.state_arrays())


def test_default_layers_of_digits_are_the_named_ones() -> None:
    assert digits().layers == (NAMED["digits_hidden"], NAMED["digits_output"])
    assert digits(hidden=[32]).layers == digits().layers
    assert run_digest(digits()) == DIGITS_DIGEST


@pytest.mark.parametrize("hidden", [(), (1,), (3, 17), (256, 128), (INPUTS_MAX, 64, 33)])
def test_layers_follow_the_sizes(hidden: tuple[int, ...]) -> None:
    layers = perceptron(40, hidden, 10)
    sizes = (40, *hidden, 10)
    assert [(config.columns, config.rows) for config in layers] == [
        (inputs + 1, outputs) for inputs, outputs in pairwise(sizes)
    ]
    assert [config.seed for config in layers] == list(range(1, len(layers) + 1))
    for config in layers:  # settings() refuses a gain that does not fit its word
        assert config.rows % config.lanes == 0
        settings(ALGORITHMS["e-rider"], config=config, rates=Rates(), dw_min=0.001, lsb=LSB, warming_up=False)
    assert len({config.row_bank.sources[0].seed for config in layers}) == len(layers)


def test_signals_with_negative_points_train() -> None:
    task = TASKS["mnist1d"](hidden=(17, 3))
    assert task.train_x.min() < 0
    assert run_digest(task) == MNIST1D_DIGEST
    flipped = task.train_x.copy()
    flipped[:, 0] ^= 1 << 19
    assert run_digest(type(task)(**{**vars(task), "train_x": flipped})) != MNIST1D_DIGEST


def test_wide_layers_learn() -> None:
    task = digits(hidden=(130, 40)).limited(test=100)
    trainer = Trainer(task=task, algorithm="e-rider")
    before = trainer.evaluate().loss
    trainer.run(1437)
    assert trainer.evaluate().loss < before / 2


def test_idx(tmp_path) -> None:
    write_folder(tmp_path)
    task = TASKS["idx"](data=tmp_path, hidden=(5,))
    assert [(config.columns, config.rows) for config in task.layers] == [(13, 5), (6, 10)]
    assert run_digest(task, 12) == run_digest(TASKS["idx"](data=str(tmp_path), hidden=(5,)), 12)


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
        (lambda: digits(hidden=(0,)), r"hidden = 0: must be from 1 to 1023, the columns of a tile without the bias"),
        (lambda: digits(hidden=(32, 1024)), r"hidden = 1024: must be from 1 to 1023"),
        (lambda: perceptron(1024, (), 10), r"inputs = 1024: must be from 1 to 1023"),
        (lambda: TASKS["idx"](), r"data: must be given for the task idx"),
        (lambda: digits().limited(train=1438), r"train_samples = 1438: must be from 1 to 1437 for the task digits"),
        (lambda: digits().limited(test=0), r"test_samples = 0: must be from 1 to 360"),
    ],
)
def test_bad_values(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
