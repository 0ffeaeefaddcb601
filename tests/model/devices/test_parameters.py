# SPDX-License-Identifier: Apache-2.0
"""Tests that defaults, limits and presets of all devices are the recorded ones, since results depend on them.

Who changes one records them anew: python -m tests.model.devices.test_parameters > tests/model/devices/parameters.json
"""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import pytest

from symtrack.model.devices.measured import Measured
from symtrack.model.devices.presets import FAMILIES, PRESETS, family_name

CURVE = {"weights": [-0.5, 0.0, 0.5], "up": [1.5, 1.0, 0.2], "down": [0.3, 1.0, 1.2]}
RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "parameters.json").read_text(encoding="utf-8"))
NUMBERS = [
    (family, name, low, high)
    for family, parameters in RECORDED["families"].items()
    for name, (_, low, high) in parameters.items()
    if low is not None
]


def now() -> dict[str, Any]:
    """What is to be recorded: default, lowest and highest value of every parameter, and the presets without those."""
    families: dict[str, Any] = {}
    presets: dict[str, Any] = {}
    for family, cls in FAMILIES.items():
        limits = {spec.name: [spec.metadata.get(side) for side in ("low", "high")] for spec in fields(cls)}
        families[family] = {
            spec.name: [None if spec.default is MISSING else spec.default, *limits[spec.name]] for spec in fields(cls)
        }
    for name, device in PRESETS.items():
        values = {spec.name: getattr(device, spec.name) for spec in fields(device)}
        defaults = families[family_name(device)]
        presets[name] = {key: value for key, value in values.items() if value != defaults[key][0]}
    return {"families": families, "presets": presets}


@pytest.mark.parametrize(("family", "name", "low", "high"), NUMBERS)
def test_limits_are_allowed_and_what_lies_beyond_is_not(family: str, name: str, low: float, high: float) -> None:
    device = FAMILIES[family](**(CURVE if FAMILIES[family] is Measured else {}))
    if name in ("gamma_up", "gamma_down") and hasattr(device, "allow_increasing"):
        device = replace(device, allow_increasing=True)  # type: ignore[call-arg]
    for value in (low, high):
        assert getattr(replace(device, **{name: value}), name) == value  # type: ignore[arg-type]
    for value in (low - 1e-9, high + 1e-3):
        with pytest.raises(ValueError, match=f"^{name} = .*: must be from "):
            replace(device, **{name: value})  # type: ignore[arg-type]


def test_devices_cannot_be_changed() -> None:
    for device in PRESETS.values():
        with pytest.raises(AttributeError):
            device.dw_min = 0.5  # type: ignore[misc]
        assert hash(device) == hash(replace(device))


def test_they_are_the_recorded_ones() -> None:
    assert now() == RECORDED


if __name__ == "__main__":
    print(
        re.sub(
            r"\[\s+(.*?)\s+\]", lambda found: f"[{' '.join(found[1].split())}]", json.dumps(now(), indent=1), flags=re.S
        )
    )
