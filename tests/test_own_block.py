# SPDX-License-Identifier: Apache-2.0
"""The example of docs/own_block.md: its diff fits this checkout; in a copy both sides agree, and a part alone does not.

Nothing is applied here. The copies share a cache, so that equal Verilog is built once.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from symtrack.cosim.tools.package_links import package_links
from symtrack.model.cache import VARIABLE
from tests.paths import ROOT, checkout_files

DIFF = ROOT / "docs" / "examples" / "second_order_filter.diff"
PAGE = ROOT / "docs" / "own_block.md"
# Beats wait in the middle of the block only where a column has many.
LANES = 'name = "lanes"\nrows = 41\ncolumns = 3\nlanes = 2\nrow_chopper = 1\nprogrammer = 1\nself_test = 1\n'
NAMES = "from symtrack.hdl.output.state_map import state_names as s; from symtrack.model.spec.config import TileConfig"
FLIPPED = """\
from symtrack.cosim.compare.scenario import play
from symtrack.cosim.engine.lockstep import Fault
from symtrack.model.spec.config import NAMED
faults = (Fault("golden", "q1", 1, 1023),)  # the cycle before the states are compared
print(play(NAMED["tiny"], "random", engine="native", cycles=2000, seed=1, faults=faults)[1].verdict.first_mismatch)
"""


def applied(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """``git apply`` in a folder, whatever repository is around it."""
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    command = ["git", "apply", *options, str(DIFF)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def numbers() -> dict[str, tuple[int, int]]:
    """Lines that the diff adds and removes, by file."""
    rows = [line.split("\t") for line in applied(ROOT, "--numstat").stdout.splitlines()]
    return {name: (int(more), int(less)) for more, less, name in rows}


def test_the_diff_fits_the_checkout_and_is_not_applied() -> None:
    done = applied(ROOT, "--check")
    assert done.returncode == 0, f"{DIFF.name} is stale, docs/own_block.md says how it is made anew:\n{done.stderr}"
    assert applied(ROOT, "--check", "--reverse").returncode != 0


def test_a_stale_diff_is_found(tmp_path: Path) -> None:
    for name in numbers():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    assert applied(tmp_path, "--check").returncode == 0
    block = tmp_path / "hdl" / "tile" / "low_pass.py"
    block.write_text(block.read_text(encoding="utf-8").replace("half = ", "one_half = "), encoding="utf-8")
    assert "low_pass.py" in applied(tmp_path, "--check").stderr


def test_the_page_counts_the_lines_of_every_file() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w./]+)` \| (\d+) \| (\d+) \|", text, re.MULTILINE)
    assert {name: (int(more), int(less)) for name, more, less in rows} == numbers()
    more, less = (sum(column) for column in zip(*numbers().values(), strict=True))
    assert f"{len(numbers())} files, {more} lines more and {less} less" in " ".join(text.split())


class Copy:
    """A copy of the checkout with the diff, or with what options of ``git apply`` take of it."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder / "checkout"
        for name in checkout_files():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, self.folder / name)
        done = applied(self.folder, *options)
        assert done.returncode == 0, done.stderr
        (self.folder / "lanes.toml").write_text(LANES, encoding="utf-8")
        path = os.pathsep.join(map(str, (package_links(self.folder), self.folder)))
        self._environment = {**os.environ, "PYTHONPATH": path, VARIABLE: str(folder.parent / "cache")}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the copy."""
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def report(self, script: str, words: str) -> dict[str, Any]:
        """The report of a command, which may have found a mismatch."""
        file = self.folder / "report.json"
        done = self.run(f"scripts/{script}.py", *words.split(), "--json", str(file))
        assert done.returncode in (0, 1), done.stderr
        assert file.is_file(), done.stderr
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        file.unlink()
        assert (done.returncode == 0) == (found.get("mismatches", 0) == 0 and found.get("agree", True)), done.stdout
        return found

    def lock_step(self, config: str, cycles: int) -> dict[str, Any]:
        """The report of the scenario random."""
        return self.report("run_cosim", f"--config {config} --engine native --scenario random --cycles {cycles}")

    def training(self) -> dict[str, Any]:
        """The report of a short training on both, by whole operations."""
        return self.report("compare_metrics", "--engine native --task noisy-quadratic --algorithm agad --steps 40")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of all copies and their cache."""
    return tmp_path_factory.mktemp("own")


@pytest.fixture(scope="module")
def whole(folder: Path) -> Copy:
    return Copy(folder / "whole")


@pytest.mark.slow
def test_rtl_and_golden_model_agree_in_lock_step(whole: Copy) -> None:
    for config, cycles in (("tiny", 8000), ("lanes.toml", 4000)):
        report = whole.lock_step(config, cycles)
        assert report["mismatches"] == 0, report["first_mismatch"]
        assert report["compared_cycles"] >= cycles
        assert report["states_compared"] > 0
        assert report["states_hidden"] == []
    names = whole.run("-c", f"{NAMES}; print(*s(TileConfig()))")
    assert names.stdout.split()[:4] == ["q1", "q", "qref", "hidden"], names.stderr


@pytest.mark.slow
def test_a_flipped_bit_of_the_new_memory_is_found(whole: Copy) -> None:
    done = whole.run("-c", FLIPPED)
    assert re.match(r"cycle 1024: q1\[0\] is ", done.stdout), done.stdout + done.stderr


@pytest.mark.slow
def test_a_training_ends_in_the_same_state(whole: Copy) -> None:
    report = whole.training()
    assert report["agree"] is True


@pytest.mark.slow
@pytest.mark.parametrize(
    ("half", "options"),
    [("hardware", ("--include=hdl/*", "--include=cosim/*")), ("golden", ("--include=model/*",))],
)
def test_one_half_alone_is_found(folder: Path, half: str, options: tuple[str, ...]) -> None:
    report = Copy(folder / half, *options).lock_step("tiny", 2000)
    assert report["mismatches"] == 1
    assert report["first_mismatch"]["signal"] == "writes__reference"


@pytest.mark.slow
def test_a_stage_that_does_not_wait_is_found(folder: Path) -> None:
    copy = Copy(folder / "hasty")
    block = copy.folder / "hdl" / "tile" / "symmetric_point.py"
    text = block.read_text(encoding="utf-8")
    assert text.count("first.advance.eq(self.advance)") == 1
    block.write_text(text.replace("first.advance.eq(self.advance)", "first.advance.eq(1)"), encoding="utf-8")
    assert copy.lock_step("lanes.toml", 4000)["mismatches"] == 1


@pytest.mark.slow
def test_a_golden_model_at_one_speed_alone_is_found(folder: Path) -> None:
    """Lock-step plays single clock cycles, trainings whole operations."""
    copy = Copy(folder / "cycles")
    reads = copy.folder / "model" / "tile" / "reads.py"
    text = reads.read_text(encoding="utf-8")
    assert text.count("filter_step(q, q1, scaling.filter_shift)") == 1
    reads.write_text(text.replace("filter_step(q, q1,", "filter_step(q, r,"), encoding="utf-8")
    assert copy.lock_step("tiny", 2000)["mismatches"] == 0
    assert copy.training()["agree"] is False
