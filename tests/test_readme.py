"""Tests of the README: every command and the Python example in it run."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.paths import ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = [
    [line for line in block.splitlines() if "scripts/" in line]
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.S)
    if "scripts/" in block
]
COMMANDS = [line for block in BLOCKS for line in block]


def test_the_readme_shows_every_script() -> None:
    shown = {re.search(r"scripts/(\w+)\.py", line)[1] for line in COMMANDS}  # type: ignore[index]
    there = {path.stem for path in (ROOT / "scripts").glob("*.py")}
    there -= {"__init__", "cli", "common", "options", "mutation", "demo"}
    assert shown == there - {"mutate_golden"}, "whose tests alone take minutes"
    assert "`scripts/mutate_golden.py`" in TEXT


# Commands of the first block need nothing of each other, so that they are tests of their own.
@pytest.mark.parametrize("block", [*([command] for command in BLOCKS[0]), *BLOCKS[1:]])
def test_the_commands_of_the_readme_run(block: list[str]) -> None:
    (ROOT / "build").mkdir(exist_ok=True)
    for command in block:
        words = command.split()
        assert words[0] == ".venv/bin/python"
        done = subprocess.run([sys.executable, *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert done.stdout


def test_the_python_example_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "module symtrack_custom_" in done.stdout


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test", "test-all", "results"):
        assert f"make {target}" in TEXT
        assert re.search(rf"^{target}:", makefile, re.M)


def test_named_files_exist() -> None:
    for name in re.findall(r"\]\((docs/[^)]+)\)", TEXT):
        assert (ROOT / name).is_file(), name
