"""A task small enough for uncompiled runs: two classes of four inputs, tiles of 3x5 and 2x4."""

import numpy as np

from model.config import NAMED, TileConfig
from model.products import VALUE_ONE
from model.tasks import Task
from model.training import Trainer

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
        layers=(NAMED["tiny"], OUTPUT),
    )


def trainer(algorithm: str = "e-rider", **arguments) -> Trainer:
    """A trainer of the tiny task under a reference offset."""
    offset = {"reference_mean": 0.3, "reference_std": 0.1}
    return Trainer(**{"task": task(), "algorithm": algorithm, **offset, **arguments})


def digest(steps: int = 45, **arguments) -> str:
    """SHA-256 of the state after a short run."""
    run = trainer(**arguments)
    run.run(steps)
    return run.metrics().state_sha256


if __name__ == "__main__":
    print(digest())
