# SPDX-License-Identifier: Apache-2.0
"""Writes trained weights into W with pulses, reads them back, and lets them drift.

    start        s = max|w| / fill,  T = w / s                            T is what W shall be, unless s is fixed
    a round      r_j = mean of ``reads`` reads of column j,  n = clip(round((T_j - r_j) / dw_min)),  n pulses to W
    end          no cell of a column is off by more than ``tolerance`` where it was read, or after ``rounds`` rounds
    drift        w(t) = w * (t / t0)**(-nu),   nu = max(nu_mean + nu_std * xi, 0) of each cell

A read is that of the tile's ADC with the output noise of the products, rounded to its LSB; the noise is wider than the
LSB, so a mean of many reads is finer than one. Programming is a work of the host before the first step: golden and RTL
start from the same arrays. Drift is of phase-change memory, M. Le Gallo et al., IEEE Trans. Electron Devices 65, 4304
(2018).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import ROUND_HALF_EVEN, Context, Decimal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symtrack.model.arithmetic.activations import EXP_BITS, exp_negative
from symtrack.model.arithmetic.converters import NoiseStream
from symtrack.model.arithmetic.formats import VALUE_BITS, VALUE_ONE, WEIGHT_ONE, root_mean_square, to_weight
from symtrack.model.arithmetic.noise import NORMAL_BITS, derive_key, normals
from symtrack.model.network.crossbar import Crossbar
from symtrack.model.network.layer import SCALE_BITS, Layer
from symtrack.model.network.learning_tile import LearningTile
from symtrack.model.network.network import Network
from symtrack.model.spec.fixed import Int, round_shift
from symtrack.model.spec.validated import Validated, flag, integer, number

BURST = 127  # most pulses to a cell between two reads
LARGEST = 4.0  # a weight that no device has
_DECIMAL = Context(prec=28, rounding=ROUND_HALF_EVEN)

Real = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Writing(Validated):
    """How weights are written; see `Validated` for the errors of bad parameters."""

    fill: float = number(1e-3, 2, 0.6, "the largest weight of a layer as a weight of W, which sets its output scale")
    tolerance: float = number(0, 2, 0.02, "error of a read that is left alone, a weight of W")
    rounds: int = integer(1, 10**4, 20, "most rounds of reads and pulses of a column")
    reads: int = integer(1, 10**4, 16, "reads of a column of which a round takes the mean")
    ideal: bool = flag(False, "without pulses and reads: W is set, as far as bounds allow")


@dataclass(frozen=True, kw_only=True)
class StartWeights:
    """Weights that a network starts from, instead of random ones.

    Attributes
    ----------
    layers : arrays float64[R, C], in the order of the layers; the last column is the bias where a layer has one.
    writing : how they come into W.

    Raises
    ------
    TypeError, ValueError
        A weight is no finite number; the message names it.
    """

    layers: tuple[Real, ...]
    writing: Writing = Writing()

    def __post_init__(self) -> None:
        arrays = []
        for index, given in enumerate(self.layers):
            array = np.array(given)
            if array.dtype.kind not in "fiu" or array.ndim != 2:
                text = "must be an array of numbers [rows, columns]"
                raise TypeError(f"weights of layer{index} = {array.dtype}{list(array.shape)}: {text}")
            floats = array.astype(np.float64)
            wrong = np.argwhere(~np.isfinite(floats))
            if len(wrong):
                place = tuple(map(int, wrong[0]))
                raise ValueError(f"weights of layer{index}[{place[0]}, {place[1]}] = {floats[place]}: must be finite")
            floats.flags.writeable = False
            arrays.append(floats)
        object.__setattr__(self, "layers", tuple(arrays))

    @classmethod
    def of(cls, weights: Mapping[str, ArrayLike] | Sequence[ArrayLike], writing: Writing | None = None) -> StartWeights:
        """From arrays in the order of the layers, or by the names ``layer0``, ``layer1``, ..."""
        if isinstance(weights, Mapping):
            names = [f"layer{index}" for index in range(len(weights))]
            for name in weights:
                if name not in names:
                    raise ValueError(f"weights: {name!r}: must be one of {', '.join(names)}, an array for every layer")
            weights = [weights[name] for name in names]
        return cls(layers=tuple(np.asarray(one) for one in weights), writing=writing or Writing())


@dataclass(frozen=True, kw_only=True)
class Written:
    """What writing took and came to, of a tile or of several.

    Attributes
    ----------
    pulses, reads : pulses to cells, and reads of columns.
    error : root mean square of W - T after it, a weight.
    missed : cells that are off by more than the tolerance.
    cells : all of them.
    """

    pulses: int
    reads: int
    error: float
    missed: int
    cells: int

    @classmethod
    def sum(cls, parts: Sequence[Written]) -> Written:
        """Of all parts together."""
        cells = sum(part.cells for part in parts)
        square = sum(part.error**2 * part.cells for part in parts)
        whole = {spec.name: sum(getattr(part, spec.name) for part in parts) for spec in fields(cls)}
        return cls(**whole | {"error": float((square / cells) ** 0.5)})


def write_weights(network: Network, start: StartWeights, noise: NoiseStream) -> Written:
    """Bring W of all layers to trained weights, and their output scales to what makes them the same products.

    Raises
    ------
    ValueError
        An array is not of the shape of its layer, or a fixed output scale puts a weight out of its range.
    """
    if len(start.layers) != len(network.layers):
        raise ValueError(f"weights = {len(start.layers)} arrays: must be {len(network.layers)}, one for every layer")
    for layer, weights in zip(network.layers, start.layers, strict=True):
        shape = layer.plan.rows, layer.plan.columns
        if weights.shape != shape:
            bias = ", the last column is the bias" if layer.plan.bias else ""
            raise ValueError(f"weights of {layer.name} = {list(weights.shape)}: must be {list(shape)}{bias}")
    return Written.sum(
        [
            part
            for layer, weights in zip(network.layers, start.layers, strict=True)
            for part in _write_layer(layer, weights, start.writing, noise)
        ]
    )


def _write_layer(layer: Layer, weights: Real, writing: Writing, noise: NoiseStream) -> list[Written]:
    largest = float(np.abs(weights).max())
    if layer.plan.scale is None and largest:
        layer.scale = max(round(largest / writing.fill * (1 << SCALE_BITS)), 1)
    target = to_weight(np.clip(weights / (layer.scale / (1 << SCALE_BITS)), -LARGEST, LARGEST))
    return [
        _write_tile(trained, np.ascontiguousarray(target[rows, columns]), writing, noise)
        for rows, columns, trained in layer.blocks
    ]


def _write_tile(trained: LearningTile, target: Int, writing: Writing, noise: NoiseStream) -> Written:
    """Write and verify of W, column by column; ``target`` int64[R, C]."""
    tile, array, reads = trained.base, trained.base.slow, 0
    target = target - (trained.weights() - array.weights)  # what a chain has in its other arrays stays
    before = int(array.pulse_numbers.sum())
    if writing.ideal:
        array.program(target)
    tolerance, dw_min = int(to_weight(writing.tolerance)), int(to_weight(trained.dw_min))
    for column in range(0 if writing.ideal else target.shape[1]):
        for _ in range(writing.rounds):
            error = target[:, column] - _mean_read(tile, column, writing.reads, noise)
            reads += writing.reads
            pulses = np.where(np.abs(error) > tolerance, (2 * error + dw_min) // (2 * dw_min), 0)
            if not pulses.any():
                break
            array.pulse_column(column, np.clip(pulses, -BURST, BURST))
    error = array.weights - target
    return Written(
        pulses=int(array.pulse_numbers.sum()) - before,
        reads=reads,
        error=root_mean_square(error),
        missed=int((np.abs(error) > tolerance).sum()),
        cells=error.size,
    )


def _mean_read(tile: Crossbar, column: int, reads: int, noise: NoiseStream) -> Int:
    """A column of W as the mean of its reads, weights with 30 fractional bits."""
    words, converters = tile.slow.column(column), tile.converters
    codes = sum(converters.read_column(words, noise, tile.slow.cells.read_noise) for _ in range(reads))
    return (2 * np.asarray(codes) * converters.read_lsb + reads) // (2 * reads)


def effective_weights(layer: Layer) -> Real:
    """s * W of a layer, float64[R, C], the last column is the bias where it has one: what its products stand for."""
    return layer.weights() / WEIGHT_ONE * (layer.scale / (1 << SCALE_BITS))


@dataclass(frozen=True, kw_only=True)
class Drift(Validated):
    """Power-law drift of all cells towards zero; see `Validated` for the errors of bad parameters."""

    time: float = number(1, 1e12, 1.0, "time after writing, in units of the time t0 of the first read")
    nu_mean: float = number(0, 1, 0.05, "mean exponent")
    nu_std: float = number(0, 1, 0.01, "its spread from cell to cell")

    def factors(self, key: int, cells: int) -> Int:
        """(t / t0)**(-nu) of every cell, int64[cells] with `EXP_BITS` fractional bits, and exp(-16) at least."""
        logarithm = int((_DECIMAL.ln(Decimal(self.time)) * VALUE_ONE).to_integral_value(ROUND_HALF_EVEN))
        mean, std = (round(nu * (1 << NORMAL_BITS)) for nu in (self.nu_mean, self.nu_std))
        exponents = np.maximum(mean + round_shift(std * normals(key, cells), NORMAL_BITS), 0)
        return exp_negative(round_shift(exponents * logarithm, VALUE_BITS))


def drifted(network: Network, drift: Drift, seed: int) -> None:
    """Let all arrays of a network drift: W, P, and R where it is one; choppers, Q and H are digital and stay."""
    for layer in network.layers:
        for name, trained in layer.trained.items():
            for part, array in trained.arrays():
                factors = drift.factors(derive_key(seed, name, part, "drift"), array.weights.size)
                weights = array.weights
                array.program(round_shift(weights * factors.reshape(weights.shape), EXP_BITS))
