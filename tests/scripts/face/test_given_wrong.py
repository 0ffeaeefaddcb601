# SPDX-License-Identifier: Apache-2.0
"""Tests of what the doors are given that is no data, path, label or option: one line that names it, nothing lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

import symtrack
from symtrack.model.spec.settings import Reference
from symtrack.model.study import frame
from symtrack.model.training.metrics import state_sha256
from tests.paths import ROOT

RNG = np.random.default_rng(5)
X = RNG.normal(size=(40, 3))
TARGETS = X @ [1.0, -2.0, 0.5]
LABELS = (TARGETS > 0).astype(int)
FRAME = pd.DataFrame(X).assign(more=LABELS > 0)
DATA = symtrack.Dataset.regression(X, TARGETS)
MASKED = np.ma.masked_array(X, mask=X[2, 1] == X)
DEVICE = {"class": "ConstantStepDevice"}
IMPORTED = symtrack.from_aihwkit({"class": "SingleRPUConfig", "device": DEVICE})
GRID = np.zeros((3, 3, 3))


def regression(inputs: Any) -> Callable[[], Any]:
    return lambda: symtrack.Dataset.regression(inputs, TARGETS)


def classification(labels: Any) -> Callable[[], Any]:
    return lambda: symtrack.Dataset.classification(X, labels)


def experiment(**options: Any) -> Callable[[], Any]:
    return lambda: symtrack.Experiment(DATA, **{"network": [4]} | options)


def imported(**options: Any) -> Callable[[], Any]:
    return lambda: IMPORTED.experiment(DATA, **options)


def spec(**options: Any) -> Callable[[], Any]:
    return lambda: IMPORTED.spec(task=DATA.task([4]), **options)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "masked": (regression(MASKED), "X[2, 1] is masked: must be an array in which nothing is"),
    "sparse": (regression(csr_matrix(X)), "X = csr_matrix: must be a dense array, such as that of its toarray()"),
    "a text": (regression(FRAME.astype(object).replace(X[3, 1], "a")), "X[3, 1] = 'a': must be an array of numbers"),
    "halves": (classification(LABELS + 0.5), "y = float64[40]: must be labels, whole numbers, texts or booleans"),
    "both": (classification(np.array(["a", 1] * 20, object)), "y = object[40]: must be labels, whole numbers"),
    "test": (lambda: symtrack.Dataset.regression(X, TARGETS, test=np.zeros(2)), "test = float64[2]: must be"),
    "weights": (experiment(weights=GRID), "weights = float64[3, 3, 3]: must be a list or a mapping of arrays"),
    "field": (experiment(tiles={5: 5}), "tiles: 5: must be the name of a field"),
    "rate": (experiment(rates={5: 5}), "rates: 5: must be the name of a field"),
    "hidden": (experiment(network={"hidden": 3}), "hidden = 3: must be a list of the sizes of hidden layers"),
    "writing": (experiment(writing=5), "writing = 5: must be Writing"),
    "lines": (experiment(batch=GRID), "batch = float64[3, 3, 3]: must be an integer from"),
    "csv": (lambda: symtrack.CSVLogger(None), "file = None: must be a path, a text or a Path"),
    "study": (lambda: symtrack.Study(5), "folder = 5: must be a path, a text or a Path"),
    "save": (lambda: experiment()().save(None), "file = None: must be a path, a text or a Path"),
    "load": (lambda: experiment()().load(b"x"), "file = b'x': must be a path, a text or a Path"),
    "verilog": (lambda: experiment()().verilog(None), "folder = None: must be a path, a text or a Path"),
    "digest": (lambda: state_sha256(5), "arrays = 5: must be a mapping of arrays by name"),
    "energies": (lambda: frame.energy(pd.DataFrame(), 5), "energies = 5: must be a mapping of picojoules"),
    "energy": (lambda: frame.energy(pd.DataFrame(), {"reads": "a"}), "energies['reads'] = 'a': must be a number"),
    "export": (lambda: symtrack.to_aihwkit(GRID), "run = float64[3, 3, 3]: must be a TrainingSpec or an Experiment"),
    "number": (lambda: symtrack.from_aihwkit(DEVICE | {"dw_min": GRID}), "device.dw_min = float64[3, 3, 3]: must be"),
    "class": (lambda: symtrack.from_aihwkit({"class": "a\nb"}), "rpu_config = a b: must be SingleRPUConfig or"),
    "schedule": (imported(schedule=5), "schedule = 5: must be a list of pairs, (epoch, factor)"),
    "triple": (imported(schedule=[(1, 2, 3)]), "schedule: (1, 2, 3): must be a pair of numbers"),
    "tiles": (imported(tiles=5), "tiles = 5: must be a mapping of fields of tiles by name"),
    "choppers": (imported(choppers=5), "choppers = 5: must be Choppers"),
    "spec's schedule": (spec(schedule=[(1, 2.0)]), "schedule = [(1, 2.0)]: must be a Schedule"),
    "spec's tiles": (spec(tiles=5), "tiles = 5: must be a Mapping"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused_in_one_line(what: str) -> None:
    call, text = REFUSED[what]
    with pytest.raises((TypeError, ValueError)) as raised:
        call()
    assert str(raised.value).startswith(text)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("inputs", [FRAME, FRAME.convert_dtypes(), FRAME.astype(object), np.ma.masked_array(X)])
def test_tables_of_numbers_are_taken(inputs: Any) -> None:
    data = symtrack.Dataset.regression(inputs, TARGETS)
    plain = symtrack.Dataset.regression(np.asarray(inputs, np.float64), TARGETS)
    assert np.array_equal(data.train_x, plain.train_x)


@pytest.mark.parametrize(
    "labels", [LABELS.astype(object), LABELS.astype(float), LABELS[:, None], pd.Series(LABELS).astype("Int64")]
)
def test_labels_in_other_forms_are_the_same(labels: Any) -> None:
    data, plain = (symtrack.Dataset.classification(X, some) for some in (labels, LABELS))
    assert np.array_equal(data.train_y, plain.train_y)
    assert data.classes.tolist() == plain.classes.tolist() == [0, 1]
    assert data.scaling == plain.scaling


def test_predictions_have_the_shape_of_the_targets() -> None:
    for targets, shape in ((TARGETS, (40,)), (TARGETS[:, None], (40, 1)), (np.stack([TARGETS] * 2, 1), (40, 2))):
        run = symtrack.Experiment(symtrack.Dataset.regression(X, targets), network=[4])
        assert run.predict(X).shape == shape


def test_runs_show_themselves_in_a_line() -> None:
    run = symtrack.Experiment(DATA, network=[4])
    result = run.fit(steps=10)
    assert repr(DATA) == "<Dataset 'regression': 32 + 8 samples of 3, 1 targets>"
    assert repr(run) == "<Experiment e-rider on regression: 4x4, 1x5, 10 steps>"
    assert repr(result.history) in repr(result)
    assert f"step 10, loss {result.loss:.6g}, r2" in repr(result)
    assert "\n" not in repr(result)
    assert repr(type(result.history)([])) == "<History: 0 evaluations>"


def test_labels_of_a_study_are_plain_and_finite(tmp_path: Path) -> None:
    study = symtrack.Study(tmp_path)
    study.add(symtrack.Experiment(DATA, network=[4]), steps=5, a=np.int64(3), b=np.float32(0.5), c=np.bool_(True))
    assert study.cases[0].labels == (("a", 3), ("b", 0.5), ("c", True))
    assert [type(value) for _, value in study.cases[0].labels] == [int, float, bool]
    for value, text in ((float("nan"), "a = nan: must be finite"), (np.inf, "a = inf: must be finite")):
        with pytest.raises(ValueError, match=text):
            study.add(symtrack.Experiment(DATA, network=[4]), steps=5, a=value)
    assert len(study) == 1
    study.run()
    assert study.left == 0


def test_a_table_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, file = symtrack.Study(tmp_path / "study"), tmp_path / "table.csv"
    study.add(symtrack.Experiment(DATA, network=[4]), steps=5, a=1)
    study.save(file)
    before = file.read_text()

    def broken(self: Any, path: Any, **options: Any) -> None:
        path.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(pd.DataFrame, "to_csv", broken)
    with pytest.raises(KeyboardInterrupt):
        study.save(file)
    assert file.read_text() == before
    assert [one.name for one in tmp_path.glob("table*")] == ["table.csv"]


def test_a_program_that_processes_cannot_import_runs_one_job(tmp_path: Path) -> None:
    program = f"""
