# SPDX-License-Identifier: Apache-2.0
"""Devices of aihwkit as devices of symtrack, and back.

Names and equations are the same but for these:

    SoftBoundsPmaxDevice   B = (range_max - range_min) / (1 - exp(-p_max * alpha)),  w_min = range_min,
                           w_max = range_min + B,  dw_min = B * alpha,  up_down = 1 + 2 * range_min / B
    PiecewiseStepDevice    `measured`: the nodes stand at equal distances from w_min to w_max
    spread                 s+- = dw_min * (1 + bias + gain * xi +- r),  here dw_min * (1 + bias +- r) * (1 + gain * xi)
    granularity            the step by which aihwkit divides learning rates: dw_min, or that at weight zero
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from symtrack.model.devices.constant_step import ConstantStep
from symtrack.model.devices.exponential_step import ExponentialStep
from symtrack.model.devices.linear_step import LinearStep
from symtrack.model.devices.measured import Measured
from symtrack.model.devices.power_step import PowerStep
from symtrack.model.devices.power_step_reference import PowerStepReference
from symtrack.model.devices.presets import family_name
from symtrack.model.devices.pulsed import Pulsed
from symtrack.model.devices.soft_bounds import SoftBounds
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.exchange.aihwkit_reader import Fields

Family = Callable[..., Pulsed]
_SPREAD = ("dw_min_dtod", "dw_min_dtod_log_normal", "dw_min_std", "up_down_dtod", "w_max_dtod", "w_min_dtod")
_STEPS = ("dw_min", "up_down", "w_max", "w_min")
_POWER = ("pow_gamma", "pow_gamma_dtod", "pow_up_down", "pow_up_down_dtod")
_REFERENCE = ("subtract_symmetry_point", "reference_mean", "reference_std")
_EXPONENTIAL = ("A_up", "A_down", "gamma_up", "gamma_down", "a", "b")
_LINEAR = ("gamma_up", "gamma_down", "gamma_up_dtod", "gamma_down_dtod", "allow_increasing", "mean_bound_reference")

FAMILIES: dict[str, tuple[Family, tuple[str, ...]]] = {
    "ConstantStepDevice": (ConstantStep, ()),
    "LinearStepDevice": (LinearStep, (*_LINEAR, "mult_noise")),
    "SoftBoundsPmaxDevice": (SoftBounds, ("mult_noise",)),
    "SoftBoundsDevice": (SoftBounds, ("mult_noise",)),
    "SoftBoundsReferenceDevice": (
        SoftBoundsReference,
        ("slope_up_dtod", "slope_down_dtod", "mult_noise", *_REFERENCE),
    ),
    "ExpStepDevice": (ExponentialStep, _EXPONENTIAL),
    "PowStepDevice": (PowerStep, _POWER),
    "PowStepReferenceDevice": (PowerStepReference, (*_POWER, *_REFERENCE)),
    "PiecewiseStepDevice": (Measured, ()),
}
"""aihwkit's classes with our families and the parameters that both have by the same name, beside those of all."""


def device(fields: Fields) -> Pulsed:
    """The device of its fields.

    Raises
    ------
    TypeError, ValueError
        A field has no counterpart; the message names it, its value and what is allowed.
    """
    family, names = FAMILIES[fields.kind]
    values = fields.take_all(*_SPREAD, *names)
    values |= _p_max(fields) if fields.kind == "SoftBoundsPmaxDevice" else fields.take_all(*_STEPS)
    if fields.kind == "PiecewiseStepDevice":
        values |= _nodes(fields, values)
    _common(fields)
    if "write_noise_std" in fields.default:
        values["write_noise_std"] = fields.take("write_noise_std")
        if values["write_noise_std"] and not fields.take("apply_write_noise_on_set"):
            fields.note("apply_write_noise_on_set", "weights that are set have write noise from the start")
        fields.ignore("there is no write noise", "apply_write_noise_on_set")
    if "reverse_up" in fields.default:
        fields.must("no step grows towards its bound by a reversal", reverse_up=False, reverse_down=False)
        fields.ignore("no step is reversed", "reverse_offset")
    if fields.kind == "ExpStepDevice":
        fields.must("noise is in proportion to the step", dw_min_std_add=0, dw_min_std_slope=0)
    if fields.kind == "PowStepReferenceDevice":
        if values["subtract_symmetry_point"] and fields.take("n_estimation_steps") > 0:
            fields.note("n_estimation_steps", "the symmetric point is found by bisection instead")
        fields.ignore("the symmetric point is found by bisection", "n_estimation_steps")
    values["lifetime"] = _lifetime(fields)
    fields.done()
    if values["up_down"] and values["dw_min_dtod"]:
        name = "dw_min_dtod"
        fields.note(name, "multiplies the step with its asymmetry up_down, to which aihwkit adds it")
    try:
        return family(**values)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{fields.path}.{error}" if fields.path else str(error)) from None


