# SPDX-License-Identifier: Apache-2.0
"""Tests of how commands end where what they print cannot be written: quietly if nobody reads it, else with one line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.paths import ROOT

CALLS = {
    "overview": ["-m", "symtrack", "--help"],
    "version": ["-m", "symtrack", "--version"],
    "help of a command": ["-m", "symtrack", "cache", "--help"],
    "command": ["-m", "symtrack", "cache"],
    "script": ["scripts/cache.py"],
}


def ended(arguments: list[str], output: int, *options: str) -> tuple[int, str]:
    """Exit code and errors of Python with this standard output, which is buffered without options."""
    done = subprocess.run(
        [sys.executable, *options, *arguments],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.fixture
def unread() -> Iterator[int]:
    """A pipe that nobody reads, as after ``| head -1``, here from the beginning."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@pytest.mark.parametrize("arguments", CALLS.values(), ids=CALLS)
def test_nothing_is_said_where_nobody_reads(arguments: list[str], unread: int) -> None:
    assert ended(arguments, unread) == (1, "")


def test_nor_where_what_is_printed_is_written_at_once(unread: int) -> None:
    assert ended(CALLS["overview"], unread, "-u") == (1, "")


@pytest.mark.parametrize(("arguments", "name"), [(CALLS["overview"], "symtrack"), (CALLS["script"], "cache.py")])
def test_a_full_disk_is_told_in_one_line(arguments: list[str], name: str) -> None:
    with open("/dev/full", "w") as full:
        assert ended(arguments, full.fileno()) == (1, f"{name}: No space left on device\n")
