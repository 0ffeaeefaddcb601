# SPDX-License-Identifier: Apache-2.0
"""Tests of journals: entries are read back, a line cut off is dropped, and nothing else is lost or added."""

from __future__ import annotations

from pathlib import Path

import pytest

from symtrack.cosim.tools.journal import Journal


def left(file: Path, key: str, *entries: dict[str, int]) -> list[dict[str, int]]:
    """The entries that were there before; then others are added."""
    with Journal(file, key) as journal:
        for entry in entries:
            journal.append(entry)
        return journal.entries


def test_entries_of_the_same_key_come_back(tmp_path: Path) -> None:
    file = tmp_path / "new" / "journal"
    assert left(file, "a", {"n": 1}, {"n": 2}) == []
    assert left(file, "b", {"n": 3}) == []
    assert left(file, "a", {"n": 4}) == [{"n": 1}, {"n": 2}]
    assert left(file, "a") == [{"n": 1}, {"n": 2}, {"n": 4}]
    assert left(file, "b") == [{"n": 3}]


@pytest.mark.parametrize("cut", [1, 2, 7])
def test_a_line_that_was_cut_off_is_dropped(tmp_path: Path, cut: int) -> None:
    file = tmp_path / "journal"
    left(file, "a", {"n": 1}, {"n": 2})
    file.write_bytes(file.read_bytes()[:-cut])
    assert left(file, "a", {"n": 3}) == [{"n": 1}]
    assert left(file, "a") == [{"n": 1}, {"n": 3}]


@pytest.mark.parametrize("line", ["{", "[]", "7", '{"n": 1}', ""])
def test_other_lines_are_refused_and_left_alone(tmp_path: Path, line: str) -> None:
    file = tmp_path / "journal"
    left(file, "a", {"n": 1})
    text = file.read_text() + line + "\n"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"journal, line 2: must be what an earlier run has written$"):
        Journal(file, "a")
    assert file.read_text() == text
