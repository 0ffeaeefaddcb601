"""Soft-bounds devices with a reference, after aihwkit's SoftBoundsReferenceDevice.

With xi standard normal per pulse and v = w + reference clipped to [b-, b+],

    up:    v += s+ * (1 - v / b+) + sigma * s+ * xi        (additive noise)
    down:  v -= s- * (1 - v / b-) + sigma * s- * xi

where s+ = dw_min * (1 + min(up_down, 0)) and s- = dw_min * (1 - max(up_down, 0)) before variation. The symmetric point
of v is v* = (s+ - s-) / (s+ / b+ - s- / b-). With ``subtract_symmetry_point`` it is part of the reference, and the
visible symmetric point is w* = -(offset), offset = reference_mean + reference_std * xi of the cell: a positive
reference offset moves the visible symmetric point down.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.devices.cells import STATE_MAX, WEIGHT_BITS, WEIGHT_ONE, Cells, to_weight
from model.noise import NORMAL_BITS, derive_key, normals

BOUND_MAX = STATE_MAX / WEIGHT_ONE  # just below 2: a state is an int32 with 30 fractional bits

Real = NDArray[np.float64]


def _number(low: float, high: float, default: float, text: str) -> Any:
    return field(default=default, metadata={"low": low, "high": high, "text": text})


@dataclass(frozen=True, kw_only=True)
class SoftBounds:
    """Parameters of an array of soft-bounds devices, named as in aihwkit.

    Raises
    ------
    TypeError, ValueError
        A parameter has the wrong type or lies outside its range; the message names it, its value and what is allowed.
    """

    dw_min: float = _number(1e-6, 1.0, 0.001, "step size at v = 0")
    dw_min_dtod: float = _number(0.0, 10.0, 0.3, "device-to-device spread of the step size, relative")
    dw_min_dtod_log_normal: bool = False
    dw_min_std: float = _number(0.0, 100.0, 0.3, "cycle-to-cycle noise of a step, relative to the step size")
    up_down: float = _number(-0.99, 0.99, 0.0, "asymmetry; positive weakens the down step, negative the up step")
    up_down_dtod: float = _number(0.0, 10.0, 0.01, "device-to-device spread of the asymmetry")
    w_max: float = _number(1e-3, BOUND_MAX, 0.6, "upper bound")
    w_min: float = _number(-BOUND_MAX, -1e-3, -0.6, "lower bound")
    w_max_dtod: float = _number(0.0, 10.0, 0.3, "device-to-device spread of the upper bound, relative")
    w_min_dtod: float = _number(0.0, 10.0, 0.3, "device-to-device spread of the lower bound, relative")
    mult_noise: bool = False  # noise in proportion to the actual step instead of the step size
    subtract_symmetry_point: bool = True
    reference_mean: float = _number(-4.0, 4.0, 0.0, "mean reference offset")
    reference_std: float = _number(0.0, 4.0, 0.0, "device-to-device spread of the reference offset")

    def __post_init__(self) -> None:
        for spec in fields(self):
            value = getattr(self, spec.name)
            if not spec.metadata:
                if not isinstance(value, bool):
                    raise TypeError(f"{spec.name} = {value!r}: must be true or false")
                continue
            low, high = spec.metadata["low"], spec.metadata["high"]
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise TypeError(f"{spec.name} = {value!r}: must be a number from {low:g} to {high:g}")
            if not low <= value <= high:
                raise ValueError(f"{spec.name} = {value!r}: must be from {low:g} to {high:g}")

    def cells(self, *, rows: int, columns: int, seed: int, array: str) -> Cells:
        """Draw the parameters of every cell. Each parameter has its own stream, so changing one leaves the others.

        Only the four basic operations of IEEE 754 are used here, elementwise, and the exponential function of
        `decimal`, which is correctly rounded: the same cells on every machine.
        """

        def draw(name: str) -> Real:
            key = derive_key(seed, array, name)
            return normals(key, rows * columns).reshape(rows, columns) / float(1 << NORMAL_BITS)

        size = self.dw_min * self._relative_step(draw("dw_min"))
        asymmetry = self.up_down_dtod * draw("up_down")
        up = np.abs(1.0 + min(self.up_down, 0.0) + asymmetry) * size
        down = np.abs(1.0 - max(self.up_down, 0.0) - asymmetry) * size
        steps = np.minimum(np.maximum(to_weight(np.stack([down, up])), 1), WEIGHT_ONE)

        # A bound nearer to zero than one step would make the device jump between its bounds for ever.
        widest = np.maximum(steps[0], steps[1])
        high = to_weight(np.abs(self.w_max * (1.0 + self.w_max_dtod * draw("w_max"))))
        low = -to_weight(np.abs(self.w_min * (1.0 + self.w_min_dtod * draw("w_min"))))
        high = np.clip(high, widest, STATE_MAX)
        low = np.clip(low, -STATE_MAX, -widest)

        slopes = (steps << WEIGHT_BITS) // np.stack([-low, high])
        noise = np.full_like(steps, to_weight(self.dw_min_std))
        if int(noise.max()) * int(steps.max()) >= 1 << 63:
            raise ValueError(
                f"dw_min_std = {self.dw_min_std}: must keep dw_min_std times the largest step, "
                f"{int(steps.max()) / (1 << WEIGHT_BITS):g}, below 8"
            )
        offset = to_weight(self.reference_mean + self.reference_std * draw("reference"))
        plain = Cells(
            step=steps,
            slope=slopes,
            noise=noise if self.mult_noise else (noise * steps) >> WEIGHT_BITS,
            low=low,
            high=high,
            reference=np.zeros_like(offset),
            multiplicative=self.mult_noise,
        )
        if self.subtract_symmetry_point:
            offset = offset + plain.symmetric_point()
        return Cells(**{**vars(plain), "reference": offset})

    def _relative_step(self, draw: Real) -> Real:
        if not self.dw_min_dtod_log_normal:
            return np.abs(1.0 + self.dw_min_dtod * draw)
        exponents = (self.dw_min_dtod * draw).ravel()
        return np.array([float(Decimal(x).exp()) for x in exponents.tolist()]).reshape(draw.shape)
