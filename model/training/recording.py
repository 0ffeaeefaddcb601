# SPDX-License-Identifier: Apache-2.0
"""Arrays of layers and tiles as floats, all [rows, columns] and all weights, at one time or on the way.

    W, P, R     visible weights of the slow, the fast and the reference array
    Q, Qref     tracked symmetric points, and those that are latched as references
    SP          true symmetric points of P
    H           what waits to be written: H in write thresholds, each one step dw_min of W
    c           choppers of the cells, +1 or -1: of its column times of its row

A layer on several tiles is put together of theirs. In a chain of arrays W is A_0 and all others are of the finest
stage; those of stage k have the name ``layer0.stage1`` and so on, where P is what it reads and W what it writes.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from symtrack.model.arithmetic.formats import WEIGHT_ONE
from symtrack.model.network.crossbar import Crossbar
from symtrack.model.network.layer import Layer
from symtrack.model.network.learning_tile import LearningTile, stage_name
from symtrack.model.spec.validated import check
from symtrack.model.training.metrics import words
from symtrack.model.training.trainer import Trainer

ARRAYS = ("W", "P", "R", "Q", "Qref", "SP", "H", "c")
BYTES_MAX = 8 << 30  # of all that is recorded
STEPS_MAX = 10**9

Real = NDArray[np.float64]


def names_of(trainer: Trainer) -> dict[str, tuple[int, int]]:
    """Layers, tiles where a layer has several, and stages of chains: names to rows and columns."""
    shapes: dict[str, tuple[int, int]] = {}
    for layer in trainer.network.layers:
        shapes[layer.name] = layer.plan.rows, layer.plan.columns
        for name, trained in layer.trained.items():
            for number in range(len(trained.stages)):
                shapes[stage_name(name, number)] = trained.config.rows, trained.config.columns
    return shapes


def array_of(trainer: Trainer, name: str, array: str) -> Real:
    """An array of a layer, a tile or a stage of a chain as it is now, float64[rows, columns].

    Raises
    ------
    ValueError
        There is no such layer, tile, stage or array.
    """
    check_names("array", [array])
    for layer in trainer.network.layers:
        if name == layer.name:
            return _of_layer(layer, array)
        for own, trained in layer.trained.items():
            for number, stage in enumerate(trained.stages):
                if name == own and not number:
                    return _of_tile(trained, array)
                if name == stage_name(own, number):
                    return _of_stage(stage, trained.dw_min, array)
    raise ValueError(f"layer = {name!r}: must be one of {', '.join(names_of(trainer))}")


def check_names(argument: str, arrays: Collection[str]) -> None:
    """Raise ValueError for a name that is none of `ARRAYS`."""
    if isinstance(arrays, str) or not isinstance(arrays, Collection):
        raise TypeError(f"{argument} = {arrays!r}: must be a set of names, such as {{'W', 'Q'}}")
    for name in arrays:
        if name not in ARRAYS:
            raise ValueError(f"{argument} = {name!r}: must be one of {', '.join(ARRAYS)}")


def _of_layer(layer: Layer, array: str) -> Real:
    result = np.empty((layer.plan.rows, layer.plan.columns))
    for rows, columns, trained in layer.blocks:
        result[rows, columns] = _of_tile(trained, array)
    return result


def _of_tile(trained: LearningTile, array: str) -> Real:
    """Of a tile: W is where a chain ends, everything else is of its finest stage."""
    return _of_stage(trained.base if array == "W" else trained.tile, trained.dw_min, array)


def _of_stage(tile: Crossbar, dw_min: float, array: str) -> Real:
    if array == "c":
        config, periphery = tile.config, tile.periphery
        columns, rows = periphery.chopper[: config.columns], periphery.row_chopper[: config.rows]
        return np.multiply(columns, rows[:, None], dtype=np.float64)
    if array == "H":
        thresholds: Real = words(tile, "hidden").T / (1 << tile.config.threshold_shift)
        return thresholds * dw_min
    found = {
        "W": lambda: tile.slow.weights,
        "P": lambda: tile.fast.weights,
        "R": lambda: tile.reference,
        "SP": tile.fast.symmetric_point,
        "Q": lambda: tile.to_weight(words(tile, "q").T),
        "Qref": lambda: tile.to_weight(words(tile, "qref").T),
    }[array]()
    return np.asarray(found / WEIGHT_ONE)


class Recording:
    """Arrays of a run on the way.

    Parameters
    ----------
    arrays
        Names of `ARRAYS`, taken of every layer.
    every
        Steps between two of them; there is one at the start and one at the end, too.

    Attributes
    ----------
    steps : the steps so far at which arrays were taken.
    """

    def __init__(self, arrays: Collection[str], every: int) -> None:
        check_names("record", arrays)
        self.every = check("every", every, 1, STEPS_MAX)
        self.arrays = tuple(name for name in ARRAYS if name in arrays)
        self.steps: list[int] = []
        self._taken: dict[tuple[str, str], list[Real]] = {}
        self._parts: dict[str, tuple[str, slice, slice]] = {}  # tiles of layers that have several, and where they are

    def check_size(self, trainer: Trainer, steps: int) -> None:
        """Raise ValueError if the arrays of so many steps are more than `BYTES_MAX`."""
        shapes = names_of(trainer)
        cells = sum(rows * columns for rows, columns in (shapes[name] for name in self._names(trainer)))
        times = steps // self.every + 3
        if (size := 8 * cells * times * len(self.arrays)) > BYTES_MAX:
            text = f"{size / 2**30:.1f} GiB in {times} times {len(self.arrays)} arrays of {cells} cells"
            raise ValueError(f"every = {self.every}: {text}: must be at most {BYTES_MAX >> 30} GiB")

    def _names(self, trainer: Trainer) -> list[str]:
        """Layers and coarser stages of chains; tiles are parts of layers."""
        tiles = {name for layer in trainer.network.layers for name in layer.trained if name != layer.name}
        return [name for name in names_of(trainer) if name not in tiles]

    def take(self, trainer: Trainer) -> None:
        """Take the arrays, but not twice at the same step."""
        if not self.arrays or trainer.steps in self.steps[-1:]:
            return
        self.steps.append(trainer.steps)
        for layer in trainer.network.layers:
            for name, (rows, columns, _) in zip(layer.trained, layer.blocks, strict=True):
                self._parts[name] = layer.name, rows, columns
        for name in self._names(trainer):
            for array in self.arrays:
                self._taken.setdefault((name, array), []).append(array_of(trainer, name, array))

    def array(self, layer: str, array: str) -> Real:
        """float64[time, rows, columns] of `steps`, of a layer, a tile of it or a stage of a chain.

        Raises ValueError if it was not recorded.
        """
        if (layer, array) not in self._taken and (self._parts.get(layer, ("",))[0], array) in self._taken:
            whole, rows, columns = self._parts[layer]
            return np.stack(self._taken[whole, array])[:, rows, columns]
        if (layer, array) not in self._taken:
            there = ", ".join(f"{name} of {one}" for one, name in self._taken) or "nothing: name it in record"
            raise ValueError(f"array = {array!r} of {layer!r}: must be one that was recorded, {there}")
        return np.stack(self._taken[layer, array])
