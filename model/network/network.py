# SPDX-License-Identifier: Apache-2.0
"""A network on analog tiles: layers of any architecture, learned from the errors at its end.

    z_l = scale_l * W_l (x_l, 1) for every patch x_l,    y_l = pool(f(z_l)),    outputs z_L
    delta_{l-1} = unpool(scatter(scale_l * W_l^T delta_l)) * f'(z_{l-1})

Products and gradients of a batch are those of the weights before it; then every tile makes an update with each pair of
vectors and errors, in order, and the transfers that are due. Everything is integer; errors saturate at +-8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from symtrack.model.arithmetic.activations import ACTIVATIONS, VALUE_MAX, through
from symtrack.model.arithmetic.converters import NoiseStream
from symtrack.model.arithmetic.noise import derive_key
from symtrack.model.network.architecture import Architecture
from symtrack.model.network.crossbar import Crossbar
from symtrack.model.network.layer import Layer, Learning
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.fixed import Int, bounded
from symtrack.model.state import Arrays


@dataclass
class Pass:
    """Results of a forward pass that learning needs, one list item per layer.

    Attributes
    ----------
    vectors, sums : int64[n, C] and int64[n, R], what goes into the weights and comes out, before the scale.
    activations : int64[n, R], of all layers but the last.
    chosen : what pooling chose, of all layers but the last.
    outputs : int64[B, R], values, of the network.
    """

    vectors: list[Int] = field(default_factory=list)
    sums: list[Int] = field(default_factory=list)
    activations: list[Int] = field(default_factory=list)
    chosen: list[Int | None] = field(default_factory=list)
    outputs: Int = field(default_factory=lambda: np.zeros((0, 0), np.int64))


class Network:
    """Layers and the noise of their products.

    Parameters
    ----------
    architecture, configs
        Its layers, and a configuration for every tile, in the order of `Architecture.tiles`.
    learning
        Algorithm, rates and physics of all tiles; the maker of a tile's periphery from its configuration; the seed of
        devices, noise and starting weights; threads of an update, of which no result depends.
    """

    def __init__(self, *, architecture: Architecture, configs: Sequence[TileConfig], learning: Learning) -> None:
        architecture.check_tiles(configs)
        left = iter(configs)
        self.layers = [
            Layer(index=index, plan=plan, grid=grid, configs=[next(left) for _ in grid.shapes()], learning=learning)
            for index, (plan, grid) in enumerate(zip(architecture.layers, architecture.grids(), strict=True))
        ]
        self.activation = ACTIVATIONS[architecture.activation]
        self.noise = NoiseStream(derive_key(learning.seed, "products"))

    @property
    def tiles(self) -> list[Crossbar]:
        """All tiles, layer by layer."""
        return [tile for layer in self.layers for tile in layer.tiles]

    @property
    def pulsed(self) -> list[Crossbar]:
        """Those whose P the updates pulse: all tiles but the coarser stages of chains."""
        return [trained.tile for layer in self.layers for trained in layer.trained.values()]

    def forward(self, x: Int, noise: NoiseStream | None = None) -> Pass:
        """The pass for inputs [B, F] without bias; with a ``noise`` of its own it changes nothing but that."""
        result = Pass()
        for index, layer in enumerate(self.layers):
            result.vectors.append(layer.vectors(x))
            result.sums.append(layer.forward(result.vectors[-1], noise or self.noise))
            z = layer.scaled(result.sums[-1])
            if index + 1 == len(self.layers):
                result.outputs = z
            else:
                result.activations.append(self.activation.function(z))
                x, chosen = layer.wiring.pool(result.activations[-1])
                result.chosen.append(chosen)
        return result

    def learn(self, done: Pass, delta: Int) -> None:
        """Learn from errors delta [B, R] at the outputs of a pass."""
        deltas = [bounded(delta, -VALUE_MAX, VALUE_MAX)]
        for index in range(len(self.layers) - 1, 0, -1):
            layer, below = self.layers[index], self.layers[index - 1]
            gradient = layer.wiring.scatter(layer.backward(deltas[0], self.noise))
            gradient = below.wiring.unpool(gradient, done.chosen[index - 1])
            slope = self.activation.slope(done.activations[index - 1])
            deltas.insert(0, through(gradient, slope))
        for layer, x, sums, error in zip(self.layers, done.vectors, done.sums, deltas, strict=True):
            layer.learn(x, sums, error, self.noise)

    def calibrate(self, pulses: int) -> None:
        """Zero-shifting of P in all tiles, see `model.network.learning_tile.LearningTile.calibrate`."""
        for layer in self.layers:
            for trained in layer.trained.values():
                trained.calibrate(pulses, self.noise)

    def set_rate(self, factor: float) -> None:
        """Multiply the learning rate of all layers by ``factor``. Raises ValueError if there is no such setting."""
        for layer in self.layers:
            layer.set_rate(factor)

    def state_arrays(self) -> dict[str, np.ndarray]:
        """All state by name; two runs are equal exactly if these are."""
        arrays = {"noise_position": np.array(self.noise.position)}
        for layer in self.layers:
            arrays |= layer.state_arrays()
        return arrays

    def counters(self) -> dict[str, np.ndarray]:
        """What the tiles have counted beside their state, by name."""
        return {name: array for layer in self.layers for name, array in layer.counters().items()}

    def restore(self, arrays: Arrays) -> None:
        """Back to the state of `state_arrays` and `counters`."""
        for layer in self.layers:
            layer.restore(arrays)
        self.noise.position = int(arrays["noise_position"])
