# SPDX-License-Identifier: Apache-2.0
"""Tests of ``fit_device.py``: its files, a fitted device that trains, and bad input."""

import json
import subprocess
import sys
import tomllib
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

import symtrack
from symtrack.model.devices.presets import load_device
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer
from symtrack.scripts import fit_device
from tests.model.helpers import tiny
from tests.paths import ROOT

ROWS = 160
PRINTS = "weight = (conductance - "


def data(seed: int = 1, cells: int = 3) -> list[tuple[str, str, str, str]]:
    """Rows of soft-bounds cells, in siemens, by a float loop of its own; every tenth point is empty."""
    rng = np.random.default_rng(seed)
    rows = []
    for cell in range(cells):
        w = 0.0
        signs = [*([1] * 40 + [-1] * 40), *rng.choice([-1, 1], ROWS - 80).tolist()]
        for pulse, sign in enumerate(signs):
            size = 0.03 * (1 - w / 0.8) if sign > 0 else 0.024 * (1 + w / 0.6)
            w = min(max(w + sign * size * (1 + 0.3 * rng.standard_normal()), -0.6), 0.8)
            value = 5e-6 + 2e-6 * (w + 0.004 * rng.standard_normal())
            rows.append((f"c{cell}", str(pulse), f"{sign:+d}", "" if pulse % 10 == 9 else repr(value)))
    return rows


def write(path: Path, rows: list[tuple[str, ...]], header: str = "cell,pulse,direction,conductance") -> Path:
    path.write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n")
    return path


