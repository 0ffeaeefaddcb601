# SPDX-License-Identifier: Apache-2.0
"""One layer of a network: a weight matrix on a grid of learning tiles, with its output scale.

    z = s * W x             block rows of W one above the other, partial sums of the block columns added digitally
    g = s * W^T delta       block columns side by side, partial sums of the block rows added digitally
    s <- max(s - scale_rate * sum(delta * W x), 2**-30)        over all vectors and rows, unless s is fixed

W x in the last line, z and g saturate at +-4096. The gradient of s does not go through s, so even the smallest s has
one. Every tile has its own converters, update management, periphery and transfers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symtrack.model.arithmetic.activations import inverse_root
from symtrack.model.arithmetic.converters import NoiseStream
from symtrack.model.arithmetic.formats import SUM_MAX, VALUE_BITS, VALUE_ONE
from symtrack.model.compiled import njit
from symtrack.model.network.architecture import LayerPlan, TileGrid
from symtrack.model.network.chain import make_tile
from symtrack.model.network.convolution import wiring
from symtrack.model.network.crossbar import Crossbar
from symtrack.model.network.learning_tile import Learning
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.fixed import Int, round_shift
from symtrack.model.state import Arrays, named, part_of

SCALE_BITS = 30  # fractional bits of the output scales and of their rate
_HALF = 32  # bits
_round_shift = njit(round_shift)


class Layer:
    """Tiles of a layer; ``index`` is its number, ``configs`` are those of the tiles of ``grid``.

    Attributes
    ----------
    trained : the tiles by name, in the order of the grid.
    blocks : rows and columns of W that each tile has, and the tile, in the same order.
    wiring : how values become the vectors of this layer, see `model.network.convolution`.
    scale : the output scale with `SCALE_BITS` fractional bits.
    """

    def __init__(
        self, *, index: int, plan: LayerPlan, grid: TileGrid, configs: Sequence[TileConfig], learning: Learning
    ) -> None:
        self.name = f"layer{index}"
        self.plan = plan
        self.wiring = wiring(plan)
        self.trained = {
            name: make_tile(name=name, config=config, start=plan.weight_scaling, learning=learning)
            for name, config in zip(grid.names(index), configs, strict=True)
        }
        self.blocks = [(*place, tile) for place, tile in zip(grid.slices(), self.trained.values(), strict=True)]
        self._scale_rate = 0
        if plan.scale is None:
            self.scale = int(inverse_root(plan.columns, SCALE_BITS) / plan.weight_scaling)
            self._scale_rate = round(learning.rates.scale_rate * (1 << SCALE_BITS))
        else:
            self.scale = round(plan.scale * (1 << SCALE_BITS))

    @property
    def tiles(self) -> list[Crossbar]:
        """The arrays with their periphery, in the order of the grid."""
        return [tile for trained in self.trained.values() for tile in trained.stages]

    @property
    def tile(self) -> Crossbar:
        """The tile of a layer that has one only."""
        (only,) = self.tiles
        return only

    def weights(self) -> Int:
        """W [R, C] as weights with 30 fractional bits."""
        result = np.empty((self.plan.rows, self.plan.columns), np.int64)
        for rows, columns, trained in self.blocks:
            result[rows, columns] = trained.weights()
        return result

    def vectors(self, x: Int) -> Int:
        """What goes through W [B * P, C] for inputs [B, F]: patches, with 1 for the bias."""
        patches = self.wiring.gather(x)
        return _with_bias(patches) if self.plan.bias else patches

    def forward(self, x: Int, noise: NoiseStream) -> Int:
        """Sums W x [n, R] for vectors x [n, C], before the scale."""
        if len(self.blocks) == 1:
            return self.blocks[0][-1].forward(x, noise)
        sums = np.zeros((len(x), self.plan.rows), np.int64)
        for rows, columns, trained in self.blocks:
            sums[:, rows] += trained.forward(np.ascontiguousarray(x[:, columns]), noise)
        return sums

    def backward(self, delta: Int, noise: NoiseStream) -> Int:
        """Gradients [n, K] at the patches, without the bias, for errors delta [n, R] at z."""
        if len(self.blocks) == 1:
            sums = self.blocks[0][-1].backward(delta, noise)
        else:
            sums = np.zeros((len(delta), self.plan.columns), np.int64)
            for rows, columns, trained in self.blocks:
                sums[:, columns] += trained.backward(np.ascontiguousarray(delta[:, rows]), noise)
        return self.scaled(sums[:, : self.plan.patch_size])

    def learn(self, x: Int, sums: Int, delta: Int, noise: NoiseStream, *, exponent: int = 0) -> None:
        """Updates with all vectors x [n, C] and errors delta [n, R], transfers, and a step of the scale for W x.

        exponent: the products delta * W x are 2**exponent times what they stand for; the step of the scale undoes it.
        """
        for rows, columns, trained in self.blocks:
            trained.learn(np.ascontiguousarray(x[:, columns]), np.ascontiguousarray(delta[:, rows]), noise)
        if self._scale_rate:
            above, below = map(int, _inner(delta, sums))
            change, drop = self._scale_rate * ((above << _HALF) + below), 2 * VALUE_BITS + exponent
            self.scale = max(self.scale - (change >> drop if drop >= 0 else change << -drop), 1)

    def set_rate(self, factor: float, *, may_rest: bool = False) -> None:
        """Multiply the learning rate of W by ``factor`` from now on, see `LearningTile.set_rate`."""
        for trained in self.trained.values():
            trained.set_rate(factor, may_rest=may_rest)

    def state_arrays(self) -> dict[str, np.ndarray]:
        """All state by name."""
        arrays: dict[str, np.ndarray] = {f"{self.name}_scale": np.array(self.scale)}
        for name, trained in self.trained.items():
            arrays |= named(name, trained.state_arrays())
        return arrays

    def counters(self) -> dict[str, np.ndarray]:
        """What the tiles have counted beside their state, by name."""
        arrays: dict[str, np.ndarray] = {}
        for name, trained in self.trained.items():
            arrays |= named(name, trained.counters())
        return arrays

    def restore(self, arrays: Arrays) -> None:
        """Back to the state of `state_arrays` and `counters`."""
        for name, trained in self.trained.items():
            trained.restore(part_of(arrays, name))
        self.scale = int(arrays[f"{self.name}_scale"])

    def scaled(self, sums: Int) -> Int:
        """s times sums, saturated."""
        result: Int = _scaled(sums, (SUM_MAX << SCALE_BITS) // self.scale, self.scale)
        return result


@njit(cache=True)
def _with_bias(patches: Int) -> Int:
    result = np.empty((len(patches), patches.shape[1] + 1), np.int64)
    for k in range(len(patches)):
        for i in range(patches.shape[1]):
            result[k, i] = patches[k, i]
        result[k, patches.shape[1]] = VALUE_ONE
    return result


@njit(cache=True)
def _scaled(sums: Int, limit: int, scale: int) -> Int:
    result = np.empty(sums.shape, np.int64)
    for k in range(len(sums)):
        for i in range(sums.shape[1]):
            result[k, i] = _round_shift(min(max(sums[k, i], -limit), limit) * scale, SCALE_BITS)
    return result


@njit(cache=True)
def _inner(delta: Int, sums: Int) -> tuple[np.int64, np.int64]:
    """The sum of delta times saturated sums, in multiples of 2**`_HALF` and the rest: together it may have 80 bits."""
    above = below = np.int64(0)
    for k in range(len(sums)):
        for i in range(sums.shape[1]):
            product = delta[k, i] * min(max(sums[k, i], -SUM_MAX), SUM_MAX)
            above += product >> _HALF
            below += product & (1 << _HALF) - 1
    return above, below
