# SPDX-License-Identifier: Apache-2.0
"""The face of the exchange with other packages, and the page about aihwkit, whose programs run."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import symtrack
from symtrack.arguments import device_of
from symtrack.model.arithmetic.converters import Converters
from symtrack.model.devices.soft_bounds import SoftBounds
from symtrack.model.network.algorithms import Choppers, Rates
from symtrack.model.network.architecture import Architecture, Dense
from symtrack.model.network.standard_networks import network
from symtrack.model.spec.settings import Scope
from symtrack.model.tasks.regression import weight_programming
from tests.model.exchange.recorded import RECORDED
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "aihwkit.md").read_text(encoding="utf-8")
PRESETS = RECORDED["configurations"]


def scaled(name: str) -> dict[str, Any]:
    return {**PRESETS[name], "mapping": {"class": "MappingParameter", "weight_scaling_omega": 0.5}}


def test_a_configuration_is_an_experiment() -> None:
    """The run is that of its spec, to the digest."""
    taken = symtrack.from_aihwkit(PRESETS["AGADReRamSBPreset"], learning_rate=0.05)
    experiment = taken.experiment("digits", network=[8], seed=4, tiles={"chopper_period": 2})
    spec = taken.spec(task="digits", network={"hidden": [8]}, seed=4, tiles={"chopper_period": 2})
    assert experiment.fit(steps=30).metrics.state_sha256 == symtrack.train(spec, steps=30).metrics.state_sha256
    assert experiment.spec.tiles["chopper_period"] == 2
    there = symtrack.to_aihwkit(experiment)
    assert there.config["device"]["in_chop_prob"] == 0.5
    assert there.json() == symtrack.to_aihwkit(experiment.spec).json()


GIVEN: list[dict[str, Any]] = [
    {"device": SoftBounds(dw_min=0.003)},
    {"device": "ecram"},
    {"slow_device": SoftBounds(dw_min=0.003)},
    {"converters": Converters(adc_bits=11, output_noise=0.5)},
    {"choppers": Choppers(scope=Scope.TILE)},
    {"algorithm": "tt-v2"},
    {"algorithm": "e-rider", "rates": {"gamma": 0.3}},
    {"algorithm": "rider"},
    {"algorithm": "analog-sgd", "device": SoftBounds(dw_min=0.003)},
    {"rates": {"learning_rate": 0.07, "granularity": 50.0}},
    {"rates": {"transfer_every": 3}},
    {"rates": Rates.of("agad", fast_rate=0.125)},
    {"seed": 5, "calibration": 10, "reference_mean": 0.1, "reference_std": 0.1, "macro": (70, 70), "threads": 2},
]


@pytest.mark.parametrize("given", GIVEN, ids=[",".join(one) for one in GIVEN])
def test_arguments_take_the_place_of_the_configuration(given: dict[str, Any]) -> None:
    """Of `experiment` and of `spec`; all else stays, and the run runs."""
    taken = symtrack.from_aihwkit(PRESETS["AGADReRamSBPreset"])
    plain = taken.experiment("digits", network=[8]).spec
    experiment = taken.experiment("digits", network=[8], **given)
    found = experiment.spec
    names = {"device": "devices", "slow_device": "slow_devices"}
    for name in ("algorithm", "device", "slow_device", "converters", "choppers", "seed", "calibration"):
        value = getattr(found, names.get(name, name))
        if name in given and name != "device":
            assert value == given[name]
        elif name in given:
            assert value == device_of("device", given[name]) != plain.devices
        elif name != "slow_device" or given.get("algorithm") != "analog-sgd":
            assert value == getattr(plain, names.get(name, name))
    assert found.rates is not None
    assert plain.rates is not None
    rates = given.get("rates", {})
    if isinstance(rates, Rates):
        assert found.rates == rates
    elif "algorithm" not in given:
        assert found.rates == replace(plain.rates, **rates)
    else:
        assert found.rates.learning_rate == plain.rates.learning_rate
        assert found.rates.gamma == rates.get("gamma", Rates.of(given["algorithm"]).gamma)
    layer = experiment.trainer.network.layers[0]
    assert layer.tiles[0].config.adc_bits == (given.get("converters") or taken.converters).adc_bits
    experiment.fit(steps=2)
    if not {"macro", "seed"} & {*given}:
        more = {names.get(name, name): value for name, value in given.items()}
        if "devices" in more:
            more["devices"] = found.devices
        assert taken.spec(task="digits", network={"hidden": [8]}, **more) == found


def test_a_rate_that_is_given_needs_nothing_of_the_configuration() -> None:
    """Thresholds of buffers, transfers in batches and fixed rates do not stand in its way."""
    device = {"class": "SoftBoundsReferenceDevice"}
    cell = {"class": "BufferedTransferCompound", "unit_cell_devices": [device, device], "momentum": 0.0}
    taken = symtrack.from_aihwkit({"class": "UnitCellRPUConfig", "device": cell})
    assert taken.rates["fixed_fast_rate"] == 1
    rates = taken.experiment("digits", rates={"granularity": 70.0, "fast_rate": 0.25}).spec.rates
    assert rates is not None
    assert (rates.granularity, rates.fast_rate, rates.fixed_fast_rate) == (70, 0.25, 0)
    every = symtrack.from_aihwkit({**cell, "transfer_every": 2.0, "units_in_mbatch": False})
    rates = every.spec(task="weight-programming", batch=3, rates={"transfer_every": 1}).rates
    assert rates is not None
    assert rates.transfer_every == 1


def test_arguments_that_cannot_be_are_refused() -> None:
    taken = symtrack.from_aihwkit(PRESETS["AGADReRamSBPreset"])
    with pytest.raises(ValueError, match=r"rates: speed = 1: must be one of learning_rate, "):
        taken.experiment("digits", rates={"speed": 1})
    with pytest.raises(TypeError, match=r"rates = 3: must be a mapping of rates by name, or Rates"):
        taken.experiment("digits", rates=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"gamma = 0.3: must be left out with agad"):
        taken.experiment("digits", rates={"gamma": 0.3})


def test_batches_and_schedules() -> None:
    taken = symtrack.from_aihwkit(PRESETS["AGADReRamSBPreset"])
    experiment = taken.experiment("digits", network=[8], batch=4, schedule=[(1, 0.5)])
    assert experiment.spec.batch == 4
    assert experiment.spec.schedule.factors() == (1.0, 0.5)
    assert experiment.trainer.rates.momentum == 1 - (1 - 0.99) / 4


@pytest.mark.parametrize(
    ("given", "omega"),
    [(None, 0.5), ([8], 0.5), ({"hidden": [8]}, 0.5), ({"hidden": [8], "weight_scaling": 0.25}, 0.25)],
)
def test_options_of_the_network(given: Any, omega: float) -> None:
    experiment = symtrack.from_aihwkit(scaled("AGADReRamSBPreset")).experiment("digits", network=given)
    assert {layer.weight_scaling for layer in experiment.trainer.task.architecture.layers} == {omega}


def test_options_of_data_of_ones_own() -> None:
    taken = symtrack.from_aihwkit(scaled("AGADReRamSBPreset"))
    data = symtrack.Dataset.classification([[0.0, 1.0], [1.0, 0.0]] * 8, [0, 1] * 8, test=0.25)
    for given, omega in ((None, 0.5), ([3], 0.5), (network((2,), 2, hidden=[3]), 0.3)):
        layers = taken.experiment(data, network=given).trainer.task.architecture.layers
        assert {layer.weight_scaling for layer in layers} == {omega}


def test_networks_that_are_given_stay() -> None:
    taken = symtrack.from_aihwkit(scaled("AGADReRamSBPreset"))
    for data in ("weight-programming", weight_programming()):
        assert taken.experiment(data).trainer.task.architecture == weight_programming().architecture
    assert isinstance(weight_programming().architecture, Architecture)
    assert isinstance(weight_programming().architecture.layers[0], Dense)


def test_what_is_no_run_is_refused() -> None:
    with pytest.raises(TypeError, match=r"run = 7: must be a TrainingSpec or an Experiment"):
        symtrack.to_aihwkit(7)  # type: ignore[arg-type]


@pytest.mark.parametrize("algorithm", ["analog-sgd", "tt-v1", "tt-v2", "c-tt-v2", "agad"])
def test_there_and_back_is_the_same_run(algorithm: str) -> None:
    """To the digest, with the fields of tiles that aihwkit has not as they were."""
    rates = {"learning_rate": 0.07} | ({"fixed_fast_rate": 0.5} if algorithm == "tt-v1" else {})
    tiles: dict[str, Any] = {"magnitude_bits": 10, "hidden_bits": 20, "lanes": 2}
    if algorithm != "analog-sgd":
        tiles["threshold_shift"] = "auto"
    given: dict[str, Any] = {"network": [8], "seed": 4, "batch": 2}
    first = symtrack.Experiment("digits", algorithm=algorithm, rates=rates, tiles=tiles, **given)
    there = symtrack.to_aihwkit(first)
    back = symtrack.from_aihwkit(json.loads(there.json()), learning_rate=there.learning_rate)
    second = back.experiment("digits", tiles=tiles, **given)
    assert second.trainer.rates == first.trainer.rates
    assert second.trainer.rates.scale_rate == 0.01
    one, other = (run.fit(steps=40).metrics for run in (first, second))
    assert one.state_sha256 == other.state_sha256


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", PAGE, re.S), ids=["from", "to"])
def test_the_programs_of_the_page_run(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.json").write_text(json.dumps(PRESETS["AGADReRamSBPreset"]))
    exec(compile(code, "aihwkit.md", "exec"), {})
    assert capsys.readouterr().out
