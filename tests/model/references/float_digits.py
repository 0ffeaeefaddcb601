# SPDX-License-Identifier: Apache-2.0
"""Reference training of the digits in floating point, from the equations: perceptron 64-32-10, tanh, batch 1.

    forward   z = s * max|x| * (adc(W u) + gamma * (adc(P (c o u)) - adc(R (c o u)))),   u = x / max|x|, the last x is 1
    backward  g = s * max|delta| * (adc(W^T v) + gamma * c o (adc(P^T v) - adc(R^T v))),  v = delta / max|delta|
    adc       adc(y) = y + output_noise * xi, clipped to +-output_bound
    errors    delta = softmax(z) - onehot at the outputs,  (1 - y^2) * g within +-8 at y = tanh(z)
    update    m <- m + (1 - momentum) * (max - m) for max|x| and max|delta|;  the first update sets m
              k = fast_rate * bl_max * (max|x| / m_x) * (max|delta| / m_delta),   BL = min(ceil(k), bl_max)
              lines fire with probability |u_j| * sqrt(k / BL), |v_i| * sqrt(k / BL) in BL slots for each pair of signs
              a step of P_ij for each slot in which i and j fire, up where v_i * c_j * u_j < 0
    transfer  r = adc(P_j) of the next column j, one a step;   Qref_j, R_j <- Q_j if c_j flipped after its last read
              d = c_j * (r - S),  S = 0, Qref_j or Q_j;  Q_j <- Q_j + (r - Q_j) / 2^filter_shift;  R_j <- Q_j if S is Q
              buffered  H_j <- H_j + rate * d / (dw_min * granularity / columns), n = trunc(H_j), H_j <- 0 where n != 0
              direct    n = floor(rate * d / dw_min + uniform)
              n pulses to W_j, at most pulses_max;  none in the warm-up of chopper_period sweeps
    chopper   c_j flips after every chopper_period-th read of j, or all c by chance at the end of a sweep
    scale     s <- s - scale_rate * sum(delta * z / s)
    start     W uniform within +-omega,  s = 1 / (omega * sqrt(columns)),  P = Q = Qref = R = H = 0,  c = 1
    cells     s+- = dw_min * |1 + dw_min_dtod * xi| * |1 +- up_down_dtod * xi|,   b+ = w_max * |1 + w_max_dtod * xi|
              weight = a - a* - mean - std * xi,  a* = (s+ - s-) / (s+ / b+ - s- / b-);   b- as b+, W no mean, std
    n pulses  a <- b + (a - b) * rho^n + sigma * s * sqrt((1 - rho^2n) / (1 - rho^2)) * xi,  clipped to [b-, b+],
              rho = 1 - s / |b|, s and b those of the direction: n times a <- a +- s * (1 - a / b + sigma * xi)

xi are standard normal. All draws are numpy's; of the golden model only data are taken: samples, sizes, rates and the
parameters of devices, of which those left out are zero. Nothing is rounded but n, unless ``quantised``: then u, v and
adc(y) are codes. Source: docs/training.md, DESIGN 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symtrack.model.arithmetic.converters import Converters
from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.network.algorithms import Rates
from symtrack.model.spec.config import TileConfig
from symtrack.model.tasks.task import digits

Real = NDArray[np.float64]

DEVICE = SoftBoundsReference()
SIGNS = np.array([1.0, -1.0])
ERROR_MAX = 8.0


@dataclass(frozen=True)
class Scheme:
    """A line of the table in DESIGN 3.3; ``reference`` is "zero", "Qref" or "Q", ``chopper`` "", "column" or "tile"."""

    reference: str = "zero"
    chopper: str = ""
    direct: bool = False
    residual: bool = False
    filters: bool = True
    warm_up: bool = False


SCHEMES = {
    "tt-v1": Scheme(direct=True),
    "tt-v2": Scheme(),
    "c-tt-v2": Scheme(chopper="column"),
    "agad": Scheme("Qref", "column", warm_up=True),
    "e-rider": Scheme("Qref", "column", residual=True, warm_up=True),
    "residual": Scheme("Qref", direct=True, residual=True, filters=False),
    "rider": Scheme("Q", direct=True, residual=True),
    "e-rider-a": Scheme("Q", "tile", direct=True, residual=True),
    "e-rider-b": Scheme("Qref", "tile", direct=True, residual=True, warm_up=True),
}


class Devices:
    """Soft-bounds devices with a reference; down pulses have index 0 of a parameter, up pulses 1."""

    def __init__(self, rng: np.random.Generator, weights: Real, mean: float, std: float) -> None:
        self._rng = rng
        size, asymmetry, low, high, offset = rng.standard_normal((5, *weights.shape))
        size, asymmetry = np.abs(1 + DEVICE.dw_min_dtod * size), DEVICE.up_down_dtod * asymmetry
        self.step = DEVICE.dw_min * size * np.abs(np.stack([1 - asymmetry, 1 + asymmetry]))
        low = DEVICE.w_min * np.abs(1 + DEVICE.w_min_dtod * low)
        high = DEVICE.w_max * np.abs(1 + DEVICE.w_max_dtod * high)
        widest = self.step.max(axis=0)  # a bound is not nearer to zero than one step
        self.bound = np.stack([np.minimum(low, -widest), np.maximum(high, widest)])
        slope = self.step / np.abs(self.bound)
        rho = np.maximum(1 - slope, 1e-9)
        self._log_rho = np.log(rho)
        self._noise = DEVICE.dw_min_std * self.step / np.sqrt(1 - rho**2)
        self.reference = (self.step[1] - self.step[0]) / slope.sum(axis=0) + mean + std * offset
        self.weights = np.clip(weights + self.reference, *self.bound) - self.reference

    def pulse(self, n: Real, where: Any = ...) -> None:
        """Signed numbers of pulses, positive upwards, to the cells ``where``."""
        up = n > 0
        low, high = self.bound[0][where], self.bound[1][where]
        bound = np.where(up, high, low)
        decay = np.exp(np.abs(n) * np.where(up, self._log_rho[1][where], self._log_rho[0][where]))
        sigma = np.where(up, self._noise[1][where], self._noise[0][where]) * np.sqrt(1 - decay * decay)
        reference = self.reference[where]
        state = bound + (self.weights[where] + reference - bound) * decay + sigma * self._rng.standard_normal(n.shape)
        self.weights[where] = np.minimum(np.maximum(state, low), high) - reference


def coincidences(rng: np.random.Generator, rows: Real, columns: Real, slots: int) -> Real:
    """Slots in which both lines of a cell fire [R, C], with the sign of the cell, for signed probabilities.

    A cell's lines only fire together in the trains of its pair of signs, so the sum over the four has one term a cell.
    """
    pairs = (2, 2, slots)  # signs of rows and of columns
    fired_rows = rng.random((*pairs, rows.size)) < SIGNS[:, None, None, None] * rows
    fired_columns = rng.random((*pairs, columns.size)) < SIGNS[:, None, None] * columns
    polarity = np.multiply.outer(SIGNS, SIGNS)[:, :, None, None]
    return fired_rows.reshape(-1, rows.size).T.astype(float) @ (polarity * fired_columns).reshape(-1, columns.size)


@dataclass
class Layer:
    """One layer with its tile; ``offset``: mean and spread of the reference of P, ``error``: a deliberate one.

    Errors are "read not demodulated", and "plain residual": forward without c.
    """

    rng: np.random.Generator
    config: TileConfig
    converters: Converters
    omega: float
    scheme: Scheme
    rates: Rates
    offset: tuple[float, float]
    quantised: bool
    error: str

    def __post_init__(self) -> None:
        shape = self.config.rows, self.config.columns
        self.fast = Devices(self.rng, np.zeros(shape), *self.offset)
        self.slow = Devices(self.rng, self.rng.uniform(-self.omega, self.omega, shape), 0.0, 0.0)
        self.q, self.qref, self.copy, self.h = np.zeros((4, *shape))
        self.c, self.flipped = np.ones(shape[1]), np.zeros(shape[1], bool)
        self.gamma = self.rates.gamma * self.scheme.residual
        self.scale = 1 / (self.omega * np.sqrt(shape[1]))
        self.maxima: list[float] = []
        self.reads = 0

    def dac(self, x: Real) -> tuple[Real, Real]:
        maximum = np.abs(x).max(axis=-1, keepdims=True)
        steps = 2 ** (self.converters.dac_bits - 1) - 1
        return np.floor(x / maximum * steps + 0.5) / steps if self.quantised else x / maximum, maximum

    def adc(self, y: Real) -> Real:
        bound, codes = self.converters.output_bound, 2 ** (self.config.adc_bits - 1)
        y = y + self.converters.output_noise * self.rng.standard_normal(y.shape)
        if self.quantised:
            return np.clip(np.floor(y / bound * codes + 0.5), -codes, codes - 1) * bound / codes
        return np.minimum(np.maximum(y, -bound), bound)

    def forward(self, x: Real) -> Real:
        u, maximum = self.dac(x)
        y = self.adc(u @ self.slow.weights.T)
        if self.gamma:
            u = u if self.error == "plain residual" else self.c * u
            y += self.gamma * (self.adc(u @ self.fast.weights.T) - self.adc(u @ self.copy.T))
        return self.scale * y * maximum

    def backward(self, delta: Real) -> Real:
        v, maximum = self.dac(delta)
        y = self.adc(v @ self.slow.weights)
        if self.gamma:
            y += self.gamma * self.c * (self.adc(v @ self.fast.weights) - self.adc(v @ self.copy))
        return self.scale * y * maximum

    def learn(self, x: Real, z: Real, delta: Real) -> None:
        self.update(x, delta)
        self.transfer()
        self.scale -= self.rates.scale_rate * (delta @ z) / self.scale

    def update(self, x: Real, delta: Real) -> None:
        new, rates = [float(np.abs(vector).max()) for vector in (x, delta)], self.rates
        self.maxima = [m + (1 - rates.momentum) * (top - m) for m, top in zip(self.maxima or new, new, strict=True)]
        k = rates.fast_rate * self.config.bl_max * np.prod(new) / np.prod(self.maxima)
        slots = min(int(np.ceil(k)), self.config.bl_max)
        p_x, p_delta = self.c * x / new[0] * np.sqrt(k / slots), delta / new[1] * np.sqrt(k / slots)
        self.fast.pulse(-coincidences(self.rng, p_delta, p_x, slots))

    def transfer(self) -> None:
        config, scheme, rate = self.config, self.scheme, self.rates.learning_rate
        sweep, j = divmod(self.reads, config.columns)
        self.reads += 1
        r, q = self.adc(self.fast.weights[:, j]), self.q[:, j].copy()
        # Flips by chance may leave a column without any: it gets its first reference with the end of the warm-up.
        if self.flipped[j] or (scheme.warm_up and scheme.chopper == "tile" and sweep == config.chopper_period - 1):
            self.qref[:, j] = self.copy[:, j] = q
        subtracted = {"zero": np.zeros_like(q), "Qref": self.qref[:, j], "Q": q}[scheme.reference]
        d = (r - subtracted) * (1 if self.error == "read not demodulated" else self.c[j])
        if scheme.filters:
            self.q[:, j] += (r - q) * 2.0**-config.filter_shift
        if scheme.reference == "Q":
            self.copy[:, j] = self.q[:, j]
        self.chop(j, sweep)
        if scheme.warm_up and sweep < config.chopper_period:
            return
        if scheme.direct:
            n = np.floor(rate * d / DEVICE.dw_min + self.rng.random(d.size))
        else:
            h = self.h[:, j] + rate * d / (DEVICE.dw_min * self.rates.granularity / config.columns)
            n = np.trunc(h)
            self.h[:, j] = np.where(n == 0, h, 0)
        self.slow.pulse(np.clip(n, -config.pulses_max, config.pulses_max), (slice(None), j))

    def chop(self, j: int, sweep: int) -> None:
        flips = np.zeros_like(self.flipped)
        if self.scheme.chopper == "column":
            flips[j] = (sweep + 1) % self.config.chopper_period == 0
        elif self.scheme.chopper == "tile" and j == self.config.columns - 1:
            flips[:] = self.rng.random() < self.config.chopper_probability
        self.flipped[j] = False
        self.flipped |= flips
        self.c[flips] *= -1


def outputs(layers: list[Layer], x: Real) -> tuple[list[Real], list[Real]]:
    """Inputs with the 1 of the bias and sums z of every layer, for samples x [..., F]."""
    inputs, sums = [], []
    for layer in layers:
        inputs.append(np.concatenate((x, np.ones((*x.shape[:-1], 1))), axis=-1))
        sums.append(layer.forward(inputs[-1]))
        x = np.tanh(sums[-1])
    return inputs, sums


def softmax(z: Real) -> Real:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def train(
    algorithm: str,
    *,
    epochs: int,
    seed: int,
    reference_mean: float,
    reference_std: float,
    quantised: bool = False,
    error: str = "",
) -> list[tuple[int, float, float]]:
    """Step, accuracy and mean cross-entropy on the test set after every epoch; errors: see `Layer`."""
    task, rng = digits(), np.random.default_rng(seed)
    train_x, test_x = task.train_x / VALUE_ONE, task.test_x / VALUE_ONE
    rule = SCHEMES[algorithm], Rates.of(algorithm), (reference_mean, reference_std), quantised, error
    hidden, output = layers = [
        Layer(rng, config, task.converters, plan.weight_scaling, *rule)
        for config, plan in zip(task.tile_configs, task.architecture.layers, strict=True)
    ]
    curve = []
    for epoch in range(epochs):
        for sample in rng.permutation(len(train_x)):
            (x, y), (z_hidden, z) = outputs(layers, train_x[sample])
            delta = softmax(z)
            delta[task.train_y[sample]] -= 1
            slope = 1 - y[:-1] ** 2
            delta_hidden = np.clip(slope * output.backward(delta)[:-1], -ERROR_MAX, ERROR_MAX)
            hidden.learn(x, z_hidden, delta_hidden)
            output.learn(y, z, delta)
        p = softmax(outputs(layers, test_x)[1][-1])
        right, loss = p.argmax(axis=-1) == task.test_y, -np.log(p[np.arange(len(p)), task.test_y])
        curve.append(((epoch + 1) * len(train_x), float(right.mean()), float(loss.mean())))
    return curve
