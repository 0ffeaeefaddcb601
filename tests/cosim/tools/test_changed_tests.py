# SPDX-License-Identifier: Apache-2.0
"""Which tests are those of a change: the nearest first, and no change without any."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from symtrack.cosim.tools.changed_tests import LOCK_STEP, changed_files, nearest_tests, twin
from tests.paths import ROOT


@pytest.mark.parametrize("side", ["model", "hdl"])
def test_nearest_tests_both_sides_come_first(side: str) -> None:
    first = nearest_tests(ROOT, [f"{side}/tile/low_pass.py"])
    both = ["tests/hdl/tile/test_low_pass.py", "tests/model/tile/test_low_pass.py"]
    assert first[:4] == [*both, "tests/test_imports.py", LOCK_STEP]
    assert "tests/hdl/tile/test_symmetric_point.py" in first
    assert "tests/model/tile/test_transfer.py" in first
    assert twin(f"{side}/tile/low_pass.py") == f"{'hdl' if side == 'model' else 'model'}/tile/low_pass.py"


def test_those_that_import_a_file_come_before_those_that_import_its_users() -> None:
    order = nearest_tests(ROOT, ["model/devices/soft_bounds.py"])
    near, far = "tests/model/devices/test_effects.py", "tests/model/devices/test_symmetric_points.py"
    assert order.index(near) < order.index(far)
    assert LOCK_STEP not in order


def test_a_helper_of_tests_has_the_tests_that_use_it() -> None:
    order = nearest_tests(ROOT, ["tests/cosim/helpers/bent.py"])
    assert "tests/cosim/formal/test_proofs.py" in order
    assert order[0] != "tests/cosim/formal/test_proofs.py", "what all changes have"


@pytest.mark.parametrize(
    ("name", "test"),
    [
        ("cosim/engine/native/loop.h", "tests/cosim/engine/test_native.py"),
        ("hdl/example/Makefile", "tests/hdl/example/test_example.py"),
        ("docs/tile.md", "tests/test_docs.py"),
        ("pyproject.toml", "tests/test_docs.py"),
        ("tests/test_docs.py", "tests/test_docs.py"),
        ("scripts/synthesize.py", "tests/scripts/test_bad_input.py"),
        ("model/tile/is_gone.py", "tests/model/tile/test_tile.py"),
    ],
)
def test_other_files_have_the_tests_beside_them(name: str, test: str) -> None:
    assert test in nearest_tests(ROOT, [name])


def test_without_a_change_there_is_no_test() -> None:
    assert nearest_tests(ROOT, []) == []


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def test_staged_unstaged_new_and_removed_files_have_changed(tmp_path: Path) -> None:
    git(tmp_path, "init")
    (tmp_path / ".gitignore").write_text("ignored\n")
    for name in ("staged", "unstaged", "removed", "same"):
        (tmp_path / name).write_text("before")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "a")
    assert changed_files(tmp_path, "HEAD") == []
    for name in ("staged", "unstaged", "new file", "ignored"):
        (tmp_path / name).write_text("after")
    (tmp_path / "removed").unlink()
    git(tmp_path, "add", "staged")
    assert changed_files(tmp_path, "HEAD") == ["new file", "removed", "staged", "unstaged"]
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "b")
    assert changed_files(tmp_path, "HEAD") == []
    assert changed_files(tmp_path, "HEAD^") == ["new file", "removed", "staged", "unstaged"]


def test_without_a_change_nothing_runs(tmp_path: Path) -> None:
    git(tmp_path, "init")
    git(tmp_path, "commit", "--allow-empty", "-m", "a")
    done = subprocess.run(
        [sys.executable, "-m", "symtrack.cosim.tools.changed_tests"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "changed since HEAD: nothing\n")
