# SPDX-License-Identifier: Apache-2.0
"""A single layer on analog tiles, for a framework that has the rest of a network: real vectors in and out, own updates.

    forward    z = 2**(-a) * s * W (2**a * x)                       backward   g = 2**(-b) * s * W^T (2**b * delta)
    learn      one update for every kept pair (x, delta), in the order of the backward passes, then the transfers

Values have 20 fractional bits. The exponents a of inputs and b of errors are part of the state: they are chosen with
the first vectors so that the largest component is from 1 to 2, and again whenever it leaves 1/16 to 4, so that no value
saturates on its way in, and errors far below 1 keep their bits. Running maxima and kept pairs move with them, so what
they stand for stays. Multiplications by powers of two and roundings are all that floats see here.

Training, products and updates draw from one stream of noise; an evaluation draws from another one that begins anew with
every step, and changes nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symtrack.model.arithmetic.converters import Converters, NoiseStream
from symtrack.model.arithmetic.formats import SUM_MAX, VALUE_BITS, VALUE_ONE
from symtrack.model.arithmetic.noise import derive_key
from symtrack.model.network.architecture import TILE_COLUMNS, TILE_ROWS, WEIGHT_SCALING, Architecture, Dense
from symtrack.model.network.network import Network
from symtrack.model.network.writing import StartWeights, Writing, Written, effective_weights, write_weights
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.fixed import Int, round_shift
from symtrack.model.spec.settings import Target
from symtrack.model.spec.validated import shown
from symtrack.model.state import Arrays
from symtrack.model.tasks.evaluation import Evaluation
from symtrack.model.tasks.task import TILE_SEEDS
from symtrack.model.tile.interface import PeripheryFactory, Restorable
from symtrack.model.tile.operations import Periphery
from symtrack.model.training.spec import SEED_MAX, TrainingSpec
from symtrack.model.training.trainer import Trainer

Real = NDArray[np.float64]

EXPONENT_MAX = 20  # of the size of both exponents: below 2**-40 an input or an error is 0, and 2**22 is the largest
_LOW, _HIGH = 1 / 16, 4.0  # of the largest component of some vectors, beyond which the exponent changes
_LARGEST = 2.0 ** (EXPONENT_MAX + 2)  # that a component may not reach
_COUNT_MAX = (1 << 63) - 1
_LONGEST = 60  # characters of a setting in a message
_NO_SAMPLES = "task = LayerTask: must be a task with samples; a single layer takes vectors and errors of a framework"


@dataclass(frozen=True, kw_only=True)
class LayerTask:
    """The task of a single layer: a network of one dense layer without bias, and no samples of its own."""

    architecture: Architecture
    tile_configs: tuple[TileConfig, ...]
    converters: Converters = Converters()  # noqa: RUF009, it is frozen
    name: str = "layer"
    samples: int = 0

    @classmethod
    def of(
        cls,
        rows: int,
        columns: int,
        *,
        weight_scaling: float = WEIGHT_SCALING,
        scale: float | None = None,
        tile_rows: int = TILE_ROWS,
        tile_columns: int = TILE_COLUMNS,
    ) -> LayerTask:
        """The task of a layer with so many rows and columns, on tiles of at most ``tile_rows`` x ``tile_columns``."""
        plan = Dense(size_in=columns, size_out=rows, bias=False, weight_scaling=weight_scaling, scale=scale)
        architecture = Architecture(layers=(plan,), tile_rows=tile_rows, tile_columns=tile_columns)
        return cls(architecture=architecture, tile_configs=architecture.tiles())

    def draw(self, seed: int, first: int, count: int) -> tuple[Int, Int]:
        """Raises TypeError: there are no samples."""
        raise TypeError(_NO_SAMPLES)

    def errors(self, outputs: Int, targets: Int) -> Int:
        """Raises TypeError: errors come from the framework that has the rest of the network."""
        raise TypeError(_NO_SAMPLES)

    def evaluate(self, network: Network, noise: NoiseStream, step: int) -> Evaluation:
        """Raises TypeError: there are no samples."""
        raise TypeError(_NO_SAMPLES)


@dataclass(frozen=True, kw_only=True)
class Passed:
    """What a forward pass leaves for the backward pass: inputs [n, C] times 2**exponent, and W x [n, R]."""

    x: Int
    sums: Int
    exponent: int


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Inputs [n, C], W x [n, R] and errors [n, R] of a backward pass, values at the exponents of the layer."""

    x: Int
    sums: Int
    delta: Int


