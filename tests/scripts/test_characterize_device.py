# SPDX-License-Identifier: Apache-2.0
"""Tests of ``characterize_device.py``, the command line of device characteristics."""

import json
from pathlib import Path

import pytest

from symtrack.model.devices.fitting.forms import read_recording
from symtrack.model.devices.presets import PRESETS, load_device
from symtrack.scripts.characterize_device import main

RECORD = {
    "name": "one",
    "device": "SoftBoundsDevice",
    "parameters": {"dw_min": 0.1, "w_max": 1.0, "w_min": -1.0},
    "start": 0.0,
    "pulses": [[1, 2], [-1, 1]],
}
WEIGHTS = [0.0, 0.1, 0.19, 0.071]


def written(tmp_path: Path, data: object) -> str:
    path = tmp_path / "records.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return str(path)


def test_the_table_of_presets(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    report = tmp_path / "list.json"
    assert main(["--list", "--json", str(report)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(PRESETS)
    assert all(name in line for name, line in zip(PRESETS, lines[1:], strict=True))
    figures = json.loads(report.read_text())
    assert list(figures) == list(PRESETS)
    assert figures["reram-exponential"]["symmetric_point"] == pytest.approx(-0.217, abs=5e-4)


def test_one_device_is_a_preset_or_a_file_that_can_be_read_back(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["--device", "ecram"]) == 0
    text = capsys.readouterr().out
    path = tmp_path / "mine.toml"
    path.write_text(text[text.index("family = ") :])
    assert load_device(path) == PRESETS["ecram"]
    assert main(["--device", str(path)]) == 0
    assert "linear-step" in capsys.readouterr().out


def test_the_seed_is_that_of_the_spread(tmp_path: Path) -> None:
    means = []
    for seed in ("1", "2", "1"):
        report = tmp_path / "report.json"
        assert main(["--device", "ecram", "--seed", seed, "--json", str(report)]) == 0
        means.append(json.loads(report.read_text())["ecram"]["symmetric_point_mean"])
    assert means[0] == means[2] != means[1]


def test_records_are_written_with_our_weights(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    source = written(tmp_path, {"source": "here", "records": [{**RECORD, "weights": [0.0, 0.1, 0.19, 0.08]}, RECORD]})
    out = tmp_path / "out.json"
    assert main(["--records", source, "--json", str(out)]) == 0
    result = json.loads(out.read_text())
    assert result["source"] == "here"
    for record in result["records"]:
        assert record["weights"] == pytest.approx(WEIGHTS, abs=1e-8)
        assert {key: record[key] for key in RECORD} == RECORD
    lines = capsys.readouterr().out.splitlines()
    assert "4.50e-03" in lines[1]
    assert "none" in lines[2]


def test_missed_pulses_are_left_out_and_listed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    source = written(tmp_path, {"records": [{**RECORD, "weights": [0.0, 0.0, 0.1, -0.01]}]})
    out = tmp_path / "out.json"
    assert main(["--records", source, "--json", str(out)]) == 0
    (record,) = json.loads(out.read_text())["records"]
    assert record["weights"] == pytest.approx([0.0, 0.0, 0.1, -0.01], abs=1e-8)
    assert record["missed"] == [0]
    assert main(["--records", source, "--every-pulse", "--json", str(out)]) == 0
    (record,) = json.loads(out.read_text())["records"]
    assert record["weights"] == pytest.approx(WEIGHTS, abs=1e-8)
    assert "missed" not in record
    assert capsys.readouterr().out.splitlines()[1].split()[3] == "1"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("{", "must be valid JSON"),
        ([], "must be an object with a list 'records'"),
        ({"records": {}}, "must be an object with a list 'records'"),
        (
            {"records": [{**RECORD, "device": "Memristor"}]},
            "records[0].device = 'Memristor': must be one of ConstantStep",
        ),
        (
            {"records": [{**RECORD, "parameters": {"w": 1}}]},
            "records[0].parameters.w = 1: must be one of the parameters",
        ),
        ({"records": [RECORD, {**RECORD, "pulses": [[0, 1]]}]}, "records[1].pulses[0] = [0, 1]: must be [1 or -1"),
    ],
)
def test_bad_records(data: object, message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    with pytest.raises(SystemExit) as stop:
        main(["--records", written(tmp_path, data), "--json", str(out)])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "one of the arguments --list --device --records is required"),
        (["--list", "--device", "ecram"], "not allowed with argument --list"),
        (["--device", "rram"], "device = 'rram': must be one of reram-exponential"),
        (["--records", "none.json"], "records = 'none.json': must be a readable file"),
        (["--list", "--every-pulse"], "--every-pulse: must come with --records"),
        (["--list", "--seed", "-1"], "must be an integer from 0"),
    ],
)
def test_bad_arguments(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "name", "text"), [("--records", "r.json", "[" * 100_000), ("--device", "d.toml", "x = " + "[" * 5000)]
)
def test_files_too_deep_to_read_give_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, name: str, text: str
) -> None:
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(SystemExit) as stop:
        main([option, str(file)])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "must be valid" in error


def test_a_device_without_symmetric_point_has_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report, device = tmp_path / "x.json", tmp_path / "device.toml"
    device.write_text('family = "constant-step"\nup_down = 0.2\n')
    assert main(["--device", str(device), "--json", str(report), "--plot", str(tmp_path / "x.png")]) == 0
    (figures,) = json.loads(report.read_text()).values()
    for key in ("symmetric_point", "symmetric_point_mean", "symmetric_point_std"):
        assert figures[key] is None
    assert figures["symmetric_point_cells"] == 0
    assert "none" in capsys.readouterr().out


def test_pulses_are_written_as_weights(tmp_path: Path) -> None:
    """A fit takes them as what they are, whatever their range."""
    assert main(["--device", "ecram", "--pulses", str(tmp_path / "pulses.csv")]) == 0
    recording = read_recording(tmp_path / "pulses.csv")
    assert (recording.scale, recording.offset) == (1.0, 0.0)
