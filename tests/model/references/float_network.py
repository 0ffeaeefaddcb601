# SPDX-License-Identifier: Apache-2.0
"""Reference loss of a network in floating point, straight from the equations, one pixel at a time."""

from __future__ import annotations

import numpy as np

from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.network.architecture import Architecture, Convolution
from symtrack.model.network.network import Network

FUNCTIONS = {
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "relu": lambda z: np.minimum(np.maximum(z, 0), 8),
}


class FloatNetwork:
    """Weights and scales of a golden network as floating-point numbers."""

    def __init__(self, architecture: Architecture, network: Network) -> None:
        self.architecture = architecture
        self.weights = [layer.weights() / 2**30 for layer in network.layers]
        self.scales = [layer.scale / 2**30 for layer in network.layers]

    def loss(self, samples: np.ndarray, labels: np.ndarray) -> float:
        """Cross-entropy, summed over the samples, which are values."""
        total = 0.0
        for x, label in zip(samples / VALUE_ONE, labels, strict=True):
            for index in range(len(self.weights)):
                x = self._layer(index, x)
            total += np.log(np.exp(x).sum()) - x[label]
        return total

    def _layer(self, index: int, x: np.ndarray) -> np.ndarray:
        plan, weights, scale = self.architecture.layers[index], self.weights[index], self.scales[index]
        function = FUNCTIONS[self.architecture.activation]
        if not isinstance(plan, Convolution):
            z = scale * (weights @ np.append(x, 1.0))
            return z if index + 1 == len(self.weights) else function(z)
        image = x.reshape(plan.height, plan.width, plan.channels)
        rows, columns = plan.height - plan.kernel + 1, plan.width - plan.kernel + 1
        y = np.empty((rows, columns, plan.filters))
        for i in range(rows):
            for j in range(columns):
                patch = image[i : i + plan.kernel, j : j + plan.kernel].ravel()
                y[i, j] = function(scale * (weights @ np.append(patch, 1.0)))
        high, wide = rows // plan.pool, columns // plan.pool
        pooled = np.empty((high, wide, plan.filters))
        for i in range(high):
            for j in range(wide):
                window = y[i * plan.pool : (i + 1) * plan.pool, j * plan.pool : (j + 1) * plan.pool]
                pooled[i, j] = window.max(axis=(0, 1))
        return pooled.ravel()
