# SPDX-License-Identifier: Apache-2.0
"""Tests of the command ``energy``: its report, bad input in a line, and nothing left behind where it fails."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from symtrack.cosim.energy.liberty import DEBIAN_PACKAGE
from symtrack.model.analysis.energy import EventEnergies, joules
from symtrack.model.analysis.run_energy import load_energies
from symtrack.model.spec.config import NAMED
from symtrack.scripts import energy
from tests.cosim.helpers.cells import written


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A library of six cells."""
    return written(tmp_path)


def test_a_report_of_a_training(library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "energy.json"
    words = ["--config", "tiny", "--liberty", str(library), "--cycles", "300", "--json", str(file), "--clock-gating"]
    assert energy.main(words) == 0
    found = json.loads(file.read_text())
    assert found["library"] == "six_cells"
    assert found["clock_gating"]
    assert found["clock_gates"] > 0
    assert found["played_pins"] >= 0.95 * found["pins"]
    assert found["picojoules"]["slot"]["data"] > 0
    events = EventEnergies(**found["events"])
    counts = {"update_slots": 100, "reads": 10, "cycles": 1000}
    assert joules(counts, events)["digital"] > joules(counts | {"reads": 9}, events)["digital"] > 0
    printed = capsys.readouterr().out
    assert "a column read: " in printed
    assert "update.row_trains" in printed


def test_a_table_changes_what_it_is_for(library: Path, tmp_path: Path) -> None:
    table, files = tmp_path / "table.toml", [tmp_path / "one.json", tmp_path / "other.json"]
    table.write_text("sram_read_pj = 0\nsram_write_pj = 0\n")
    words = ["--config", "tiny", "--liberty", str(library), "--workload", "transfer", "--cycles", "300"]
    assert energy.main([*words, "--json", str(files[0])]) == 0
    assert energy.main([*words, "--json", str(files[1]), "--table", str(table)]) == 0
    one, other = (json.loads(file.read_text())["per_read_pj"] for file in files)
    assert one["memory"] > 0 == other["memory"]
    assert one["data"] == other["data"]


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The line of a command that ends with the exit code of bad input."""
    with pytest.raises(SystemExit) as stop:
        energy.main(words)
    assert stop.value.code == 2
    line: str = capsys.readouterr().err
    assert line.count("\n") == 1
    return line


def test_a_missing_library_is_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing, file = tmp_path / "cells.lib", tmp_path / "out.json"
    line = refused(["--config", "tiny", "--liberty", str(missing), "--json", str(file)], capsys)
    assert f"liberty = {str(missing)!r}: must be a readable Liberty file (No such file or directory)" in line
    assert not file.exists()


def test_the_library_of_debian_says_how_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "cells.lib"
    monkeypatch.setattr("symtrack.cosim.energy.liberty.DEBIAN", missing)
    line = refused(["--config", "tiny", "--liberty", str(missing)], capsys)
    assert line.endswith(f"apt-get install {DEBIAN_PACKAGE}\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--workload", "sleep"], "argument --workload: invalid choice: 'sleep'"),
        (["--activity", "2"], "argument --activity: '2': must be a number from 0 to 1"),
        (["--activity", "0.5"], "argument --activity: 0.5: must be left out with --workload training"),
        (["--cycles", "3"], "argument --cycles: '3': must be an integer from 100 to 10000000"),
        (["--table", "none.toml"], "table = 'none.toml': must be a readable file"),
    ],
)
def test_bad_input_is_told_in_a_line(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told in refused(["--config", "tiny", *words], capsys)


@pytest.mark.parametrize(
    "words",
    [
        ["--workload", "training"],
        ["--cycles=4000"],
        ["--seed", "1"],
        ["--clock-gating"],
        ["--activity", "0.5"],
        ["--json", "out.json"],
    ],
)
def test_a_document_takes_no_options_of_a_tile(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = words[0].partition("=")[0]
    line = refused(["--document", str(tmp_path), *words], capsys)
    assert line.endswith(f": argument {name}: must be left out with --document\n")
    assert "argument --document: not allowed with argument --config" in refused(
        ["--config", "tiny", "--document", str(tmp_path)], capsys
    )
    assert list(tmp_path.iterdir()) == []


def test_a_library_without_a_latch_is_told_in_a_line(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    library.write_text(library.read_text().replace('enable : "G"', 'enable : "!G"'))
    line = refused(["--config", "tiny", "--liberty", str(library), "--clock-gating"], capsys)
    assert f"liberty = {str(library)!r}: library six_cells: must have a cell that is a latch that is open at 1" in line


def test_parentheses_in_a_library_change_nothing(library: Path, tmp_path: Path) -> None:
    found = []
    for change in ((), ('clocked_on : "C"', 'clocked_on : "(C)"'), ('enable : "G"', 'enable : "(G)"')):
        if change:
            library.write_text(library.read_text().replace(*change))
        words = ["--config", "tiny", "--liberty", str(library), "--workload", "update", "--cycles", "300"]
        assert energy.main([*words, "--clock-gating", "--json", str(tmp_path / "out.json")]) == 0
        found.append(json.loads((tmp_path / "out.json").read_text())["per_slot_pj"])
    assert found[0] == found[1] == found[2]


def test_a_report_is_what_a_training_takes(library: Path, tmp_path: Path) -> None:
    file = tmp_path / "energy.json"
    assert energy.main(["--config", "tiny", "--liberty", str(library), "--cycles", "300", "--json", str(file)]) == 0
    found = json.loads(file.read_text())
    loaded = load_energies([file])
    assert [one.fingerprint for one in loaded.events] == [NAMED["tiny"].fingerprint]
    assert loaded.provenance()["library"] == "six_cells"
    assert loaded.library_sha256 == hashlib.sha256(library.read_bytes()).hexdigest()
    assert found["toggled_pins"] < found["toggled_pins_anywhere"] < found["played_pins"] <= found["pins"]


def test_a_library_without_a_flip_flop_fails_and_leaves_nothing(
    library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = library.read_text()
    library.write_text(text.replace("cell (DFF)", "cell (LATER)").replace("ff (IQ, IQN)", "fff (IQ, IQN)"))
    file = tmp_path / "out.json"
    words = ["--config", "tiny", "--liberty", str(library), "--cycles", "300", "--json", str(file)]
    assert energy.main(words) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not file.exists()
