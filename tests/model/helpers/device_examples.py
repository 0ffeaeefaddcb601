# SPDX-License-Identifier: Apache-2.0
"""Example devices for tests: random ones of every family, without variation, and single cells of them."""

import numpy as np

from symtrack.model.analysis.characterize import without_variation
from symtrack.model.arithmetic.formats import WEIGHT_ONE, to_weight
from symtrack.model.devices.array import DeviceArray
from symtrack.model.devices.presets import FAMILIES
from symtrack.model.devices.pulsed import Pulsed

IDEAL = {"dw_min_dtod": 0.0, "dw_min_std": 0.0, "up_down_dtod": 0.0, "w_max_dtod": 0.0, "w_min_dtod": 0.0}


def random_device(family: str, rng: np.random.Generator) -> Pulsed:
    """Parameters over the ranges that devices have."""
    uniform = lambda low, high: float(rng.uniform(low, high))  # noqa: E731
    common = {
        "dw_min": 10 ** uniform(-3.5, -1.3),
        "up_down": uniform(-0.6, 0.6),
        "w_max": uniform(0.3, 1.5),
        "w_min": -uniform(0.3, 1.5),
    }
    own: dict[str, object] = {}
    if family == "linear-step":
        own = {"gamma_up": uniform(0, 1.2), "gamma_down": uniform(0, 1.2)}
    elif family == "exponential-step":
        # a and A of one sign: steps that shrink towards their bound. Else the symmetric point repels, and differences
        # of any size grow exponentially.
        sign = float(rng.choice([-1, 1]))
        own = {name: sign * uniform(0, 0.3 if sign > 0 else 1.5) for name in ("A_up", "A_down")}
        own |= {name: uniform(1, 6) for name in ("gamma_up", "gamma_down")}
        own |= {"a": sign * uniform(0.1, 0.6), "b": uniform(-0.5, 0.5)}
    elif family.startswith("power-step"):
        own = {"pow_gamma": uniform(0.4, 3), "pow_up_down": uniform(-0.5, 0.5)}
    elif family == "measured":
        inner = [
            common["w_min"] + (common["w_max"] - common["w_min"]) * (k + uniform(-0.3, 0.3)) / 6 for k in range(1, 6)
        ]
        own = {
            "weights": [common["w_min"], *inner, common["w_max"]],
            "up": np.sort(rng.uniform(0.1, 2, 7))[::-1].tolist(),
            "down": np.sort(rng.uniform(0.1, 2, 7)).tolist(),
        }
    if family.endswith("-reference"):
        own |= {"reference_mean": uniform(-0.3, 0.3), "subtract_symmetry_point": bool(rng.integers(2))}
    return without_variation(FAMILIES[family](**common, **own))


def single(device: Pulsed) -> DeviceArray:
    """One cell."""
    return DeviceArray(cells=device.cells(rows=1, columns=1, seed=1, array="cell"), key=1)


def response(device: Pulsed, start: float, signs: np.ndarray) -> np.ndarray:
    """Visible weight of one cell before the first and after every pulse."""
    array = single(device)
    array.program(np.full((1, 1), to_weight(start)))
    weights = [array.weights[0, 0]]
    for sign in signs:
        array.pulse_column(0, [sign])
        weights.append(array.weights[0, 0])
    return np.array(weights) / WEIGHT_ONE
