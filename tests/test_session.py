# SPDX-License-Identifier: Apache-2.0
"""What `tests/conftest.py` asks of every session, tried on sessions with a test that breaks it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.skips import ALLOWED_SKIPS, allowed_skips, is_allowed

SKIPPED = "import pytest\n\n@pytest.mark.parametrize('case', [1, 2])\ndef test_it(case):\n    pytest.skip('why')\n"
WHOLE = "import pytest\n\npytest.skip('why', allow_module_level=True)\n"
BARE = "import sys\n\ndef test_it():\n    sys.modules['hdl'] = sys\n"


def session(folder: Path, text: str, *options: str) -> tuple[int, str]:
    """Exit code and output of pytest on one file."""
    (folder / "test_it.py").write_text(text)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.conftest",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(folder),
    ]
    done = subprocess.run(
        [*command, "-q", *options, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("workers", ["0", "1"])
@pytest.mark.parametrize("text", [SKIPPED, WHOLE])
def test_a_skip_that_is_not_named_fails_a_strict_session(tmp_path: Path, text: str, workers: str) -> None:
    code, output = session(tmp_path, text, "-n", workers, "--strict-skips")
    assert code == (1 if text == SKIPPED else 5), "pytest's own code where a session has no test at all"
    assert f"Skipped: why, which {ALLOWED_SKIPS.name} does not name" in output


def test_other_sessions_may_skip(tmp_path: Path) -> None:
    assert session(tmp_path, SKIPPED)[0] == 0


def test_a_skip_is_named_by_test_or_file_and_reason() -> None:
    allowed = allowed_skips("# comment\n\na.py no tool\nb.py::test_x no other tool\n")
    assert is_allowed("a.py::test_y[1]", "Skipped: no tool", allowed)
    assert is_allowed("b.py::test_x[1]", "Skipped: no other tool", allowed)
    assert is_allowed("b.py::test_x", "Skipped: no other tool", allowed)
    assert not is_allowed("b.py::test_y", "Skipped: no other tool", allowed)
    assert not is_allowed("a.py::test_y[1]", "Skipped: no other tool", allowed)


def test_allowed_skips_are_of_tests_that_exist() -> None:
    allowed = allowed_skips(ALLOWED_SKIPS.read_text(encoding="utf-8"))
    assert allowed
    for test, reason in allowed:
        file, _, name = test.partition("::")
        assert f"def {name}" in (text := (ROOT / file).read_text(encoding="utf-8")), test
        assert f'reason="{reason}"' in text, test


def test_a_bare_name_fails_a_session(tmp_path: Path) -> None:
    code, output = session(tmp_path, BARE)
    assert code == 1
    assert "imported by bare names: hdl" in output


def test_a_session_ends_on_time(tmp_path: Path) -> None:
    code, output = session(tmp_path, "def test_it():\n    pass\n", "--until", "1000", "-rs")
    assert code == 0
    assert "not reached in the time there was" in output
