# SPDX-License-Identifier: Apache-2.0
"""Tests of ``pulse_statistics.py``: its grid file, its report, and that the figures are near p * q."""

import json
import math
from pathlib import Path

import pytest

from symtrack.cosim.compare.generator import DEFAULT_GRID, load_grid, magnitude
from symtrack.model.spec.config import NAMED
from symtrack.scripts import pulse_statistics

CONFIG = NAMED["tiny"]
ENTRY = {"p_row", "p_column", "slots", "coincidences", "probability", "relative_error"}
SLOTS = 4_000_000


def measure(tmp_path: Path, *more: str) -> dict:
    file = tmp_path / "report.json"
    arguments = f"--config tiny --slots {SLOTS} --pairs 1 --rtl-slots 500 --engine native --json {file}"
    assert pulse_statistics.main([*arguments.split(), *more]) == 0
    return json.loads(file.read_text())


def check_entry(entry: dict) -> None:
    """Within six sampling errors of the probability of the two magnitudes, which are p and q rounded."""
    assert set(entry) == ENTRY
    assert entry["slots"] == SLOTS
    assert entry["probability"] == entry["coincidences"] / SLOTS
    wanted = entry["p_row"] * entry["p_column"]
    assert entry["relative_error"] == pytest.approx(entry["probability"] / wanted - 1, abs=1e-12)
    scale = 1 << CONFIG.magnitude_bits
    real = magnitude(CONFIG, entry["p_row"]) * magnitude(CONFIG, entry["p_column"]) / scale**2
    rounding = abs(real / wanted - 1)
    sampling = math.sqrt(real * (1 - real) / SLOTS) / wanted
    assert rounding < 0.5 / scale * (1 / entry["p_row"] + 1 / entry["p_column"]) * 1.01
    assert abs(entry["relative_error"]) < 6 * sampling + rounding


def test_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = measure(tmp_path)
    assert set(report) >= {"grid", "worst_pair_correlation"}
    assert [(e["p_row"], e["p_column"]) for e in report["grid"]] == [(p, q) for p in DEFAULT_GRID for q in DEFAULT_GRID]
    for entry in report["grid"]:
        check_entry(entry)
    assert report["worst_relative_error"] == max(abs(entry["relative_error"]) for entry in report["grid"])
    assert len(report["cell_pairs"]) == 3
    assert report["worst_pair_standard_errors"] < 6
    assert report["rtl"]["compared_cycles"] >= 500
    assert report["rtl"]["mismatches"] == 0
    out, error = capsys.readouterr()
    assert f"{SLOTS:,} slots each" in out
    assert error == ""
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_grid_file_of_points(tmp_path: Path) -> None:
    grid = tmp_path / "points.json"
    grid.write_text("[[0.5, 0.25], [0.1, 0.9], [0.02, 0.98]]")
    report = measure(tmp_path, "--grid", str(grid), "--rtl-slots", "0")
    assert [(e["p_row"], e["p_column"]) for e in report["grid"]] == [(0.5, 0.25), (0.1, 0.9), (0.02, 0.98)]
    for entry in report["grid"]:
        check_entry(entry)
    assert report["rtl"] is None


def test_grid_file_of_all_combinations(tmp_path: Path) -> None:
    grid = tmp_path / "axes.json"
    grid.write_text('{"p_row": [0.1, 0.5], "p_column": [0.3, 0.7, 0.95]}')
    points = load_grid(grid)
    assert points == [(p, q) for p in (0.1, 0.5) for q in (0.3, 0.7, 0.95)]
    report = measure(tmp_path, "--grid", str(grid), "--rtl-slots", "0")
    assert [(e["p_row"], e["p_column"]) for e in report["grid"]] == points
    for entry in report["grid"]:
        check_entry(entry)