class SingleLayer:
    """A layer on tiles of its own.

    Parameters
    ----------
    spec
        How it is trained; its task is a `LayerTask`.
    periphery, threads
        As of `model.training.trainer.Trainer`.

    Attributes
    ----------
    layer : weights and tiles.
    steps : calls of `learn` so far.
    exponents : a and b, None as long as there was no vector.
    moved : how often an exponent was chosen or changed.
    pairs : what the next `learn` takes.
    offered : pairs of backward passes by number, which `take` adds to them.
    written : what it took to write W; None where it started at random.
    """

    def __init__(self, spec: TrainingSpec, *, periphery: PeripheryFactory = Periphery, threads: int = 1) -> None:
        self._trainer = Trainer(spec, periphery=periphery, threads=threads)
        (self.layer,) = self._trainer.network.layers
        self.exponents: dict[str, int | None] = {"x": None, "delta": None}
        self.steps = self.moved = 0
        self.pairs: list[Pair] = []
        self.offered: dict[int, list[Pair]] = {}
        self.written: Written | None = None
        self._factor = 1.0
        self._evaluation = self._noise_of_evaluation()

    @property
    def spec(self) -> TrainingSpec:
        """How it is trained."""
        return self._trainer.spec

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.layer.plan.rows, self.layer.plan.columns

    def write(self, weights: ArrayLike, writing: Writing | None = None) -> Written:
        """Bring W and the output scale to weights [R, C], see `model.network.writing`.

        Raises
        ------
        TypeError, ValueError
            They are not finite, or out of the range in which outputs and gradients neither vanish nor saturate.
        """
        start = StartWeights.of([weights], writing)
        self._check_range(start)
        noise = NoiseStream(derive_key(self.spec.seed, "writing", self.steps))
        self.written = write_weights(self._trainer.network, start, noise)
        return self.written

    def _check_range(self, start: StartWeights) -> None:
        """Raise ValueError unless products with these weights stay within their format; zeros are allowed.

        The largest component of a vector is from `_LOW` to `_HIGH`. Sums end at `SUM_MAX`: none comes there if the
        sizes of weights in every row and column add up to so little, or else the full scales of the converters. The
        largest weight times `_LOW` is at least the last bit of a sum.
        """
        (weights,) = start.layers
        if not (largest := _largest(weights)):
            return
        sizes, fixed, end = np.abs(weights), self.layer.plan.scale, SUM_MAX / VALUE_ONE / _HIGH
        added = float(max(sizes.sum(0).max(), sizes.sum(1).max()))
        starts = zip(*((rows.start, columns.start) for rows, columns, _ in self.layer.blocks), strict=True)
        blocks = max(len(set(side)) for side in starts)
        full = (fixed or largest / start.writing.fill) * self.layer.tiles[0].converters.output_bound * blocks
        low = 1 / VALUE_ONE / _LOW
        high = largest * end / (min(added, full) if fixed is None or full <= end else added)
        if not low <= largest <= high:
            raise ValueError(
                f"weight: largest = {largest:.3g}: must be from {low:.3g} to {high:.3g}, so that outputs neither vanish"
                " nor saturate"
            )

    def weights(self) -> Real:
        """s * W, float64[R, C]."""
        return effective_weights(self.layer)

    def forward(self, x: Real, *, training: bool) -> tuple[Real, Passed]:
        """Outputs [n, R] for inputs [n, C]; only ``training`` changes the state.

        Raises
        ------
        ValueError
            A component is no finite number or too large.
        """
        exponent = self._exponent("x", x, training)
        words = _to_words(x, exponent)
        sums = self.layer.forward(words, self._noise(training))
        return _to_floats(self.layer.scaled(sums), exponent), Passed(x=words, sums=sums, exponent=exponent)

    def backward(
        self, delta: Real, passed: Passed, *, product: bool, keep: bool, training: bool, number: int | None = None
    ) -> Real | None:
        """Gradients [n, C] for errors delta [n, R] of a forward pass, None unless the ``product`` is asked for.

        keep: inputs and errors are for the next `learn`; those of a pass with a ``number`` only if `take` is called.

        Raises
        ------
        ValueError
            A component is no finite number or too large.
        """
        exponent = self._exponent("delta", delta, training)
        words = _to_words(delta, exponent)
        gradient = self.layer.backward(words, self._noise(training)) if product else None
        if keep:
            moved = self._present("x") - passed.exponent
            pair = Pair(x=_shifted(passed.x, moved), sums=_shifted(passed.sums, moved), delta=words)
            (self.pairs if number is None else self.offered.setdefault(number, [])).append(pair)
        return None if gradient is None else _to_floats(gradient, exponent)

    def take(self, number: int, factor: float = 1.0) -> None:
        """Keep the pairs of the backward pass with this number, their errors times ``factor``."""
        pairs = self.offered.get(number, [])
        self._scale(pairs, factor)
        self.offered.pop(number, None)
        self.pairs += pairs

    def scale_errors(self, factor: float) -> None:
        """Multiply the errors of all kept pairs; with 0 there are none any more."""
        self._scale(self.pairs, factor)

    def drop(self) -> None:
        """There are no pairs any more, neither kept nor offered."""
        self.pairs.clear()
        self.offered.clear()

    def _scale(self, pairs: list[Pair], factor: float) -> None:
        if factor == 0.0:
            pairs.clear()
        if not pairs or factor == 1.0:
            return
        before = self._present("delta")
        floats = [_to_floats(pair.delta, before) * factor for pair in pairs]
        exponent = self._exponent("delta", np.array([_largest(one) for one in floats]), True)
        moved = zip(pairs, floats, strict=True)
        pairs[:] = [replace(pair, delta=_to_words(delta, exponent)) for pair, delta in moved]

    def learn(self, factor: float = 1.0) -> None:
        """Updates with all kept pairs, and the transfers that are due; ``factor`` multiplies the learning rate.

        The pairs stay, as gradients do, until `pairs` is cleared. With a factor of 0 or without pairs nothing happens,
        and with one so small that no gain of the tile says it W rests.

        Raises
        ------
        ValueError
            No setting of the tile is so large a learning rate.
        """
        if not self.pairs or factor == 0.0:
            return
        exponent = self._present("x") + self._present("delta")
        # Where W learns at a fixed rate from the words of both, the rate undoes their exponents.
        fixed = self._trainer.rule.target == Target.SLOW
        if fixed or factor != self._factor:
            self.layer.set_rate(factor * 2.0**-exponent if fixed else factor, may_rest=True)
            self._factor = factor
        x, sums, delta = (
            np.concatenate([getattr(pair, name) for pair in self.pairs]) for name in ("x", "sums", "delta")
        )
        self.layer.learn(x, sums, delta, self._trainer.network.noise, exponent=exponent)
        self.steps += 1
        self._evaluation = self._noise_of_evaluation()

    def _noise_of_evaluation(self) -> NoiseStream:
        return NoiseStream(derive_key(self.spec.seed, "evaluation", self.steps))

    def _noise(self, training: bool) -> NoiseStream:
        return self._trainer.network.noise if training else self._evaluation

    def _present(self, of: str) -> int:
        return self.exponents[of] or 0  # without one, all vectors so far were zero

    def _exponent(self, of: str, values: Real, training: bool) -> int:
        """That of some vectors; in training it becomes the layer's."""
        largest = _largest(values)
        if not np.isfinite(largest):
            raise ValueError(f"{_TEXTS[of]} = {largest}: must be finite")
        if largest >= _LARGEST:
            raise ValueError(f"{_TEXTS[of]} = {largest:g}: must be below 2**{EXPONENT_MAX + 2} in size")
        present = self.exponents[of]
        if largest == 0.0:
            return present or 0
        if present is not None and _LOW <= largest * 2.0**present < _HIGH:
            return present
        found = int(min(max(1 - int(np.frexp(largest)[1]), -EXPONENT_MAX), EXPONENT_MAX))
        if training and found != present:
            if present is not None:
                self._move(of, found - present)
            self.exponents[of] = found
            self.moved += 1
        return found

    def _move(self, of: str, by: int) -> None:
        """Multiply what is kept of inputs or errors by 2**by."""
        for trained in self.layer.trained.values():
            mean = getattr(trained.manager, f"{of}_mean")
            moved = mean << by if by >= 0 else mean >> -by
            setattr(trained.manager, f"{of}_mean", max(moved, 1) if mean else 0)
        names = ("x", "sums") if of == "x" else ("delta",)
        for pairs in (self.pairs, *self.offered.values()):
            pairs[:] = [replace(pair, **{name: _shifted(getattr(pair, name), by) for name in names}) for pair in pairs]

    @property
    def settings(self) -> dict[str, str]:
        """What its training depends on, names to texts, but for the seed; see `Trainer.settings`."""
        return {name: text for name, text in self._trainer.settings.items() if not _SEEDS.fullmatch(name)}

    def state_arrays(self) -> dict[str, np.ndarray]:
        """All state by name; two layers are equal exactly if these are."""
        none = EXPONENT_MAX + 1
        own = {f"{of}_exponent": none if one is None else one for of, one in self.exponents.items()}
        own |= {"updates": self.steps, "moved": self.moved}
        return self._trainer.network.state_arrays() | {name: np.array(value, np.int64) for name, value in own.items()}

    def save(self) -> dict[str, Any]:
        """Plain data from which `load` goes on: the seed, the settings as a text, and arrays by name."""
        arrays = self.state_arrays() | self._trainer.network.counters()
        return {"seed": self.spec.seed, "settings": json.dumps(self.settings), "arrays": arrays}

    def load(self, saved: Mapping[str, Any]) -> None:
        """Go on from `save` of a layer with the same seed and settings; there are no pairs then.

        Raises
        ------
        TypeError
            A tile's periphery cannot be set to a state.
        ValueError
            It is of another layer; the message names the first setting that differs, or the array that does not fit.
        """
        self.check(saved)
        arrays: Arrays = saved["arrays"]
        for tile in self.layer.tiles:
            if not isinstance(tile.periphery, Restorable):
                kind = type(tile.periphery).__name__
                raise TypeError(f"periphery = {kind}: must be one that can be set to a state, such as Periphery")
        self._trainer.network.restore(arrays)
        for of in self.exponents:
            exponent = int(arrays[f"{of}_exponent"])
            self.exponents[of] = None if exponent > EXPONENT_MAX else exponent
        self.steps, self.moved = int(arrays["updates"]), int(arrays["moved"])
        self.drop()
        self._evaluation = self._noise_of_evaluation()

    def check(self, saved: Mapping[str, Any]) -> None:
        """Raise ValueError unless it is of a layer with these settings, whatever its seed."""
        seed = saved["seed"]
        if isinstance(seed, bool) or not isinstance(seed, Integral) or not 0 <= int(seed) <= SEED_MAX:
            raise ValueError(f"state: seed = {shown(seed)}: must be an integer from 0 to {SEED_MAX}")
        mine, theirs = self.settings, _parsed(saved["settings"])
        for name in (*mine, *theirs):
            one, other = mine.get(name, "absent"), theirs.get(name, "absent")
            if one != other:
                raise ValueError(f"state: {name} = {other[:_LONGEST]}: must be {one[:_LONGEST]}, as in this layer")
        like, given = self.state_arrays() | self._trainer.network.counters(), saved["arrays"]
        if not isinstance(given, Mapping):
            raise ValueError(f"state: arrays = {shown(given)}: must be arrays by name")
        for name in (*like, *given):
            forms = [f"{a[name].dtype}{list(a[name].shape)}" if name in a else "absent" for a in (given, like)]
            if forms[0] != forms[1]:
                raise ValueError(f"state: array {name} = {forms[0]}: must be {forms[1]}, as in this layer")
        ranges = {f"{of}_exponent": (-EXPONENT_MAX, EXPONENT_MAX + 1) for of in self.exponents}
        ranges |= {f"{self.layer.name}_scale": (1, _COUNT_MAX), "updates": (0, _COUNT_MAX), "moved": (0, _COUNT_MAX)}
        for name, (low, high) in ranges.items():
            if not low <= (value := int(given[name])) <= high:
                raise ValueError(f"state: array {name} = {value}: must be from {low} to {high}")

    def with_seed(self, seed: int) -> TrainingSpec:
        """The spec of the same layer with another seed."""
        return replace(self.spec, seed=seed, tile_seed=tile_seed(seed))


