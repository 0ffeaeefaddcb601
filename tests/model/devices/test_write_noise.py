# SPDX-License-Identifier: Apache-2.0
"""Tests of write noise with 10**6 pulses per family: its size, and no correlation between cells or pulses."""

from dataclasses import replace

import numpy as np
import pytest

from symtrack.model.arithmetic.formats import WEIGHT_ONE, to_weight
from symtrack.model.devices.array import DeviceArray
from symtrack.model.devices.presets import FAMILIES
from symtrack.model.devices.pulsed import Pulsed
from tests.model.helpers import device_examples as examples
from tests.model.references import device_equations as equations

SIDE, PULSES = 500, 4
COUNT = SIDE * SIDE * PULSES
SIGMA = 0.4
ERRORS = 5.0  # standard errors allowed

CASES = [(family, None) for family in FAMILIES if family in ("constant-step",) or family.startswith(("exp", "power"))]
CASES += [(f, noise) for f in ("linear-step", "soft-bounds", "soft-bounds-reference", "measured") for noise in (0, 1)]


def noisy_device(family: str, multiplicative: bool | None) -> Pulsed:
    """Without spread, far from the bounds of its word and of its range."""
    device = replace(examples.random_device(family, np.random.default_rng(21)), dw_min=0.002, dw_min_std=SIGMA)
    if multiplicative is not None:
        device = replace(device, mult_noise=bool(multiplicative))
    return replace(device, w_max=1.5, w_min=-1.5)


def changes(device: Pulsed, sign: int) -> tuple[np.ndarray, float]:
    """Changes [PULSES, SIDE, SIDE] of v by successive pulses from one weight, and the change without noise."""
    cells = device.cells(rows=SIDE, columns=SIDE, seed=3, array="a")
    array = DeviceArray(cells=cells, key=17)
    start = np.full((SIDE, SIDE), to_weight(0.1))
    pulses = np.full((SIDE, SIDE), sign)
    result = np.empty((PULSES, SIDE, SIDE))
    for n in range(PULSES):
        array.program(start)
        array.pulse(pulses)
        result[n] = (array.weights - start) / WEIGHT_ONE
    return result, equations.step_of(device)(0.1 + cells.reference[0, 0] / WEIGHT_ONE, sign)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Standard errors of the correlation of two arrays from zero."""
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1] * np.sqrt(a.size))


@pytest.mark.parametrize(("family", "multiplicative"), CASES)
def test_noise_is_as_large_as_said_and_independent(family: str, multiplicative: bool | None) -> None:
    device = noisy_device(family, multiplicative)
    for sign in (1, -1):
        measured, step = changes(device, sign)
        size = device.dw_min * (1 + min(device.up_down, 0) if sign > 0 else 1 - max(device.up_down, 0))
        sigma = SIGMA * (size if multiplicative == 0 else abs(step))
        assert abs(measured.mean() - step) < ERRORS * sigma / np.sqrt(COUNT) + 2**-30
        assert abs(measured.std() - sigma) < ERRORS * sigma / np.sqrt(2 * COUNT) + 2**-30
        assert abs(measured.std() - 1.01 * sigma) > ERRORS * sigma / np.sqrt(2 * COUNT)  # the twin: 1 % more noise

        neighbours = [(measured[:, 1:], measured[:, :-1]), (measured[:, :, 1:], measured[:, :, :-1])]
        neighbours += [(measured[1:], measured[:-1])]
        for a, b in neighbours:
            assert abs(correlation(a, b)) < ERRORS
            assert abs(correlation(a + 0.02 * b, b)) > ERRORS  # the twin: a fiftieth of the neighbour's noise
