# SPDX-License-Identifier: Apache-2.0
"""Linear-step devices, after aihwkit's LinearStepDevice.

With xi standard normal per pulse and w clipped to [b-, b+],

    up:    w += s+ * (1 - g+ * w / b+) * (1 + sigma * xi)       multiplicative noise
    up:    w += s+ * (1 - g+ * w / b+ + sigma * xi)             additive noise
    down:  w -= s- * (1 - g- * w / b-) * (1 + sigma * xi),      additive likewise

where g+- = |gamma + gamma_dtod * xi| of the cell (with its sign if ``allow_increasing``) and the bounds under g are
the mean ones with ``mean_bound_reference``. The symmetric point is w* = (s+ - s-) / (g+ s+ / b+ - g- s- / b-).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from symtrack.model.arithmetic.formats import to_weight
from symtrack.model.devices.cells import STATE_MAX
from symtrack.model.devices.pulsed import Draws, Pulsed, nominal_steps, visible
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.validated import flag, number


def linear_response(steps: Int, gammas: Int, low: Int, high: Int) -> dict[str, Any]:
    """Slopes of steps that are smaller by the share gamma at the bounds; everything int64 weights, down first.

    Raises
    ------
    ValueError
        A slope does not fit its word.
    """
    slopes = (steps * gammas) // np.stack([-low, high])
    if int(np.abs(slopes).max()) > STATE_MAX:
        raise ValueError("gamma_up, gamma_down, dw_min: must keep gamma * dw_min / bound of every cell below 2")
    return {"slope": slopes}


def linear_point(device: Pulsed, gamma_up: float, gamma_down: float) -> float | None:
    """Nominal symmetric point of v."""
    up, down = nominal_steps(device)
    slope = gamma_up * up / device.w_max - gamma_down * down / device.w_min
    if slope > 0:
        return (up - down) / slope
    if slope < 0 or up == down:
        return None  # pulses lead away from the weight with equal steps, or all weights are symmetric
    return device.w_max if up > down else device.w_min


@dataclass(frozen=True, kw_only=True)
class LinearStep(Pulsed):
    """Parameters of an array of linear-step devices, named as in aihwkit."""

    gamma_up: float = number(-10.0, 10.0, 0.0, "decrease of the up step from zero to the upper bound")
    gamma_down: float = number(-10.0, 10.0, 0.0, "decrease of the down step from zero to the lower bound")
    gamma_up_dtod: float = number(0.0, 10.0, 0.05, "device-to-device spread of gamma_up")
    gamma_down_dtod: float = number(0.0, 10.0, 0.05, "device-to-device spread of gamma_down")
    allow_increasing: bool = flag(False, "steps may grow towards their bound")
    mean_bound_reference: bool = flag(True, "steps decrease towards the mean bound instead of the cell's own")
    mult_noise: bool = flag(True, "noise in proportion to the actual step instead of the step size")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("gamma_up", "gamma_down"):
            if getattr(self, name) < 0 and not self.allow_increasing:
                raise ValueError(f"{name} = {getattr(self, name)!r}: must be from 0 to 10 without allow_increasing")

    def response(self, draws: Draws, steps: Int, low: Int, high: Int) -> dict[str, Any]:
        gammas = np.stack(
            [
                self.gamma_down + self.gamma_down_dtod * draws("gamma_down"),
                self.gamma_up + self.gamma_up_dtod * draws("gamma_up"),
            ]
        )
        if not self.allow_increasing:
            gammas = np.abs(gammas)
        if self.mean_bound_reference:
            low, high = np.full_like(low, to_weight(self.w_min)), np.full_like(high, to_weight(self.w_max))
        return linear_response(steps, to_weight(gammas), low, high)

    def closed_form(self) -> float | None:
        return visible(self, linear_point(self, self.gamma_up, self.gamma_down))