import symtrack
study = symtrack.Study({str(tmp_path)!r})
study.add(symtrack.Experiment("weight-programming"), steps=5, a=1)
study.add(symtrack.Experiment("weight-programming", seed=2), steps=5, a=2)
try:
    study.run(jobs=2)
except ValueError as error:
    print(error)
study.run()
print(study.left)
"""
    done = subprocess.run([sys.executable, "-"], input=program, cwd=ROOT, capture_output=True, text=True, check=True)
    first, last = done.stdout.splitlines()
    assert first.startswith("jobs = 2: must be 1 unless processes can import the program")
    assert last == "0"


def test_a_session_runs_jobs_of_what_processes_can_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook has a module that is no file: its own classes cannot get to processes, those of modules can."""
    session = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", session)
    study = symtrack.Study(tmp_path)
    for seed in (1, 2):
        study.add(symtrack.Experiment("weight-programming", seed=seed), steps=5, seed=seed)
    study.run(jobs=2)
    assert study.left == 0
    kind = type("Own", (symtrack.CustomAlgorithm,), {"__module__": "__main__"})
    own = kind(name="own", version=1, reference=Reference.LATCHED)
    study.add(symtrack.Experiment("weight-programming", algorithm=own), steps=5, seed=3)
    with pytest.raises(ValueError, match="jobs = 2: must be 1 unless processes can import the program"):
        study.run(jobs=2)
    study.run()
    assert study.left == 0


