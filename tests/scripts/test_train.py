"""The training command line: its report, and that bad input costs one line and leaves nothing behind."""

import json
from pathlib import Path

import pytest

from scripts import train
from tests.model import tiny

KEYS = {"accuracy", "loss", "sp_rmse", "state_sha256", "counts", "seed"}
COUNTS = {"update_slots", "coincidences", "transfer_pulses", "reads", "reference_pulses", "cycles"}


@pytest.fixture(autouse=True)
def _tiny_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(train.TASKS, "tiny", tiny.task)


def test_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.json"
    arguments = "--task tiny --algorithm agad --reference-mean 0.3 --reference-std 0.1 --seeds 2 --seed 4 --epochs 2"
    assert train.main([*arguments.split(), "--json", str(file)]) == 0
    report = json.loads(file.read_text())
    assert list(report) == ["task", "algorithm", "reference_mean", "reference_std", "runs"]
    assert (report["task"], report["algorithm"], report["reference_mean"]) == ("tiny", "agad", 0.3)
    assert [run["seed"] for run in report["runs"]] == [4, 5]
    out = capsys.readouterr().out
    for run in report["runs"]:
        assert set(run) == KEYS
        assert set(run["counts"]) == COUNTS
        assert run["state_sha256"] in out
    assert report["runs"][0]["state_sha256"] == tiny.digest(algorithm="agad", seed=4, steps=64)
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


@pytest.mark.parametrize(
    ("arguments", "field", "value", "allowed"),
    [
        ("--algorithm sgd", "--algorithm", "sgd", "tt-v2"),
        ("--task mnist", "--task", "mnist", "digits"),
        ("--seeds 0", "--seeds", "0", "from 1 to 1000"),
        ("--seeds two", "--seeds", "two", "an integer from 1"),
        ("--seed -1", "--seed", "-1", "from 0 to 4294967295"),
        ("--epochs 0", "--epochs", "0", "from 1 to"),
        ("--reference-mean 5", "--reference-mean", "5", "from -4 to 4"),
        ("--reference-mean nan", "--reference-mean", "nan", "from -4 to 4"),
        ("--reference-std -0.1", "--reference-std", "-0.1", "from 0 to 4"),
        ("--learning-rate x", "--learning-rate", "x", "a number from 0 to 16"),
        ("--learning-rate 9", "learning_rate", "9.0", "from 1 to 4095"),
        ("--granularity 0", "--granularity", "0", "from 1 to 1e+06"),
        ("--threads 0", "--threads", "0", "from 1 to 1024"),
        ("--json no/such/folder/f.json", "--json", "no/such/folder/f.json", "existing, writable folder"),
        ("--json .", "--json", ".", "existing, writable folder"),
    ],
)
def test_bad_input(
    arguments: str,
    field: str,
    value: str,
    allowed: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        train.main(["--task", "tiny", "--json", "out.json", *arguments.split()])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    for part in (field, value, allowed):
        assert part in error
    assert list(tmp_path.iterdir()) == []
