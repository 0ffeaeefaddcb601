# SPDX-License-Identifier: Apache-2.0
"""Soft-bounds devices, after aihwkit's SoftBoundsDevice: linear steps that vanish at their bound.

With xi standard normal per pulse and w clipped to [b-, b+],

    up:    w += s+ * (1 - w / b+) * (1 + sigma * xi)       multiplicative noise
    up:    w += s+ * (1 - w / b+ + sigma * xi)             additive noise
    down:  w -= s- * (1 - w / b-) * (1 + sigma * xi),      additive likewise

The symmetric point is w* = (s+ - s-) / (s+ / b+ - s- / b-).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from symtrack.model.arithmetic.formats import WEIGHT_ONE
from symtrack.model.devices.linear_step import linear_point, linear_response
from symtrack.model.devices.pulsed import Draws, Pulsed, visible
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.validated import flag


@dataclass(frozen=True, kw_only=True)
class SoftBounds(Pulsed):
    """Parameters of an array of soft-bounds devices, named as in aihwkit."""

    mult_noise: bool = flag(True, "noise in proportion to the actual step instead of the step size")

    def response(self, draws: Draws, steps: Int, low: Int, high: Int) -> dict[str, Any]:
        return linear_response(steps, np.full_like(steps, WEIGHT_ONE), low, high)

    def closed_form(self) -> float | None:
        return visible(self, linear_point(self, 1.0, 1.0))