def test_callbacks_change_nothing_of_a_run() -> None:
    class Spoiler(symtrack.Callback):
        def on_evaluation(self, run: Any, evaluation: dict[str, Any]) -> None:
            run.evaluations[-1]["loss"] = "x"
            evaluation["loss"] = "y"

    spoiled, plain = (symtrack.Experiment(DATA, network=[4]) for _ in range(2))
    spoiled.fit(steps=10, callbacks=[Spoiler()])
    plain.fit(steps=10)
    first, second = spoiled.fit(steps=10), plain.fit(steps=10)
    assert np.array_equal(first.history["loss"], second.history["loss"])


def test_names_are_no_markup_of_the_progress_bar() -> None:
    data = symtrack.Dataset.regression(X, TARGETS, name="[red]a[/nope]")
    symtrack.Experiment(data, network=[4]).fit(steps=5, callbacks=[symtrack.ProgressBar()])


def test_tiles_and_stages_of_chains_are_recorded() -> None:
    chain = symtrack.Chain(name="three", version=1, arrays=3)
    run = symtrack.Experiment(DATA, network={"hidden": [4], "tile_rows": 3, "tile_columns": 3}, algorithm=chain)
    result = run.fit(steps=8, record={"W", "P"}, every=4)
    names = list(run.trainer.network.layers[0].trained)
    assert len(names) > 1
    for array in ("W", "P"):
        assert np.array_equal(result.array("layer0", array)[-1], run.array("layer0", array))
        for name in (*names, f"{names[0]}.stage1"):
            assert np.array_equal(result.array(name, array)[-1], run.array(name, array)), name
            assert len(result.array(name, array)) == 3
