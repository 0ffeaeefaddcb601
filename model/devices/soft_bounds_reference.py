# SPDX-License-Identifier: Apache-2.0
"""Soft-bounds devices with a reference, after aihwkit's SoftBoundsReferenceDevice.

With xi standard normal per pulse and v = w + reference clipped to [b-, b+],

    up:    v += s+ * (1 - g+ * v / b+) + sigma * s+ * xi        (additive noise)
    down:  v -= s- * (1 - g- * v / b-) + sigma * s- * xi

where g+- = |1 + slope_dtod * xi| of the cell. The symmetric point of v is v* = (s+ - s-) / (g+ s+ / b+ - g- s- / b-).
With ``subtract_symmetry_point`` it is part of the reference, and the visible symmetric point is w* = -(offset),
offset = reference_mean + reference_std * xi of the cell: a positive reference offset moves it down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from symtrack.model.arithmetic.formats import to_weight
from symtrack.model.devices.linear_step import linear_point, linear_response
from symtrack.model.devices.pulsed import Draws, Referenced, visible
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.validated import flag, number


@dataclass(frozen=True, kw_only=True)
class SoftBoundsReference(Referenced):
    """Parameters of an array of soft-bounds devices with a reference, named as in aihwkit."""

    slope_up_dtod: float = number(0.0, 10.0, 0.0, "device-to-device spread of the slope of the up step")
    slope_down_dtod: float = number(0.0, 10.0, 0.0, "device-to-device spread of the slope of the down step")
    mult_noise: bool = flag(False, "noise in proportion to the actual step instead of the step size")

    def response(self, draws: Draws, steps: Int, low: Int, high: Int) -> dict[str, Any]:
        down, up = self.slope_down_dtod * draws("slope_down"), self.slope_up_dtod * draws("slope_up")
        return linear_response(steps, to_weight(np.abs(1.0 + np.stack([down, up]))), low, high)

    def closed_form(self) -> float | None:
        return visible(self, linear_point(self, 1.0, 1.0))
