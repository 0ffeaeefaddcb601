# SPDX-License-Identifier: Apache-2.0
"""Tests of fits in several processes: the same for every number of them, kept one by one, and continued."""

import json
from pathlib import Path

import numpy as np
import pytest

from symtrack.cosim.tools.journal import Journal
from symtrack.model.devices.fitting.data import Recording, make_recording
from symtrack.model.devices.fitting.fit import Fit, fit, restored
from symtrack.scripts import families as module
from symtrack.scripts import fit_device
from symtrack.scripts.families import fit_families, key

FAMILIES = ("constant-step", "soft-bounds", "linear-step")


def recording() -> Recording:
    """Two soft-bounds cells with two ramps each."""
    rng = np.random.default_rng(3)
    cells: dict[str, dict[int, tuple[int, float | None]]] = {}
    for cell in "ab":
        level, cells[cell] = -0.5, {}
        for k, sign in enumerate(([1] * 30 + [-1] * 30) * 2):
            level += sign * 0.06 * (1 - sign * level) * (1 + 0.2 * rng.standard_normal())
            cells[cell][k] = (sign, None if k == 17 else level + 0.003 * rng.standard_normal())
    return make_recording(cells, scale=1.0, offset=0.0)


def plain(fits: list[Fit]) -> str:
    """All that fits are made of, bit for bit."""
    return json.dumps([one.saved() for one in fits])


@pytest.mark.slow
def test_a_saved_fit_is_the_same_fit() -> None:
    data = recording()
    (one,) = fit(data, ["soft-bounds"])
    again = restored(data, json.loads(json.dumps(one.saved())))
    assert plain([again]) == plain([one])
    assert (again.device, again.model, again.shifts) == (one.device, one.model, one.shifts)
    assert np.array_equal(again.free_run, one.free_run)
    assert (again.symmetric_point_interval, again.rms_of_noise) == (one.symmetric_point_interval, one.rms_of_noise)


def test_the_number_of_processes_does_not_matter() -> None:
    data = recording()
    told: list[int] = []
    alone, several = (fit_families(data, FAMILIES, jobs=jobs, advance=told.append) for jobs in (1, 3))
    assert plain(alone) == plain(several) == plain(fit(data, FAMILIES))
    assert sum(told) == 2 * len(FAMILIES)


def test_a_run_goes_on_with_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second family stops the first run; the next one fits it and the third, but for other data all of them."""
    data, fitted = recording(), []

    def interrupted(own: Recording, family: str) -> Fit:
        fitted.append(family)
        if fitted == list(FAMILIES[:2]):
            raise KeyboardInterrupt
        return real(own, family)

    real = module.fit_family
    monkeypatch.setattr(module, "fit_family", interrupted)
    file = tmp_path / "fits"
    with Journal(file, key(data)) as journal, pytest.raises(KeyboardInterrupt):
        fit_families(data, FAMILIES, journal=journal)
    assert [json.loads(line)["family"] for line in file.read_text().splitlines()] == [FAMILIES[0]]
    with Journal(file, key(data)) as journal:
        found = fit_families(data, FAMILIES, journal=journal)
    assert fitted == [*FAMILIES[:2], *FAMILIES[1:]]
    assert plain(found) == plain(fit(data, FAMILIES))
    other = make_recording(
        {"a": {k: (1 if k < 40 else -1, min(k, 80 - k) / 50 - 0.4) for k in range(80)}}, scale=1.0, offset=0.0
    )
    assert key(other) != key(data)
    assert Journal(file, key(other)).entries == []


def test_the_command_keeps_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After an interruption a journal is in the cache, and nothing beside the data; when all is written, it is gone."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("SYMTRACK_CACHE", str(cache))
    level, rows = -0.5, ["direction,weight"]
    for sign in [1] * 40 + [-1] * 40:
        level += sign * 0.05 * (1 - sign * level)
        rows.append(f"{sign},{level:.5f}")
    (tmp_path / "data.csv").write_text("\n".join(rows))
    out = tmp_path / "x.toml"
    arguments = [str(tmp_path / "data.csv"), "--out", str(out), "--jobs", "1", "--families", *FAMILIES[:2]]
    real = module.fit_family

    def interrupted(own: Recording, family: str) -> Fit:
        if family == FAMILIES[1]:
            raise KeyboardInterrupt
        return real(own, family)

    with monkeypatch.context() as patched:
        patched.setattr(module, "fit_family", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fit_device.main(arguments)
    (file,) = (cache / "fits").iterdir()
    assert {path.name for path in tmp_path.iterdir()} == {"data.csv", "cache"}
    assert f"finished families are in {file}: the same command goes on" in capsys.readouterr().err
    assert fit_device.main([*arguments[:-2], FAMILIES[1]]) == 0
    assert file.exists(), "it has a family that this run was not asked for"
    assert fit_device.main(arguments) == 0
    assert f"2 of 2 families are fitted already, in {file}" in capsys.readouterr().out
    assert list((cache / "fits").iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {"data.csv", "cache", "x.toml"}
    kept = tmp_path / "kept"
    for already in ("", "2 of 2 families are fitted already"):
        assert fit_device.main([*arguments, "--log", str(kept)]) == 0
        assert already in capsys.readouterr().out
    assert len(kept.read_text().splitlines()) == 2


def test_a_journal_is_no_file_of_another_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"{1 if k < 40 else -1},{min(k, 80 - k) / 50 - 0.4}\n" for k in range(80))
    (tmp_path / "data.csv").write_text(f"direction,weight\n{rows}")
    mine = tmp_path / "mine"
    for text in ("mine\n", "my only copy"):
        mine.write_text(text)
        with pytest.raises(SystemExit) as exit_:
            fit_device.main([str(tmp_path / "data.csv"), "--out", str(tmp_path / "x.toml"), "--log", str(mine)])
        assert exit_.value.code == 2
        assert "must be what an earlier run has written" in capsys.readouterr().err
        assert mine.read_text() == text
