# SPDX-License-Identifier: Apache-2.0
"""Tests of README.md and docs/commands.md: every command and the Python example in them run."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from symtrack.scripts.cli import COMMANDS
from tests.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
SYMTRACK = ".venv/bin/symtrack"


def blocks(text: str) -> list[list[str]]:
    """The commands of each block that has any; a line that ends with a backslash goes on in the next."""
    found = (block.replace("\\\n", " ").splitlines() for block in re.findall(r"```sh\n(.*?)```", text, re.S))
    return [lines for lines in found if lines[0].startswith(SYMTRACK)]


TOUR = [command for block in blocks(README) for command in block]
EVERYTHING = blocks(PAGE)


def run(command: str) -> None:
    (ROOT / "build").mkdir(exist_ok=True)
    words = command.split()
    assert words[0] == SYMTRACK
    done = subprocess.run(
        [sys.executable, "-m", "symtrack", *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    assert done.stdout


def test_the_tour_has_five_commands() -> None:
    assert len(TOUR) == 5


@pytest.mark.parametrize("command", TOUR)
def test_the_commands_of_the_tour_run(command: str) -> None:
    run(command)


@pytest.mark.slow
@pytest.mark.parametrize("block", EVERYTHING, ids=lambda block: block[0].split()[1])
def test_the_commands_of_the_page_run(block: list[str]) -> None:
    for command in block:
        run(command)


def test_the_page_shows_every_command() -> None:
    assert {command.split()[1] for block in EVERYTHING for command in block} == set(COMMANDS)


def test_every_script_is_a_command() -> None:
    there = {path.stem.replace("_", "-") for path in (ROOT / "scripts").glob("*.py")}
    assert there - {"--init--", "cli", "common", "exit-codes", "families", "options", "mutation"} == set(COMMANDS)


def test_the_python_examples_run() -> None:
    own, functions = re.findall(r"```python\n(.*?)```", README, re.S)
    for code, shown in ((own, "(16, 31)"), (functions, "module symtrack_custom_")):
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert shown.strip("()") in done.stdout


def test_make_commands_are_targets_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"(?:^|`)make ([a-z-]+)", README + PAGE, re.M))
    assert targets >= {"demo", "test", "test-all", "results", "prove", "verify"}
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_named_files_exist() -> None:
    for name in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / name).is_file(), name
