# SPDX-License-Identifier: Apache-2.0
"""Compiles the kernels that most tests need, so that the processes that share the tests do not all compile them.

`make test` does it while it checks the sources, which takes one core as long.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.devices import array, sharing
from symtrack.model.network import crossbar
from symtrack.model.network.standard_networks import network
from symtrack.model.tasks.task import Task
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer

SIZE = (8, 8)


def images(architecture: str, activation: str) -> Task:
    """A few samples of noise for a small network."""
    plan = network(SIZE, 10, architecture=architecture, activation=activation)
    x = np.random.default_rng(1).integers(0, VALUE_ONE, (8, 64))
    data = {"train_x": x, "train_y": np.arange(8), "test_x": x[:1], "test_y": np.arange(1)}
    return Task(name="compile", architecture=plan, tile_configs=plan.tiles(), **data)


if __name__ == "__main__":
    spec = TrainingSpec(task=images("lenet5", "sigmoid"), algorithm="e-rider", batch=4)
    for one in (spec, replace(spec, task=images("perceptron", "tanh"))):
        Trainer(one).run(3)
    sharing.Sharing.alone = lambda _: False  # type: ignore[method-assign]
    array.PARALLEL_CELLS = crossbar.PARALLEL_CELLS = crossbar.PARALLEL_PRODUCTS = 1
    Trainer(spec, threads=2).run(3)
