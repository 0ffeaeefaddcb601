# SPDX-License-Identifier: Apache-2.0
"""Tests of device presets and TOML files of devices, and of the messages about bad ones."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symtrack.model.analysis.characterize import characteristics, without_variation
from symtrack.model.arithmetic.formats import WEIGHT_ONE
from symtrack.model.devices.constant_step import ConstantStep
from symtrack.model.devices.exponential_step import ExponentialStep
from symtrack.model.devices.linear_step import LinearStep
from symtrack.model.devices.measured import Measured
from symtrack.model.devices.power_step import PowerStep
from symtrack.model.devices.presets import FAMILIES, PRESETS, device_toml, family_name, load_device
from symtrack.model.devices.pulsed import Pulsed, Referenced, with_reference_offset
from symtrack.model.devices.soft_bounds import SoftBounds
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.network.algorithms import Rates
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer
from tests.model.helpers import tiny

CURVE = {"weights": [-0.5, 0.0, 0.5], "up": [1.5, 1.0, 0.2], "down": [0.3, 1.0, 1.2]}


def test_presets_have_their_published_numbers_of_states() -> None:
    states = {name: round(characteristics(device, rows=3, columns=3)["states"], 1) for name, device in PRESETS.items()}
    assert states == {
        "reram-exponential": 1481.5,
        "reram-soft-bounds": 1000.0,
        "capacitor": 400.0,
        "ecram": 1000.0,
        "ecram-metal-oxide": 7088.7,
        "idealized-constant": 10000.0,
        "reram-array-om": 21.1,
        "reram-array-hfo2": 4.3,
    }


def test_characteristics_of_the_exponential_preset() -> None:
    figures = characteristics(PRESETS["reram-exponential"], rows=17, columns=3)
    assert figures["symmetric_point"] == pytest.approx(-0.217, abs=5e-4)
    assert figures["symmetric_point_closed"] == pytest.approx(figures["symmetric_point"], abs=1e-5)
    assert figures["up_step"] == pytest.approx(0.00148125, abs=1e-8)  # the first step of the recorded device
    assert figures["symmetric_point_std"] > 0.01
    assert characteristics(PRESETS["idealized-constant"], rows=1, columns=1)["symmetric_point"] is None


@pytest.mark.parametrize("name", PRESETS)
def test_a_device_written_is_the_device_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / "device.toml"
    path.write_text(device_toml(PRESETS[name]))
    assert load_device(path) == PRESETS[name] == load_device(name)
    path.write_text(device_toml(PRESETS[name]).replace("dw_min = ", "dw_min = 1"))
    with pytest.raises(ValueError, match=r"dw_min = 1"):
        load_device(path)


def test_a_measured_device_written_is_the_device_read(tmp_path: Path) -> None:
    path = tmp_path / "device.toml"
    device = Measured(**CURVE)
    path.write_text(device_toml(device))
    assert load_device(path) == device
    assert family_name(device) == "measured"


def test_a_file_of_version_0_1_0_is_still_the_same_device() -> None:
    assert load_device(Path(__file__).with_name("reram-array-om_0.1.0.toml")) == PRESETS["reram-array-om"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dw_min = 0.1", "family = None: must be one of constant-step, linear-step"),
        ('family = "memristor"', "family = 'memristor': must be one of constant-step"),
        ('family = "soft-bounds"\ndwmin = 1', "dwmin = 1: must be one of the parameters of soft-bounds: dw_min, "),
        ('family = "soft-bounds"\ndw_min = "a"', "dw_min = 'a': must be a number from 1e-06 to 1"),
        ('family = "measured"\nup = [1, 2]', "weights: must be given for measured"),
        ("family = ", "must be valid TOML"),
    ],
)
def test_bad_files(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "device.toml"
    path.write_text(text)
    with pytest.raises((TypeError, ValueError)) as error:
        load_device(path)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [("rram", "must be one of reram-exponential, "), ("none.toml", "must be a readable file (No such file")],
)
def test_sources_that_are_no_device(source: str, message: str) -> None:
    with pytest.raises(ValueError, match="device = ") as error:
        load_device(source)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("family", "name", "value", "allowed"),
    [
        (SoftBounds, "dw_min", 0.0, "from 1e-06 to 1"),
        (SoftBounds, "dw_min", float("nan"), "from 1e-06 to 1"),
        (SoftBounds, "dw_min", "0.1", "a number from 1e-06 to 1"),
        (ConstantStep, "dw_min_dtod", -0.1, "from 0 to 10"),
        (ConstantStep, "up_down", 1.0, "from -0.99 to 0.99"),
        (SoftBounds, "w_max", 2.0, "from 0.001 to 2"),
        (SoftBounds, "w_max", -0.6, "from 0.001 to 2"),
        (SoftBounds, "w_min", 0.6, "from -2 to -0.001"),
        (SoftBounds, "mult_noise", 1, "true or false"),
        (SoftBoundsReference, "reference_std", -1.0, "from 0 to 4"),
        (SoftBoundsReference, "reference_mean", True, "a number from -4 to 4"),
        (SoftBoundsReference, "subtract_symmetry_point", "no", "true or false"),
        (LinearStep, "gamma_up", -0.1, "from 0 to 10 without allow_increasing"),
        (LinearStep, "gamma_down", 11.0, "from -10 to 10"),
        (ExponentialStep, "gamma_up", -1.0, "from 0 to 100"),
        (ExponentialStep, "A_up", float("inf"), "from -10000 to 10000"),
        (PowerStep, "pow_gamma", 0.0, "from 0.01 to 16"),
        (PowerStep, "pow_up_down", 1.0, "from -0.99 to 0.99"),
    ],
)
def test_bad_parameters_are_named(family: type, name: str, value: object, allowed: str) -> None:
    with pytest.raises((TypeError, ValueError)) as error:
        family(**{name: value})
    assert str(error.value).startswith(f"{name} = {value!r}: must be ")
    assert allowed in str(error.value)


def test_numbers_of_numpy_become_plain_ones() -> None:
    """A file would have their names."""
    device = SoftBounds(dw_min=np.float64(0.1), w_max=1)
    assert (type(device.dw_min), type(device.w_max)) == (float, int)


@pytest.mark.parametrize("family", [Pulsed, Referenced])
def test_a_family_has_a_response(family: Any) -> None:
    with pytest.raises(TypeError, match="abstract method response"):
        family()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": [-0.5, 0.5, 0.0]}, "weights = 0.0 after 0.5: must increase from point to point"),
        ({"weights": [-4.1, 0.0, 0.5]}, "weights = -4.1: must be from -4 to 4"),
        ({"weights": [-0.5, 0.0, 4.1]}, "weights = 4.1: must be from -4 to 4"),
        ({"weights": [-0.5, 0.0, 0.0]}, "weights = 0.0 after 0.0: must increase from point to point"),
        ({"up": [1.0, 2.0]}, "up = 2 points: must be 3, one for each of weights"),
        ({"down": [0, 0, 0]}, "down = (0, 0, 0): must have a step that is not zero"),
        ({"up": [1.0, -1.0, 0.0]}, "up = -1.0: must be from 0 to 127"),
        ({"up": [1.0, float("nan"), 0.0]}, "up = nan: must be from 0 to 127"),
        ({"up": [1.0, "x", 0.0]}, "up = 'x': must be a list of numbers from 0 to 127"),
        ({"up": [1.0, 127.1, 0.0]}, "up = 127.1: must be from 0 to 127"),
        ({"up": [1.0, -0.1, 0.0]}, "up = -0.1: must be from 0 to 127"),
        ({"up": 1.0}, "up = 1.0: must be a list of numbers from 0 to 127"),
        ({"weights": [0.0], "up": [1.0], "down": [1.0]}, "weights = [0.0]: must have at least two points"),
    ],
)
def test_bad_curves_are_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises((TypeError, ValueError)) as error:
        Measured(**{**CURVE, **changes})
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("device", "message"),
    [
        (Measured(**CURVE | {"up": [0.0, 9.0, 0.0]}, dw_min=0.9), "dw_min = 0.9: must keep the largest step"),
        (LinearStep(dw_min=0.5, w_max=0.001, gamma_up=5.0), "must keep gamma * dw_min / bound of every cell below 2"),
        (ExponentialStep(A_up=-1e4), "A_up = -10000.0: must keep steps below 128 times dw_min"),
    ],
    ids=["step", "slope", "factor"],
)
def test_parameters_that_do_not_fit_together(device: Pulsed, message: str) -> None:
    with pytest.raises(ValueError, match="must keep") as error:
        device.cells(rows=3, columns=3, seed=1, array="a")
    assert message in str(error.value)


@pytest.mark.parametrize("name", ["A_up", "A_down"])
def test_steps_have_to_fit_within_the_bounds_only(name: str) -> None:
    """1 - A exp(10) at one bound is the largest; at the upper one the next segment counts, too, with 2 % more."""
    for largest, fits in ((124.0, True), (128.1, False)):
        factors = {"A_up": 0.0, "A_down": 0.0} | {name: (1 - largest) / math.exp(10)}
        bounds = {"w_max": 1.0, "w_min": -1.0}
        device = ExponentialStep(gamma_up=20.0, gamma_down=20.0, a=0.5, b=0.0, **factors, **bounds)
        if fits:
            without_variation(device).cells(rows=1, columns=1, seed=1, array="a")
            continue
        with pytest.raises(ValueError, match=f"{name} = .*: must keep steps below 128"):
            without_variation(device).cells(rows=1, columns=1, seed=1, array="a")


def test_an_offset_needs_a_reference() -> None:
    offset = with_reference_offset(SoftBoundsReference(), mean=0.3, std=0.1)
    assert offset == SoftBoundsReference(reference_mean=0.3, reference_std=0.1)
    assert with_reference_offset(SoftBounds(), mean=0.0, std=0.0) == SoftBounds()
    with pytest.raises(ValueError, match=r"reference_std = 0.1: must be 0 for SoftBounds, which has no reference"):
        with_reference_offset(SoftBounds(), mean=0.0, std=0.1)


def test_every_family_has_a_name() -> None:
    assert len(FAMILIES) == 8
    assert len(set(FAMILIES.values())) == 8


@pytest.mark.parametrize("name", PRESETS)
def test_presets_train(name: str) -> None:
    rates = Rates(granularity=max(0.1 / PRESETS[name].dw_min, 1.0))  # a write threshold of about a tenth
    trainer = Trainer(TrainingSpec(task=tiny.task(), algorithm="e-rider", devices=PRESETS[name], rates=rates, seed=1))
    before = trainer.network.layers[0].tile.fast.weights.copy()
    trainer.run(5)
    assert not (trainer.network.layers[0].tile.fast.weights == before).all()


def test_an_offset_reaches_the_fast_arrays_of_devices_with_a_reference_only() -> None:
    arguments = {"task": tiny.task(), "algorithm": "e-rider", "reference_mean": 0.3, "seed": 1}
    layer = Trainer(TrainingSpec(**arguments, devices=PRESETS["reram-array-om"])).network.layers[0]
    assert layer.tile.fast.cells.reference.mean() > 0.2 * WEIGHT_ONE > layer.tile.slow.cells.reference.mean()
    with pytest.raises(ValueError, match=r"reference_mean = 0.3: must be 0 for LinearStep, which has no reference"):
        Trainer(TrainingSpec(**arguments, devices=PRESETS["ecram"]))


def test_the_offset_of_a_device_is_that_of_p_and_may_be_replaced() -> None:
    """W never has one, P that of the device unless another is given."""
    device = SoftBoundsReference(reference_mean=0.3, reference_std=0.1)
    for given, expected in ({}, (-0.3, 0.1)), ({"reference_mean": -0.2, "reference_std": 0.0}, (0.2, 0.0)):
        trainer = tiny.trainer(devices=device, **{"reference_mean": None, "reference_std": None, **given})
        points = [
            [
                point
                for layer in trainer.network.layers
                for point in getattr(layer.tile, array).symmetric_point().ravel()
            ]
            for array in ("fast", "slow")
        ]
        fast, slow = (np.array(part) / WEIGHT_ONE for part in points)
        assert abs(fast.mean() - expected[0]) < 0.1
        assert abs(fast.std() - expected[1]) < 0.05
        assert np.abs(slow).max() < 1e-6
