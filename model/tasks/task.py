# SPDX-License-Identifier: Apache-2.0
"""Classification tasks: data sets as fixed-point values, with the networks that learn them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from symtrack.model.arithmetic.activations import cross_entropy, softmax
from symtrack.model.arithmetic.converters import Converters, NoiseStream
from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.network.architecture import Architecture
from symtrack.model.network.network import Network
from symtrack.model.network.standard_networks import network
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.validated import check
from symtrack.model.tasks import data_sets, idx, mnist1d, regression, samples
from symtrack.model.tasks.evaluation import Evaluation

TILES_MAX = 2**16  # tiles of a network whose random sources have seeds of their own
TILE_SEEDS = 2**16


class Problem(Protocol):
    """What `model.training.trainer.Trainer` trains on."""

    @property
    def name(self) -> str: ...
    @property
    def architecture(self) -> Architecture: ...
    @property
    def tile_configs(self) -> tuple[TileConfig, ...]: ...
    @property
    def converters(self) -> Converters: ...
    @property
    def samples(self) -> int:
        """Training samples of an epoch."""

    def draw(self, seed: int, first: int, count: int) -> tuple[Int, Int]:
        """Inputs [count, F] and targets of training samples from ``first`` on, counted over all epochs."""

    def errors(self, outputs: Int, targets: Int) -> Int:
        """Derivative of the loss of every sample by its outputs, both int64[n, R]."""

    def evaluate(self, network: Network, noise: NoiseStream, step: int) -> Evaluation:
        """How good the network is, whose products take ``noise``."""


@dataclass(frozen=True, kw_only=True)
class Task(samples.Sampled):
    """A classification task: soft-max cross-entropy, a new random order of the samples every epoch.

    Attributes
    ----------
    train_x, test_x : int64[N, F], values from -1 to 1 with `VALUE_BITS` fractional bits.
    train_y, test_y : int64[N], labels.
    architecture : the network.
    tile_configs : configurations of all its tiles, see `Architecture.tiles`.
    converters : those of its products unless a run has others.
    scaling : a digest of how inputs became words and outputs become answers; empty where only words are known.

    Raises
    ------
    TypeError, ValueError
        Data are no integers, out of range or do not fit each other or the network; the message names the field, its
        value and what is allowed. Data of which none reaches 1/16 are taken for integers that were not scaled.
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
        classes = self.architecture.layers[-1].features
        samples.check_inputs(self, self.architecture.layers[0].inputs)
        for part in samples.PARTS:
            x, y = getattr(self, f"{part}_x"), samples.integers(f"{part}_y", getattr(self, f"{part}_y"), "[samples]")
            if len(y) != len(x):
                raise ValueError(f"{part}_y = {samples.form(y)}: must be {len(x)} labels, one for every sample")
            samples.check_range(f"{part}_y", y, 0, classes - 1, "one for every output of the network")
            object.__setattr__(self, f"{part}_y", y)

    def errors(self, outputs: Int, targets: Int) -> Int:
        """softmax(z) - onehot(label) for outputs z [n, R]."""
        delta = softmax(outputs)
        delta[np.arange(len(delta)), targets] -= VALUE_ONE
        return delta

    def evaluate(self, network: Network, noise: NoiseStream, step: int) -> Evaluation:
        """Accuracy and mean cross-entropy on the test set."""
        right, loss = 0, 0.0
        for x, label in zip(self.test_x, self.test_y, strict=True):
            z = network.forward(x[None], noise).outputs[0]
            right += int(np.argmax(z) == label)
            loss += cross_entropy(z, int(label))
        return Evaluation(step, right / len(self.test_y), loss / len(self.test_y))


