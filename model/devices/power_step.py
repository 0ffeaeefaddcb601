# SPDX-License-Identifier: Apache-2.0
"""Power-step devices, after aihwkit's PowStepDevice.

With xi standard normal per pulse, w clipped to [b-, b+] and omega = (b+ - w) / (b+ - b-),

    up:    w += s+ * omega**g+ * (1 + sigma * xi)
    down:  w -= s- * (1 - omega)**g- * (1 + sigma * xi)

where g+ = pow_gamma * (1 + min(pow_up_down, 0) + n + r) and g- = pow_gamma * (1 - max(pow_up_down, 0) + n - r) of the
cell, n = pow_gamma_dtod * xi, r = pow_up_down_dtod * xi, and absolute values where the spread turns a sign. With
g+ = g- = g the symmetric point is at omega = q / (1 + q), q = (s- / s+)**(1 / g).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from symtrack.model.devices.pulsed import Draws, Pulsed, nominal_steps, visible
from symtrack.model.devices.responses import EXPONENT_BITS, POSITION_BITS, Kind
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.validated import number

EXPONENT_MAX = 127.0  # an exponent is an int32 with 24 fractional bits


@dataclass(frozen=True, kw_only=True)
class PowerStep(Pulsed):
    """Parameters of an array of power-step devices, named as in aihwkit."""

    pow_gamma: float = number(0.01, 16.0, 1.0, "exponent")
    pow_gamma_dtod: float = number(0.0, 10.0, 0.1, "device-to-device spread of the exponent, relative")
    pow_up_down: float = number(-0.99, 0.99, 0.0, "asymmetry of the exponents; positive lowers that of the down step")
    pow_up_down_dtod: float = number(0.0, 10.0, 0.0, "device-to-device spread of that asymmetry")

    def response(self, draws: Draws, steps: Int, low: Int, high: Int) -> dict[str, Any]:
        both = 1.0 + self.pow_gamma_dtod * draws("pow_gamma")
        apart = self.pow_up_down_dtod * draws("pow_up_down")
        up = (both + min(self.pow_up_down, 0.0) + apart) * self.pow_gamma
        down = (both - max(self.pow_up_down, 0.0) - apart) * self.pow_gamma
        exponents = np.minimum(np.abs(np.stack([down, up])), EXPONENT_MAX)
        scale = (1 << POSITION_BITS) // (high - low)
        return {
            "slope": np.rint(exponents * (1 << EXPONENT_BITS)).astype(np.int64),
            "kind": Kind.POWER,
            "place": np.stack([scale, np.zeros_like(scale)]),
        }

    def closed_form(self) -> float | None:
        if self.pow_up_down != 0:
            return None
        up, down = nominal_steps(self)
        ratio = (down / up) ** (1 / self.pow_gamma)
        return visible(self, self.w_max - (self.w_max - self.w_min) * ratio / (1 + ratio))
