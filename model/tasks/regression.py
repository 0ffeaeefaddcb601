# SPDX-License-Identifier: Apache-2.0
"""Linear regression tasks: one tile learns a matrix of weights, without bias, activation and output scale.

    weight-programming   delta = W x - T x,            x standard normal
    noisy-quadratic      delta = w - t - sigma * xi,   a column of independent cells with x = 1, xi standard normal

T = 0.3 * N(0, 1) with N clipped at +-2, the same for every seed. Inputs and noise of sample n are draws n of streams of
the seed, so a run is the same wherever it stops. T x + sigma * xi is an exact integer sum, rounded once to a value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symtrack.model.arithmetic.converters import Converters, NoiseStream
from symtrack.model.arithmetic.formats import VALUE_BITS, VALUE_ONE, WEIGHT_BITS, root_mean_square, to_weight
from symtrack.model.arithmetic.noise import NORMAL_BITS, derive_key, normals
from symtrack.model.network.architecture import Architecture, Dense
from symtrack.model.network.network import Network
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.fixed import Int, round_shift
from symtrack.model.spec.validated import check
from symtrack.model.tasks.evaluation import Evaluation

assert NORMAL_BITS == VALUE_BITS  # a draw is a value

# ---- what a run of these tasks looks like unless told otherwise ----------------------------------------------------
STEPS = 6000
EPOCH = 1000  # samples that count as an epoch for schedules and checkpoints
START_WEIGHT = 0.0  # W starts uniform between plus and minus this
TARGET_STD, TARGET_CLIP = 0.3, 2  # of T, and where its standard normal draws are clipped
QUADRATIC_CELLS, QUADRATIC_NOISE = 100, 0.3  # cells and sigma of noisy-quadratic
NOISE_MAX, TARGET_MAX = 4.0, 4  # what sigma and a weight of T can be
CONVERTERS = Converters(dac_bits=16, adc_bits=16, output_bound=4.0, output_noise=0.0)
TILE = TileConfig(
    rows=20,
    columns=20,
    lanes=4,
    adc_bits=16,
    magnitude_bits=16,
    reference_fraction_bits=8,
    gain_bits=16,
    hidden_bits=40,
    threshold_shift=24,
    pulses_max=127,
)
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Regression:
    """A linear regression task.

    Attributes
    ----------
    target : int64[R, C], T as weights with 30 fractional bits.
    normal_inputs : whether x is standard normal, else 1.
    noise : sigma.
    architecture, tile_configs, converters : see `model.tasks.task.Task`.

    Raises
    ------
    TypeError, ValueError
        A field is not what it must be; the message names it, its value and what is allowed.
    """

    name: str
    target: Int
    normal_inputs: bool
    noise: float
    architecture: Architecture
    tile_configs: tuple[TileConfig, ...]
    converters: Converters = CONVERTERS

    def __post_init__(self) -> None:
        self.architecture.check_tiles(self.tile_configs)
        if not isinstance(self.normal_inputs, bool):
            raise TypeError(f"normal_inputs = {self.normal_inputs!r}: must be true or false")
        object.__setattr__(self, "noise", check("noise", self.noise, 0.0, NOISE_MAX, whole=False))
        shape = self.tile_configs[0].rows, self.tile_configs[0].columns
        if not isinstance(self.target, np.ndarray) or self.target.dtype != np.int64 or self.target.shape != shape:
            raise TypeError(f"target: must be int64[{shape[0]}, {shape[1]}], of the rows and columns of the tile")
        if np.abs(self.target).max() > TARGET_MAX << WEIGHT_BITS:
            raise ValueError(f"target: must be weights from -{TARGET_MAX} to {TARGET_MAX}")

    @property
    def samples(self) -> int:
        """Samples of an epoch."""
        return EPOCH

    def draw(self, seed: int, first: int, count: int) -> tuple[Int, Int]:
        """Inputs [count, C] and targets [count, R] of samples from ``first`` on."""
        rows, columns = self.target.shape
        x = np.full((count, columns), VALUE_ONE)
        if self.normal_inputs:
            x = normals(derive_key(seed, "inputs"), count * columns, first * columns).reshape(count, columns)
        exact = x @ self.target.T
        if self.noise:
            draws = normals(derive_key(seed, "target noise"), count * rows, first * rows).reshape(count, rows)
            exact += int(to_weight(self.noise)) * draws
        return x, round_shift(exact, WEIGHT_BITS)

    def errors(self, outputs: Int, targets: Int) -> Int:
        """Of outputs [n, R]."""
        return outputs - targets

    def evaluate(self, network: Network, noise: NoiseStream, step: int) -> Evaluation:
        """How far W is from T; loss: the mean of delta**2 / 2 over outputs and inputs, without noise of the targets."""
        error = root_mean_square(network.layers[0].weights() - self.target)
        return Evaluation(step, None, round(self.target.shape[1] * error * error / 2, 12), error)


def weight_programming() -> Regression:
    """A random 20 x 20 matrix."""
    return random_matrix(TILE)


def random_matrix(config: TileConfig) -> Regression:
    """Weight programming with a random matrix of the size of a tile."""
    return _regression("weight-programming", config, normal_inputs=True, noise=0.0)


def noisy_quadratic() -> Regression:
    """A column of cells, each with a noisy error of its own."""
    config = TILE.replace(rows=QUADRATIC_CELLS, columns=1)
    return _regression("noisy-quadratic", config, normal_inputs=False, noise=QUADRATIC_NOISE)


def _regression(name: str, config: TileConfig, *, normal_inputs: bool, noise: float) -> Regression:
    draws = normals(derive_key(0, name, "target"), config.rows * config.columns)
    clipped = np.clip(draws, -TARGET_CLIP << NORMAL_BITS, TARGET_CLIP << NORMAL_BITS)
    target = round_shift(int(to_weight(TARGET_STD)) * clipped, NORMAL_BITS).reshape(config.rows, config.columns)
    layer = Dense(size_in=config.columns, size_out=config.rows, bias=False, weight_scaling=START_WEIGHT, scale=1.0)
    return Regression(
        name=name,
        target=target,
        normal_inputs=normal_inputs,
        noise=noise,
        architecture=Architecture(layers=(layer,)),
        tile_configs=(config,),
    )
