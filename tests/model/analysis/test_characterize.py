# SPDX-License-Identifier: Apache-2.0
"""Tests of device characteristics and of recorded responses: repeated, compared, and refused when they are none."""

import json
from pathlib import Path

import numpy as np
import pytest

from symtrack.model.analysis.characterize import AIHWKIT, Record, without_variation
from symtrack.model.devices.presets import PRESETS
from tests.model.references import device_equations as equations

REFERENCE = Path(__file__).with_name("device_response.json")  # recorded from aihwkit 1.2.0, without variation
TOLERANCE = 1e-4  # of the weight range

PARAMETERS = {
    "ConstantStepDevice": {"dw_min": 0.01, "up_down": 0.1},
    "LinearStepDevice": {"dw_min": 0.004, "gamma_up": 0.3, "gamma_down": 0.5, "gamma_up_dtod": 0.0},
    "SoftBoundsDevice": {"dw_min": 0.01, "w_max": 0.9, "up_down": -0.2},
    "SoftBoundsReferenceDevice": {"dw_min": 0.01, "reference_mean": 0.2, "subtract_symmetry_point": True},
    "ExpStepDevice": {
        "dw_min": 0.003,
        "A_up": -1.0,
        "A_down": -0.1,
        "gamma_up": 4,
        "gamma_down": 5,
        "a": -0.4,
        "b": 0.1,
    },
    "PowStepDevice": {"dw_min": 0.02, "pow_gamma": 0.7, "pow_up_down": -0.2},
    "PowStepReferenceDevice": {"dw_min": 0.02, "pow_gamma": 1.7, "reference_mean": -0.1},
}
PULSES = [[1, 200], [-1, 300], [1, 1], [-1, 1], [1, 0], [1, 50]]


def record(device: str = "SoftBoundsDevice", **changes: object) -> dict:
    data = {"name": device, "device": device, "parameters": PARAMETERS[device], "start": 0.1, "pulses": PULSES}
    return {**data, **changes}


@pytest.mark.parametrize("data", json.loads(REFERENCE.read_text())["records"], ids=lambda data: data["name"])
def test_recorded_response(data: dict) -> None:
    """In one recording a third of the coincidences are missing; the others have all."""
    one = Record.from_dict(data, 0)
    missed = one.missed()
    assert missed.any() == (data["name"] == "expstep_reram_es")
    assert one.deviation(one.response(missed)) < TOLERANCE
    other = Record.from_dict(
        {**data, "parameters": {**data["parameters"], "dw_min": data["parameters"]["dw_min"] * 1.01}}, 0
    )
    assert one.deviation(other.response(missed)) > TOLERANCE


@pytest.mark.parametrize("device", AIHWKIT)
def test_records_without_weights_are_repeated(device: str) -> None:
    one = Record.from_dict(record(device), 0)
    assert len(one.signs) == 552
    assert one.deviation(one.response()) is None
    assert not one.missed().any()
    expected = equations.response(one.device, 0.1, one.signs)
    assert np.abs(one.response() - expected).max() < TOLERANCE * one.span
    again = Record.from_dict(record(device, weights=expected.tolist()), 0)
    assert again.deviation(again.response()) < TOLERANCE
    assert not again.missed().any()


@pytest.mark.parametrize("device", AIHWKIT)
def test_missed_pulses_are_found(device: str) -> None:
    one = Record.from_dict(record(device), 0)
    lost = np.zeros(len(one.signs), dtype=bool)
    lost[[0, 20, 21, 210, 300]] = True
    again = Record.from_dict(record(device, weights=one.response(lost).tolist()), 0)
    assert np.array_equal(again.missed(), lost)
    assert again.deviation(again.response(lost)) < 1e-9
    assert again.deviation(again.response()) > TOLERANCE


def test_a_device_at_its_bound_misses_nothing() -> None:
    one = Record.from_dict(record("ConstantStepDevice", pulses=[[1, 200]]), 0)
    again = Record.from_dict(record("ConstantStepDevice", pulses=[[1, 200]], weights=one.response().tolist()), 0)
    assert (np.diff(again.weights) == 0).sum() > 100
    assert not again.missed().any()


def test_a_device_of_a_record_has_no_variation() -> None:
    one = Record.from_dict(record("LinearStepDevice"), 0)
    assert one.device.dw_min_std == one.device.gamma_down_dtod == one.device.w_max_dtod == 0
    assert without_variation(PRESETS["reram-array-om"]).reference_std == 0
    assert not Record.from_dict(record("PowStepReferenceDevice"), 0).device.subtract_symmetry_point  # aihwkit's default


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"device": "PiecewiseStepDevice"},
            "records[3].device = 'PiecewiseStepDevice': must be one of ConstantStepDevice",
        ),
        ({"device": None}, "records[3].device = None: must be one of ConstantStepDevice"),
        (
            {"parameters": {"gamma": 1}},
            "records[3].parameters.gamma = 1: must be one of the parameters of SoftBoundsDev",
        ),
        ({"parameters": {"dw_min": -1}}, "records[3].parameters.dw_min = -1: must be from 1e-06 to 1"),
        ({"parameters": []}, "records[3].parameters = []: must be an object"),
        ({"start": "zero"}, "records[3].start = 'zero': must be a number from -4 to 4"),
        ({"start": float("nan")}, "records[3].start = nan: must be a number from -4 to 4"),
        ({"pulses": 7}, "records[3].pulses = 7: must be a list of [sign, count]"),
        ({"pulses": [[2, 1]]}, "records[3].pulses[0] = [2, 1]: must be [1 or -1, count from 0 to 10000000]"),
        ({"pulses": [[1, 1], [1, -1]]}, "records[3].pulses[1] = [1, -1]: must be [1 or -1, count"),
        ({"pulses": [[1, 1.5]]}, "records[3].pulses[0] = [1, 1.5]: must be [1 or -1, count"),
        ({"pulses": [[1, 10_000_000]] * 2}, "records[3].pulses = 20000000 pulses: must be at most 10000000"),
        ({"weights": [0.0]}, "records[3].weights = 1 weights: must be 553, one more than pulses"),
        ({"weights": ["a"]}, "records[3].weights = ['a']: must be a list of numbers"),
    ],
)
def test_bad_records_are_named(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match="records") as error:
        Record.from_dict(record(**changes) if "device" not in changes else {**record(), **changes}, 3)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize("key", ["device", "parameters", "start", "pulses"])
def test_missing_parts_of_a_record_are_named(key: str) -> None:
    data = record()
    del data[key]
    with pytest.raises(ValueError, match=rf"records\[0\].{key}: must be given"):
        Record.from_dict(data, 0)
    with pytest.raises(ValueError, match=r"records\[1\] = 5: must be an object"):
        Record.from_dict(5, 1)
