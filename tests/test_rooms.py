# SPDX-License-Identifier: Apache-2.0
"""Tests that every file of the tile has its twin and its test, or a row in docs/architecture.md that names them."""

from __future__ import annotations

import re

import pytest

from symtrack.cosim.tools.changed_tests import nearest_tests
from tests.paths import ROOT

ROOMS = ("hdl/tile", "hdl/parts", "hdl/controller", "model/tile")
FILES = [
    path.relative_to(ROOT).as_posix()
    for room in ROOMS
    for path in sorted((ROOT / room).glob("*.py"))
    if path.name != "__init__.py"
]


def table() -> dict[str, tuple[set[str], set[str]]]:
    """Of every file with a row, the files that describe it again and its tests."""
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `((?:hdl|model)/[\w/]+\.py)` \|([^|]*)\|([^|]*)\|$", text, re.M)
    return {
        file: (set(re.findall(r"`(model/[\w/]+\.py)", twins)), set(re.findall(r"`(tests/[\w/]+\.py)`", tests)))
        for file, twins, tests in rows
    }


def own_test(file: str) -> str:
    """The test that has the name of a file."""
    folder, _, name = file.rpartition("/")
    return f"tests/{folder}/test_{name}"


ROWS = table()


def needs_twin(file: str) -> bool:
    """Whether a row has to say where a block of the tile is described again."""
    return file.startswith("hdl/tile/") and not (ROOT / file.replace("hdl/", "model/", 1)).is_file()


def needs_test(file: str) -> bool:
    """Whether a row has to say what tests a file."""
    return not (ROOT / own_test(file)).is_file()


def test_rooms_have_files() -> None:
    assert len(FILES) > 40
    assert not needs_twin("hdl/tile/low_pass.py")
    assert not needs_test("hdl/tile/low_pass.py")
    assert needs_twin("hdl/tile/symmetric_point.py")
    assert needs_test("hdl/controller/axi_lite.py")


@pytest.mark.parametrize("file", FILES)
def test_a_file_has_its_twin_and_its_test_or_a_row(file: str) -> None:
    twins, tests = ROWS.get(file, (set(), set()))
    assert bool(twins) == needs_twin(file), f"{file}: where is it described again? See docs/architecture.md"
    assert bool(tests) == needs_test(file), f"{file}: which tests are its own? See docs/architecture.md"
    assert all((ROOT / name).is_file() for name in twins)


@pytest.mark.parametrize("file", ROWS)
def test_the_table_names_tests_that_use_the_file(file: str) -> None:
    assert file in FILES
    assert ROWS[file][1] <= set(nearest_tests(ROOT, [file]))
