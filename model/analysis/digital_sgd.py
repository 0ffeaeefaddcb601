# SPDX-License-Identifier: Apache-2.0
"""The baseline of all tables: a network of a task in floating point and without devices, learned by plain SGD.

    z_l = W_l (x_l, 1),    y_l = pool(f(z_l)),    W <- W - learning_rate * sum over the batch of delta (x, 1)^T
    start   W uniform within 1 / sqrt(columns), as s * W of the analog networks is

Samples and their order are those of the analog runs of the same seed. Floats are of numpy, in 32 bits, and may differ
in their last places from machine to machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.arithmetic.noise import derive_key
from symtrack.model.network.architecture import LayerPlan
from symtrack.model.network.convolution import Windows, Wiring, wiring
from symtrack.model.spec.fixed import Int
from symtrack.model.tasks.task import Task
from symtrack.model.training.spec import TrainingSpec

TOGETHER = 500  # samples of an evaluation at once
Real = NDArray[np.float32]


# Function and slope at the activation y, by the names of `model.arithmetic.activations.ACTIVATIONS`.
ACTIVATIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "tanh": (np.tanh, lambda y: 1 - y * y),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-np.maximum(z, -80))), lambda y: y * (1 - y)),
    "relu": (lambda z: np.maximum(z, 0), lambda y: y > 0),
}


@dataclass(frozen=True, kw_only=True)
class Passed:
    """What a layer keeps of a forward pass: its vectors, its activations, and what pooling chose."""

    vectors: Real
    activations: Real
    chosen: NDArray[np.int64] | None


class DigitalNetwork:
    """Layers of an architecture in floating point."""

    def __init__(self, task: Task, seed: int) -> None:
        architecture = task.architecture
        self.plans = architecture.layers
        self.wirings = [wiring(plan) for plan in self.plans]
        self.function, self.slope = ACTIVATIONS[architecture.activation]
        random = np.random.default_rng(derive_key(seed, "digital"))
        self.weights: list[Real] = []
        for plan in self.plans:
            bound = plan.columns**-0.5
            self.weights.append(random.uniform(-bound, bound, (plan.rows, plan.columns)).astype(np.float32))

    def forward(self, x: Real) -> tuple[Real, list[Passed]]:
        """Outputs [B, R] for inputs [B, F], and what learning needs."""
        passed: list[Passed] = []
        for index, (plan, wires, weights) in enumerate(zip(self.plans, self.wirings, self.weights, strict=True)):
            vectors = x[:, wires.patches].reshape(-1, plan.patch_size) if isinstance(wires, Windows) else x
            if plan.bias:
                vectors = np.hstack([vectors, np.ones((len(vectors), 1), vectors.dtype)])
            z = vectors @ weights.T
            if index + 1 == len(self.plans):
                return z, [*passed, Passed(vectors=vectors, activations=z, chosen=None)]
            activations: Real = self.function(z)
            x, chosen = _pool(activations, wires, plan)
            passed.append(Passed(vectors=vectors, activations=activations, chosen=chosen))
        raise AssertionError("a network has layers")

    def learn(self, passed: list[Passed], delta: Real, learning_rate: float) -> None:
        """A step along the gradient, from errors [B, R] at the outputs."""
        for index in range(len(self.plans) - 1, -1, -1):
            vectors, weights, plan = passed[index].vectors, self.weights[index], self.plans[index]
            gradient = delta @ weights[:, : plan.patch_size]
            self.weights[index] = weights - learning_rate * (delta.T @ vectors)
            if index:
                below, wires = passed[index - 1], self.wirings[index - 1]
                gradient = _unpool(_scatter(gradient, self.wirings[index], plan), below, wires)
                delta = gradient * self.slope(below.activations)


def _pool(y: Real, wires: Wiring, plan: LayerPlan) -> tuple[Real, NDArray[np.int64] | None]:
    """Values [B, G] of activations [B * P, R], and the patches [B, M, R] that they come from."""
    if not isinstance(wires, Windows):
        return y, None
    windows = y.reshape(-1, plan.patches, plan.rows)[:, wires.windows]  # [B, M, pool**2, R]
    which = windows.argmax(axis=2)
    pooled = np.take_along_axis(windows, which[:, :, None], axis=2)[:, :, 0]
    return pooled.reshape(len(pooled), -1), wires.windows[np.arange(len(wires.windows))[:, None], which]


def _unpool(gradient: Real, below: Passed, wires: Wiring) -> Real:
    """Gradient [B * P, R] at the activations of a layer from that at what it hands on [B, G]."""
    if not isinstance(wires, Windows) or below.chosen is None:
        return gradient
    count, windows, rows = below.chosen.shape
    result = np.zeros((count, wires.plan.patches, rows), gradient.dtype)
    np.put_along_axis(result, below.chosen, gradient.reshape(count, windows, rows), axis=1)
    return result.reshape(-1, rows)


def _scatter(gradient: Real, wires: Wiring, plan: LayerPlan) -> Real:
    """Gradient [B, F] at the inputs of a layer from that at its vectors."""
    if not isinstance(wires, Windows):
        return gradient
    parts = gradient.reshape(-1, plan.patches * plan.patch_size)
    places = wires.patches.reshape(-1)
    return np.stack([np.bincount(places, part, plan.inputs) for part in parts]).astype(gradient.dtype)


def _floats(words: Int) -> Real:
    return words.astype(np.float32) / np.float32(VALUE_ONE)


def _softmax(z: Real) -> Real:
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    shares: Real = powers / powers.sum(axis=1, keepdims=True)
    return shares


def train(spec: TrainingSpec, epochs: int) -> list[tuple[int, float, float]]:
    """Train by SGD with the learning rate, the batch, the schedule and the seed of a run; its devices have no part.

    Returns step, share of right answers and mean cross-entropy on the test set after every epoch.

    Raises
    ------
    TypeError
        The task is no classification.
    """
    task = spec.problem()
    if not isinstance(task, Task):
        raise TypeError(f"task = {task.name}: must be a classification")
    with threadpool_limits(1):  # the products are small, and studies have processes of their own
        return _train(task, spec, epochs)


def _train(task: Task, spec: TrainingSpec, epochs: int) -> list[tuple[int, float, float]]:
    network, curve, steps = DigitalNetwork(task, spec.seed), [], 0
    rate = spec.rates.learning_rate if spec.rates else 0.1
    test_x = _floats(task.test_x)
    for epoch in range(epochs):
        factor = spec.schedule.factor(epoch)
        for first in range(0, task.samples, spec.batch):
            count = min(spec.batch, task.samples - first)
            x, labels = task.draw(spec.seed, epoch * task.samples + first, count)
            z, passed = network.forward(_floats(x))
            delta = _softmax(z)
            delta[np.arange(count), labels] -= 1
            network.learn(passed, delta, rate * factor)
            steps += 1
        curve.append((steps, *_quality(network, test_x, task.test_y)))
    return curve


def _quality(network: DigitalNetwork, x: Real, labels: Int) -> tuple[float, float]:
    right, loss = 0, 0.0
    for first in range(0, len(x), TOGETHER):
        z, _ = network.forward(x[first : first + TOGETHER])
        wanted = labels[first : first + TOGETHER]
        right += int((z.argmax(axis=1) == wanted).sum())
        shares = _softmax(z)[np.arange(len(wanted)), wanted].astype(np.float64)
        loss -= float(np.log(np.maximum(shares, 1e-30)).sum())
    return right / len(x), loss / len(x)