def _parsed(settings: Any) -> dict[str, str]:
    """Settings from their text in a state."""
    with suppress(TypeError, ValueError):
        parsed = json.loads(settings)
        if isinstance(parsed, dict) and all(isinstance(text, str) for text in parsed.values()):
            return parsed
    raise ValueError(f"state: settings = {shown(settings)}: must be a JSON object of texts by name")


_TEXTS = {"x": "input", "delta": "gradient at the output"}
_SEEDS = re.compile(r"seed|task\.layers\[\d+\]\.seed")


def tile_seed(seed: int) -> int:
    """Of the random sources of the tiles of a layer with this seed."""
    return 1 + derive_key(seed, "sources") % TILE_SEEDS


def representable(values: Real) -> bool:
    """Whether inputs or errors are finite and small enough for words."""
    return _largest(values) < _LARGEST


def _largest(values: NDArray[Any]) -> float:
    return float(np.abs(values).max()) if values.size else 0.0


def _to_words(values: Real, exponent: int) -> Int:
    return np.rint(values * 2.0 ** (VALUE_BITS + exponent)).astype(np.int64)


def _to_floats(words: Int, exponent: int) -> Real:
    return np.multiply(words, 2.0 ** -(VALUE_BITS + exponent), dtype=np.float64)


def _shifted(words: Int, by: int) -> Int:
    return words << by if by >= 0 else round_shift(words, -by)
