# SPDX-License-Identifier: Apache-2.0
"""Tests of ``symtrack.Study``: experiments that run once, in processes, and their table."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import symtrack
from tests.paths import ROOT

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.uniform(0, 1, (60, 4)), RANDOM.integers(0, 2, 60)


def experiment(seed: int = 1, **options) -> symtrack.Experiment:
    data = symtrack.Dataset.classification(X, Y, test=0.5, seed=1)
    return symtrack.Experiment(data, network=[3], seed=seed, **options)


def study(folder: Path) -> symtrack.Study:
    result = symtrack.Study(folder)
    for seed in (1, 2):
        result.add(experiment(seed), steps=20, offset=0.3, seed=seed)
    return result


def test_experiments_run_once_and_make_a_table(tmp_path: Path) -> None:
    one = study(tmp_path)
    assert (len(one), one.left) == (2, 2)
    assert one.to_frame()["accuracy"].isna().all()
    one.run()
    assert one.left == 0
    table = one.to_frame()
    run = experiment(2)
    metrics = run.fit(steps=20).metrics
    assert table.columns[:3].tolist() == ["offset", "seed", "accuracy"]
    assert (table["periphery_joules"] > 0).all()
    assert table["seed"].tolist() == [1, 2]
    assert table["accuracy"][1] == metrics.accuracy
    assert table["state_sha256"][1] == metrics.state_sha256
    assert table["cycles"][1] == metrics.counts["cycles"]
    assert table["mean_pulses_P"][1] > 0
    other = study(tmp_path)
    assert other.left == 0
    assert other.to_frame().equals(table)
    other.add(experiment(3), steps=20, offset=0.3, seed=3)
    assert other.left == 1


def test_all_that_a_result_depends_on_makes_another_one(tmp_path: Path) -> None:
    one = symtrack.Study(tmp_path)
    flipped = symtrack.Dataset.classification(X, 1 - Y, test=0.5, seed=1)
    for run in (
        experiment(),
        experiment(rates={"fast_rate": 0.2}),
        experiment(reference_mean=0.1),
        experiment(tiles={"filter_shift": 1}),
        symtrack.Experiment(flipped, network=[3]),
    ):
        one.add(run, steps=2)
    one.add(experiment(), steps=3)
    one.add(experiment(), steps=2)  # the same as the first
    assert one.to_frame()["key"].nunique() == 6


def test_processes_give_the_same_and_parts_share_the_work(tmp_path: Path) -> None:
    whole = study(tmp_path / "whole")
    whole.run(jobs=2)
    for number in (1, 2):
        study(tmp_path / "parts").run(part=(number, 2))
    parts = study(tmp_path / "parts")
    assert parts.left == 0
    assert parts.to_frame()["state_sha256"].tolist() == whole.to_frame()["state_sha256"].tolist()


def test_energies_and_files(tmp_path: Path) -> None:
    one = study(tmp_path / "study")
    one.run()
    table = one.to_frame(energies={"coincidences": 2.0, "reads": 1000.0})
    expected = (2.0 * table["coincidences"] + 1000.0 * table["reads"]) * 1e-12
    assert np.allclose(table["joules"].astype(float), expected.astype(float), rtol=1e-12)
    one.save(tmp_path / "table.csv")
    again = pd.read_csv(tmp_path / "table.csv")
    assert again["state_sha256"].tolist() == table["state_sha256"].tolist()


def test_parquet(tmp_path: Path) -> None:
    one = study(tmp_path / "study")
    try:
        import pyarrow  # noqa: F401, whether it is there
    except ImportError:
        with pytest.raises(ValueError, match=r"must end with \.csv unless pyarrow is installed"):
            one.save(tmp_path / "table.parquet")
        return
    one.run()
    one.save(tmp_path / "table.parquet")
    assert pd.read_parquet(tmp_path / "table.parquet")["key"].tolist() == one.to_frame()["key"].tolist()


def test_bad_input(tmp_path: Path) -> None:
    one = study(tmp_path / "study")
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"folder = .*file': must be a folder"):
        symtrack.Study(tmp_path / "file")
    with pytest.raises(TypeError, match="experiment = 'digits': must be an Experiment"):
        one.add("digits", steps=3)
    with pytest.raises(ValueError, match="steps = 3, epochs = 2: exactly one"):
        one.add(experiment(), steps=3, epochs=2)
    with pytest.raises(ValueError, match="accuracy = 1: must be another name"):
        one.add(experiment(), steps=3, accuracy=1)
    with pytest.raises(TypeError, match=r"offset = \[1\]: must be a text or a number"):
        one.add(experiment(), steps=3, offset=[1])
    with pytest.raises(ValueError, match="jobs = 0: must be from 1"):
        one.run(jobs=0)
    with pytest.raises(ValueError, match=r"part\[0\] = 3: must be from 1 to 2"):
        one.run(part=(3, 2))
    with pytest.raises(TypeError, match=r"part = 3: must be \(i, n\), part i of n parts"):
        one.run(part=3)
    with pytest.raises(ValueError, match="energies: pulses = 1: must be one of update_slots"):
        one.to_frame(energies={"pulses": 1})
    with pytest.raises(ValueError, match=r"table.xlsx': must end with \.csv or \.parquet"):
        one.save(tmp_path / "table.xlsx")
    assert len(one) == 2


def test_a_program_of_a_user_runs_its_own_algorithm_in_processes(tmp_path: Path) -> None:
    """From a folder of its own; the algorithm is a class of the program."""
    program = tmp_path / "mine.py"
    program.write_text("""
from dataclasses import dataclass

import symtrack
from symtrack.model.spec.settings import ChopperMode, Reference


@dataclass(frozen=True, kw_only=True)
class Mine(symtrack.CustomAlgorithm):
    chopper: ChopperMode = ChopperMode.REGULAR
    reference: Reference = Reference.LATCHED


if __name__ == "__main__":
    study = symtrack.Study("results")
    for seed in (1, 2):
        run = symtrack.Experiment("digits", network=[4], algorithm=Mine(name="mine", version=1), seed=seed, batch=8)
        study.add(run, steps=5, seed=seed)
    study.run(jobs=2)
    print(study.to_frame()["state_sha256"].nunique(), study.left)
""")
    command = [sys.executable, str(program)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["2", "0"]
    assert ROOT not in (tmp_path / "results").parents
