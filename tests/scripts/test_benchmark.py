# SPDX-License-Identifier: Apache-2.0
"""Tests of ``benchmark.py``: keys of its report, and that its figures belong together; never how large they are."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symtrack.cosim.compare import speed as engine_measures
from symtrack.cosim.engine.job import Outcome
from symtrack.cosim.engine.lockstep import Difference, MismatchError, Verdict
from symtrack.cosim.report.speed_record import TABLES, rows
from symtrack.model.analysis import speed as measures
from symtrack.model.devices.presets import FAMILIES
from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.scripts import benchmark
from tests.model.helpers import tiny
from tests.paths import ROOT

UPDATE_KEYS = {"rows", "columns", "density", "device", "threads", "ms_per_update", "coincidences_per_second", "spread"}
TRAINING_KEYS = {
    f"{side}_{figure}" for side in ("golden", "rtl", "rtl_recorded") for figure in ("s_per_epoch", "spread")
}


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(benchmark.TASKS, "tiny", tiny.task)
    monkeypatch.setattr(benchmark, "QUICK_TILES", {"cosim": NAMED["odd"], "cosim_small": NAMED["tiny"]})
    monkeypatch.setattr(measures, "REPEAT_S", 1e-4)


@pytest.mark.slow
def test_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, picture = tmp_path / "report.json", tmp_path / "growth.png"
    command = ["--quick", "--task", "tiny", "--repeats", "2", "--json", str(file), "--plot", str(picture)]
    assert benchmark.main(command) == 0
    report = json.loads(file.read_text())
    assert list(report) == [
        "golden_update",
        "families",
        "growth",
        "training",
        "cosim",
        "cosim_small",
        "machine",
        "symtrack_version",
    ]
    assert picture.read_bytes().startswith(b"\x89PNG")
    for entry in report["golden_update"] + report["families"] + report["growth"]:
        assert set(entry) >= UPDATE_KEYS
        assert entry["coincidences_per_second"] == pytest.approx(1e3 * entry["coincidences"] / entry["ms_per_update"])
    cases = [tuple(entry[key] for key in ("rows", "density", "row_density")) for entry in report["golden_update"][::2]]
    sizes = benchmark.QUICK_SIZES
    assert cases == [(size, *both) for size in sizes for both in ((1.0, 1.0), (0.1, 1.0), (0.1, 0.1))]
    assert [entry["threads"] for entry in report["golden_update"]] == [1, 2] * len(cases)
    assert [(entry["rows"], entry["bl"]) for entry in report["growth"]] == [(16, 31), (32, 31), (128, 1), (128, 31)]
    assert {entry["device"] for entry in report["families"]} == set(FAMILIES)
    assert report["training"]["task"] == "tiny"
    assert set(report["training"]) == {"task", "repeats"} | TRAINING_KEYS
    assert all(report["training"][key] > 0 for key in TRAINING_KEYS)
    for key, name in (("cosim", "odd"), ("cosim_small", "tiny")):
        assert report[key]["config"] == name
        assert all(report[key][engine] > 0 for engine in ("cocotb", "native", "native_recorded"))
    assert {"cpu", "cores", "python", "numpy", "numba"} <= set(report["machine"])
    printed = capsys.readouterr().out
    assert "RTL in the loop" in printed
    assert f"{report['cosim']['native']:,.0f}" in printed


def test_engines_that_disagree_give_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Verdict(mismatches=1, first_mismatch=Difference(7, "writes__valid", golden=0, rtl=1))
    monkeypatch.setitem(engine_measures.ENGINES, "cocotb", lambda job: Outcome(wrong, 1.0))
    with pytest.raises(MismatchError, match=r"cycle 7: writes__valid"):
        engine_measures.cosim_speed(NAMED["tiny"], repeats=1, seed=1, quick=True)


def test_the_record_is_written_and_keeps_other_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, speeds = tmp_path / "performance.md", iter((1e6, 2e6, 3e6))

    def measured(config: TileConfig, *, repeats: int, seed: int, runs: Sequence[str] = ()) -> dict[str, Any]:
        assert (repeats, seed) == (3, 5)
        assert runs or (config.rows, config.columns) == (64, 64)
        rates = {"cocotb": 1e4, "native": 5e5 if runs else next(speeds), "native_recorded": 1e5}
        size = {"rows": config.rows, "columns": config.columns, "lanes": config.lanes}
        return {**size, **rates, "spread": dict.fromkeys(rates, 0.1)}

    monkeypatch.setattr(benchmark, "cosim_speed", measured)
    for version in ("0.1.0", "0.2.0", "0.1.0"):
        monkeypatch.setattr(benchmark, "version", lambda package, version=version: version)
        assert benchmark.main(["--record", str(file), "--repeats", "3", "--seed", "5"]) == 0
    found = [row.split(" | ") for row in file.read_text().splitlines() if " | native | " in row]
    assert [(row[0], row[3]) for row in found] == [("| 0.1.0", "3,000,000"), ("| 0.2.0", "2,000,000")]
    sizes = [row.split(" | ")[:4] for row in file.read_text().splitlines() if " | 500,000 | " in row]
    tiles = [f"{config.rows}x{config.columns}" for config in benchmark.OF_SIZES]
    assert [tile for _, tile, _, _ in sizes] == tiles * 2
    assert [version for version, *_ in sizes] == ["| 0.1.0"] * len(tiles) + ["| 0.2.0"] * len(tiles)
    printed = capsys.readouterr().out
    assert "3,000,000" in printed
    assert "256x785" in printed


def test_the_record_in_the_documents_has_this_form() -> None:
    document = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    parts = [table.text + table.head + "".join(f"{row}\n" for row in rows(document, table)) for table in TABLES]
    assert document == "".join(parts)


def test_a_file_that_is_no_record_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "notes.md"
    file.write_text("notes")
    with pytest.raises(SystemExit) as stop:
        benchmark.main(["--record", str(file)])
    assert stop.value.code == 2
    assert file.read_text() == "notes"
    assert "notes.md': must have a table with the columns" in capsys.readouterr().err


def test_lines_have_the_density_and_the_signs_they_should() -> None:
    rows, columns, quadrant = measures.random_lines(17, 40, density=0.1, row_density=0.5, bl=31, seed=3)
    assert (rows.shape, columns.shape, quadrant.shape) == ((124, 17), (124, 40), (124,))
    assert columns.any(axis=0).sum() == 4
    assert 4 < rows.any(axis=0).sum() <= 8
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
        ("--task cifar", "--task", "digits"),
        ("--plot no/such/folder/f.png", "--plot", "existing, writable folder"),
        ("--record no/such/folder/f.md", "--record", "existing, writable folder"),
        ("--record performance.md --quick", "--quick", "left out with --record"),
        (f"--record performance.md --against {sys.executable} --quick", "--quick", "left out with --record"),
        ("--threads 2", "--threads", "must be left out without --networks"),
        (f"--record performance.md --against {sys.executable} --threads 2", "--threads", "must be 1 with --record"),
        ("--record performance.md --networks", "--record", "or --against be given"),
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
