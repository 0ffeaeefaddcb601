# SPDX-License-Identifier: Apache-2.0
"""The face of the exchange with other packages, and the page about aihwkit, whose programs run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import symtrack
from symtrack.model.network.architecture import Architecture, Dense
from symtrack.model.network.standard_networks import network
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


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", PAGE, re.S), ids=["from", "to"])
def test_the_programs_of_the_page_run(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.json").write_text(json.dumps(PRESETS["AGADReRamSBPreset"]))
    exec(compile(code, "aihwkit.md", "exec"), {})
    assert capsys.readouterr().out
