# SPDX-License-Identifier: Apache-2.0
"""Devices whose response is measured: a table of points instead of an equation.

With xi standard normal per pulse and w clipped to [b-, b+],

    up:    w += s+ * f+(w) * (1 + sigma * xi)
    down:  w -= s- * f-(w) * (1 + sigma * xi)

where f+ and f- go straight from point to point of ``weights`` and ``up`` or ``down``, and stay what they are beyond the
outermost points. A cell whose bounds differ from w_min and w_max has the same curves stretched between its own.
The curves are resampled to 2**SEGMENT_BITS segments between the bounds: a corner may lie off by half a segment.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import numpy as np

from symtrack.model.devices.pulsed import Draws, Pulsed
from symtrack.model.devices.responses import FACTOR_BITS, POSITION_BITS, SEGMENT_BITS, Kind, Table
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.validated import check, flag

FACTOR_LIMIT = 127.0  # a factor is an int32 with 24 fractional bits
WEIGHT_LIMIT = 4.0

Numbers = tuple[float, ...]


def numbers(name: str, value: object, low: float, high: float) -> Numbers:
    """A list of at least two numbers from ``low`` to ``high``, checked."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(f"{name} = {value!r}: must be a list of numbers from {low:g} to {high:g}")
    result = tuple(value)
    for item in result:
        if isinstance(item, bool) or not isinstance(item, (int, float)):
            raise TypeError(f"{name} = {item!r}: must be a list of numbers from {low:g} to {high:g}")
        check(name, item, low, high, whole=False)
    if len(result) < 2:
        raise ValueError(f"{name} = {value!r}: must have at least two points")
    return tuple(item if type(item) in (int, float) else float(item) for item in result)  # none of numpy's


@cache
def resampled(weights: Numbers, factors: Numbers, w_min: float, w_max: float) -> Table:
    """The curve at equal distances from w_min to w_max, int32[2**SEGMENT_BITS + 2]. Only + - * / of IEEE 754."""
    size = 1 << SEGMENT_BITS
    entries, k = [], 0
    for i in range(size + 2):
        w = w_min + (w_max - w_min) * (i / size)
        while k < len(weights) - 2 and w > weights[k + 1]:
            k += 1
        share = min(max((w - weights[k]) / (weights[k + 1] - weights[k]), 0.0), 1.0)
        entries.append(round((factors[k] + (factors[k + 1] - factors[k]) * share) * (1 << FACTOR_BITS)))
    return np.array(entries, dtype=np.int32)


@dataclass(frozen=True, kw_only=True)
class Measured(Pulsed):
    """Parameters of an array of devices with measured curves: ``up`` and ``down`` in units of dw_min at ``weights``."""

    weights: Numbers
    up: Numbers
    down: Numbers
    mult_noise: bool = flag(True, "noise in proportion to the actual step instead of the step size")

    def __post_init__(self) -> None:
        super().__post_init__()
        limits = {"weights": (-WEIGHT_LIMIT, WEIGHT_LIMIT), "up": (0.0, FACTOR_LIMIT), "down": (0.0, FACTOR_LIMIT)}
        for spec in fields(self):
            if spec.name in limits:
                checked = numbers(spec.name, getattr(self, spec.name), *limits[spec.name])
                object.__setattr__(self, spec.name, checked)
        for before, after in zip(self.weights, self.weights[1:], strict=False):
            if after <= before:
                raise ValueError(f"weights = {after!r} after {before!r}: must increase from point to point")
        for name in ("up", "down"):
            count = len(getattr(self, name))
            if count != len(self.weights):
                raise ValueError(f"{name} = {count} points: must be {len(self.weights)}, one for each of weights")
            if not any(getattr(self, name)):
                raise ValueError(f"{name} = {getattr(self, name)!r}: must have a step that is not zero")

    def response(self, draws: Draws, steps: Int, low: Int, high: Int) -> dict[str, Any]:
        curves = [resampled(self.weights, factors, self.w_min, self.w_max) for factors in (self.down, self.up)]
        scale = (1 << POSITION_BITS) // (high - low)
        return {
            "slope": np.zeros_like(steps),
            "kind": Kind.TABLE,
            "place": np.stack([scale, -low * scale]),
            "table": np.stack(curves),
        }
