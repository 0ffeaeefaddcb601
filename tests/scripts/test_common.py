# SPDX-License-Identifier: Apache-2.0
"""Tests of what command lines share: output files appear whole, and only a user's mistakes become one line."""

import json
import stat
from importlib.metadata import version
from pathlib import Path

import pytest
from rich.progress import Progress

from symtrack.cosim.compare.generator import load_grid
from symtrack.model.devices.presets import PRESETS, device_toml, load_device
from symtrack.model.spec.config import TileConfig
from symtrack.scripts.characterize_device import load_records
from symtrack.scripts.common import Parser, TimeLeft, progress, write_json, write_report
from tests.paths import ROOT


def test_json_replaces_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "f.json"
    write_json(file, {"a": 1})
    write_json(file, {"a": 2})
    assert file.read_text() == '{\n  "a": 2\n}\n'
    assert stat.S_IMODE(file.stat().st_mode) & 0o600 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_every_report_tells_the_version_that_it_is_from(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    write_report(file, {"figure": 1})
    assert json.loads(file.read_text()) == {"figure": 1, "symtrack_version": version("symtrack")}
    others = {path.stem for path in (ROOT / "scripts").glob("*.py") if "write_json(" in path.read_text()}
    # A list, and figures by the names of devices, have no place for it; records of pulses get it in another way; the
    # closed forms of gates and of energies are parts of the package itself.
    assert others == {"common", "prove", "characterize_device", "synthesize", "energy"}


def test_a_failed_write_leaves_the_old_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "f.json"
    write_json(file, {"a": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(file, {"a": float("nan")})

    def refuse(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        write_json(file, {"a": 3})
    assert file.read_text() == '{\n  "a": 1\n}\n'
    assert list(tmp_path.iterdir()) == [file]


def test_errors_of_checks_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser("test")
    with pytest.raises(SystemExit) as stop, parser.checks():
        raise ValueError("rows = 0:\nmust be from 1 to 1024")
    assert stop.value.code == 2
    assert capsys.readouterr().err.endswith(": rows = 0: must be from 1 to 1024\n")
    with pytest.raises(KeyError), parser.checks():
        raise KeyError("a fault of the program")


@pytest.mark.parametrize(
    ("done", "left"), [(0, "-:--:-- left"), (1, "0:01:30 left"), (2, "0:00:30 left"), (4, "0:00:00 left")]
)
def test_time_left_of_a_few_long_parts(done: int, left: str) -> None:
    """By the mean speed since the start, from the first part that is done on."""
    now = 100.0
    bar = Progress(TimeLeft(), get_time=lambda: now, disable=True)
    task = bar.add_task("work", total=4)
    now += 30.0
    bar.update(task, completed=done)
    assert str(bar.columns[0](bar.tasks[0])) == left


def test_progress_is_silent_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("work", 3) as advance:
        for _ in range(3):
            advance(1)
    assert capsys.readouterr() == ("", "")


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    """Some editors begin every file with one: in configurations, devices, and the JSON that commands read."""
    file = tmp_path / "marked.toml"
    file.write_text("rows = 3\nlanes = 3\n", encoding="utf-8-sig")
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    assert TileConfig.load(file) == TileConfig(rows=3, lanes=3)
    file.write_text(device_toml(PRESETS["capacitor"]), encoding="utf-8-sig")
    assert load_device(file) == PRESETS["capacitor"]
    file.write_text("[[0.5, 0.25]]", encoding="utf-8-sig")
    assert load_grid(str(file)) == [(0.5, 0.25)]
    file.write_text('{"records": []}', encoding="utf-8-sig")
    assert load_records(str(file)) == ({"records": []}, [])
