# SPDX-License-Identifier: Apache-2.0
"""Architectures by name, sized for the images of a task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from symtrack.model.network.architecture import (
    SIZE_MAX,
    TILE_COLUMNS,
    TILE_ROWS,
    WEIGHT_SCALING,
    Architecture,
    Convolution,
    Dense,
    LayerPlan,
)
from symtrack.model.spec.validated import check, shown

HIDDEN = {"perceptron": (32,), "lenet5": (128,)}  # outputs of the hidden dense layers unless told otherwise
FILTERS = (16, 32)
SIDE_MIN, SIDE_LARGE = 8, 20  # shortest side of an image for a convolution, and from where its kernels are 5 x 5


def network(
    size: Sequence[int],
    classes: int,
    *,
    architecture: str = "perceptron",
    hidden: Sequence[int] | None = None,
    activation: str = "tanh",
    weight_scaling: float = WEIGHT_SCALING,
    tile_rows: int = TILE_ROWS,
    tile_columns: int = TILE_COLUMNS,
) -> Architecture:
    """A perceptron, or two convolutions with max-pooling 2 x 2 before one (LeNet-5).

    Kernels are 5 x 5 for images of at least 20 x 20, else 3 x 3, with 16 and 32 filters; a convolution that leaves a
    single row or column has no pooling.

    Parameters
    ----------
    size
        Of an input: height and width of an image, or points of a signal.
    classes
        Outputs.
    hidden
        A dense layer for every size; None for `HIDDEN`.

    Raises
    ------
    ValueError
        There is no such architecture, or it does not fit inputs of this size.
    """
    if architecture not in HIDDEN:
        raise ValueError(f"architecture = {architecture!r}: must be one of {', '.join(HIDDEN)}")
    inputs = 1
    for side in size:
        inputs *= side
    if hidden is not None and (isinstance(hidden, str) or not isinstance(hidden, Iterable)):
        raise TypeError(f"hidden = {shown(hidden)}: must be a list of the sizes of hidden layers")
    sizes = HIDDEN[architecture] if hidden is None else hidden
    inputs = check("inputs", inputs, 1, SIZE_MAX - 1)
    sizes = [check("hidden", number, 1, SIZE_MAX - 1) for number in sizes]
    layers: list[LayerPlan] = []
    if architecture == "lenet5":
        layers += _convolutions(size, weight_scaling)
        inputs = layers[-1].features
    layers += [
        Dense(size_in=below, size_out=above, weight_scaling=weight_scaling)
        for below, above in pairwise((inputs, *sizes, classes))
    ]
    return Architecture(layers=tuple(layers), activation=activation, tile_rows=tile_rows, tile_columns=tile_columns)


def _convolutions(size: Sequence[int], weight_scaling: float) -> list[Convolution]:
    if len(size) != 2 or min(size) < SIDE_MIN:
        form = " x ".join(map(str, size))
        raise ValueError(f"architecture = 'lenet5': must be another for inputs of {form}, it takes images from 8 x 8")
    kernel = 5 if min(size) >= SIDE_LARGE else 3
    (height, width), channels, layers = size, 1, []
    for filters in FILTERS:
        pool = 2 if min(height, width) > kernel else 1
        layer = Convolution(
            height=height,
            width=width,
            channels=channels,
            kernel=kernel,
            filters=filters,
            pool=pool,
            weight_scaling=weight_scaling,
        )
        layers.append(layer)
        (height, width), channels = layer.pooled, filters
    return layers
