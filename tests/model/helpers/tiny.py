# SPDX-License-Identifier: Apache-2.0
"""Tiny tasks for uncompiled test runs: two classes of four inputs on tiles of 3x5 and 2x4, and images of 4 x 5."""

import numpy as np

from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.network.architecture import Architecture, Convolution, Dense
from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.model.tasks.task import Task
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer

OUTPUT = TileConfig(rows=2, columns=4, lanes=1, chopper_period=3, seed=2)


def task(samples: int = 32) -> Task:
    """The class is which half of the inputs is larger."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, VALUE_ONE + 1, (2 * samples, 4))
    y = (x[:, :2].sum(axis=1) > x[:, 2:].sum(axis=1)).astype(np.int64)
    return Task(
        name="tiny",
        train_x=x[:samples],
        train_y=y[:samples],
        test_x=x[samples:],
        test_y=y[samples:],
        architecture=Architecture(layers=(Dense(size_in=4, size_out=3), Dense(size_in=3, size_out=2))),
        tile_configs=(NAMED["tiny"], OUTPUT),
    )


def images(samples: int = 8) -> Task:
    """The class is which half of an image is brighter; a convolution and a dense layer, of three and of two tiles."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, VALUE_ONE + 1, (2 * samples, 20))
    y = (x[:, :10].sum(axis=1) > x[:, 10:].sum(axis=1)).astype(np.int64)
    layers = Convolution(height=4, width=5, channels=1, kernel=2, filters=3, pool=2), Dense(size_in=6, size_out=2)
    architecture = Architecture(layers=layers, activation="relu", tile_rows=1, tile_columns=7)
    return Task(
        name="images",
        train_x=x[:samples],
        train_y=y[:samples],
        test_x=x[samples:],
        test_y=y[samples:],
        architecture=architecture,
        tile_configs=tuple(config.replace(chopper_period=3) for config in architecture.tiles()),
    )


def trainer(algorithm: str = "e-rider", **arguments) -> Trainer:
    """A trainer of the tiny task under a reference offset."""
    offset = {"reference_mean": 0.3, "reference_std": 0.1}
    driven = {name: arguments.pop(name) for name in ("periphery", "threads") if name in arguments}
    return Trainer(TrainingSpec(**{"task": task(), "algorithm": algorithm, **offset, **arguments}), **driven)


def digest(steps: int = 45, **arguments) -> str:
    """SHA-256 of the state after a short run."""
    run = trainer(**arguments)
    run.run(steps)
    return run.metrics().state_sha256


if __name__ == "__main__":
    print(digest())
