# SPDX-License-Identifier: Apache-2.0
"""Tests of the cache folder: which one it is, that nobody else has prepared it, and what clearing it removes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from symtrack.cosim.tools import build_cache
from symtrack.model import cache
from symtrack.model.cache import KINDS, Usage, cache_folder, cache_root, checkout, empty, usage
from tests.paths import ROOT


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """As if the package were installed without a checkout, with a home and a folder for temporary files of its own."""
    monkeypatch.setenv(cache.VARIABLE, "restored at the end, whatever a test leaves")
    monkeypatch.delenv(cache.VARIABLE)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(cache, "PACKAGE", tmp_path / "site-packages")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    cache._default.cache_clear()
    monkeypatch.setattr(cache.atexit, "register", lambda *_, **__: None)
    yield tmp_path
    cache._default.cache_clear()


def test_the_checkout_of_the_tests_is_known() -> None:
    assert checkout() == ROOT


def test_the_variable_decides_at_any_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        monkeypatch.setenv(cache.VARIABLE, str(tmp_path / name))
        assert cache_folder("numba") == tmp_path / name / "numba"
        assert build_cache.root() == tmp_path / name / "verilator"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(cache.VARIABLE, "here")
    assert cache_root() == tmp_path / "here"


def test_every_folder_of_the_cache_has_a_kind() -> None:
    used = set()
    for file in (path for side in ("model", "hdl", "cosim", "scripts") for path in (ROOT / side).rglob("*.py")):
        used |= set(re.findall(r'cache_folder\("(\w+)"\)', file.read_text(encoding="utf-8")))
    assert used >= {"numba", "verilator"}
    assert used <= KINDS.keys()
    with pytest.raises(ValueError, match="kind = 'src': must be one of numba, verilator"):
        cache_folder("src")


def test_a_checkout_keeps_it_in_build(elsewhere: Path) -> None:
    package = elsewhere / "site-packages"
    (package / "tests").mkdir(parents=True)
    (package / "pyproject.toml").touch()
    assert cache_root() == package / "build"


def test_an_installed_package_keeps_it_in_the_cache_folder_of_the_user(elsewhere: Path) -> None:
    assert checkout() is None
    assert cache_root() == elsewhere / "home/.cache/symtrack"


def test_a_relative_folder_of_the_user_is_none(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where there is no home, nor one in the list of users: nothing comes into the working folder."""
    monkeypatch.setattr(cache.platformdirs, "user_cache_dir", lambda *_, **__: "~/.cache/symtrack")
    monkeypatch.chdir(elsewhere)
    before = sorted(elsewhere.iterdir())
    assert cache_root() == elsewhere / f"tmp/symtrack-{os.getuid()}"
    assert sorted(elsewhere.iterdir()) == before
    assert cache_root().stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("prepared", ["file", "link", "open", "foreign"])
def test_what_others_have_prepared_is_not_used(prepared: str, elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (elsewhere / "home").write_text("no folder")  # so that the user's folder cannot be made
    place = elsewhere / f"tmp/symtrack-{os.getuid()}"
    if prepared == "file":
        place.touch()
    elif prepared == "link":
        (elsewhere / "theirs").mkdir()
        place.symlink_to(elsewhere / "theirs")
    elif prepared == "open":
        place.mkdir()
        place.chmod(0o777)
    else:
        place.mkdir(0o700)
        user = os.getuid()
        monkeypatch.setattr(os, "getuid", lambda: user + 1)
        place.rename(elsewhere / f"tmp/symtrack-{user + 1}")
    found = cache_root()
    assert re.fullmatch(r"symtrack-\w{8}", found.name)
    assert found.stat().st_mode & 0o777 == 0o700
    assert os.environ[cache.VARIABLE] == str(found)  # the same for processes that are started
    del os.environ[cache.VARIABLE]
    assert cache_root() == found


def test_kernels_are_not_kept_beside_the_sources_where_the_folder_cannot_be_written_to(tmp_path: Path) -> None:
    named = tmp_path / "file"
    named.touch()
    before = set((ROOT / "model").rglob("__pycache__/*.nb?"))
    code = (
        "from symtrack.model.tile.low_pass import filter_step; import numpy; filter_step(*numpy.array([[9], [1]]), 1)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment[cache.VARIABLE] = str(named)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set((ROOT / "model").rglob("__pycache__/*.nb?")) == before


def test_only_what_symtrack_made_is_counted_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a cache that the user has other things in, and in a folder of a kind, too."""
    root, home = tmp_path / "build", tmp_path / "home"
    monkeypatch.setenv(cache.VARIABLE, str(root))
    made = (
        *("verilator/0123456789abcdef/tile.v", "verilator/runtime-0123456789abcdef/verilated.o"),
        *("verilator/unfinished-ab_12/x/y.o", "numba/fedcba9876543210/tile_1/kernel.nbc"),
        *("verilog/0123456789abcdef.v", "verilog/0123456789abcdef.lock", "locks/0123456789abcdef"),
    )
    kept = (
        *("demo/report.html", "results/0123456789abcdef.json", "mutants.jsonl", "src/symtrack/model/tile.py"),
        *("verilator/README", "verilator/src/main.cpp", "verilator/0123456789abcdeg", "0123456789abcdef"),
    )
    for name in (*made, *kept):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"12345")
    home.mkdir()
    (home / "precious").touch()
    (root / "verilator/aaaaaaaaaaaaaaaa").symlink_to(home)
    link = (root / "verilator/aaaaaaaaaaaaaaaa").lstat().st_size
    found = {"numba": Usage(1, 5), "verilator": Usage(4, 15 + link), "verilog": Usage(2, 10), "locks": Usage(1, 5)}
    found["fits"] = Usage(0, 0)
    assert usage() == found
    empty()
    assert usage() == dict.fromkeys(KINDS, Usage(0, 0))
    left = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert left == set(kept)
    assert [path.name for path in home.iterdir()] == ["precious"]
    assert sorted(path.name for path in root.iterdir() if path.name in KINDS) == ["verilator"]
    empty()


def test_a_cache_that_is_not_there_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "nothing"))
    empty()
    assert usage() == dict.fromkeys(KINDS, Usage(0, 0))
    assert not (tmp_path / "nothing").exists()
