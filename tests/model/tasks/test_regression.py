# SPDX-License-Identifier: Apache-2.0
"""Tests of the regression tasks: targets, streams, errors and metrics against floating point."""

from dataclasses import replace

import numpy as np
import pytest

from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.network.algorithms import Rates
from symtrack.model.tasks.regression import QUADRATIC_NOISE, Regression, noisy_quadratic, weight_programming
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer

ONE = 2**30


def test_target_is_a_clipped_normal() -> None:
    target = weight_programming().target / ONE
    assert target.shape == (20, 20)
    assert np.abs(target).max() == pytest.approx(0.6)
    assert np.std(target) == pytest.approx(0.3 * np.sqrt(0.9205), rel=0.08)  # variance of N(0, 1) clipped at 2
    assert abs(target.mean()) < 0.045
    assert np.array_equal(weight_programming().target, weight_programming().target)
    assert not np.array_equal(weight_programming().target[:5].ravel(), noisy_quadratic().target.ravel())


@pytest.mark.parametrize("make", [weight_programming, noisy_quadratic])
def test_samples_are_a_function_of_seed_and_number(make) -> None:
    task: Regression = make()
    x, targets = task.draw(3, 10, 6)
    for k in range(6):
        one = task.draw(3, 10 + k, 1)
        assert np.array_equal(one[0][0], x[k])
        assert np.array_equal(one[1][0], targets[k])
    assert not np.array_equal(task.draw(4, 10, 6)[1], targets)
    assert not np.array_equal(task.draw(3, 11, 6)[1], targets)


def test_inputs_and_errors_of_weight_programming() -> None:
    task = weight_programming()
    x, targets = task.draw(1, 0, 500)
    real = x / VALUE_ONE
    assert abs(real.mean()) < 0.03
    assert real.std() == pytest.approx(1, abs=0.03)
    outputs = np.zeros_like(targets)
    exact = -real @ (task.target / ONE).T
    assert np.abs(task.errors(outputs, targets) / VALUE_ONE - exact).max() < 0.51 / VALUE_ONE


def test_errors_of_noisy_quadratic() -> None:
    task = noisy_quadratic()
    x, targets = task.draw(1, 0, 500)
    assert np.all(x == VALUE_ONE)
    noise = targets / VALUE_ONE - (task.target / ONE).T
    assert noise.std() == pytest.approx(QUADRATIC_NOISE, rel=0.01)
    assert abs(noise.mean()) < 0.01
    assert abs(np.corrcoef(noise[:, 0], noise[:, 1])[0, 1]) < 0.15  # cells are independent


@pytest.mark.parametrize("make", [weight_programming, noisy_quadratic])
def test_rms_error_and_loss(make) -> None:
    task: Regression = make()
    trainer = Trainer(TrainingSpec(task=task, algorithm="tt-v2"))
    trainer.run(20)
    layer = trainer.network.layers[0]
    weights = layer.tile.slow.weights / ONE
    metrics = trainer.metrics()
    assert metrics.accuracy is None
    assert metrics.rms_error == pytest.approx(np.sqrt(((weights - task.target / ONE) ** 2).mean()), rel=1e-5)
    assert layer.scale == ONE
    x, targets = replace(task, noise=0.0).draw(9, 0, 4000)
    delta = x / VALUE_ONE @ weights.T - targets / VALUE_ONE
    assert metrics.loss == pytest.approx((delta**2).mean() / 2, rel=0.03)


def test_errors_of_the_tile_are_those_of_the_weights() -> None:
    task = weight_programming()
    trainer = Trainer(TrainingSpec(task=task, algorithm="tt-v2"))
    trainer.run(300)
    x, targets = task.draw(2, 0, 10)
    delta = task.errors(trainer.network.forward(x).outputs, targets) / VALUE_ONE
    exact = x / VALUE_ONE @ ((trainer.network.layers[0].weights() - task.target) / ONE).T
    assert np.abs(delta - exact).max() < 2e-3  # 16-bit converters


@pytest.mark.parametrize("make", [weight_programming, noisy_quadratic])
def test_analog_sgd_on_fine_devices_comes_near_the_target(make) -> None:
    device = SoftBoundsReference(dw_min=1e-4, w_max=1.5, w_min=-1.5)
    trainer = Trainer(
        TrainingSpec(task=make(), algorithm="analog-sgd", devices=device, rates=Rates(learning_rate=0.02))
    )
    before = trainer.evaluate().rms_error
    trainer.run(1500)
    after = trainer.evaluate().rms_error
    assert before is not None
    assert after is not None
    assert after < before / 4


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"noise": -0.1}, "noise = -0.1: must be from 0 to 4"),
        ({"noise": float("nan")}, "noise = nan: must be"),
        ({"noise": "0.3"}, "noise = '0.3': must be a number from 0 to 4"),
        ({"normal_inputs": 1}, "normal_inputs = 1: must be true or false"),
        ({"target": np.zeros((20, 19), dtype=np.int64)}, r"target: must be int64\[20, 20\], of the rows and columns"),
        ({"target": np.zeros((20, 20))}, r"target: must be int64\[20, 20\]"),
        ({"target": np.full((20, 20), 5 * ONE)}, "target: must be weights from -4 to 4"),
    ],
)
def test_parameters_are_checked(changed: dict[str, object], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        replace(weight_programming(), **changed)
