# SPDX-License-Identifier: Apache-2.0
"""Tests of ``results.py``: it goes on where it was stopped, and writes the results that are in."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from symtrack.model.study import small, tuning
from symtrack.model.study.case import FLOAT, Case, key
from symtrack.model.study.runner import missing
from symtrack.model.study.store import Store
from symtrack.model.training.spec import TrainingSpec
from symtrack.scripts import results
from tests.model.references import float_digits


def tiny(count: int = 3) -> list[Case]:
    """Three steps each, of an experiment whose labels are those of the real one."""
    cases = []
    for seed in range(1, count + 1):
        run = TrainingSpec(task="noisy-quadratic", algorithm="agad", seed=seed)
        labels = (("algorithm", "agad"), ("arithmetic", "golden"), ("seed", seed))
        cases.append(Case(experiment="float", labels=labels, run=run, steps=3))
    return cases


@pytest.fixture(autouse=True)
def _tiny_experiment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in small.EXPERIMENTS:
        monkeypatch.setitem(small.EXPERIMENTS, name, tiny if name == "float" else lambda: [])
    for name in results.OF_TUNED:
        monkeypatch.setitem(results.OF_TUNED, name, lambda tuned: [])
    monkeypatch.setattr(tuning, "PAIRS", ())


def folders(tmp_path: Path) -> list[str]:
    return ["--out", str(tmp_path / "new" / "docs"), "--cache", str(tmp_path / "cache")]


def test_runs_are_made_and_the_document_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert results.main([*folders(tmp_path), "--render"]) == 0
    out = tmp_path / "new" / "docs"
    assert "floating point: 0 of 3 runs" in (out / "results.md").read_text()
    assert results.main([*folders(tmp_path), "--only", "slots"]) == 0
    assert len(Store(tmp_path / "cache")) == 0
    assert results.main([*folders(tmp_path), "--seeds", "2"]) == 0
    assert "floating point: 2 of 3 runs" in (out / "results.md").read_text()
    assert [line["seed"] for line in json.loads((out / "results.json").read_text())] == [1, 2]
    assert sorted(path.name for path in out.iterdir()) == ["figures", "results.json", "results.md"]
    printed, error = capsys.readouterr()
    assert printed.splitlines()[-1] == f"the results: {out / 'results.md'}"
    assert error == ""


def test_another_machine_goes_on_from_the_record(tmp_path: Path) -> None:
    assert results.main([*folders(tmp_path), "--seeds", "2"]) == 0
    written = (tmp_path / "new" / "docs" / "results.json").read_text()
    elsewhere = [*folders(tmp_path)[:3], str(tmp_path / "elsewhere")]
    assert results.main([*elsewhere, "--render", "--again", "--only", "slots"]) == 0
    assert (tmp_path / "new" / "docs" / "results.json").read_text() == written, "only those of the slots are made again"
    elsewhere[-1] = str(tmp_path / "a third place")
    assert results.main([*elsewhere, "--render", "--again"]) == 0
    assert (tmp_path / "new" / "docs" / "results.json").read_text() == "[\n\n]\n"
    (tmp_path / "new" / "docs" / "results.json").write_text(written)
    assert results.main([*elsewhere, "--render"]) == 0
    assert (tmp_path / "new" / "docs" / "results.json").read_text() == written
    assert len(missing(tiny(), Store(tmp_path / "elsewhere"))) == 1


def test_an_interrupted_command_leaves_the_other_runs_for_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("symtrack.model.training.trainer.Trainer.run", interrupt_after(3))
        assert results.main(folders(tmp_path)) == 130
    error = capsys.readouterr().err
    assert error == "interrupted, 2 runs are left: the same command goes on where it was\n"
    assert len(missing(tiny(), Store(tmp_path / "cache"))) == 2
    assert not (tmp_path / "new" / "docs" / "results.md").exists()


def interrupt_after(steps: int):
    """In place of `Trainer.run`: one run, then Ctrl-C."""
    from symtrack.model.training.trainer import Trainer

    run, taken = Trainer.run, [0]

    def limited(self: Trainer, count: int) -> None:
        if taken[0] >= steps:
            raise KeyboardInterrupt
        taken[0] += count
        run(self, count)

    return limited


def test_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "results.json").touch()
    for options, text in (
        (["--only", "everything"], "invalid choice: 'everything'"),
        (["--seeds", "4"], "must be an integer from 1 to 3"),
        (["--out", str(tmp_path / "file")], "must be a writable folder"),
        (["--out", str(tmp_path / "damaged")], "results.json': must be a list of runs"),
    ):
        with pytest.raises(SystemExit) as stop:
            results.main([*folders(tmp_path), *options])
        assert stop.value.code == 2
        error = capsys.readouterr().err
        assert text in error
        assert error.count("\n") == 1


def test_runs_in_floating_point(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {}

    def train(algorithm: str, **arguments) -> list[tuple[int, float, float]]:
        given.update(arguments, algorithm=algorithm)
        return [(1437, 0.5, 1.0)]

    monkeypatch.setattr(results.float_reference(), "train", train)
    run = TrainingSpec(algorithm="agad", reference_mean=0.3, reference_std=0.1, seed=2)
    case = Case(experiment="float", labels=(), run=run, epochs=1, kind=FLOAT)
    result = results.floating(case)
    assert (result["metrics"], result["curve"]) == (
        {"accuracy": 0.5, "loss": 1.0, "seed": 2},
        [[1437, 0.5, 1.0, None]],
    )
    assert given == {"algorithm": "agad", "epochs": 1, "seed": 2, "reference_mean": 0.3, "reference_std": 0.1}


def test_the_reference_is_that_of_the_tests_and_is_loaded_by_its_path_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    code = """
import sys
before = list(sys.path)
from symtrack.scripts.results import float_reference
reference = float_reference()
print(reference.__file__, sys.path == before, [name for name in sys.modules if name.partition(".")[0] == "tests"])
print(reference.SCHEMES["agad"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{float_digits.__file__} True []", str(float_digits.SCHEMES["agad"])]
    monkeypatch.setattr(results, "checkout", lambda: None)
    results.float_reference.cache_clear()
    with pytest.raises(ValueError, match=r"float_digits\.py: must be there for runs in floating point, which need"):
        results.float_reference()


def test_without_a_checkout_runs_in_floating_point_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are told of in one line, unless they are recorded."""
    labels = (("algorithm", "agad"), ("arithmetic", "float"), ("seed", 1))
    case = Case(experiment="float", labels=labels, run=TrainingSpec(algorithm="agad"), epochs=1, kind=FLOAT)
    monkeypatch.setitem(small.EXPERIMENTS, "float", lambda: [*tiny(1), case])
    monkeypatch.setattr(results, "checkout", lambda: None)
    assert results.main(folders(tmp_path)) == 0
    store = Store(tmp_path / "cache")
    assert list(missing([*tiny(1), case], store).values()) == [case]
    error = capsys.readouterr().err
    assert error.endswith(": 1 runs in floating point need a checkout of symtrack and are left out\n")
    store.add(key(case), {"metrics": {"accuracy": 0.5, "loss": 1.0}, "curve": []})
    assert results.main(folders(tmp_path)) == 0
    assert capsys.readouterr().err == ""
