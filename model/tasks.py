"""Data sets as fixed-point values, with the tile configurations of the network that learns them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from model import idx, mnist1d
from model.config import TileConfig
from model.fixed import Int
from model.products import VALUE_ONE

HIDDEN = (32,)  # outputs of the hidden layers unless told otherwise
INPUTS_MAX = next(spec for spec in fields(TileConfig) if spec.name == "columns").metadata["high"] - 1  # and the bias


@dataclass(frozen=True, kw_only=True)
class Task:
    """A classification task.

    train_x int64[N, F] and test_x: values from -1 to 1 with `VALUE_BITS` fractional bits. train_y int64[N] and test_y:
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

    def limited(self, *, train: int | None = None, test: int | None = None) -> Task:
        """The same task with its first so many samples; None takes all.

        Raises
        ------
        ValueError
            There are not so many.
        """
        for name, count, labels in (("train_samples", train, self.train_y), ("test_samples", test, self.test_y)):
            if count is not None and not 1 <= count <= len(labels):
                raise ValueError(f"{name} = {count}: must be from 1 to {len(labels)} for the task {self.name}")
        return replace(
            self,
            train_x=self.train_x[:train],
            train_y=self.train_y[:train],
            test_x=self.test_x[:test],
            test_y=self.test_y[:test],
        )


def perceptron(inputs: int, hidden: Sequence[int], classes: int) -> tuple[TileConfig, ...]:
    """Tiles of a multilayer perceptron: a layer for every size in ``hidden``, and one for the classes.

    lanes: the largest of 1, 2 and 4 that divides the rows. threshold_shift: one less for every doubling of the inputs
    above 64, since the gain of a given learning rate is proportional to columns * 2**threshold_shift.

    Raises
    ------
    ValueError
        A layer would not fit one tile.
    """
    for name, size in (("inputs", inputs), *(("hidden", size) for size in hidden)):
        if not 1 <= size <= INPUTS_MAX:
            raise ValueError(f"{name} = {size}: must be from 1 to {INPUTS_MAX}, the columns of a tile without the bias")
    sizes = (inputs, *hidden, classes)
    plain = TileConfig()
    return tuple(
        plain.replace(
            rows=rows,
            columns=columns + 1,
            lanes=max(lanes for lanes in (1, 2, 4) if rows % lanes == 0),
            threshold_shift=plain.threshold_shift - ((columns - 1) // 64).bit_length(),
            seed=index + 1,
        )
        for index, (columns, rows) in enumerate(pairwise(sizes))
    )


def digits(*, hidden: Sequence[int] = HIDDEN) -> Task:
    """scikit-learn's 8x8 digits, 0 to 16 scaled to 0 to 1; 1437 of a fixed permutation for training, 360 for test."""
    from sklearn.datasets import load_digits  # takes a second to import, which only this task needs

    pixels, labels = load_digits(return_X_y=True)
    x = pixels.astype(np.int64) * (VALUE_ONE // 16)
    y = labels.astype(np.int64)
    order = np.random.RandomState(0).permutation(len(x))  # a legacy stream, which never changes
    train, test = order[:1437], order[1437:]
    return _task("digits", (x[train], y[train], x[test], y[test]), hidden, classes=10)


def mnist_1d(*, hidden: Sequence[int] = HIDDEN) -> Task:
    """MNIST-1D, 4000 signals of 40 points for training and 1000 for test."""
    return _task("mnist1d", mnist1d.samples(), hidden, mnist1d.CLASSES)


def idx_folder(*, data: str | Path | None = None, hidden: Sequence[int] = HIDDEN) -> Task:
    """Images and labels from the IDX files of the folder ``data``.

    Raises
    ------
    ValueError
        There is no folder, or what it holds is not what `model.idx` allows.
    """
    if data is None:
        raise ValueError("data: must be given for the task idx, a folder with its files (train.py --data)")
    return _task("idx", idx.read_folder(data), hidden, idx.CLASSES)


def _task(name: str, samples: tuple[Int, Int, Int, Int], hidden: Sequence[int], classes: int) -> Task:
    train_x, train_y, test_x, test_y = samples
    layers = perceptron(train_x.shape[1], hidden, classes)
    return Task(name=name, train_x=train_x, train_y=train_y, test_x=test_x, test_y=test_y, layers=layers)


TASKS: dict[str, Callable[..., Task]] = {"digits": digits, "idx": idx_folder, "mnist1d": mnist_1d}
