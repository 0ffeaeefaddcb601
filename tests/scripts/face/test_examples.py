# SPDX-License-Identifier: Apache-2.0
"""Every example of docs/examples runs, each in a folder of its own, and says in its first line what it shows."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.py"))
SLOW = ("05", "06", "08", "09")  # they train for long, or build large simulators, or synthesise


def case(path: Path) -> object:
    return pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if path.stem[:2] in SLOW else [])


def test_examples_are_numbered_without_gaps_and_say_what_they_show() -> None:
    assert [path.stem[:3] for path in EXAMPLES] == [f"{number:02}_" for number in range(1, len(EXAMPLES) + 1)]
    for path in EXAMPLES:
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        assert text.endswith("."), path
        assert "\n" not in text, path


@pytest.mark.parametrize("example", [case(path) for path in EXAMPLES])
def test_the_example_runs(example: Path, tmp_path: Path) -> None:
    searched = os.pathsep.join(path for path in sys.path if path)  # as here, also where a copy is tested
    done = subprocess.run(
        [sys.executable, example],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": searched},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
