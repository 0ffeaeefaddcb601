# SPDX-License-Identifier: Apache-2.0
"""Base of all device families: step sizes, asymmetry, bounds, write noise, and their spread over the cells.

    s+ = dw_min * (1 + min(up_down, 0) + e) * g,    s- = dw_min * (1 - max(up_down, 0) - e) * g
    e = up_down_dtod * xi,    g = 1 + dw_min_dtod * xi, or exp(dw_min_dtod * xi) if log-normal
    b+ = w_max * (1 + w_max_dtod * xi),    b- = w_min * (1 + w_min_dtod * xi)

with xi standard normal, one of each per cell, and absolute values where the spread turns a sign. Parameters bear
aihwkit's names. A family adds the response; with a reference the visible weight is v - reference.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symtrack.model.arithmetic.exponential import exponentials
from symtrack.model.arithmetic.formats import WEIGHT_ONE, to_weight
from symtrack.model.arithmetic.noise import NORMAL_BITS, derive_key, normals, uniforms
from symtrack.model.devices.cells import HALF_SELECT_BITS, STATE_MAX, Cells
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.validated import Validated, flag, integral, number

BOUND_MAX = STATE_MAX / WEIGHT_ONE  # just below 2: a state is an int32 with 30 fractional bits
STEP_MAX = 5  # a step times its noise fits 63 bits
LIFETIME_MAX = 1e6  # beyond it 1/lifetime, and what v loses of it, are too few units

Real = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Draws:
    """Standard normal draws of the cells of an array. A name has its own stream, so changing one leaves the others."""

    rows: int
    columns: int
    seed: int
    array: str

    def __call__(self, name: str) -> Real:
        """Draws of a parameter, float64[R, C]."""
        key = derive_key(self.seed, self.array, name)
        return normals(key, self.rows * self.columns).reshape(self.rows, self.columns) / float(1 << NORMAL_BITS)

    def uniform(self, name: str, bound: int) -> Int:
        """Draws from 0 to ``bound - 1``, int64[R, C]."""
        key = derive_key(self.seed, self.array, name)
        return uniforms(key, self.rows * self.columns, bound).reshape(self.rows, self.columns)


@dataclass(frozen=True, kw_only=True)
class Pulsed(Validated, ABC):
    """Parameters of any family; see `Validated` for the errors of bad ones."""

    dw_min: float = number(1e-6, 1.0, 0.001, "step size")
    dw_min_dtod: float = number(0.0, 10.0, 0.3, "device-to-device spread of the step size, relative")
    dw_min_dtod_log_normal: bool = flag(False, "step sizes spread log-normally")
    dw_min_std: float = number(0.0, 100.0, 0.3, "cycle-to-cycle noise of a step, relative")
    up_down: float = number(-0.99, 0.99, 0.0, "asymmetry; positive weakens the down step, negative the up step")
    up_down_dtod: float = number(0.0, 10.0, 0.01, "device-to-device spread of the asymmetry")
    w_max: float = number(1e-3, BOUND_MAX, 0.6, "upper bound")
    w_min: float = number(-BOUND_MAX, -1e-3, -0.6, "lower bound")
    w_max_dtod: float = number(0.0, 10.0, 0.3, "device-to-device spread of the upper bound, relative")
    w_min_dtod: float = number(0.0, 10.0, 0.3, "device-to-device spread of the lower bound, relative")

    write_noise_std: float = number(0.0, 1000.0, 0.0, "noise of the visible weight about the state, in dw_min")
    read_noise_std: float = number(0.0, 1000.0, 0.0, "noise of a cell in every read of the array, in dw_min")
    stuck_fraction: float = number(0.0, 1.0, 0.0, "share of cells that stay at a weight between their bounds")
    half_select: float = number(0.0, 0.5, 0.0, "fraction of a step that a cell makes when one of its lines fires")
    lifetime: float = number(0.0, LIFETIME_MAX, 0.0, "v loses 1/lifetime of itself with every update; 0: nothing")

    def __post_init__(self) -> None:
        super().__post_init__()
        if 0.0 < self.lifetime < 1.0:
            raise ValueError(f"lifetime = {self.lifetime!r}: must be 0 or from 1 to {LIFETIME_MAX:g}")

    @abstractmethod
    def response(self, draws: Draws, steps: Int, low: Int, high: Int) -> dict[str, Any]:
        """The fields of `Cells` that make the response, for cells with these steps [2, R, C] and bounds [R, C]."""

    def closed_form(self) -> float | None:
        """Visible symmetric point of a device without spread, for comparison; None where there is no closed form."""
        return None

    def cells(self, *, rows: int, columns: int, seed: int, array: str) -> Cells:
        """Draw the parameters of every cell.

        Only the four basic operations of IEEE 754 are used here, elementwise, and `exponentials`, which are correctly
        rounded: the same cells on every machine.

        Raises
        ------
        ValueError
            A step is too large.
        """
        rows, columns = integral("rows", rows), integral("columns", columns)
        draws = Draws(rows=rows, columns=columns, seed=seed, array=array)
        size = self.dw_min * self._relative_step(draws("dw_min"))
        asymmetry = self.up_down_dtod * draws("up_down")
        up = np.abs(1.0 + min(self.up_down, 0.0) + asymmetry) * size
        down = np.abs(1.0 - max(self.up_down, 0.0) - asymmetry) * size
        steps = np.maximum(to_weight(np.minimum(np.stack([down, up]), 1.0)), 1)

        # A bound nearer to zero than one step would make the device jump between its bounds for ever.
        widest = np.maximum(steps[0], steps[1])
        high = to_weight(np.abs(self.w_max * (1.0 + self.w_max_dtod * draws("w_max"))))
        low = -to_weight(np.abs(self.w_min * (1.0 + self.w_min_dtod * draws("w_min"))))
        high = np.clip(high, widest, STATE_MAX)
        low = np.clip(low, -STATE_MAX, -widest)

        plain = Cells(
            step=steps,
            noise=int(to_weight(self.dw_min_std)),
            low=low,
            high=high,
            reference=np.zeros_like(low),
            multiplicative=bool(getattr(self, "mult_noise", True)),
            write_noise=int(to_weight(self.write_noise_std * self.dw_min)),
            read_noise=int(to_weight(self.read_noise_std * self.dw_min)),
            half_select=round(self.half_select * (1 << HALF_SELECT_BITS)),
            decay=round(WEIGHT_ONE / self.lifetime) if self.lifetime else 0,
            **self.response(draws, steps, low, high),
        )
        largest = plain.largest_change()
        if largest >= STEP_MAX * WEIGHT_ONE:
            raise ValueError(
                f"dw_min = {self.dw_min}: must keep the largest step, {largest / WEIGHT_ONE:g}, below {STEP_MAX}"
            )
        whole = replace(plain, reference=self._reference(draws, plain))
        if not self.stuck_fraction:
            return whole
        at = low + (((high - low) * draws.uniform("stuck at", 1 << 30)) >> 30)
        stuck = draws.uniform("stuck", 1 << 30) < self.stuck_fraction * (1 << 30)
        return replace(whole, low=np.where(stuck, at, low), high=np.where(stuck, at, high))

    def _reference(self, draws: Draws, plain: Cells) -> Int:
        return plain.reference

    def _relative_step(self, draw: Real) -> Real:
        if not self.dw_min_dtod_log_normal:
            return np.abs(1.0 + self.dw_min_dtod * draw)
        return exponentials(self.dw_min_dtod * draw)


@dataclass(frozen=True, kw_only=True)
class Referenced(Pulsed):
    """Parameters of a family with a reference: w = v - (offset + symmetric point of v, if that is subtracted).

    ``offset = reference_mean + reference_std * xi``. With ``subtract_symmetry_point`` the visible symmetric point is
    -offset: a positive reference offset moves it down.
    """

    subtract_symmetry_point: bool = flag(True, "the reference includes the symmetric point")
    reference_mean: float = number(-4.0, 4.0, 0.0, "mean reference offset")
    reference_std: float = number(0.0, 4.0, 0.0, "device-to-device spread of the reference offset")

    def _reference(self, draws: Draws, plain: Cells) -> Int:
        offset = to_weight(self.reference_mean + self.reference_std * draws("reference"))
        return offset + plain.symmetric_point() if self.subtract_symmetry_point else offset


def with_reference_offset(device: Pulsed, *, mean: float | None, std: float | None) -> Pulsed:
    """The same device with this reference offset; None keeps its own.

    Raises
    ------
    ValueError
        The offset is not zero, and the family has no reference.
    """
    if isinstance(device, Referenced):
        own = device.reference_mean, device.reference_std
        mean, std = own[0] if mean is None else mean, own[1] if std is None else std
        return replace(device, reference_mean=mean, reference_std=std)
    for name, value in (("reference_mean", mean), ("reference_std", std)):
        if value:
            raise ValueError(f"{name} = {value!r}: must be 0 for {type(device).__name__}, which has no reference")
    return device


def reference_offset(device: Pulsed) -> dict[str, float]:
    """Mean and spread of the reference offset, by name; zero for families without a reference."""
    return {name: float(getattr(device, name, 0.0)) for name in ("reference_mean", "reference_std")}


def visible(device: Pulsed, point: float | None) -> float | None:
    """Visible weight of a nominal symmetric point of v, within the bounds."""
    if point is None:
        return None
    point = min(max(point, device.w_min), device.w_max)
    if not isinstance(device, Referenced):
        return point
    return -device.reference_mean + (0.0 if device.subtract_symmetry_point else point)


def nominal_steps(device: Pulsed) -> tuple[float, float]:
    """s+ and s- of a device without spread."""
    return (
        device.dw_min * (1.0 + min(device.up_down, 0.0)),
        device.dw_min * (1.0 - max(device.up_down, 0.0)),
    )
