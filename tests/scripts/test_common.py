# SPDX-License-Identifier: Apache-2.0
"""Tests of what command lines share: output files appear whole, and only a user's mistakes become one line."""

import json
import stat
from importlib.metadata import version
from pathlib import Path

import pytest

from symtrack.scripts.common import Parser, progress, write_json, write_report
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
    # A list, and figures by the names of devices, have no place for it; records of pulses get it in another way.
    assert others == {"common", "prove", "characterize_device"}


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


def test_progress_is_silent_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("work", 3) as advance:
        for _ in range(3):
            advance(1)
    assert capsys.readouterr() == ("", "")
