# SPDX-License-Identifier: Apache-2.0
"""Regression with a network: targets are vectors of values, learned by the mean squared error.

    delta = z - t,    loss = mean over samples and outputs of (z - t)**2 / 2

Targets have `VALUE_BITS` fractional bits and are from -8 to 8, where errors saturate.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import fsum

import numpy as np

from symtrack.model.arithmetic.activations import VALUE_MAX
from symtrack.model.arithmetic.converters import Converters, NoiseStream
from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.network.architecture import Architecture
from symtrack.model.network.network import Network
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.fixed import Int
from symtrack.model.tasks import samples
from symtrack.model.tasks.evaluation import Evaluation

TOGETHER = 100  # test samples that go through the network at once


@dataclass(frozen=True, kw_only=True)
class VectorRegression(samples.Sampled):
    """A regression task: the targets of a sample are what the outputs of the network should be.

    Attributes
    ----------
    train_x, test_x : int64[N, F], values from -1 to 1 with `VALUE_BITS` fractional bits.
    train_y, test_y : int64[N, R], values from -8 to 8.
    architecture, tile_configs, converters, scaling : see `model.tasks.task.Task`.

    Raises
    ------
    TypeError, ValueError
        As those of `model.tasks.task.Task`.
    """

    name: str
    train_x: Int
    train_y: Int
    test_x: Int
    test_y: Int
    architecture: Architecture
    tile_configs: tuple[TileConfig, ...]
    converters: Converters = field(default_factory=Converters)
    scaling: str = ""

    def __post_init__(self) -> None:
        self.architecture.check_tiles(self.tile_configs)
        samples.check_inputs(self, self.architecture.layers[0].inputs)
        for part in samples.PARTS:
            y = samples.integers(f"{part}_y", getattr(self, f"{part}_y"), "[samples, outputs]")
            allowed = len(getattr(self, f"{part}_x")), self.architecture.layers[-1].features
            if y.shape != allowed:
                text = f"must be {list(allowed)}, a row for every sample and a column for every output of the network"
                raise ValueError(f"{part}_y = {samples.form(y)}: {text}")
            samples.check_range(f"{part}_y", y, -VALUE_MAX, VALUE_MAX, "where errors saturate")
            object.__setattr__(self, f"{part}_y", y)

    def errors(self, outputs: Int, targets: Int) -> Int:
        """z - t for outputs z [n, R]."""
        return outputs - targets

    def evaluate(self, network: Network, noise: NoiseStream, step: int) -> Evaluation:
        """Half the mean squared error on the test set, rounded to 12 decimals."""
        squares: list[float] = []
        for first in range(0, len(self.test_x), TOGETHER):
            z = network.forward(self.test_x[first : first + TOGETHER], noise).outputs
            error = (z - self.test_y[first : first + TOGETHER]) / VALUE_ONE  # exact: below 2**53 before
            squares += np.square(error).ravel().tolist()
        return Evaluation(step, None, round(fsum(squares) / len(squares) / 2, 12))
