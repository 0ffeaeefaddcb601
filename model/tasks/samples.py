# SPDX-License-Identifier: Apache-2.0
"""Samples of a task as words: what is checked of them, and the order in which they are drawn.

Values have `VALUE_BITS` fractional bits and are from -1 to 1. Every epoch has all samples once, in an order that is a
function of seed and epoch.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any, Self

import numpy as np

from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.arithmetic.noise import derive_key, permutation
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.validated import integral

PARTS = ("train", "test")
UNSCALED_BITS = 4  # data below 2**-4 everywhere were not scaled
_VALUES = f"values in units of 1/{VALUE_ONE}: a pixel of 0 to 1 as np.rint(pixel * {VALUE_ONE}).astype(np.int64)"


def form(array: Any) -> str:
    """Type and shape of an array, as messages name it."""
    return f"{array.dtype}{list(array.shape)}" if isinstance(array, np.ndarray) else type(array).__name__


def integers(name: str, array: Any, axes: str) -> Int:
    """The array as int64 with this many axes; raises TypeError or ValueError, with what must be given instead."""
    what = "classes from 0 on" if axes == "[samples]" else _VALUES
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iu":
        raise TypeError(f"{name} = {form(array)}: must be an array of integers, {what}")
    if array.ndim != axes.count(",") + 1:
        raise ValueError(f"{name} = {form(array)}: must be an array {axes}")
    return array.astype(np.int64, copy=False)


def check_range(name: str, array: Int, low: int, high: int, what: str) -> None:
    """Raise ValueError, with its place, for a word that is not from ``low`` to ``high``."""
    if array.size and (array.min() < low or array.max() > high):  # places are looked for only where there are some
        wrong = np.argwhere((array < low) | (array > high))
        place = tuple(int(index) for index in wrong[0])
        raise ValueError(f"{name}[{', '.join(map(str, place))}] = {array[place]}: must be from {low} to {high}, {what}")


def check_inputs(task: Any, inputs: int) -> None:
    """Check ``train_x`` and ``test_x`` of a task for a network with so many inputs, and leave them as int64.

    Raises
    ------
    TypeError, ValueError
        They are no integers, out of range, not as wide as the network, or none reaches 1/16 and so was not scaled.
    """
    for part in PARTS:
        x = integers(f"{part}_x", getattr(task, f"{part}_x"), "[samples, inputs]")
        if not len(x):
            raise ValueError(f"{part}_x = {form(x)}: must have at least one sample")
        if x.shape[1] != inputs and part == "train":
            raise ValueError(f"architecture.layers[0].inputs = {inputs}: must be {x.shape[1]}, what a sample has")
        if x.shape[1] != inputs:
            raise ValueError(f"{part}_x = {form(x)}: must have {inputs} inputs, as train_x has")
        check_range(f"{part}_x", x, -VALUE_ONE, VALUE_ONE, _VALUES)
        object.__setattr__(task, f"{part}_x", x)
    largest = max(int(max(-x.min(), x.max())) for x in (task.train_x, task.test_x))
    if 0 < largest < VALUE_ONE >> UNSCALED_BITS:
        low = VALUE_ONE >> UNSCALED_BITS
        raise ValueError(f"train_x, test_x = {largest} at most: must reach {low} at least, {_VALUES}")


def drawn(seed: int, first: int, count: int, samples: int) -> Int:
    """Numbers of ``count`` samples of so many from ``first`` on, counted over all epochs; all must be of one epoch."""
    epoch, position = divmod(first, samples)
    return _order(seed, epoch, samples)[position : position + count]


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, count: int) -> Int:
    order = permutation(derive_key(seed, "order", epoch), count)
    order.flags.writeable = False
    return order


class Sampled:
    """What tasks have in common whose samples are arrays, ``train_x``, ``train_y``, ``test_x`` and ``test_y``."""

    name: str
    train_x: Int
    train_y: Int
    test_x: Int
    test_y: Int

    @property
    def samples(self) -> int:
        """Training samples."""
        return len(self.train_y)

    def draw(self, seed: int, first: int, count: int) -> tuple[Int, Int]:
        """Inputs [count, F] and targets of training samples from ``first`` on; all must be of one epoch."""
        chosen = drawn(seed, first, count, self.samples)
        return self.train_x[chosen], self.train_y[chosen]

    def limited(
        self,
        *,
        train: int | None = None,
        test: int | None = None,
        validation: int | None = None,
        seen: int | None = None,
    ) -> Self:
        """The same task with other samples.

        Parameters
        ----------
        train, test
            The first so many; None takes all.
        validation
            The last so many training samples are not trained with, and stand in place of the test set.
        seen
            The first so many training samples, those that are trained with, stand in place of the test set.

        Raises
        ------
        ValueError
            There are not so many, or two of the last three are given.
        """
        tested = {"test": test, "validation": validation, "seen": seen}
        given = [name for name, count in tested.items() if count is not None]
        if len(given) > 1:
            raise ValueError(f"{given[1]} = {tested[given[1]]}: must be left out beside {given[0]}, both are for tests")
        apart = validation or 0
        self._check_count("validation", validation, len(self.train_y) - 1)
        x, y = self.train_x[: len(self.train_y) - apart], self.train_y[: len(self.train_y) - apart]
        self._check_count("train_samples", train, len(y))
        x, y = x[:train], y[:train]
        self._check_count("test_samples", test, len(self.test_y))
        self._check_count("seen", seen, len(y))
        parts = {"train_x": x, "train_y": y, "test_x": self.test_x[:test], "test_y": self.test_y[:test]}
        if validation is not None:
            parts |= {"test_x": self.train_x[-apart:], "test_y": self.train_y[-apart:]}
        if seen is not None:
            parts |= {"test_x": x[:seen], "test_y": y[:seen]}
        return replace(self, **parts)  # type: ignore[type-var]

    def _check_count(self, name: str, count: int | None, high: int) -> None:
        if count is not None and not 1 <= integral(name, count) <= high:
            raise ValueError(f"{name} = {count}: must be from 1 to {high} for the task {self.name}")
