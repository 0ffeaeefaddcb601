# SPDX-License-Identifier: Apache-2.0
"""Tests of ``calibrate.py``: keys and figures of its report, its files, and bad input."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest

from symtrack.model.arithmetic.formats import WEIGHT_ONE
from symtrack.model.tasks.task import TASKS
from symtrack.scripts import calibrate, train
from tests.model.helpers import tiny

CONTRACT = {"device", "dw_min", "relative_error", "pulses_measured", "pulses_theory", "residual_rms"}
SMALL = "--rows 3 --columns 5"


def run(tmp_path: Path, arguments: str, name: str = "report.json") -> dict:
    file = tmp_path / name
    assert calibrate.main([*SMALL.split(), "--json", str(file), *arguments.split()]) == 0
    return json.loads(file.read_text())


def test_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [tmp_path / name for name in ("calibration.png", "offsets.npz")]
    report = run(tmp_path, f"--dw-min 8e-3 4e-3 2e-3 --plot {files[0]} --offsets {files[1]}")
    assert {path.name for path in tmp_path.iterdir()} == {"report.json", "calibration.png", "offsets.npz"}
    assert (report["method"], report["rows"], report["columns"], report["up_down"]) == ("cyclic", 3, 5, 0.4)
    assert [one["dw_min"] for one in report["results"]] == [8e-3, 4e-3, 2e-3]
    for one in report["results"]:
        assert set(one) >= CONTRACT
        assert one["pulses_theory"] == pytest.approx(np.log(0.75 / 0.0025) / (0.8 * one["dw_min"]), rel=1e-5)
        assert one["pulses_measured"] == pytest.approx(one["pulses_theory"], rel=10 * one["dw_min"])
        assert one["ratio"] == one["pulses_measured"] / one["pulses_theory"]
        assert one["pulses_first_touch"] < one["pulses_measured"] < one["pulses"]
        assert one["pulses_systematic"] == one["pulses_measured"]
        assert one["pulses_total"] == 15 * one["pulses_measured"]
        assert one["floor"] == pytest.approx(one["floor_theory"], rel=0.02)
        assert one["residual_rms"] == pytest.approx(one["floor"], rel=5e-3)
        assert one["symmetric_point_rms"] == pytest.approx(0.25)
        assert one["residual_relative"] == pytest.approx(4 * one["residual_rms"])
        pulses, errors = one["curve_pulses"], one["curve_relative_error"]
        assert pulses == sorted(set(pulses))
        assert (pulses[0], pulses[-1], len(errors)) == (2, one["pulses"], len(pulses))
        assert np.interp(one["pulses_measured"], pulses, errors) == pytest.approx(0.01, rel=0.2)
    assert report["pulses_exponent"] == pytest.approx(1, abs=0.05)
    assert report["systematic_exponent"] == report["pulses_exponent"]
    assert report["floor_exponent"] == pytest.approx(1, abs=0.05)
    assert files[0].read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert files[0].read_bytes().endswith(b"IEND\xaeB`\x82")
    with np.load(files[1]) as offsets:
        assert offsets["dw_min"].tolist() == [8e-3, 4e-3, 2e-3]
        assert offsets["residuals"].shape == (3, 3, 5)
        for residual, one in zip(offsets["residuals"], report["results"], strict=True):
            assert np.sqrt((residual**2).mean()) == pytest.approx(one["residual_rms"])
            assert residual.mean() == pytest.approx(one["residual_mean"])
            assert residual.std() == pytest.approx(one["residual_std"])
    out, error = capsys.readouterr()
    assert f"{report['results'][0]['pulses_measured']:,}" in out
    assert "floor ~ dw_min^" in out
    assert error == ""


def test_any_device_can_be_calibrated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    device = "--device reram-exponential --dw-min-std 0.1 --relative-error 0.2 --start 0"
    report = run(tmp_path, f"{device} --pulses 6000 --rows 6 --columns 6")
    (one,) = report["results"]
    assert (report["device"], one["device"], one["dw_min"]) == ("reram-exponential", "reram-exponential", 0.00135)
    assert (report["up_down"], report["dw_min_std"]) == (0.259359, 0.1)
    assert one["pulses_measured"] == pytest.approx(one["pulses_theory"], rel=0.3)
    assert one["residual_relative"] < 0.2


def test_noise_above_the_error_is_never_reached(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = run(tmp_path, f"--rows 8 --dw-min 5e-3 1e-2 --dw-min-std 1 --plot {tmp_path / 'never.png'}")
    for one in report["results"]:
        assert (one["pulses_measured"], one["ratio"], one["pulses_total"]) == (None, None, None)
        assert one["residual_relative"] > 0.05
        assert one["residual_std"] > 0.01
        assert one["residual_rms"] ** 2 == pytest.approx(one["residual_mean"] ** 2 + one["residual_std"] ** 2)
    assert report["pulses_exponent"] is None
    assert "never" in capsys.readouterr().out


def test_random_signs_leave_more_than_cyclic_ones(tmp_path: Path) -> None:
    arguments = "--rows 16 --columns 16 --dw-min 5e-3 --relative-error 0.5 --method"
    cyclic, cell, array = (
        run(tmp_path, f"{arguments} {method}")["results"][0]
        for method in ("cyclic", "random --signs cell", "random --signs array")
    )
    assert cell["residual_rms"] > 10 * cyclic["residual_rms"]
    assert cell["pulses_measured"] == pytest.approx(cell["pulses_theory"], rel=0.15)
    assert cell["residual_std"] > 10 * cyclic["residual_rms"]
    assert array["residual_std"] < 1e-8  # cells that are alike share one walk


def test_results_depend_on_the_seed(tmp_path: Path) -> None:
    arguments = "--dw-min 5e-3 --dw-min-std 0.3 --dw-min-dtod 0.1 --pulses 500 --seed"
    files = [tmp_path / name for name in ("a.npz", "b.npz", "c.npz")]
    reports = [
        run(tmp_path, f"{arguments} {seed} --offsets {file}") for seed, file in zip((1, 1, 2), files, strict=True)
    ]
    assert reports[0] == reports[1]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert reports[0]["results"][0]["residual_rms"] != reports[2]["results"][0]["residual_rms"]
    assert files[0].read_bytes() != files[2].read_bytes()
    assert reports[0]["results"][0]["pulses"] == 500


def test_residual_goes_to_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As --help says; few pulses leave a residual worth the name, negative because the start lies below."""
    monkeypatch.setitem(TASKS, "tiny", tiny.task)
    left = run(tmp_path, "--dw-min 1e-3 --dw-min-dtod 0.3 --pulses 500")["results"][0]
    assert left["residual_mean"] < -0.3
    assert left["residual_std"] > 0.01
    lines = calibrate.parser().format_help().splitlines()
    command = next(line.removeprefix("train.py ") for line in lines if line.startswith("train.py "))
    for key in ("residual_mean", "residual_std"):
        command = command.replace(key.upper(), repr(left[key]))
    options = train.parser().parse_args(["--task", "tiny", *shlex.split(command)])
    assert (options.reference_mean, options.reference_std) == (left["residual_mean"], left["residual_std"])
    (trainer,) = train.trainers(options)
    points = trainer.network.layers[0].tile.fast.symmetric_point() / WEIGHT_ONE
    assert points.mean() == pytest.approx(-left["residual_mean"], abs=5 * left["residual_std"] / np.sqrt(points.size))
    assert points.std() == pytest.approx(left["residual_std"], rel=0.8)


