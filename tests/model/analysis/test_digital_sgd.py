# SPDX-License-Identifier: Apache-2.0
"""Tests of the digital baseline: its gradients are those of its loss, and it learns."""

from dataclasses import replace

import numpy as np
import pytest

from symtrack.model.analysis.digital_sgd import ACTIVATIONS, DigitalNetwork, train
from symtrack.model.arithmetic import activations
from symtrack.model.network.algorithms import Rates
from symtrack.model.network.architecture import Architecture, Convolution, Dense
from symtrack.model.training.spec import TrainingSpec
from tests.model.helpers import tiny


def double(task, seed: int = 1) -> DigitalNetwork:
    """A network whose floats have 64 bits, for differences."""
    network = DigitalNetwork(task, seed)
    network.weights = [weights.astype(np.float64) for weights in network.weights]
    return network


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("kind", ["dense", "images"])
def test_steps_follow_the_gradient(activation: str, kind: str) -> None:
    task = tiny.task() if kind == "dense" else tiny.images()
    layers = task.architecture.layers
    if kind == "images":  # two convolutions, so that errors go back through one
        layers = (
            Convolution(height=4, width=5, channels=1, kernel=2, filters=3),
            Convolution(height=3, width=4, channels=3, kernel=2, filters=2, pool=2),
            Dense(size_in=2, size_out=2),
        )
    architecture = Architecture(layers=layers, activation=activation)
    task = replace(task, architecture=architecture, tile_configs=architecture.tiles())
    network, random = double(task), np.random.default_rng(3)
    x, target = random.uniform(-1, 1, (5, layers[0].inputs)), random.uniform(-1, 1, (5, layers[-1].features))

    def loss() -> float:
        return float((network.forward(x)[0] * target).sum())  # whose derivative by the outputs is the target

    outputs, passed = network.forward(x)
    before = [weights.copy() for weights in network.weights]
    network.learn(passed, target, 1.0)
    steps = [old - new for old, new in zip(before, network.weights, strict=True)]
    for index, weights in enumerate(before):
        for place in [(0, 0), (-1, -1), (weights.shape[0] // 2, weights.shape[1] // 2)]:
            sides = []
            for sign in (-1, 1):
                network.weights = [one.copy() for one in before]
                network.weights[index][place] += sign * 1e-6
                sides.append(loss())
            assert (sides[1] - sides[0]) / 2e-6 == pytest.approx(steps[index][place], rel=1e-4, abs=1e-7)
    assert outputs.shape == (5, layers[-1].features)


def test_activations_are_those_of_the_golden_model() -> None:
    assert ACTIVATIONS.keys() == activations.ACTIVATIONS.keys()


def test_it_learns_and_repeats() -> None:
    spec = TrainingSpec(algorithm="analog-sgd", rates=Rates(learning_rate=0.05), samples={"train": 400, "test": 200})
    curve = train(spec, 3)
    assert [step for step, _, _ in curve] == [400, 800, 1200]
    assert curve[-1][1] > 0.85
    assert curve[-1][2] < curve[0][2]
    assert train(spec, 3) == curve
    assert train(replace(spec, seed=2), 3) != curve


def test_a_regression_is_refused() -> None:
    with pytest.raises(TypeError, match="task = noisy-quadratic: must be a classification"):
        train(TrainingSpec(task="noisy-quadratic", algorithm="analog-sgd"), 1)
