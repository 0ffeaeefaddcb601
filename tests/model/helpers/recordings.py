# SPDX-License-Identifier: Apache-2.0
"""Devices with known parameters, and recordings of their pulse responses with noise and holes."""

from __future__ import annotations

import numpy as np

from symtrack.model.arithmetic.formats import WEIGHT_ONE
from symtrack.model.arithmetic.noise import derive_key
from symtrack.model.devices.array import DeviceArray
from symtrack.model.devices.exponential_step import ExponentialStep
from symtrack.model.devices.fitting.data import Recording, make_recording
from symtrack.model.devices.linear_step import LinearStep
from symtrack.model.devices.power_step import PowerStep
from symtrack.model.devices.pulsed import Pulsed
from symtrack.model.devices.soft_bounds import SoftBounds

READ = 0.005
SAME = {"dw_min_dtod": 0.0, "up_down_dtod": 0.0, "w_max_dtod": 0.0, "w_min_dtod": 0.0}
BOUNDS = {"dw_min_std": 0.3, "w_max": 0.8, "w_min": -0.6, **SAME}
POWER = {"pow_gamma": 1.6, "pow_up_down": 0.2, "pow_gamma_dtod": 0.0}
LINEAR = {"gamma_up": 0.4, "gamma_down": 0.5, "gamma_up_dtod": 0.0, "gamma_down_dtod": 0.0}
RERAM = {"A_up": -1.18445, "A_down": -0.081404, "gamma_up": 5.0, "gamma_down": 5.0, "a": -0.5, "b": -0.5}
DEVICES: dict[str, Pulsed] = {
    "soft-bounds": SoftBounds(dw_min=0.02, up_down=0.2, **BOUNDS),
    "linear-step": LinearStep(dw_min=0.015, up_down=0.1, **LINEAR, **BOUNDS),
    "power-step": PowerStep(dw_min=0.03, up_down=-0.1, **POWER, **BOUNDS),
    "exponential-step": ExponentialStep(dw_min=0.01, up_down=0.26, **RERAM, **{**BOUNDS, "w_max": 1.0, "w_min": -1.0}),
}


def record(device: Pulsed, *, cells: int, pulses: int, seed: int, read: float = READ, missing: float = 0.1):
    """Points as `make_recording` takes them, and the array: ramps, then random signs.

    Missing points have no conductance or no row; the latter are in the ramps, whose directions are known.
    """
    rng = np.random.default_rng(seed)
    array = DeviceArray(
        cells=device.cells(rows=cells, columns=1, seed=seed, array="test"), key=derive_key(seed, "test", "noise")
    )
    ramp = pulses // 8
    ramps = np.tile(np.repeat([1, -1], ramp), 3)
    signs = np.concatenate([ramps, rng.choice([-1, 1], pulses - len(ramps))])
    points: dict[str, dict[int, tuple[int, float | None]]] = {str(cell): {} for cell in range(cells)}
    for k, sign in enumerate(signs.tolist()):
        array.pulse(np.full((cells, 1), sign))
        weights = array.weights[:, 0] / WEIGHT_ONE + read * rng.standard_normal(cells)
        lost = rng.random(cells)
        for cell in range(cells):
            if lost[cell] >= missing / 2 or k >= len(ramps):
                points[str(cell)][k] = (sign, None if lost[cell] < missing else float(weights[cell]))
    return points, array


def recording(device: Pulsed, **arguments) -> tuple[Recording, float]:
    """Taken as weights, with the symmetric point of the first cell."""
    points, array = record(device, **arguments)
    return make_recording(points, scale=1.0, offset=0.0), float(array.symmetric_point()[0, 0] / WEIGHT_ONE)