def test_a_start_at_the_symmetric_point_needs_no_pulse(tmp_path: Path) -> None:
    plot = tmp_path / "start.png"
    one = run(tmp_path, f"--dw-min 1e-2 --start 0.25 --plot {plot}")["results"][0]
    assert (one["pulses_measured"], one["pulses_theory"], one["ratio"], one["pulses_total"]) == (0, 0, None, 0)
    assert plot.exists()


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ("--rows 0", ("--rows", "'0'", "an integer from 1 to 1024")),
        ("--columns 1.5", ("--columns", "'1.5'", "an integer from 1 to 1024")),
        ("--dw-min 0", ("--dw-min", "'0'", "a number from 1e-06 to 1")),
        ("--dw-min 1e-3 nan", ("--dw-min", "'nan'", "a number from 1e-06 to 1")),
        ("--dw-min", ("--dw-min", "at least one")),
        ("--dw-min 0.4 --tau 0.5", ("dw_min", "0.4", "at most half of the nearer bound, 0.5")),
        ("--relative-error 0", ("--relative-error", "'0'", "a number from 1e-06 to 1")),
        ("--method zigzag", ("--method", "'zigzag'", "cyclic")),
        ("--signs row", ("--signs", "'row'", "cell")),
        ("--up-down 1", ("--up-down", "'1'", "from -0.99 to 0.99")),
        ("--up-down 0", ("up_down", "= 0:", "symmetric point so far from 0")),
        ("--tau 2", ("--tau", "'2'", "from 0.001 to 2")),
        ("--tau -1", ("--tau", "'-1'", "a number from 0.001")),
        ("--start inf", ("--start", "'inf'", "from -2 to 2")),
        ("--start 0.7 --tau 0.6", ("start", "0.7", "within the bounds, from -0.6 to 0.6")),
        ("--pulses 7", ("pulses", "7", "even")),
        ("--pulses 0", ("--pulses", "'0'", "an integer from 2")),
        ("--dw-min-std -1", ("--dw-min-std", "'-1'", "from 0 to 100")),
        ("--dw-min-std 101", ("--dw-min-std", "'101'", "from 0 to 100")),
        ("--seed 4294967296", ("--seed", "'4294967296'", "from 0 to 4294967295")),
        ("--plot missing/f.png", ("--plot", "'missing/f.png'", "existing, writable folder")),
        ("--offsets .", ("--offsets", "'.'", "existing, writable folder")),
        ("--json missing/f.json", ("--json", "'missing/f.json'", "existing, writable folder")),
    ],
)
def test_bad_input(
    arguments: str,
    parts: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        calibrate.main(["--json", "out.json", *arguments.split()])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    for part in parts:
        assert part in error
    assert list(tmp_path.iterdir()) == []