def _common(fields: Fields) -> None:
    fields.must("cells that are stuck are stuck_fraction here, between all of their bounds", corrupt_devices_prob=0)
    fields.ignore("no cell is corrupt", "corrupt_devices_range")
    fields.must("weights do not diffuse", diffusion=0)
    fields.ignore("weights do not diffuse", "diffusion_dtod")
    fields.must("steps and bounds have their signs", enforce_consistency=True)
    fields.must("cells of the bias are as all others", perfect_bias=False)
    fields.ignore("the seed is that of the run", "construction_seed")
    fields.ignore("pulses are always counted", "count_pulses")
    drift = fields.child("drift", "DriftParameter")
    drift.must("weights drift after training only, by Experiment.after_retention", nu=0)
    drift.ignore("nothing drifts", *(name for name in drift.default if name != "nu"))
    drift.done()


def _lifetime(fields: Fields) -> float:
    lifetime = float(fields.take("lifetime"))
    if lifetime <= 0:
        fields.ignore("nothing decays", "lifetime", "lifetime_dtod")
        fields.ignore("nothing is reset", "reset", "reset_dtod", "reset_std")
        return 0.0
    fields.must("cells relax towards zero", reset=0, reset_dtod=0)
    fields.ignore("nothing is reset", "reset_std")
    if fields.take("lifetime_dtod"):
        fields.note("lifetime_dtod", f"all cells have the same lifetime, {lifetime:g}")
    return lifetime


def _p_max(fields: Fields) -> dict[str, float]:
    p_max, alpha, low, high = (fields.take(name) for name in ("p_max", "alpha", "range_min", "range_max"))
    if not p_max * alpha > 0:
        raise fields.refused("alpha", "above zero, and so must p_max be")
    if not low < high:
        raise fields.refused("range_max", f"above range_min = {low:g}")
    span = (high - low) / (1 - math.exp(-p_max * alpha))
    fields.ignore("it follows from p_max, alpha, range_min and range_max", *_STEPS)
    return {"dw_min": span * alpha, "up_down": 1 + 2 * low / span, "w_max": low + span, "w_min": low}


def _nodes(fields: Fields, values: dict[str, Any]) -> dict[str, Any]:
    up, down = (tuple(fields.take(name)) or (1.0,) for name in ("piecewise_up", "piecewise_down"))
    if len(up) != len(down):
        raise fields.refused("piecewise_down", f"a list of {len(up)} nodes, as piecewise_up is")
    if len(up) == 1:
        up, down = up * 2, down * 2
    low, high, last = values["w_min"], values["w_max"], len(up) - 1
    weights = (*(low + (high - low) * k / last for k in range(last)), high)
    return {"weights": weights, "up": up, "down": down}


def granularity(kind: str, device: Pulsed) -> float:
    """The step of a pulse by which aihwkit divides learning rates.

    An exponential step takes that downwards at weight zero, a power step omega = 1/2, a piecewise one its middle node.
    """
    if isinstance(device, ExponentialStep):
        down = device.dw_min * (1 - max(device.up_down, 0))
        step = down * max(1 - device.A_down * math.exp(-device.gamma_down * device.b), 0.0)
        return step or device.dw_min
    if isinstance(device, PowerStep):
        return device.dw_min * 0.5**device.pow_gamma
    if isinstance(device, Measured) and kind == "PiecewiseStepDevice":
        return device.dw_min * device.up[len(device.up) // 2]
    return device.dw_min


def with_read_noise(device: Pulsed, w_noise: float, path: str) -> Pulsed:
    """The same device with read noise of this standard deviation, a weight, which stands at ``path``.

    Raises
    ------
    ValueError
        It is more than a device may have.
    """
    try:
        return replace(device, read_noise_std=w_noise / device.dw_min) if w_noise else device
    except ValueError as error:
        allowed = str(error).rpartition("must be ")[2]
        raise ValueError(f"{path}.w_noise = {w_noise:g}: must be {allowed} times dw_min = {device.dw_min:g}") from None


def plain_device(device: Pulsed, name: str) -> dict[str, Any]:
    """A device as plain data of aihwkit.

    Raises
    ------
    ValueError
        A parameter has no counterpart there; the message names it, its value and what is allowed.
    """
    kind = next(kind for kind, (family, _) in reversed(FAMILIES.items()) if type(device) is family)
    for field in ("stuck_fraction", "half_select"):
        if value := getattr(device, field):
            raise ValueError(f"{name}.{field} = {value!r}: must be 0, aihwkit has no such effect")
    names = (*_SPREAD, *_STEPS, *FAMILIES[kind][1], "lifetime")
    result: dict[str, Any] = {"class": kind} | {field: getattr(device, field) for field in names}
    if isinstance(device, Measured):
        _equidistant(device, name)
        result |= {"piecewise_up": list(device.up), "piecewise_down": list(device.down)}
    if device.write_noise_std:
        if kind in ("ConstantStepDevice", "PowStepReferenceDevice"):
            value, family = device.write_noise_std, family_name(device)
            raise ValueError(f"{name}.write_noise_std = {value!r}: must be 0 for {family}, as aihwkit has it")
        result["write_noise_std"] = device.write_noise_std
    return result


def _equidistant(device: Measured, name: str) -> None:
    last, span = len(device.weights) - 1, device.w_max - device.w_min
    for k, weight in enumerate(device.weights):
        node = device.w_min + span * k / last
        if abs(weight - node) > 1e-9 * span:
            raise ValueError(f"{name}.weights[{k}] = {weight!r}: must be {node:g}, nodes stand at equal distances")
    if not device.mult_noise:
        raise ValueError(f"{name}.mult_noise = False: must be True for measured steps, as aihwkit has it")
