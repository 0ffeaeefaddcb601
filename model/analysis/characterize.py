# SPDX-License-Identifier: Apache-2.0
"""Computes what characterises a device: number of states, symmetric points, ratio of steps, response to given pulses.

    states = (w_max - w_min) / dw_min
    ratio  = up step / down step at visible weight 0, of a device without spread
    symmetric point: closed form and numerical of a device without spread, none where all weights are symmetric; mean
        and standard deviation over an array of cells

A record is a response of one device without any variation: {name, device, parameters, start, pulses, weights}, with
aihwkit's class name and parameters, pulses as run lengths [sign, count], and the visible weight before the first and
after every pulse. Recordings made with stochastic trains can lack coincidences: `missed` finds pulses after which the
recorded weight is the same although the device would have moved.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symtrack.model.arithmetic.formats import WEIGHT_ONE, to_weight
from symtrack.model.devices.array import DeviceArray
from symtrack.model.devices.constant_step import ConstantStep
from symtrack.model.devices.exponential_step import ExponentialStep
from symtrack.model.devices.linear_step import LinearStep
from symtrack.model.devices.power_step import PowerStep
from symtrack.model.devices.power_step_reference import PowerStepReference
from symtrack.model.devices.presets import family_name, make_device
from symtrack.model.devices.pulsed import Pulsed, Referenced
from symtrack.model.devices.soft_bounds import SoftBounds
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference

AIHWKIT: dict[str, type[Pulsed]] = {
    "ConstantStepDevice": ConstantStep,
    "LinearStepDevice": LinearStep,
    "SoftBoundsDevice": SoftBounds,
    "SoftBoundsReferenceDevice": SoftBoundsReference,
    "ExpStepDevice": ExponentialStep,
    "PowStepDevice": PowerStep,
    "PowStepReferenceDevice": PowerStepReference,
}
PULSES_MAX = 10_000_000  # in one record
START_MAX = 4.0

Real = NDArray[np.float64]


def without_variation(device: Pulsed) -> Pulsed:
    """The same device without spread and noise."""
    varied = ("_dtod", "_std", "stuck_fraction")
    zeros: dict[str, Any] = {spec.name: 0.0 for spec in fields(device) if spec.name.endswith(varied)}
    return replace(device, **zeros)


def nominal_symmetric_point(device: Pulsed) -> float | None:
    """Visible symmetric point of a device without spread, numerical; None where both steps are equal nowhere between
    the bounds, or everywhere."""
    cells = without_variation(device).cells(rows=1, columns=1, seed=0, array="nominal")
    if not cells.has_symmetric_point().all():
        return None
    return float(cells.numeric_symmetric_point()[0, 0] / WEIGHT_ONE)


def characteristics(device: Pulsed, *, rows: int = 64, columns: int = 64, seed: int = 1) -> dict[str, Any]:
    """The figures above as plain data; weights as numbers."""
    nominal = without_variation(device).cells(rows=1, columns=1, seed=seed, array="nominal")
    zero = np.clip(nominal.reference, nominal.low, nominal.high)
    up, down = (int(nominal.changes(direction, zero)[0, 0]) for direction in (1, 0))
    cells = device.cells(rows=rows, columns=columns, seed=seed, array="cells")
    points = cells.symmetric_point()[cells.has_symmetric_point()] / WEIGHT_ONE
    return {
        "family": family_name(device),
        "states": (device.w_max - device.w_min) / device.dw_min,
        "up_step": up / WEIGHT_ONE,
        "down_step": down / WEIGHT_ONE,
        "up_down_ratio": up / down if down else None,
        "symmetric_point_closed": device.closed_form(),
        "symmetric_point": nominal_symmetric_point(device),
        "symmetric_point_mean": float(points.mean()) if points.size else None,
        "symmetric_point_std": float(points.std()) if points.size else None,
        "symmetric_point_cells": points.size,
        "cells": rows * columns,
    }


@dataclass(frozen=True, kw_only=True)
class Record:
    """One checked record."""

    name: str
    device: Pulsed
    start: float
    signs: NDArray[np.int64]
    weights: Real | None

    @classmethod
    def from_dict(cls, data: Any, position: int) -> Record:
        """Check the record at a position of its file.

        Raises
        ------
        TypeError, ValueError
            It is not a record, or of a device that is not known; the message names field, value and what is allowed.
        """
        where = f"records[{position}]"
        if not isinstance(data, dict):
            raise ValueError(f"{where} = {data!r:.60}: must be an object")
        for key in ("device", "parameters", "start", "pulses"):
            if key not in data:
                raise ValueError(f"{where}.{key}: must be given")
        kind, parameters, start = data["device"], data["parameters"], data["start"]
        if not isinstance(kind, str) or kind not in AIHWKIT:
            raise ValueError(f"{where}.device = {kind!r}: must be one of {', '.join(AIHWKIT)}")
        if not isinstance(parameters, dict):
            raise ValueError(f"{where}.parameters = {parameters!r:.60}: must be an object")
        if isinstance(start, bool) or not isinstance(start, (int, float)) or not abs(start) <= START_MAX:
            raise ValueError(f"{where}.start = {start!r:.60}: must be a number from {-START_MAX:g} to {START_MAX:g}")
        family = AIHWKIT[kind]
        defaults = {"subtract_symmetry_point": False} if issubclass(family, Referenced) else {}
        try:
            device = without_variation(make_device(family, {**defaults, **parameters}, kind))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{where}.parameters.{error}") from None
        signs = _signs(data["pulses"], where)
        weights = _weights(data.get("weights"), len(signs) + 1, where)
        name = str(data.get("name", position))
        return cls(name=name, device=device, start=start, signs=signs, weights=weights)

    @property
    def span(self) -> float:
        """Weight range."""
        return self.device.w_max - self.device.w_min

    def response(self, skipped: NDArray[np.bool_] | None = None) -> Real:
        """Visible weight before the first and after every pulse, the skipped ones not given."""
        cells = self.device.cells(rows=1, columns=1, seed=0, array="record")
        array = DeviceArray(cells=cells, key=0)
        array.program(np.full((1, 1), to_weight(self.start)))
        weights = np.empty(len(self.signs) + 1, dtype=np.int64)
        weights[0] = array.weights[0, 0]
        given = self.signs if skipped is None else np.where(skipped, 0, self.signs)
        for k, sign in enumerate(given.reshape(-1, 1)):
            array.pulse_column(0, sign)
            weights[k + 1] = array.weights[0, 0]
        return weights / WEIGHT_ONE

    def missed(self) -> NDArray[np.bool_]:
        """Pulses after which the recorded weight is the same, where the device would have moved by dw_min / 10."""
        if self.weights is None:
            return np.zeros(len(self.signs), dtype=bool)
        cells = self.device.cells(rows=1, columns=1, seed=0, array="record")
        state = np.clip(to_weight(self.weights[:-1]).reshape(-1, 1, 1) + cells.reference, cells.low, cells.high)
        signs = self.signs.reshape(-1, 1, 1)
        change = np.where(signs > 0, cells.changes(1, state), -cells.changes(0, state))
        expected = np.clip(state + change, cells.low, cells.high) - state
        moves = np.abs(expected).reshape(-1) > to_weight(self.device.dw_min / 10)
        return (np.diff(self.weights) == 0) & moves

    def deviation(self, weights: Real) -> float | None:
        """Largest distance of weights from the recorded ones, relative to the weight range."""
        return None if self.weights is None else float(np.abs(weights - self.weights).max() / self.span)


def _signs(pulses: Any, where: str) -> NDArray[np.int64]:
    if not isinstance(pulses, list):
        raise ValueError(f"{where}.pulses = {pulses!r:.60}: must be a list of [sign, count]")
    for k, run in enumerate(pulses):
        good = isinstance(run, list) and len(run) == 2 and all(type(item) is int for item in run)
        if not good or run[0] not in (1, -1) or not 0 <= run[1] <= PULSES_MAX:
            raise ValueError(f"{where}.pulses[{k}] = {run!r:.60}: must be [1 or -1, count from 0 to {PULSES_MAX}]")
    total = sum(count for _, count in pulses)
    if total > PULSES_MAX:
        raise ValueError(f"{where}.pulses = {total} pulses: must be at most {PULSES_MAX}")
    signs, counts = np.array(pulses, dtype=np.int64).reshape(-1, 2).T
    return np.repeat(signs, counts)


def _weights(weights: Any, count: int, where: str) -> Real | None:
    if weights is None:
        return None
    if not isinstance(weights, list) or not all(type(w) in (int, float) and abs(w) <= START_MAX for w in weights):
        raise ValueError(f"{where}.weights = {weights!r:.60}: must be a list of numbers")
    if len(weights) != count:
        raise ValueError(f"{where}.weights = {len(weights)} weights: must be {count}, one more than pulses")
    return np.array(weights, dtype=np.float64)
