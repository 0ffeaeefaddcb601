# SPDX-License-Identifier: Apache-2.0
"""Tests of ``symtrack.explore``: own data and functions, the front, its table and its page."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symtrack
from symtrack.model.spec.settings import ChopperMode, Reference

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.uniform(0, 1, (60, 4)), RANDOM.integers(0, 2, 60)
DATA = symtrack.Dataset.classification(X, Y, test=0.5, seed=1)
OWN = symtrack.CustomAlgorithm(name="mine", version=1, chopper=ChopperMode.REGULAR, reference=Reference.LATCHED)


def test_an_experiment_is_varied(tmp_path: Path) -> None:
    run = symtrack.Experiment(DATA, network=[3])
    found = symtrack.explore(
        run, folder=tmp_path, steps=5, trials=6, vary=["adc_bits", "lanes", "gamma"], fix={"bl_max": 7}
    )
    assert [one.number for one in found.trials] == list(range(6))
    table = found.to_frame()
    assert table.columns[:4].tolist() == ["trial", "adc_bits", "lanes", "gamma"]
    assert set(table[table["front"]]["trial"]) == {one.number for one in found.front}
    best = found.front[0]
    assert found.spec(best).tiles["bl_max"] == 7
    other = symtrack.Study(tmp_path)
    again = symtrack.Experiment(
        DATA,
        network=[3],
        tiles={
            "bl_max": 7,
            **{name: best.parameters[name] for name in ("adc_bits", "lanes")},
            "threshold_shift": "auto",
        },
        rates={"gamma": best.parameters["gamma"]},
    )
    other.add(again, steps=5)
    assert other.left == 0, "it is the same run"
    assert other.to_frame()["gates"].item() == best.figures["gates"]


def test_a_function_makes_experiments_of_own_parameters(tmp_path: Path) -> None:
    def make(parameters: dict[str, Any]) -> symtrack.Experiment:
        if parameters["width"] == 4:
            raise ValueError("width = 4: must be another")
        rates = {"learning_rate": parameters["rate"]}
        return symtrack.Experiment(DATA, network=[parameters["width"]], algorithm=OWN, rates=rates)

    ranges = {"width": (3, 4), "rate": (0.05, 0.2), "kind": ["a", "b"]}
    options = {"folder": tmp_path, "steps": 4, "trials": 9, "vary": ranges, "objectives": ["loss", "gates"]}
    found = symtrack.explore(make, **options)
    refused = [one for one in found.trials if one.refused]
    assert refused
    assert all(one.parameters["width"] == 4 for one in refused)
    page = found.page()
    assert "width = 4: must be another" in page
    assert "symtrack generate-verilog --config tiles/" in page
    assert "symtrack train" not in page
    assert [one.key for one in symtrack.explore(make, **options, sampler="tpe").trials] == [
        one.key for one in found.trials
    ]
    files = found.save(tmp_path / "out")
    assert all(file.is_file() for file in files)
    assert len(files) >= 4
    config = symtrack.TileConfig.load(next(file for file in files if file.suffix == ".toml"))
    assert config.fingerprint in {one.fingerprint for trial in found.front for one in found.tiles(trial)}
    assert all(math.isfinite(one.figures["loss"]) for one in found.front)


def test_bad_input(tmp_path: Path) -> None:
    run = symtrack.Experiment(DATA, network=[3])
    (tmp_path / "file").touch()
    cases: list[tuple[dict[str, Any], str]] = [
        ({"folder": tmp_path / "file"}, "folder = .*: must be a folder"),
        ({"sampler": "grid"}, "sampler = 'grid': must be one of tpe, nsga2, random"),
        ({"epochs": 1}, "steps = 1, epochs = 1: exactly one"),
        ({"trials": 0}, "trials = 0: must be from 1"),
        ({"jobs": 0}, "jobs = 0: must be from 1"),
        ({"vary": {"lanes": (4, 1)}}, r"vary: lanes = \(4, 1\): must be \(low, high\)"),
        ({"vary": ["rows"]}, "vary = 'rows': must be one of"),
        ({"objectives": ["speed"]}, "objectives = 'speed': must be of accuracy"),
        ({"fix": {"adc_bits": 99}}, "trials = 2: none can be run: adc_bits = 99"),
        ({"storage": "mongo://x"}, "storage = 'mongo://x': must be"),
    ]
    for options, text in cases:
        with pytest.raises(ValueError, match=text):
            symtrack.explore(run, **{"folder": tmp_path / "runs", "steps": 1, "trials": 2, **options})
    with pytest.raises(TypeError, match="experiment = 3: must be an Experiment, or a function"):
        symtrack.explore(3, folder=tmp_path, steps=1)
    with pytest.raises(TypeError, match="experiment: returns 3: must return an Experiment"):
        symtrack.explore(lambda parameters: 3, folder=tmp_path, steps=1, vary=["lanes"])
    with pytest.raises(ValueError, match=r"vary = \{\}: must have one parameter at least"):
        symtrack.explore(lambda parameters: run, folder=tmp_path, steps=1, vary={})
