# SPDX-License-Identifier: Apache-2.0
"""Which tests are those of a change: the nearest first, no change without any, and a line that says what is left."""

from __future__ import annotations

import shutil
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from symtrack.cosim.tools import changed_tests
from symtrack.cosim.tools.changed_tests import ALWAYS, LOCK_STEP, READERS, changed_files, main, nearest_tests, twin
from tests.paths import ROOT


@pytest.mark.parametrize("side", ["model", "hdl"])
def test_nearest_tests_both_sides_come_first(side: str) -> None:
    first = nearest_tests(ROOT, [f"{side}/tile/low_pass.py"])
    both = ["tests/hdl/tile/test_low_pass.py", "tests/model/tile/test_low_pass.py"]
    assert first[: len(ALWAYS) + 3] == [*both, *ALWAYS, LOCK_STEP]
    assert "tests/hdl/tile/test_symmetric_point.py" in first
    assert "tests/model/tile/test_transfer.py" in first
    assert twin(f"{side}/tile/low_pass.py") == f"{'hdl' if side == 'model' else 'model'}/tile/low_pass.py"


def test_those_that_import_a_file_come_before_those_that_import_its_users() -> None:
    order = nearest_tests(ROOT, ["model/devices/soft_bounds.py"])
    near, far = "tests/model/devices/test_effects.py", "tests/model/devices/test_symmetric_points.py"
    assert order.index(near) < order.index(far)
    assert LOCK_STEP not in order


@pytest.mark.parametrize(
    ("name", "test"),
    [
        ("tests/cosim/helpers/bent.py", "tests/cosim/formal/test_proofs.py"),
        ("tests/hdl/helpers/sides.py", "tests/hdl/tile/test_update.py"),
        ("tests/model/helpers/tile_driver.py", "tests/model/tile/test_tile.py"),
        ("tests/cosim/helpers/controller_bench.py", "tests/cosim/engine/test_controller.py"),  # named in a text
        ("tests/cosim/jobs/tracing.py", "tests/cosim/engine/test_native.py"),  # likewise
    ],
)
def test_a_helper_of_tests_has_the_tests_that_use_it(name: str, test: str) -> None:
    order = nearest_tests(ROOT, [name])
    assert test in order
    assert order[0] != test, "what all changes have"


@pytest.mark.parametrize(
    ("name", "tests"),
    [
        ("README.md", ["readme", "docs"]),
        ("docs/commands.md", ["readme", "docs"]),
        ("Makefile", ["readme", "docs", "licence"]),
        ("LICENSE", ["licence"]),
        ("pyproject.toml", ["wheel", "imports"]),
        ("model/tile/__init__.py", ["wheel", "docs"]),
        ("tests/conftest.py", ["session"]),
        ("tests/skips.py", ["session"]),
        ("tests/allowed_skips.txt", ["session"]),
    ],
)
def test_a_file_of_the_whole_project_has_the_tests_that_read_it(name: str, tests: list[str]) -> None:
    assert {f"tests/test_{test}.py" for test in tests} <= set(nearest_tests(ROOT, [name]))


def test_an_example_has_the_test_that_runs_it() -> None:
    name = next((ROOT / "docs/examples").glob("*.py")).relative_to(ROOT).as_posix()
    assert "tests/scripts/face/test_examples.py" in nearest_tests(ROOT, [name])


def test_the_table_has_files_and_tests_that_exist() -> None:
    files = [path.relative_to(ROOT).as_posix() for folder in (ROOT, ROOT / "docs") for path in folder.glob("*")]
    files += [
        path.relative_to(ROOT).as_posix()
        for room in ("docs/examples", "model", "tests")
        for path in (ROOT / room).rglob("*")
    ]
    for pattern, tests in READERS.items():
        assert any(fnmatchcase(name, pattern) for name in files), pattern
        assert all((ROOT / test).is_file() for test in tests)


@pytest.mark.parametrize(
    ("name", "test"),
    [
        ("cosim/engine/native/loop.h", "tests/cosim/engine/test_native.py"),
        ("hdl/example/Makefile", "tests/hdl/example/test_example.py"),
        ("docs/tile.md", "tests/test_docs.py"),
        ("pyproject.toml", "tests/test_docs.py"),
        ("tests/test_docs.py", "tests/test_docs.py"),
        ("scripts/is_gone.py", "tests/scripts/test_bad_input.py"),
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


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with the settings of all sessions and, changed since its commit, two files of tests."""
    (tmp_path / "tests").mkdir()
    for name in ("__init__.py", "conftest.py", "skips.py", "allowed_skips.txt"):
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests")
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\nmarkers = ["slow"]\npythonpath = ["."]\n')
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "a")
    for name in ("one", "two"):
        (tmp_path / f"tests/test_{name}.py").write_text("def test_it():\n    pass\n")
    monkeypatch.setattr(changed_tests, "checkout", lambda: tmp_path)
    monkeypatch.setattr(changed_tests, "ALWAYS", ())
    return tmp_path


def test_without_a_change_nothing_runs(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(project, "add", ".")
    git(project, "commit", "-m", "b")
    assert main([]) == 0
    assert capsys.readouterr().out == "changed since HEAD: nothing\n"


def test_the_last_line_says_what_was_not_reached(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Time counts from when `make check` began to lint."""
    assert main(["--started", "1"]) == 0
    out = capfd.readouterr().out.splitlines()
    assert "tests, the nearest first: tests/test_one.py tests/test_two.py" in out
    assert out[-1] == "make check: 2 of 2 test files not reached or cut short, run make test"


def test_a_test_that_fails_is_the_exit_code(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (project / "tests/test_two.py").write_text("def test_it():\n    assert False\n")
    assert main(["--seconds", "1000"]) == 1
    assert capfd.readouterr().out.splitlines()[-1] == "make check: all 2 test files reached"


def test_outside_of_a_checkout_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(changed_tests, "checkout", lambda: None)
    assert main([]) == 2
    out, error = capsys.readouterr()
    assert (out, error.count("\n")) == ("", 1)
    assert "needs a checkout" in error