def test_all_files_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write(tmp_path / "data.csv", data())
    out, report, picture = (tmp_path / name for name in ("device.toml", "fit.json", "fit.png"))
    arguments = [str(source), "--out", str(out), "--json", str(report), "--plot", str(picture)]
    families = ["constant-step", "soft-bounds", "measured"]
    assert fit_device.main([*arguments, "--families", *families, "--scale", "2e-6", "--offset", "5e-6"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"data.csv", "device.toml", "fit.json", "fit.png"}
    written = json.loads(report.read_text())
    assert (written["scale"], written["offset"], written["cells"]) == (2e-6, 5e-6, 3)
    assert written["points"] == 3 * ROWS * 9 // 10 - 3
    assert {one["family"] for one in written["fits"]} == set(families)
    best = written["fits"][0]
    assert best["family"] == written["family"] == "soft-bounds"
    assert [one["bic_above_best"] for one in written["fits"]] == sorted(
        one["bic_above_best"] for one in written["fits"]
    )
    assert best["rms_one_pulse"] < best["rms_free_run"]
    assert best["float_integer_deviation"] < 1e-5
    assert best["symmetric_point"] == pytest.approx(0.006 / (0.03 / 0.8 + 0.024 / 0.6), abs=0.04)
    low, high = best["symmetric_point_interval"]
    assert low < best["symmetric_point"] < high < low + 0.4
    assert written["symmetric_point_interval"][0] <= low < high <= written["symmetric_point_interval"][1]
    assert "soft-bounds" in written["families_like_the_best"]
    assert best["warnings"] == []
    assert any("a step: the device is not like the data" in line for line in written["fits"][-1]["warnings"])
    result = symtrack.fit_device(source, families=families, scale=2e-6, offset=5e-6)
    assert list(result.symmetric_point_interval) == best["symmetric_point_interval"]
    assert list(result.symmetric_point_interval_of_families) == written["symmetric_point_interval"]
    assert best["parameters"]["dw_min"] == pytest.approx(0.03, rel=0.1)
    for key in ("symmetric_point", "symmetric_point_interval", "symmetric_point_mean", "symmetric_point_std"):
        assert written["fits"][-1][key] is None, key

    device = load_device(out)
    assert asdict(device) == best["parameters"]
    assert tomllib.loads(out.read_text())["family"] == "soft-bounds"
    assert "# weight = (conductance - 5e-06) / 2e-06\n" in out.read_text()
    image = picture.read_bytes()
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    assert image.endswith(b"IEND\xaeB`\x82")
    printed = capsys.readouterr().out
    assert f"{best['symmetric_point']:.4f}" in printed
    assert PRINTS in printed
    assert f"{low:.4f} to {high:.4f}" in printed
    assert f"({low:.4f} to {high:.4f} at 95 %)" in out.read_text()


def test_a_bad_best_family_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = write(tmp_path / "data.csv", data()), tmp_path / "x.toml"
    assert fit_device.main([str(source), "--out", str(out), "--families", "constant-step"]) == 0
    assert "constant-step: its steps are off by" in capsys.readouterr().err
    assert "# its steps are off by" in out.read_text()
    assert symtrack.fit_device(source, families="constant-step").warnings


@pytest.mark.parametrize("family", ["soft-bounds", "measured"])
def test_the_device_trains(tmp_path: Path, family: str) -> None:
    source, out = write(tmp_path / "data.csv", data()), tmp_path / "device.toml"
    assert fit_device.main([str(source), "--out", str(out), "--families", family]) == 0
    runs = []
    for _ in range(2):
        trainer = Trainer(TrainingSpec(task=tiny.task(), algorithm="e-rider", devices=load_device(out)))
        trainer.run(12)
        runs.append(trainer.metrics())
    assert runs[0].state_sha256 == runs[1].state_sha256
    assert runs[0].counts["coincidences"] > 0
    assert runs[0].state_sha256 != tiny.digest(steps=12, reference_mean=0.0, reference_std=0.0)


def test_read_noise_is_in_the_device_file_and_acts_in_a_training(tmp_path: Path) -> None:
    source, out, report = write(tmp_path / "data.csv", data()), tmp_path / "device.toml", tmp_path / "x.json"
    assert fit_device.main([str(source), "--out", str(out), "--json", str(report), "--families", "soft-bounds"]) == 0
    found, device = json.loads(report.read_text())["fits"][0], load_device(out)
    assert tomllib.loads(out.read_text())["read_noise_std"] == device.read_noise_std > 0
    assert device.read_noise_std * device.dw_min == pytest.approx(found["read_noise"], rel=1e-9)
    assert found["read_noise"] * json.loads(report.read_text())["scale"] == pytest.approx(8e-9, rel=0.5)
    digests = []
    for one in (
        device,
        replace(device, read_noise_std=0.0),
        replace(device, read_noise_std=20 * device.read_noise_std),
    ):
        trainer = Trainer(TrainingSpec(task=tiny.task(), algorithm="e-rider", devices=one))
        trainer.run(12)
        digests.append(trainer.metrics().state_sha256)
    assert len(set(digests)) == 3


def test_chosen_family_and_single_cell_without_name(tmp_path: Path) -> None:
    rows = [row[1:] for row in data(cells=1)]
    source, out = write(tmp_path / "data.csv", rows, "pulse, direction, conductance"), tmp_path / "device.toml"
    arguments = [str(source), "--out", str(out), "--families", "constant-step", "soft-bounds"]
    assert fit_device.main([*arguments, "--family", "constant-step"]) == 0
    device = load_device(out)
    assert tomllib.loads(out.read_text())["family"] == "constant-step"
    assert (device.dw_min_dtod, device.w_max_dtod) == (0.0, 0.0)


def changed(row: int, column: int, value: str) -> list[tuple[str, ...]]:
    """The data with one field of one line, counted as in the file, that is different."""
    rows = [list(one) for one in data()]
    rows[row - 2][column] = value
    return [tuple(one) for one in rows]


BAD = {
    "text": (changed(7, 3, "much"), "line 7: conductance = 'much': must be a finite number up to 1e30, or empty"),
    "infinite": (changed(7, 3, "-inf"), "line 7: conductance = '-inf': must be a finite number up to 1e30, or empty"),
    "direction": (changed(9, 2, "0"), "line 9: direction = '0': must be 1 or -1"),
    "no direction": (changed(9, 2, ""), "line 9: direction = '': must be 1 or -1"),
    "half pulse": (changed(4, 1, "2.5"), "line 4: pulse = '2.5': must be an integer from 0"),
    "negative pulse": (changed(4, 1, "-2"), "line 4: pulse = '-2': must be an integer from 0"),
    "twice": (changed(4, 1, "1"), "line 4: pulse = 1: must be there once for each cell"),
    "far": (changed(159, 1, "90000000"), "pulse = 90000000 of cell 'c0': must be at most 200000 after the first"),
    "short row": ([*data(), ("c0", "1")], "line 482: 2 values: must be 4, one for each column"),
    "few points": (data()[:30], "points after pulses +1: must be at least 30"),
    "one direction": ([row for row in data() if row[2] == "+1"], "= 0 points after pulses -1: must be at least 30"),
    "small cell": ([*data(), ("d", "0", "1", "1e-6")], "cell = 'd' with 1 points: must have at least 5"),
    "constant": ([(*row[:3], "1") for row in data()], "conductance = 1 everywhere: must change with the pulses"),
    "no rows": ([], "must have rows of numbers after its header"),
}


def refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str]) -> str:
    """The one line of a refusal, which leaves nothing behind."""
    before = set(tmp_path.iterdir())
    with pytest.raises(SystemExit) as exit_:
        fit_device.main(arguments)
    assert exit_.value.code == 2
    assert set(tmp_path.iterdir()) == before
    out, error = capsys.readouterr()
    assert out == ""
    assert error.count("\n") == 1
    return error


