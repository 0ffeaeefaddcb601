# SPDX-License-Identifier: Apache-2.0
"""Constant-step devices, after aihwkit's ConstantStepDevice.

With xi standard normal per pulse and w clipped to [b-, b+],

    up:    w += s+ * (1 + sigma * xi)
    down:  w -= s- * (1 + sigma * xi)

There is no symmetric point if the steps are equal; otherwise it is the bound on the side of the larger step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from symtrack.model.devices.linear_step import linear_point
from symtrack.model.devices.pulsed import Draws, Pulsed, visible
from symtrack.model.spec.fixed import Int


@dataclass(frozen=True, kw_only=True)
class ConstantStep(Pulsed):
    """Parameters of an array of constant-step devices, named as in aihwkit."""

    def response(self, draws: Draws, steps: Int, low: Int, high: Int) -> dict[str, Any]:
        return {"slope": np.zeros_like(steps)}

    def closed_form(self) -> float | None:
        return visible(self, linear_point(self, 0.0, 0.0))
