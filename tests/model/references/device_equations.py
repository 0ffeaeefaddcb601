# SPDX-License-Identifier: Apache-2.0
"""Step equations of all device families in float64, as an independent reference that shares nothing with the model."""

from collections.abc import Callable

import numpy as np

from symtrack.model.devices.presets import family_name
from symtrack.model.devices.pulsed import Pulsed

Step = Callable[[float, int], float]


def step_of(device: Pulsed) -> Step:
    """Signed change of v by a pulse of this sign, for a device without variation, before clipping."""
    p, family = device, family_name(device)
    ups, downs = p.dw_min * (1 + min(p.up_down, 0)), p.dw_min * (1 - max(p.up_down, 0))
    span = p.w_max - p.w_min

    def size(v: float, sign: int) -> float:
        if family == "constant-step":
            return 1.0
        if family == "linear-step":
            return 1 - p.gamma_up * v / p.w_max if sign > 0 else 1 - p.gamma_down * v / p.w_min
        if family in ("soft-bounds", "soft-bounds-reference"):
            return 1 - v / p.w_max if sign > 0 else 1 - v / p.w_min
        if family == "exponential-step":
            z = 2 * p.a * v / span + p.b
            if sign > 0:
                return max(1 - p.A_up * np.exp(p.gamma_up * z), 0)
            return max(1 - p.A_down * np.exp(-p.gamma_down * z), 0)
        if family in ("power-step", "power-step-reference"):
            if sign > 0:
                return ((p.w_max - v) / span) ** (p.pow_gamma * (1 + min(p.pow_up_down, 0)))
            return ((v - p.w_min) / span) ** (p.pow_gamma * (1 - max(p.pow_up_down, 0)))
        assert family == "measured"
        return float(np.interp(v, p.weights, p.up if sign > 0 else p.down))

    return lambda v, sign: ups * size(v, 1) if sign > 0 else -downs * size(v, -1)


def crossing(device: Pulsed) -> float:
    """Symmetric point of v by bisection of the step equations."""
    step, low, high = step_of(device), device.w_min, device.w_max
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if step(middle, 1) + step(middle, -1) > 0 else (low, middle)
    return low


def response(device: Pulsed, start: float, signs: np.ndarray) -> np.ndarray:
    """Visible weight before the first and after every pulse."""
    step, reference = step_of(device), getattr(device, "reference_mean", 0.0)
    if getattr(device, "subtract_symmetry_point", False):
        reference += crossing(device)
    v = min(max(start + reference, device.w_min), device.w_max)
    weights = [v - reference]
    for sign in signs:
        v = min(max(v + step(v, sign), device.w_min), device.w_max)
        weights.append(v - reference)
    return np.array(weights)