@pytest.mark.parametrize("case", BAD)
def test_bad_data(tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    rows, message = BAD[case]
    source = write(tmp_path / "data.csv", rows)
    assert message in refused(capsys, tmp_path, [str(source), "--out", str(tmp_path / "x.toml")])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("DATA --out OUT --scales all", "argument --scales: invalid choice: 'all'"),
        ("DATA --out OUT --scales each --offset 5e-6", "scales = 'each': must come without scale and offset"),
        ("DATA --out OUT --scale 0", "argument --scale: '0': must be a number above 0"),
        ("DATA --out OUT --scale 1e-7", "scale = 1e-07: must be at least"),
        ("DATA --out OUT --offset 0", "offset = 0: must be a conductance between"),
        ("DATA --out none/x.toml", "must be a file in an existing, writable folder"),
        ("DATA", "the following arguments are required: --out"),
        ("none.csv --out OUT", "data = 'none.csv': must be a readable file (No such file or directory)"),
        ("BINARY --out OUT", "must be a text file in UTF-8"),
        ("HEADER --out OUT", "line 1: column 'conductance' 0 times in columns 'pulse', 'direction' (UTF-8, separated"),
        ("DATA --out OUT --families soft", "argument --families: invalid choice: 'soft'"),
        ("DATA --out OUT --families soft-bounds --family measured", "--family = 'measured': must be one of"),
    ],
)
def test_bad_arguments(tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: str, message: str) -> None:
    names = {"DATA": write(tmp_path / "data.csv", data()), "OUT": tmp_path / "x.toml"}
    names["HEADER"] = write(tmp_path / "header.csv", [("1", "1")], "pulse,direction")
    names["BINARY"] = tmp_path / "binary.csv"
    names["BINARY"].write_bytes(b"\xff\xfe\x00")
    assert message in refused(capsys, tmp_path, [str(names.get(word, word)) for word in arguments.split()])


def test_directions_the_wrong_way_round_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    turned = [(cell, pulse, sign.translate(str.maketrans("+-", "-+")), value) for cell, pulse, sign, value in data()]
    source = write(tmp_path / "data.csv", turned)
    line = refused(capsys, tmp_path, [str(source), "--out", str(tmp_path / "x.toml")])
    assert "direction: pulses 1 move the weight by -" in line
    assert "must be upwards and downwards" in line


def test_a_limit_is_told_on_every_way_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Data up to 1.8 weights from a device whose bounds lie beyond what a device can have."""
    rows, w = [], 0.0
    for pulse in range(400):
        sign = 1 if pulse // 50 % 2 == 0 else -1
        w += sign * 0.05 * (1 - sign * w / 4)
        rows.append((str(pulse), str(sign), f"{w:.6f}"))
    source = write(tmp_path / "data.csv", rows, "pulse,direction,weight")
    out, report = tmp_path / "x.toml", tmp_path / "x.json"
    arguments = [str(source), "--out", str(out), "--json", str(report), "--families", "soft-bounds"]
    assert fit_device.main(arguments) == 0
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "at a limit" in line and "w_max" in line]
    limit = line.partition("soft-bounds: ")[2]
    assert limit in json.loads(report.read_text())["fits"][0]["limits"]
    assert f"# {limit}\n" in out.read_text()
    assert limit in symtrack.fit_device(source, families="soft-bounds").limits


def test_micro_and_nano_siemens_are_the_same_device(tmp_path: Path) -> None:
    """Readings of both signs, in two units: equal parameters, and symmetric points a factor of the units apart."""
    found = []
    for unit in (1.0, 1e-6):
        rows = [(*row[:3], row[3] and repr((float(row[3]) - 5e-6) * 1e6 * unit)) for row in data(cells=1)]
        source, report = write(tmp_path / "data.csv", rows), tmp_path / "x.json"
        arguments = [str(source), "--out", str(tmp_path / "x.toml"), "--json", str(report), "--families"]
        assert fit_device.main([*arguments, "soft-bounds"]) == 0
        found.append(json.loads(report.read_text())["fits"][0])
    one, two = found
    assert two["parameters"] == pytest.approx(one["parameters"], rel=1e-3)
    assert two["symmetric_point_conductance"] == pytest.approx(1e-6 * one["symmetric_point_conductance"], rel=1e-2)


def test_a_bad_reading_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One reading at three times full scale: told with cell and pulse, and the device is the same."""
    found = []
    for value in (None, 3e-5):
        rows = [(*row[:3], repr(value) if value and row[:2] == ("c1", "61") else row[3]) for row in data()]
        source, report = write(tmp_path / "data.csv", rows), tmp_path / "x.json"
        arguments = [str(source), "--out", str(tmp_path / "x.toml"), "--json", str(report), "--families"]
        assert fit_device.main([*arguments, "soft-bounds", "measured"]) == 0
        found.append((json.loads(report.read_text())["fits"][0], capsys.readouterr().err))
    (good, quiet), (bad, told) = found
    assert "left out" not in quiet
    assert "cell c1, pulse 61: 3e-05 is left out, no pulse explains it" in told
    assert (good["outliers"], bad["outliers"]) == ([], [{"cell": "c1", "pulse": 61, "conductance": 3e-5}])
    assert bad["symmetric_point_conductance"] == pytest.approx(good["symmetric_point_conductance"], rel=2e-3)