def digits(**options: Any) -> Task:
    """scikit-learn's 8x8 digits, 0 to 16 scaled to 0 to 1; 1437 of a fixed permutation for training, 360 for test.

    ``options`` of this and the other tasks with a network are those of `model.network.standard_networks.network`.
    """
    from sklearn.datasets import load_digits  # takes a second to import, which only this task needs

    pixels, labels = load_digits(return_X_y=True)
    x = pixels.astype(np.int64) * (VALUE_ONE // 16)
    y = labels.astype(np.int64)
    order = np.random.RandomState(0).permutation(len(x))  # a legacy stream, which never changes
    train, test = order[:1437], order[1437:]
    return _task("digits", (x[train], y[train], x[test], y[test]), network((8, 8), 10, **options))


def mnist_1d(**options: Any) -> Task:
    """MNIST-1D, 4000 signals of 40 points for training and 1000 for test."""
    found = mnist1d.samples()
    return _task("mnist1d", found, network(found[0].shape[1:], mnist1d.CLASSES, **options))


def idx_folder(*, data: str | Path | None = None, **options: Any) -> Task:
    """Images and labels from the IDX files of the folder ``data``.

    Raises
    ------
    ValueError
        There is no folder, or what it holds is not what `model.tasks.idx` allows.
    """
    if data is None:
        raise ValueError("data: must be given for the task idx, a folder with its files (train.py --data)")
    found, size = idx.read_folder(data)
    return _task("idx", found, network(size, idx.classes(found[1]), **options))


def image_set(name: str, **options: Any) -> Task:
    """Images and labels of one of `model.tasks.data_sets.DATA_SETS`.

    Raises
    ------
    ValueError
        It has not been fetched, or a file is damaged.
    """
    found, size = idx.read_folder(data_sets.fetched(name))
    return _task(name, found, network(size, idx.classes(found[1]), **options))


def _task(name: str, found: tuple[Int, Int, Int, Int], architecture: Architecture) -> Task:
    train_x, train_y, test_x, test_y = found
    return Task(
        name=name,
        train_x=train_x,
        train_y=train_y,
        test_x=test_x,
        test_y=test_y,
        architecture=architecture,
        tile_configs=architecture.tiles(),
    )


def with_tiles(task: Any, **changes: int | float) -> Any:
    """The task with fields of the configurations of all its tiles changed; only sizes and seeds are its own.

    ``lanes`` are for the tiles with that many rows; others have as many lanes as rows.

    Raises
    ------
    TypeError, ValueError
        There is no such field, or it cannot have that value.
    """
    for name in ("rows", "columns", "seed"):
        if name in changes:
            raise ValueError(f"tiles: {name} = {changes[name]}: must be left to the task")
    lanes, most = changes.get("lanes"), max(layer.rows for layer in task.tile_configs)
    layers = []
    for layer in task.tile_configs:
        narrow = {"lanes": layer.rows} if isinstance(lanes, int) and layer.rows < lanes <= most else {}
        layers.append(TileConfig.from_dict(asdict(layer) | changes | narrow, origin="tiles"))
    return replace(task, tile_configs=tuple(layers))


def with_seed(task: Any, seed: int) -> Any:
    """The task with random sources of their own for every ``seed`` from 1 on; with 1 the task is as it was.

    Raises
    ------
    TypeError, ValueError
        The seed is no integer, or out of range.
    """
    seed = check("tile_seed", seed, 1, TILE_SEEDS)
    layers = tuple(layer.replace(seed=(layer.seed + (seed - 1) * TILES_MAX) % 2**32) for layer in task.tile_configs)
    return replace(task, tile_configs=layers)


def with_layer(task: Any, config: TileConfig) -> Any:
    """The task with ``config`` for the layer of that size.

    Raises
    ------
    ValueError
        No layer has that many rows and columns.
    """
    for index, layer in enumerate(task.tile_configs):
        if (layer.rows, layer.columns) == (config.rows, config.columns):
            return replace(task, tile_configs=(*task.tile_configs[:index], config, *task.tile_configs[index + 1 :]))
    sizes = ", ".join(f"{layer.rows}x{layer.columns}" for layer in task.tile_configs)
    raise ValueError(f"config = {config.name} is {config.rows}x{config.columns}: the layers of the task are {sizes}")


TASKS: dict[str, Callable[..., Any]] = {
    "digits": digits,
    "fashion-mnist": partial(image_set, "fashion-mnist"),
    "idx": idx_folder,
    "mnist": partial(image_set, "mnist"),
    "mnist1d": mnist_1d,
    "noisy-quadratic": regression.noisy_quadratic,
    "weight-programming": regression.weight_programming,
}
