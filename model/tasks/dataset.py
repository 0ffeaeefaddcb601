# SPDX-License-Identifier: Apache-2.0
"""Data of one's own, from floats to a task: split, scaled by what the training samples show, and quantised once.

    minmax      x' = (x - min) / (max - min)               of each input alone
    range       the same with one minimum and one maximum for all inputs, as for images
    standard    x' = (x - mean) / (4 * std)                of each input alone
    none        x' = x, which must be from -1 to 1
    targets     t = (y - mean) / std                       of each output of a regression

x' is clipped to +-1, t to +-8, and both are rounded to words with `VALUE_BITS` fractional bits. Sums of means are exact
and rounded once (`math.fsum`), everything else is an operation of IEEE 754 on single numbers, so the same floats give
the same words on every machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import fsum, sqrt
from numbers import Integral
from numbers import Real as Number
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symtrack.model.arithmetic.activations import VALUE_MAX
from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.arithmetic.noise import derive_key, permutation
from symtrack.model.network.architecture import Architecture
from symtrack.model.network.standard_networks import network as standard_network
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.validated import check, shown
from symtrack.model.tasks.samples import form
from symtrack.model.tasks.task import Task
from symtrack.model.tasks.vector_regression import VectorRegression

SCALES = ("minmax", "range", "standard", "none")
SPREAD = 4  # standard deviations that are one
TEST = 0.2
SEED_MAX = 2**32 - 1
LARGEST = 1e100  # an input or target; sums of squares of such still are numbers

Real = NDArray[np.float64]
Networks = Sequence[int] | Mapping[str, Any] | Architecture


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Dataset:
    """Samples as words, and how floats become words and outputs become answers. Made by its class methods.

    Attributes
    ----------
    name : str
        Of the task, in reports and checkpoints.
    size : tuple of int
        Shape of a sample: inputs, or height and width of an image.
    train_x, test_x : int64[N, F]
        Inputs, values from -1 to 1 with 20 fractional bits.
    train_y, test_y : int64[N] or int64[N, R]
        Numbers of classes, or targets, values with 20 fractional bits.
    offset, span : float64[F]
        What is taken from an input, and what it is then divided by; 0 for an input that is the same in all samples.
    classes : array [K] or None
        The labels of the classes in the order of the outputs, None for a regression.
    target_mean, target_std : float64[R]
        What scales the targets of a regression; empty for a classification.
    flat : bool
        Targets were given without an axis for outputs, of which there is one.
    """

    name: str
    size: tuple[int, ...]
    train_x: Int
    train_y: Int
    test_x: Int
    test_y: Int
    offset: Real
    span: Real
    classes: NDArray[Any] | None
    target_mean: Real
    target_std: Real
    flat: bool = False

    @classmethod
    def classification(
        cls,
        X: ArrayLike,  # noqa: N803, its name everywhere
        y: ArrayLike,
        *,
        test: float | int | tuple[ArrayLike, ArrayLike] = TEST,
        scale: str = "minmax",
        seed: int = 0,
        name: str = "classification",
    ) -> Dataset:
        """Samples with labels.

        Parameters
        ----------
        X : [samples, inputs] or [samples, height, width]
            Numbers, each finite.
        y : [samples]
            Labels: whole numbers, texts or booleans, at least two different ones; [samples, 1] is the same.
        test : float, int or (X, y)
            Share of every class, or number of samples, that is kept for the test; or test samples of one's own.
        scale : str
            How inputs are scaled: ``minmax``, ``range``, ``standard`` or ``none``.
        seed : int
            Of the split.
        name : str
            What reports and checkpoints call it.

        Raises
        ------
        TypeError, ValueError
            An argument is not what it must be; the message names it, its value and what is allowed.
        """
        inputs, size = _inputs("X", X)
        _check_unscaled("X", scale, inputs)
        labels = _labels("y", y, len(inputs))
        seed = check("seed", seed, 0, SEED_MAX)
        classes = np.unique(labels)
        if len(classes) < 2:
            raise ValueError(f"y has the label {classes.tolist()} alone: must have at least two different ones")
        if isinstance(test, (tuple, list)):
            test_inputs, test_labels = _own_test(test, size, scale, _labels)
            unknown = sorted(set(test_labels.tolist()) - set(classes.tolist()), key=str)
            if unknown:
                raise ValueError(f"test[1] has the label {unknown[0]!r}: must be one of y")
        else:
            groups = [np.flatnonzero(labels == one) for one in classes]
            chosen = _chosen(test, groups, len(labels), seed)
            test_inputs, test_labels = inputs[chosen], labels[chosen]
            inputs, labels = inputs[~chosen], labels[~chosen]
            missing = set(classes.tolist()) - set(labels.tolist())
            if missing:
                one = sorted(missing, key=str)[0]
                raise ValueError(
                    f"test = {test!r}: must leave a sample of every class for training, and leaves no {one!r}"
                )
        offset, span = _scaling(scale, inputs)
        return cls(
            name=_name(name),
            size=size,
            train_x=_scaled(inputs, offset, span),
            train_y=np.searchsorted(classes, labels).astype(np.int64),
            test_x=_scaled(test_inputs, offset, span),
            test_y=np.searchsorted(classes, test_labels).astype(np.int64),
            offset=offset,
            span=span,
            classes=classes,
            target_mean=np.zeros(0),
            target_std=np.zeros(0),
        )

    @classmethod
    def regression(
        cls,
        X: ArrayLike,  # noqa: N803
        y: ArrayLike,
        *,
        test: float | int | tuple[ArrayLike, ArrayLike] = TEST,
        scale: str = "standard",
        seed: int = 0,
        name: str = "regression",
    ) -> Dataset:
        """Samples with targets ``y`` [samples] or [samples, outputs], numbers; the rest as in `classification`."""
        inputs, size = _inputs("X", X)
        _check_unscaled("X", scale, inputs)
        targets = _targets("y", y, len(inputs))
        seed = check("seed", seed, 0, SEED_MAX)
        if isinstance(test, (tuple, list)):
            test_inputs, test_targets = _own_test(test, size, scale, _targets)
            if test_targets.shape[1] != targets.shape[1]:
                raise ValueError(f"test[1] = {form(test_targets)}: must have {targets.shape[1]} outputs, as y has")
        else:
            chosen = _chosen(test, [np.arange(len(targets))], len(targets), seed)
            test_inputs, test_targets = inputs[chosen], targets[chosen]
            inputs, targets = inputs[~chosen], targets[~chosen]
        offset, span = _scaling(scale, inputs)
        moments = [_moments(column) for column in targets.T]
        mean, std = np.array([one for one, _ in moments]), np.array([one or 1.0 for _, one in moments])
        return cls(
            name=_name(name),
            size=size,
            train_x=_scaled(inputs, offset, span),
            train_y=_words((targets - mean) / std, VALUE_MAX),
            test_x=_scaled(test_inputs, offset, span),
            test_y=_words((test_targets - mean) / std, VALUE_MAX),
            offset=offset,
            span=span,
            classes=None,
            target_mean=mean,
            target_std=std,
            flat=np.ndim(y) == 1,
        )

    def __repr__(self) -> str:
        """Samples and answers in one line."""
        samples = f"{len(self.train_x)} + {len(self.test_x)} samples of {_size(self.size)}"
        answers = f"{self.outputs} {'targets' if self.classes is None else 'classes'}"
        return f"<Dataset {self.name!r}: {samples}, {answers}>"

    @property
    def outputs(self) -> int:
        """Outputs of a network that learns it."""
        return len(self.target_mean) if self.classes is None else len(self.classes)

    def encode(self, X: ArrayLike) -> Int:  # noqa: N803
        """Inputs of new samples as words, int64[N, F]; what lies beyond the training samples is clipped to +-1."""
        inputs, size = _inputs("X", X)
        if size != self.size:
            raise ValueError(f"X has samples of {_size(size)}: must be of {_size(self.size)}, as in training")
        return _scaled(inputs, self.offset, self.span)

    def decode(self, outputs: Int) -> NDArray[Any]:
        """Answers to outputs [N, R] of a network: labels [N], or targets in their unit, [N, R], if `flat` [N]."""
        if self.classes is not None:
            return np.asarray(self.classes[np.argmax(outputs, axis=1)])
        targets = np.asarray(outputs / VALUE_ONE * self.target_std + self.target_mean)
        return targets[:, 0] if self.flat else targets

    def explained(self, loss: float) -> float | None:
        """R squared on the test set of half the mean squared error ``loss``, 1 for no error; None for a classification.

        It is one minus the ratio of the mean squared error to the variance of the test targets, both of scaled targets.
        """
        if self.classes is not None:
            return None
        deviations = [fsum(_squares(column)) for column in (self.test_y / VALUE_ONE).T]
        variance = fsum(deviations) / self.test_y.size
        return 1 - 2 * loss / variance if variance else None

    def task(self, network: Networks = (32,)) -> Task | VectorRegression:
        """The task of learning it.

        Parameters
        ----------
        network
            Sizes of the hidden dense layers; or options of `model.network.standard_networks.network` by name, such as
            ``{"architecture": "lenet5", "activation": "relu"}``; or an `Architecture`.

        Raises
        ------
        TypeError, ValueError
            There is no such network, or it does not fit the samples.
        """
        if isinstance(network, Architecture):
            architecture = network
        elif isinstance(network, Mapping):
            known = standard_network.__kwdefaults__ or {}
            for name, value in network.items():
                if name not in known:
                    raise ValueError(f"network: {name} = {value!r}: must be one of {', '.join(known)}")
            architecture = standard_network(self.size, self.outputs, **network)
        elif isinstance(network, Sequence) and not isinstance(network, str):
            architecture = standard_network(self.size, self.outputs, hidden=network)
        else:
            allowed = "a list of the sizes of hidden layers, a mapping of options, or an Architecture"
            raise TypeError(f"network = {network!r}: must be {allowed}")
        kind = VectorRegression if self.classes is None else Task
        return kind(
            name=self.name,
            train_x=self.train_x,
            train_y=self.train_y,
            test_x=self.test_x,
            test_y=self.test_y,
            architecture=architecture,
            tile_configs=architecture.tiles(),
            scaling=self.scaling,
        )

    @property
    def scaling(self) -> str:
        """What says how floats became words and outputs become answers, for checkpoints: a digest."""
        numbers = [array.tolist() for array in (self.offset, self.span, self.target_mean, self.target_std)]
        classes = None if self.classes is None else [str(self.classes.dtype.kind), *self.classes.astype(str).tolist()]
        text = json.dumps([self.size, [[number.hex() for number in some] for some in numbers], classes])
        return hashlib.sha256(text.encode()).hexdigest()


def _name(name: str) -> str:
    if not isinstance(name, str) or not name.strip():
        raise TypeError(f"name = {name!r}: must be a text, what reports call the data")
    return name


def _floats(name: str, values: ArrayLike) -> Real:
    array = _array(name, values)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name}{_first_other(array)}: must be an array of numbers")
    floats = array.astype(np.float64)
    wrong = np.argwhere(~np.isfinite(floats))
    if len(wrong):
        place = tuple(map(int, wrong[0]))
        raise ValueError(f"{name}[{', '.join(map(str, place))}] = {floats[place]}: must be finite")
    if floats.size and (largest := float(np.abs(floats).max())) > LARGEST:
        raise ValueError(f"{name} = {largest} at most: must be from -{LARGEST} to {LARGEST}")
    return floats


def _array(name: str, values: ArrayLike) -> NDArray[Any]:
    if isinstance(values, np.ma.MaskedArray) and (masked := np.argwhere(np.ma.getmaskarray(values))).size:
        raise ValueError(f"{name}{masked[0].tolist()} is masked: must be an array in which nothing is")
    if hasattr(values, "toarray"):
        raise TypeError(f"{name} = {type(values).__name__}: must be a dense array, such as that of its toarray()")
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"{name}: must be an array, whose rows are all equally long") from None
    return _plain(array) if array.dtype.kind == "O" else array


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    """An array of objects, as pandas makes of columns of several kinds, as one of numbers or texts if it is one."""
    kinds = {type(one) for one in array.ravel()}
    if kinds and all(issubclass(kind, str) for kind in kinds):
        return array.astype(str)
    if kinds and all(issubclass(kind, (bool, np.bool_, Integral)) for kind in kinds):
        with suppress(OverflowError):
            return array.astype(np.int64)
    return array.astype(np.float64) if kinds and all(issubclass(kind, (Number, np.bool_)) for kind in kinds) else array


def _inputs(name: str, values: ArrayLike) -> tuple[Real, tuple[int, ...]]:
    """Inputs [samples, F] and the shape of a sample."""
    floats = _floats(name, values)
    if floats.ndim not in (2, 3) or not floats.size:
        raise ValueError(f"{name} = {form(floats)}: must be [samples, inputs] or [samples, height, width], none empty")
    return floats.reshape(len(floats), -1), floats.shape[1:]


def _first_other(array: NDArray[Any]) -> str:
    """Type and shape, and the first element that is no number."""
    for place in np.ndindex(array.shape) if array.dtype.kind == "O" else ():
        if not isinstance(array[place], (Number, np.bool_)):
            return f"{list(place)} = {shown(array[place])}"
    return f" = {form(array)}"


def _labels(name: str, values: ArrayLike, samples: int) -> NDArray[Any]:
    array = _array(name, values)
    if array.dtype.kind == "f" and np.array_equal(array, np.rint(array)) and np.abs(array).max(initial=0) < 2**53:
        array = array.astype(np.int64)
    if array.dtype.kind not in "iubU":
        raise TypeError(f"{name} = {form(array)}: must be labels, whole numbers, texts or booleans")
    if array.shape == (samples, 1):
        array = array[:, 0]
    if array.shape != (samples,):
        raise ValueError(f"{name} = {form(array)}: must be [{samples}], a label for every sample")
    return array


def _targets(name: str, values: ArrayLike, samples: int) -> Real:
    floats = _floats(name, values)
    columns = floats[:, None] if floats.ndim == 1 else floats
    if columns.ndim != 2 or len(columns) != samples or not columns.size:
        raise ValueError(f"{name} = {form(floats)}: must be [{samples}] or [{samples}, outputs], one for every sample")
    return columns


def _own_test(test: Sequence[Any], size: tuple[int, ...], scale: str, reader: Any) -> tuple[Real, NDArray[Any]]:
    if len(test) != 2:
        raise ValueError(f"test = {len(test)} arrays: must be two, (X, y)")
    inputs, own_size = _inputs("test[0]", test[0])
    if own_size != size:
        raise ValueError(f"test[0] has samples of {_size(own_size)}: must be of {_size(size)}, as X has")
    _check_unscaled("test[0]", scale, inputs)
    return inputs, reader("test[1]", test[1], len(inputs))


def _chosen(test: Any, groups: Sequence[Int], samples: int, seed: int) -> NDArray[np.bool_]:
    """Which samples are for the test: as many as told, of every group its share, in an order of the seed."""
    if isinstance(test, (float, np.floating)):
        count = round(check("test", test, 0.0, 1.0, whole=False) * samples)
    else:
        count = check("test", test, 1, samples - 1)
    if not 0 < count < samples:
        raise ValueError(f"test = {shown(test)}: must leave samples for training and for the test, of {samples}")
    exact = [count * len(members) / samples for members in groups]
    counts = [int(share) for share in exact]
    left = sorted(range(len(groups)), key=lambda group: counts[group] - exact[group])  # the largest remainders
    for group in left[: count - sum(counts)]:
        counts[group] += 1
    chosen = np.zeros(samples, bool)
    for number, (members, some) in enumerate(zip(groups, counts, strict=True)):
        chosen[members[permutation(derive_key(seed, "split", number), len(members))[:some]]] = True
    return chosen


def _moments(column: Real) -> tuple[float, float]:
    """Mean and standard deviation."""
    mean = fsum(column.tolist()) / len(column)
    return mean, sqrt(fsum(np.square(column - mean).tolist()) / len(column))


def _squares(column: Real) -> list[float]:
    mean = fsum(column.tolist()) / len(column)
    squares: list[float] = np.square(column - mean).tolist()
    return squares


def _check_unscaled(name: str, scale: str, inputs: Real) -> None:
    wrong = np.argwhere(np.abs(inputs) > 1)
    if scale == "none" and len(wrong):
        row, column = map(int, wrong[0])
        raise ValueError(f"{name}[{row}, {column}] = {inputs[row, column]}: must be from -1 to 1 with scale = 'none'")


def _scaling(scale: str, inputs: Real) -> tuple[Real, Real]:
    if scale not in SCALES:
        raise ValueError(f"scale = {scale!r}: must be one of {', '.join(SCALES)}")
    ones = np.ones(inputs.shape[1])
    if scale == "none":
        return 0 * ones, ones
    if scale == "standard":
        moments = [_moments(column) for column in inputs.T]
        return np.array([mean for mean, _ in moments]), SPREAD * np.array([std for _, std in moments])
    axis = 0 if scale == "minmax" else None
    low, high = inputs.min(axis=axis), inputs.max(axis=axis)
    return low * ones, (high - low) * ones


def _scaled(inputs: Real, offset: Real, span: Real) -> Int:
    there = span > 0
    return _words(np.where(there, (inputs - offset) / np.where(there, span, 1), 0.0), VALUE_ONE)


def _words(values: Real, limit: int) -> Int:
    return np.rint(np.clip(values * VALUE_ONE, -limit, limit)).astype(np.int64)


def _size(size: tuple[int, ...]) -> str:
    return " x ".join(map(str, size))