def test_cells_a_decade_apart_have_scales_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(*row[:3], row[3] and repr(float(row[3]) * (0.1 if row[0] == "c1" else 1.0))) for row in data()]
    source, out, report = write(tmp_path / "data.csv", rows), tmp_path / "x.toml", tmp_path / "x.json"
    arguments = [str(source), "--out", str(out), "--json", str(report), "--families", "soft-bounds"]
    assert fit_device.main(arguments) == 0
    assert "each cell has a scale and an offset of its own, as the range of cell c" in capsys.readouterr().out
    written = json.loads(report.read_text())
    assert (written["scale"], written["offset"], written["fits"][0]["symmetric_point_conductance"]) == (None,) * 3
    assert written["scales"][0] / written["scales"][1] == pytest.approx(10, rel=0.3)
    for name, scale, offset in zip(("c0", "c1", "c2"), written["scales"], written["offsets"], strict=True):
        assert f"# cell {name}: weight = (conductance - {offset!r}) / {scale!r}\n" in out.read_text()
    result = symtrack.fit_device(source, families="soft-bounds")
    assert (result.scale, result.scales.tolist()) == (None, written["scales"])
    assert result.device == load_device(out)
    with pytest.raises(ValueError, match=r"^scales = 'all': must be one of auto, one, each"):
        symtrack.fit_device(source, scales="all")


def test_a_header_too_long_gives_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write(tmp_path / "data.csv", [("1", "1")], "p" * 200_000)
    line = refused(capsys, tmp_path, [str(source), "--out", str(tmp_path / "x.toml")])
    assert "line 2: '1,1': its comma may separate columns or be a decimal mark" in line
    assert len(line) < 200


def test_options_of_the_reader_and_what_was_understood(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Currents in a workbook-like table without names, with all that has to be told."""
    rows = [(f"{1.5 * int(row[2])}", row[3] and repr(0.2e9 * float(row[3])).replace(".", ",")) for row in data(cells=1)]
    source, report = tmp_path / "data.txt", tmp_path / "x.json"
    source.write_text("".join(";".join(row).replace(".", ",") + "\n" for row in rows))
    arguments = [str(source), "--out", str(tmp_path / "x.toml"), "--families", "soft-bounds", "--json", str(report)]
    told = ["--unit", "nA", "--read-voltage", "0.2", "--format", "rows", "--columns", "voltage=1", "current=2"]
    assert fit_device.main([*arguments, *told, "--separator", "semicolon", "--decimal", "comma"]) == 0
    shown, written = capsys.readouterr().out.splitlines(), json.loads(report.read_text())
    assert [line.split()[0] for line in shown[:5]] == ["file", "form", "direction", "values", "points"]
    assert [line.split(maxsplit=1)[1].strip() for line in shown[:5]] == list(written["understood"].values())
    assert written["understood"]["values"] == "currents in nA, divided by 0.2 V: column 2"
    assert (written["unit"], written["offset"]) == ("S", pytest.approx(5e-6, rel=0.1))
    columns = {"voltage": 1, "current": 2}
    found = symtrack.fit_device(source, families="soft-bounds", columns=columns, unit="nA", read_voltage=0.2, jobs=2)
    assert (found.understood, found.unit, found.scale) == (written["understood"], "S", written["scale"])
    with pytest.raises(ValueError, match=r"^scale = -1: must be from 1e-30 to 1e\+30"):
        symtrack.fit_device(source, scale=-1)
    line = refused(capsys, tmp_path, [*arguments, "--columns", "voltage=3"])
    assert "columns = 'voltage=3': must name one of 2 columns without names" in line


def test_names_of_cells_are_no_formulas(tmp_path: Path) -> None:
    source = write(tmp_path / "data.csv", [(r"$\bad{$", *row[1:]) for row in data(cells=1)])
    files = [tmp_path / name for name in ("x.toml", "x.png")]
    command = [str(source), "--families", "soft-bounds", "--out", str(files[0]), "--plot", str(files[1])]
    assert fit_device.main(command) == 0
    assert all(file.stat().st_size > 100 for file in files)


def test_help_explains_the_data_file() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/fit_device.py", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "The simplest has the columns pulse, direction" in done.stdout
