# SPDX-License-Identifier: Apache-2.0
"""What was recorded from aihwkit: a few presets as plain data, and weights of noise-free responses.

``aihwkit_1.1.0.json`` is `shortened` of what ``aihwkit_recording.py presets`` wrote; ``make test-aihwkit`` compares.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symtrack.model.analysis.characterize import Record
from symtrack.model.exchange.aihwkit_configuration import taken
from symtrack.model.exchange.aihwkit_fields import DEFAULTS

FILE = Path(__file__).with_name("aihwkit_1.1.0.json")
KEPT = (
    "CapacitorPreset",
    "ReRamESPreset",
    "TikiTakaReRamSBPreset",
    "TTv2EcRamPreset",
    "ChoppedTTv2ReRamESPreset",
    "AGADReRamSBPreset",
    "AGADEcRamMOPreset",
    "ReRamES2Preset",
    "PCMPreset",
    "MixedPrecisionReRamSBPreset",
    "StandardHWATrainingPreset",
)
EVERY = 100  # pulses between two weights that are kept
RECORDED = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}

Real = NDArray[np.float64]


def short(value: Any) -> Any:
    """Plain data without the fields that are as aihwkit has them."""
    if isinstance(value, list):
        return [short(item) for item in value]
    if not isinstance(value, dict) or "class" not in value:
        return value
    known = [name for name in (value["class"], *value.get("is_a", ())) if name in DEFAULTS]
    result = {"class": value["class"]} | ({} if value["class"] in DEFAULTS else {"is_a": value.get("is_a", [])})
    for name, item in value.items() if known else ():
        if name in ("class", "is_a"):
            continue
        default, kept = DEFAULTS[known[0]][name], short(item)
        if kept != default and kept != {"class": default}:
            result[name] = kept
    return result


def shortened(full: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a recording."""
    return {
        "version": full["version"],
        "configurations": {name: short(full["configurations"][name]) for name in KEPT},
        "devices": short_all(full["devices"]),
        "pulses": next(iter(full["responses"].values()))["pulses"],
        "responses": {
            name: {"device": short(one["device"]), "weights": [round(weight, 9) for weight in one["weights"][::EVERY]]}
            for name, one in full["responses"].items()
        },
    }


def short_all(found: dict[str, Any]) -> dict[str, Any]:
    return {name: short(one) for name, one in found.items()}


def response(recorded: dict[str, Any]) -> tuple[Real, float]:
    """Our response to the pulses of a recording, float64[pulses + 1], and the weight range."""
    runs = recorded.get("pulses") or RECORDED["pulses"]
    signs = np.concatenate([np.full(count, sign) for sign, count in runs])
    device = taken(recorded["device"]).device
    record = Record(name="", device=device, start=0.0, signs=signs, weights=None)
    return record.response(), record.span


def deviation(recorded: dict[str, Any]) -> float:
    """Largest distance of the recorded weights from ours, relative to the weight range."""
    weights, span = response(recorded)
    step = (len(weights) - 1) // (len(recorded["weights"]) - 1)
    return float(np.abs(weights[::step] - recorded["weights"]).max() / span)
