# SPDX-License-Identifier: Apache-2.0
"""Devices of aihwkit: the same responses as were recorded, the same parameters, and the same devices after a return."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import pytest

from symtrack.model.analysis.characterize import AIHWKIT
from symtrack.model.devices.measured import Measured
from symtrack.model.devices.presets import FAMILIES as OURS
from symtrack.model.devices.presets import PRESETS
from symtrack.model.devices.pulsed import Pulsed
from symtrack.model.devices.soft_bounds import SoftBounds
from symtrack.model.exchange import aihwkit_devices
from symtrack.model.exchange.aihwkit_configuration import taken
from symtrack.model.exchange.aihwkit_devices import FAMILIES, granularity, plain_device
from tests.model.exchange.recorded import RECORDED, deviation

TOLERANCE = 1e-4  # of the weight range
RESPONSES = {name: one for name, one in RECORDED["responses"].items() if name != "PCMPresetDevice"}
PRESET_DEVICES = {
    "ReRamESPresetDevice": "reram-exponential",
    "CapacitorPresetDevice": "capacitor",
    "EcRamPresetDevice": "ecram",
    "EcRamMOPresetDevice": "ecram-metal-oxide",
    "IdealizedPresetDevice": "idealized-constant",
    "ReRamArrayOMPresetDevice": "reram-array-om",
    "ReRamArrayHfO2PresetDevice": "reram-array-hfo2",
}


def test_all_families_have_a_class() -> None:
    assert {family for family, _ in FAMILIES.values()} == set(OURS.values())
    assert set(AIHWKIT) <= set(FAMILIES)
    assert set(FAMILIES) <= set(RESPONSES)


@pytest.mark.parametrize("name", RESPONSES)
def test_responses_are_those_that_were_recorded(name: str) -> None:
    """At every hundredth of 4600 pulses; a step that is one per cent larger does not agree."""
    recorded = RESPONSES[name]
    assert deviation(recorded) < TOLERANCE
    wrong = dict(recorded["device"])
    if name == "SoftBoundsPmaxDevice":
        wrong["alpha"] *= 1.01
    else:
        wrong["dw_min"] = wrong.get("dw_min", 0.001) * 1.01
    assert deviation({**recorded, "device": wrong}) > TOLERANCE


def test_a_device_without_a_bound_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match=r"device.dw_min_std_add = 0.042: must be 0, noise is in proportion to the "):
        taken(RECORDED["devices"]["PCMPresetDevice"])


@pytest.mark.parametrize(("theirs", "ours"), PRESET_DEVICES.items())
def test_presets_of_both_are_the_same_but_for_what_ours_leave_out(theirs: str, ours: str) -> None:
    """Ours have no write noise and no leak."""
    device = taken(RECORDED["devices"][theirs]).device
    assert replace(device, write_noise_std=0.0, lifetime=0.0) == PRESETS[ours]


def test_the_parameters_of_a_pmax_device() -> None:
    device = taken(RESPONSES["SoftBoundsPmaxDevice"]["device"]).device
    span = 2 / (1 - math.exp(-900 * 0.003))
    assert isinstance(device, SoftBounds)
    assert (device.w_min, device.w_max) == (-1, pytest.approx(span - 1))
    assert (device.dw_min, device.up_down) == (pytest.approx(span * 0.003), pytest.approx(1 - 2 / span))


def test_granularities() -> None:
    def of(name: str) -> float:
        return granularity(name, taken(RESPONSES[name]["device"]).device)

    assert of("LinearStepDevice") == 0.002
    assert of("PowStepDevice") == pytest.approx(0.004 * 0.5**1.7)
    assert of("PiecewiseStepDevice") == pytest.approx(0.002 * 0.8)
    assert of("ExpStepDevice") == pytest.approx(0.004 * 0.95 * (1 - 0.36833 * math.exp(-12.78785 * 0.2425)))


NOISY: dict[str, Any] = {"lifetime": 5000.0, "dw_min_std": 0.7}


def examples() -> list[Pulsed]:
    """A device of every family with parameters that are not its own."""
    found = []
    for name, family in OURS.items():
        given: dict[str, Any] = dict(NOISY)
        if name == "measured":
            given |= {"weights": (-0.6, 0.0, 0.6), "up": (1.5, 1.0, 0.2), "down": (0.1, 1.0, 2.0)}
        if name not in ("constant-step", "power-step-reference"):
            given["write_noise_std"] = 2.0
        found.append(family(**given))
    return found


@pytest.mark.parametrize("device", examples(), ids=lambda device: type(device).__name__)
def test_devices_return_as_they_were(device: Pulsed) -> None:
    assert taken(plain_device(device, "device")).device == device


@pytest.mark.parametrize(
    ("device", "message"),
    [
        (SoftBounds(stuck_fraction=0.1), r"device.stuck_fraction = 0.1: must be 0, aihwkit has no such effect"),
        (SoftBounds(half_select=0.1), r"device.half_select = 0.1: must be 0, aihwkit has no such effect"),
        (
            OURS["constant-step"](write_noise_std=1.0),
            r"device.write_noise_std = 1.0: must be 0 for constant-step, as aihwkit has it",
        ),
        (
            Measured(weights=(-0.6, 0.1, 0.6), up=(1.0, 1.0, 1.0), down=(1.0, 1.0, 1.0)),
            r"device.weights\[1\] = 0.1: must be 0, nodes stand at equal distances",
        ),
        (
            Measured(weights=(-0.6, 0.6), up=(1.0, 1.0), down=(1.0, 1.0), mult_noise=False),
            r"device.mult_noise = False: must be True for measured steps, as aihwkit has it",
        ),
    ],
)
def test_what_aihwkit_does_not_have_is_refused_by_name(device: Pulsed, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plain_device(device, "device")


@pytest.mark.parametrize("kind", FAMILIES)
def test_all_parameters_of_a_family_come_from_somewhere(kind: str) -> None:
    """By their own names, from others, or by the effects that aihwkit does not have."""
    family, names = FAMILIES[kind]
    assert isinstance(family, type)
    elsewhere = {
        "stuck_fraction",
        "half_select",
        "read_noise_std",
        "write_noise_std",
        "lifetime",
        "weights",
        "up",
        "down",
    }
    shared = {*aihwkit_devices._SPREAD, *aihwkit_devices._STEPS, *names}
    assert {spec.name for spec in fields(family)} - elsewhere - {"mult_noise"} == shared - {"mult_noise"}
