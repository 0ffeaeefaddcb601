# SPDX-License-Identifier: Apache-2.0
"""Exponential-step devices, after aihwkit's ExpStepDevice.

With xi standard normal per pulse and w clipped to [b-, b+],

    z = 2 a w / (b+ - b-) + b
    up:    w += s+ * max(1 - A+ * exp(g+ z), 0) * (1 + sigma * xi)
    down:  w -= s- * max(1 - A- * exp(-g- z), 0) * (1 + sigma * xi)

A, g, a, b are the same for all cells, so that the factors of s+ and s- are one table over w / (b+ - b-) from -1 to 1.
The table holds them before the maximum: its kink stays sharp. A step is less than 128 times s+ or s-, which only cells
whose bounds are spread far from the mean ones can reach. With g+ = g- the symmetric point solves a quadratic
equation in u = exp(g z): s+ A+ u**2 - (s+ - s-) u - s- A- = 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cache
from typing import Any

import numpy as np

from symtrack.model.devices.pulsed import Draws, Pulsed, nominal_steps, visible
from symtrack.model.devices.responses import EXACT, FACTOR_BITS, FACTOR_MAX, POSITION_BITS, SEGMENT_BITS, Kind, Table
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.validated import number


@cache
def exponential_table(factor: float, gamma: float, a: float, b: float) -> Table:
    """1 - factor * exp(gamma * (2 a t + b)) for t from -1 to 1, int32[2**SEGMENT_BITS + 2], as far as it fits."""
    size = 1 << SEGMENT_BITS
    entries = []
    with localcontext(EXACT):
        for i in range(size + 2):
            z = 2 * Decimal(a) * (2 * i - size) / size + Decimal(b)
            value = (1 - Decimal(factor) * (Decimal(gamma) * z).exp()) * (1 << FACTOR_BITS)
            entries.append(round(min(max(value, Decimal(-FACTOR_MAX)), Decimal(FACTOR_MAX))))
    return np.array(entries, dtype=np.int32)


@dataclass(frozen=True, kw_only=True)
class ExponentialStep(Pulsed):
    """Parameters of an array of exponential-step devices, named as in aihwkit."""

    A_up: float = number(-1e4, 1e4, 0.00081, "factor of the exponential in the up step")
    A_down: float = number(-1e4, 1e4, 0.36833, "factor of the exponential in the down step")
    gamma_up: float = number(0.0, 100.0, 12.44625, "exponent of the up step")
    gamma_down: float = number(0.0, 100.0, 12.78785, "exponent of the down step")
    a: float = number(-10.0, 10.0, 0.244, "slope of z")
    b: float = number(-10.0, 10.0, 0.2425, "offset of z")

    def response(self, draws: Draws, steps: Int, low: Int, high: Int) -> dict[str, Any]:
        up = exponential_table(self.A_up, self.gamma_up, self.a, self.b)
        down = exponential_table(self.A_down, -self.gamma_down, self.a, self.b)
        table = np.stack([down, up])
        scale = (1 << (POSITION_BITS - 1)) // (high - low)
        origin = 1 << (POSITION_BITS - 1)
        first, last = (
            int((w / (self.w_max - self.w_min) + 1) * (1 << SEGMENT_BITS - 1)) for w in (self.w_min, self.w_max)
        )
        for name, factors in (("down", table[0]), ("up", table[1])):
            if factors[first : last + 2].max() == FACTOR_MAX:
                raise ValueError(f"A_{name} = {getattr(self, f'A_{name}')!r}: must keep steps below 128 times dw_min")
        return {
            "slope": np.zeros_like(steps),
            "kind": Kind.TABLE,
            "place": np.stack([scale, np.full_like(scale, origin)]),
            "table": table,
        }

    def closed_form(self) -> float | None:
        up, down = nominal_steps(self)
        p, q = up * self.A_up, up - down
        if self.gamma_up != self.gamma_down or self.gamma_up * self.a == 0 or p == 0:
            return None
        square = q * q + 4 * p * down * self.A_down
        roots = [] if square <= 0 else [(q + sign * math.sqrt(square)) / (2 * p) for sign in (1, -1)]
        for root in roots:
            if root <= 0 or self.A_up * root >= 1 or self.A_down >= root:
                continue  # no weight, or one at which a step is zero
            # Stable where the up step falls towards larger weights faster than the down step.
            if self.a * (p * root + down * self.A_down / root) > 0:
                z = math.log(root) / self.gamma_up
                return visible(self, (z - self.b) * (self.w_max - self.w_min) / (2 * self.a))
        return None
