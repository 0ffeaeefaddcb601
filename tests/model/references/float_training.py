# SPDX-License-Identifier: Apache-2.0
"""Reference algorithms in floating point, from the equations, for linear problems y = A x, delta = y - T x.

    A = W + gamma * c o (P - R)                                       c_j: chopper of column j
    P <- P + n o F(P) - |n| o G(P),      n = -k * (delta / max|delta|) (c o x / max|x|)^T      pulses, a real number
    k = fast_rate * bl_max * (max|x| / m_x) * (max|delta| / m_delta),   m <- m + (1 - momentum) * (max - m)
    probabilities are at most one, so no pair gets more than bl_max pulses
    read of column j:  d = c_j * (P - S),   S = 0, Qref or Q;   Q <- Q + eta * (P - Q)
    buffered:  H <- H + rate * d / unit,   m = trunc(H),   H <- 0 if m != 0
    direct:    m = rate * d / dw_min
    W <- W + m o F(W) - |m| o G(W)
    analog SGD:  W <- W + n o F(W) - |n| o G(W),   n = -rate / dw_min * delta x^T

F = (q_up + q_down) / 2 and G = (q_down - q_up) / 2 are half the sum and half the difference of the steps of a pulse,
q_up = s_up * (1 - v / b_up), q_down = s_down * (1 - v / b_down), v = weight + reference; so n pulses one way are the
step (b - v) * n * s / |b| to first order, and exactly b - v <- (b - v) * exp(-n * s / |b|). R is Qref, or Q where S is.
Nothing here is rounded; of the golden model only the drawn parameters of the cells and the random flips are taken.
Source: DESIGN 3.1 to 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from symtrack.model.devices.cells import Cells

Real = NDArray[np.float64]
ONE = float(1 << 30)


@dataclass
class FloatArray:
    """Soft-bounds devices: weights [R, C] and the parameters of their cells."""

    cells: Cells
    weights: Real

    def pulse(self, n: Real, where: object = ...) -> None:
        """A real number of pulses to the cells ``where``."""
        bound = np.where(n > 0, self.cells.high[where], self.cells.low[where]) / ONE
        step = np.where(n > 0, self.cells.step[1][where], self.cells.step[0][where]) / ONE
        reference = self.cells.reference[where] / ONE
        v = self.weights[where] + reference
        self.weights[where] = bound + (v - bound) * np.exp(-np.abs(n) * step / np.abs(bound)) - reference


@dataclass(kw_only=True)
class FloatTile:
    """One tile under one algorithm.

    Attributes
    ----------
    reference : "zero", "latched" or "filtered".
    chopper : "off" or "regular", or "told" where flips come with each transfer.
    error : a deliberate error, if any.
    stale : the residual is what the last read of each column that was accumulated gave, demodulated.
    """

    fast: FloatArray
    slow: FloatArray
    reference: str
    chopper: str
    direct: bool
    warm_up: bool
    to_slow: bool
    filters: bool
    gamma: float
    rate: float
    fast_rate: float
    momentum: float
    unit: float
    dw_min: float
    eta: float
    bl_max: int
    period: int
    error: str = ""
    stale: bool = False
    reads: int = 0
    means: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        shape = self.fast.weights.shape
        self.q, self.qref, self.h, self.copy, self.held = (np.zeros(shape) for _ in range(5))
        self.c = np.ones(shape[1])
        self.flipped = np.zeros(shape[1], bool)

    def forward(self, x: Real) -> Real:
        c = np.ones_like(self.c) if self.error == "plain residual" else self.c
        if self.stale:
            return self.slow.weights @ x + self.gamma * self.held @ x
        return self.slow.weights @ x + self.gamma * ((self.fast.weights - self.copy) @ (c * x))

    def update(self, x: Real, delta: Real) -> None:
        x_max, delta_max = np.abs(x).max(), np.abs(delta).max()
        if self.to_slow:
            self.slow.pulse(-self.pulses(delta, x, self.rate / self.dw_min * x_max * delta_max))
            return
        decay = 1 - self.momentum
        self.means = [
            old + decay * (new - old)
            for old, new in zip(self.means or (x_max, delta_max), (x_max, delta_max), strict=True)
        ]
        k = self.fast_rate * self.bl_max * (x_max / self.means[0]) * (delta_max / self.means[1])
        self.fast.pulse(-self.pulses(delta, self.c * x, k))

    def pulses(self, delta: Real, x: Real, k: float) -> Real:
        """Expected pulses BL * p_delta * p_x, probabilities at most one; k of the largest pair if none is cut."""
        bl = min(np.ceil(k), self.bl_max)
        p_delta, p_x = (np.minimum(np.abs(v) / np.abs(v).max() * np.sqrt(k / bl), 1) * np.sign(v) for v in (delta, x))
        return bl * np.outer(p_delta, p_x)

    def transfer(self, flips: NDArray[np.bool_] | None = None) -> None:
        """Read the next column; ``flips``: columns that flip after it, where flips come from outside."""
        columns = self.c.size
        j = self.reads % columns
        p, q = self.fast.weights[:, j], self.q[:, j].copy()
        after = q + self.eta * (p - q) if self.filters else q
        latches = self.flipped[j]
        if latches:
            self.qref[:, j] = after if self.error == "latch after the filter" else q
        subtracted = {"zero": 0.0, "latched": self.qref[:, j], "filtered": q}[self.reference]
        if self.reference == "filtered" and self.error == "new Q":
            subtracted = after
        d = self.c[j] * (p - subtracted) if self.error != "read not demodulated" else p - subtracted
        self.q[:, j] = after
        self.copy[:, j] = after if self.reference == "filtered" else self.qref[:, j]
        if self.reads >= self.period * columns or not self.warm_up:
            self.held[:, j] = p - subtracted if self.error == "plain residual" else d
            if self.direct:
                m = self.rate * d / self.dw_min
            else:
                self.h[:, j] += self.rate * d / self.unit
                m = np.trunc(self.h[:, j])
                self.h[m != 0, j] = 0
            self.slow.pulse(m, (slice(None), j))
        if self.chopper == "regular":
            flips = np.zeros(columns, bool)
            flips[j] = self.reads // columns % self.period == self.period - 1
        self.flipped[j] = False
        if flips is not None:
            self.flipped |= flips
            self.c = np.where(flips, -self.c, self.c)
        self.reads += 1
