"""Data sets as fixed-point values, with the tile configurations of the network that learns them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.config import NAMED, TileConfig
from model.fixed import Int
from model.products import VALUE_ONE


@dataclass(frozen=True, kw_only=True)
class Task:
    """A classification task.

    train_x int64[N, F] and test_x: values from 0 to 1 with `VALUE_BITS` fractional bits. train_y int64[N] and test_y:
    labels. layers: configuration of each layer's tile, with one column for the bias; a layer has as many rows as the
    next has columns without it.
    """

    name: str
    train_x: Int
    train_y: Int
    test_x: Int
    test_y: Int
    layers: tuple[TileConfig, ...]

    def __post_init__(self) -> None:
        inputs = self.train_x.shape[1]
        for index, config in enumerate(self.layers):
            if config.columns != inputs + 1:
                raise ValueError(f"layers[{index}].columns = {config.columns}: must be {inputs + 1}, inputs and bias")
            inputs = config.rows


def digits() -> Task:
    """scikit-learn's 8x8 digits, 0 to 16 scaled to 0 to 1; 1437 of a fixed permutation for training, 360 for test."""
    from sklearn.datasets import load_digits  # takes a second to import, which only this task needs

    pixels, labels = load_digits(return_X_y=True)
    x = pixels.astype(np.int64) * (VALUE_ONE // 16)
    y = labels.astype(np.int64)
    order = np.random.RandomState(0).permutation(len(x))  # a legacy stream, which never changes
    train, test = order[:1437], order[1437:]
    return Task(
        name="digits",
        train_x=x[train],
        train_y=y[train],
        test_x=x[test],
        test_y=y[test],
        layers=(NAMED["digits_hidden"], NAMED["digits_output"]),
    )


TASKS = {"digits": digits}
