# SPDX-License-Identifier: Apache-2.0
"""Convolution and max-pooling: patches of images as vectors for the weights, and gradients back to the images.

    im2col   patch p of an image = its values x[index[p]], so a convolution is W times every patch
    col2im   gradient at value v = sum of the gradients of all patches where index[p, k] = v
    pool     output m of a channel = the largest of the values of its window, the first of equal ones in C order

A batch of B samples with P patches each is B * P vectors, sample by sample.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from symtrack.model.compiled import njit
from symtrack.model.network.architecture import Convolution, LayerPlan
from symtrack.model.spec.fixed import Int


class Wiring(Protocol):
    """What is between the values that a layer takes, the products with its weights, and the values it hands on."""

    def gather(self, x: Int) -> Int:
        """Patches [B * P, K] of inputs [B, F]."""

    def scatter(self, gradient: Int) -> Int:
        """Gradient [B, F] at the inputs from that at the patches [B * P, K]."""

    def pool(self, y: Int) -> tuple[Int, Int | None]:
        """Values to hand on [B, G] from activations [B * P, R], and what `unpool` needs to know."""

    def unpool(self, gradient: Int, chosen: Int | None) -> Int:
        """Gradient [B * P, R] at the activations from that at the values handed on [B, G]."""


def wiring(plan: LayerPlan) -> Wiring:
    """The wiring of a layer."""
    return Windows(plan) if isinstance(plan, Convolution) else Direct()


class Direct:
    """Of a dense layer: everything goes straight through."""

    def gather(self, x: Int) -> Int:
        return x

    def scatter(self, gradient: Int) -> Int:
        return gradient

    def pool(self, y: Int) -> tuple[Int, Int | None]:
        return y, None

    def unpool(self, gradient: Int, chosen: Int | None) -> Int:
        return gradient


class Windows:
    """Of a convolution with max-pooling; attributes are index arrays, patches [P, K] and windows [M, pool**2]."""

    def __init__(self, plan: Convolution) -> None:
        self.plan = plan
        places = np.arange(plan.inputs).reshape(plan.height, plan.width, plan.channels)
        corners = np.lib.stride_tricks.sliding_window_view(places, (plan.kernel, plan.kernel), axis=(0, 1))
        self.patches = corners.transpose(0, 1, 3, 4, 2).reshape(plan.patches, plan.patch_size)
        height, width = plan.pooled
        outputs = np.arange(plan.patches).reshape(plan.convolved)[: height * plan.pool, : width * plan.pool]
        parts = outputs.reshape(height, plan.pool, width, plan.pool)
        self.windows = parts.transpose(0, 2, 1, 3).reshape(height * width, plan.pool**2)

    def gather(self, x: Int) -> Int:
        patches: Int = _gather(x, self.patches)
        return patches

    def scatter(self, gradient: Int) -> Int:
        patches = gradient.reshape(-1, *self.patches.shape)
        result: Int = _scatter(patches, self.patches, self.plan.inputs)
        return result

    def pool(self, y: Int) -> tuple[Int, Int]:
        pooled, chosen = _pool(y.reshape(-1, self.plan.patches, self.plan.rows), self.windows)
        return pooled, chosen

    def unpool(self, gradient: Int, chosen: Int | None) -> Int:
        assert chosen is not None
        result: Int = _unpool(gradient, chosen, self.plan.patches, self.plan.rows)
        return result


@njit(cache=True)
def _gather(x: Int, index: Int) -> Int:
    result = np.empty((len(x) * index.shape[0], index.shape[1]), np.int64)
    for sample in range(len(x)):
        for patch in range(index.shape[0]):
            for k in range(index.shape[1]):
                result[sample * index.shape[0] + patch, k] = x[sample, index[patch, k]]
    return result


@njit(cache=True)
def _pool(y: Int, windows: Int) -> tuple[Int, Int]:
    """Values [B, M * R] of y [B, P, R], and the patches [B, M * R] that they come from."""
    rows = y.shape[2]
    pooled, chosen = (
        np.empty((len(y), len(windows) * rows), np.int64),
        np.empty((len(y), len(windows) * rows), np.int64),
    )
    for sample in range(len(y)):
        for window in range(len(windows)):
            for row in range(rows):
                first = windows[window, 0]
                best, place = y[sample, first, row], first
                for other in windows[window, 1:]:
                    value = y[sample, other, row]
                    place, best = (other, value) if value > best else (place, best)
                pooled[sample, window * rows + row], chosen[sample, window * rows + row] = best, place
    return pooled, chosen


@njit(cache=True)
def _unpool(gradient: Int, chosen: Int, patches: int, rows: int) -> Int:
    result = np.zeros((len(gradient) * patches, rows), np.int64)
    for sample in range(len(gradient)):
        for place in range(gradient.shape[1]):
            result[sample * patches + chosen[sample, place], place % rows] = gradient[sample, place]
    return result


@njit(cache=True)
def _scatter(patches: Int, index: Int, inputs: int) -> Int:
    result = np.zeros((patches.shape[0], inputs), dtype=np.int64)
    for sample in range(patches.shape[0]):
        for patch in range(index.shape[0]):
            for k in range(index.shape[1]):
                result[sample, index[patch, k]] += patches[sample, patch, k]
    return result
