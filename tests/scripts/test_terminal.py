# SPDX-License-Identifier: Apache-2.0
"""Tests that no failure of the terminal costs results: files are written first, and what it cannot show is replaced."""

from __future__ import annotations

import ast
import errno
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from symtrack.scripts import cli
from symtrack.scripts.exit_codes import Terminal, run
from tests.paths import ROOT

PULSES = "pulse,direction,conductance\n" + "".join(f"{k},1,{k / 40:.3f}\n" for k in range(20))
COMMANDS = {  # with the files that they must leave
    "train --task weight-programming --algorithm tt-v2 --steps 3 --json o.json --checkpoint r.npz": ["o.json", "r.npz"],
    "calibrate --rows 2 --columns 2 --dw-min 0.05 --pulses 4 --json o.json --plot o.png --offsets o.npz": [
        "o.json",
        "o.npz",
        "o.png",
    ],
    "characterize-device --device ecram --json o.json --pulses o.csv": ["o.csv", "o.json"],
    "generate-verilog --config tiny --out µ": ["µ"],
    "cache --json o.json": ["o.json"],
}


@contextmanager
def closed_pipe() -> Iterator[int]:
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@contextmanager
def full_disk() -> Iterator[int]:
    with open("/dev/full", "w") as full:
        yield full.fileno()


def ended(command: str, folder: Path, *, output: int, errors: int = subprocess.PIPE, **more: str) -> tuple[int, str]:
    """Exit code and errors of a command whose every print is written at once."""
    done = subprocess.run(
        [sys.executable, "-u", "-m", "symtrack", *command.split()],
        cwd=folder,
        env=os.environ | more,
        stdout=output,
        stderr=errors,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr or ""


TERMINALS = {"pipe": (closed_pipe, ""), "disk": (full_disk, "No space left on device\n")}
FAST = [("pipe", "train"), ("disk", "cache")]  # the others are slow: each takes a process of its own


@pytest.mark.parametrize(
    ("command", "terminal", "error"),
    [
        pytest.param(
            command,
            *TERMINALS[kind],
            id=f"{kind}-{command}",
            marks=[] if (kind, command.split()[0]) in FAST else pytest.mark.slow,
        )
        for kind in TERMINALS
        for command in COMMANDS
    ],
)
def test_files_are_written_where_nothing_can_be_printed(
    command: str, terminal: object, error: str, tmp_path: Path
) -> None:
    assert callable(terminal)
    with terminal() as output:
        code, told = ended(command, tmp_path, output=output)
    assert (code, told) == (1, error and f"symtrack {command.split()[0]}: {error}")
    assert sorted(path.name for path in tmp_path.iterdir()) == COMMANDS[command]


def test_nor_does_it_matter_where_errors_go(tmp_path: Path) -> None:
    with full_disk() as full:
        assert ended("cache --json o.json", tmp_path, output=full, errors=full)[0] == 1
        assert ended("cache --json p.json", tmp_path, output=subprocess.DEVNULL, errors=full)[0] == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["o.json", "p.json"]


def test_a_terminal_that_is_closed_is_none(tmp_path: Path) -> None:
    line = f"exec {sys.executable} -m symtrack cache --json o.json >&- 2>&-"
    assert subprocess.run(["sh", "-c", line], cwd=tmp_path, check=False).returncode == 0
    assert (tmp_path / "o.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "ascii:strict", "latin-1"])
def test_characters_that_cannot_be_shown_are_replaced(encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "out"
    for command in ("generate-verilog --config tiny --out Δ", "demo --help"):
        with file.open("w") as output:
            assert ended(command, tmp_path, output=output.fileno(), PYTHONIOENCODING=encoding) == (0, "")
        assert b"?" in file.read_bytes() or encoding == "latin-1"
    assert (tmp_path / "Δ/symtrack_tiny.v").exists()


def test_the_first_failure_is_kept_and_the_rest_is_dropped() -> None:
    class Failing(io.StringIO):
        calls = 0

        def write(self, text: str) -> int:
            self.calls += 1
            raise OSError(errno.EIO if self.calls == 1 else errno.ENOSPC, "gone")

    stream = Terminal(Failing())
    print("one", file=stream)  # type: ignore[arg-type]
    print("two", file=stream)  # type: ignore[arg-type]
    assert stream.error is not None
    assert stream.error.errno == errno.EIO


@pytest.mark.parametrize(("code", "ends_with"), [(0, 1), (2, 2), (130, 130)])
def test_a_failure_of_the_terminal_hides_no_other(
    code: int, ends_with: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)

        def main() -> int:
            print("something")
            return code

        with pytest.raises(SystemExit) as stop:
            run(main)
        assert sys.stdout is full
    assert stop.value.code == ends_with


def calls(function: ast.FunctionDef) -> Iterator[tuple[int, str]]:
    """Line and name of what a function calls: ``print`` if that is to standard output, and functions by their names."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name == "print" and any(word.arg == "file" for word in node.keywords):
                continue
            yield node.lineno, name


def test_every_command_writes_its_files_before_it_prints() -> None:
    """Not demo, which takes minutes and tells of each step, nor the remarks of fit-device on its data."""
    seen = 0
    for module in [*map(cli.module_of, cli.COMMANDS), "mutation"]:
        if module in ("demo", "fit_device"):
            continue
        tree = ast.parse((ROOT / f"scripts/{module}.py").read_text(encoding="utf-8"))
        for function in [node for node in tree.body if isinstance(node, ast.FunctionDef)]:
            found = list(calls(function))
            printed = [line for line, name in found if name == "print"]
            written = [line for line, name in found if name.startswith("write_") or name == "written"]
            if module == "synthesize":  # one way writes a document and ends there
                written = [line for line, name in found if name == "write_report"]
                printed = [line for line in printed if line > min(written, default=line)]
            if printed and written:
                seen += 1
                assert max(written) < min(printed), f"{module}: {function.name}"
    assert seen >= 10
