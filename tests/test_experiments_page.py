# SPDX-License-Identifier: Apache-2.0
"""The programs of docs/experiments.md run one after the other, in a folder outside the checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

BLOCKS = 8
PAGE = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")


def programs() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE, re.S)


def test_all_programs_of_the_page_are_known() -> None:
    """Quick, beside what runs them: a program that is new on the page has its result checked below, too."""
    assert len(programs()) == BLOCKS


@pytest.mark.slow
def test_the_programs_of_the_page_run(tmp_path: Path) -> None:
    blocks = programs()
    program = tmp_path / "page.py"
    program.write_text("\n".join(blocks), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines if line.startswith("True")] == ["True"]
    assert any(line.endswith(" True") for line in lines), "the own algorithm in RTL"
    assert (tmp_path / "log.csv").read_text().startswith("step,epoch,accuracy,loss")
    assert (tmp_path / "build" / "mine" / "tiles.json").is_file()
    assert (tmp_path / "run.npz").is_file()
