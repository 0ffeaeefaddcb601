# SPDX-License-Identifier: Apache-2.0
"""The examples of docs/examples: each runs in a folder of its own, and together they use every name of the face."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import symtrack
from symtrack.scripts.documents import interface
from tests.paths import ROOT

EXAMPLES = sorted((ROOT / "docs" / "examples").glob("[0-9]*.py"))  # others need what symtrack does without
SLOW = ("04", "05", "06", "08", "09", "11")  # they train for long, or build large simulators, or synthesise


def case(path: Path) -> object:
    return pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if path.stem[:2] in SLOW else [])


def test_examples_are_numbered_without_gaps_and_say_what_they_show() -> None:
    assert EXAMPLES
    assert [path.stem[:3] for path in EXAMPLES] == [f"{number:02}_" for number in range(1, len(EXAMPLES) + 1)]
    for path in EXAMPLES:
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        assert text.endswith("."), path
        assert "\n" not in text, path


def test_examples_use_every_name_of_the_face() -> None:
    """As docs/api.md says, which also names the first and the last of them."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in EXAMPLES]
    used = {
        node.attr
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "symtrack"
    }
    assert used == set(symtrack.__all__)
    for path in (EXAMPLES[0], EXAMPLES[-1]):
        assert f"(examples/{path.name})" in interface.INTRODUCTION


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
