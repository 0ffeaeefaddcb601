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
        patches: Int = x[:, self.patches].reshape(-1, self.plan.patch_size)
        return patches

    def scatter(self, gradient: Int) -> Int:
        patches = gradient.reshape(-1, *self.patches.shape)
        result: Int = _scatter(patches, self.patches, self.plan.inputs)
        return result

    def pool(self, y: Int) -> tuple[Int, Int]:
        values = y.reshape(-1, self.plan.patches, self.plan.rows)[:, self.windows]  # [B, M, pool**2, R]
        chosen = values.argmax(axis=2)[:, :, None]
        return np.take_along_axis(values, chosen, axis=2).reshape(len(values), -1), chosen

    def unpool(self, gradient: Int, chosen: Int | None) -> Int:
        assert chosen is not None
        batch, windows, _, rows = chosen.shape
        result = np.zeros((batch, self.plan.patches, rows), np.int64)
        positions = np.take_along_axis(self.windows[None, :, :, None], chosen, axis=2)[:, :, 0]  # [B, M, R]
        np.put_along_axis(result, positions, gradient.reshape(batch, windows, rows), axis=1)
        return result.reshape(-1, rows)


@njit(cache=True)
def _scatter(patches: Int, index: Int, inputs: int) -> Int:
    result = np.zeros((patches.shape[0], inputs), dtype=np.int64)
    for sample in range(patches.shape[0]):
        for patch in range(index.shape[0]):
            for k in range(index.shape[1]):
                result[sample, index[patch, k]] += patches[sample, patch, k]
    return result
