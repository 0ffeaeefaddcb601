"""The benchmark's report: its keys, and that its figures belong together; never how large they are."""

import json
from pathlib import Path

import numpy as np
import pytest

from model import benchmark as measures
from scripts import benchmark
from tests.model import tiny

UPDATE_KEYS = {"rows", "columns", "density", "device", "threads", "ms_per_update", "coincidences_per_second", "spread"}


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(benchmark.TASKS, "tiny", tiny.task)
    monkeypatch.setattr(measures, "REPEAT_S", 1e-4)


def run(tmp_path: Path, *arguments: str, **hooks) -> dict:
    file = tmp_path / "report.json"
    command = ["--quick", "--task", "tiny", "--repeats", "2", "--json", str(file), *arguments]
    assert benchmark.main(command, **hooks) == 0
    return json.loads(file.read_text())


def test_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "growth.png"
    report = run(tmp_path, "--plot", str(picture))
    assert list(report) == ["golden_update", "growth", "training", "cosim", "machine"]
    assert picture.read_bytes().startswith(b"\x89PNG")
    for entry in report["golden_update"] + report["growth"]:
        assert set(entry) >= UPDATE_KEYS
        assert entry["coincidences_per_second"] == pytest.approx(1e3 * entry["coincidences"] / entry["ms_per_update"])
    cases = [(entry["rows"], entry["density"], entry["threads"]) for entry in report["golden_update"]]
    sizes = benchmark.QUICK_SIZES
    assert cases == [(size, density, threads) for size in sizes for density in (1.0, 0.1) for threads in (1, 2)]
    assert [(entry["rows"], entry["bl"]) for entry in report["growth"]] == [(16, 31), (32, 31), (128, 1), (128, 31)]
    assert report["training"]["task"] == "tiny"
    assert report["training"]["golden_s_per_epoch"] > 0
    assert (report["training"]["rtl_s_per_epoch"], report["cosim"]) == (None, None)
    assert {"cpu", "cores", "python", "numpy", "numba"} <= set(report["machine"])
    assert "per epoch" in capsys.readouterr().out


def test_engines_fill_their_part(tmp_path: Path) -> None:
    cosim = {"cocotb": 1.0, "native": 2.0, "config": "small"}
    report = run(tmp_path, cosim=lambda: cosim, rtl_s_per_epoch=lambda task: float(len(task.train_y)))
    assert report["cosim"] == cosim
    assert report["training"]["rtl_s_per_epoch"] == 32.0


def test_lines_have_the_density_and_the_signs_they_should() -> None:
    rows, columns, quadrant = measures.random_lines(17, 40, density=0.1, bl=31, seed=3)
    assert (rows.shape, columns.shape, quadrant.shape) == ((124, 17), (124, 40), (124,))
    assert columns.any(axis=0).sum() == 4
    assert rows.any(axis=0).mean() > 0.5
    for lines, side in ((rows, 1), (columns, 0)):
        negative = quadrant >> side & 1
        assert not (lines[negative == 0].any(axis=0) & lines[negative == 1].any(axis=0)).any()


def test_spread_is_relative_to_the_median() -> None:
    assert measures.spread([1.0, 2.0, 4.0]) == 1.5
    assert np.isclose(measures.spread([3.0]), 0.0)


@pytest.mark.parametrize(
    ("arguments", "field", "allowed"),
    [
        ("--repeats 0", "--repeats", "from 1 to 1000"),
        ("--seed -1", "--seed", "from 0 to"),
        ("--task mnist", "--task", "digits"),
        ("--plot no/such/folder/f.png", "--plot", "existing, writable folder"),
    ],
)
def test_bad_input(arguments: str, field: str, allowed: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        benchmark.main(arguments.split())
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert field in error
    assert allowed in error
