# SPDX-License-Identifier: Apache-2.0
"""Shared by all command lines: one-line errors with exit code 2, output files that appear whole, progress bars."""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.progress import Progress, ProgressColumn, Task
from rich.text import Text

from symtrack.cosim.tools.journal import Journal
from symtrack.model.cache import checkout
from symtrack.model.files import PICTURES
from symtrack.model.files import write_all as write_all
from symtrack.model.files import write_bytes as write_bytes
from symtrack.model.interrupts import interruptible as interruptible
from symtrack.model.spec.config import NAMED
from symtrack.scripts.exit_codes import BAD_INPUT as BAD_INPUT
from symtrack.scripts.exit_codes import FAILED as FAILED
from symtrack.scripts.exit_codes import INTERRUPTED as INTERRUPTED
from symtrack.scripts.exit_codes import program as program
from symtrack.scripts.exit_codes import run as run

PROGRESS_AFTER_S = 2.0  # work shorter than this stays silent


def other(script: str) -> str:
    """How another script of the folder is called where this one was called as `program`."""
    first, subcommand, _ = program().partition(" ")
    return f"{first} {script.replace('_', '-')}" if subcommand else f"{script}.py"


def default_output(name: str) -> Path:
    """Where a command writes that was not told where, relative to the working folder, made when it is written to."""
    return Path("build" if checkout() else "symtrack-output") / name


class _Formatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Shows defaults beside the options and keeps the lines of texts, since a wrapped command cannot be copied."""


class Parser(argparse.ArgumentParser):
    """Argument parser that reports every mistake as one line on standard error and exits with code 2."""

    def __init__(self, description: str, epilog: str | None = None) -> None:
        super().__init__(
            prog=program(),
            description=description,
            epilog=epilog,
            allow_abbrev=False,
            formatter_class=_Formatter,
        )

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """The options; it is bad input if one of them would write a file of another one, see `distinct`."""
        options = super().parse_args(args, namespace)
        self.distinct(options)
        return options

    def distinct(self, options: argparse.Namespace, **known: Iterable[Path]) -> None:
        """Refuse an output that is an input or another output of this command, also under another name by a link.

        known: the files of an option where its `PathType` cannot tell them.
        """
        paths = []
        for action in self._actions:
            kind, value = action.type, getattr(options, action.dest, None)
            if isinstance(kind, PathType) and value is not None:
                name = action.option_strings[0] if action.option_strings else str(action.metavar)
                paths += [(name, kind, file) for file in known.get(action.dest, kind.files(value))]
        for index, (name, kind, file) in enumerate(paths):
            for other_name, other_kind, other_file in paths[index + 1 :]:
                written = kind.written or other_kind.written
                resumed = name in other_kind.replaced_by or other_name in kind.replaced_by
                if written and name != other_name and not resumed and _same(file, other_file):
                    output, path, rest = (name, file, other_name) if kind.written else (other_name, other_file, name)
                    self.error(f"argument {output}: {str(path)!r}: must be another file than that of {rest}")

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {' '.join(message.split())}\n")

    @contextmanager
    def checks(self) -> Iterator[None]:
        """Context that turns complaints of validating constructors into bad input.

        Put only construction and checks of the user's values inside, so that a fault of the program itself keeps its
        traceback.
        """
        try:
            yield
        except (TypeError, ValueError) as error:
            self.error(str(error))


def python_program(text: str) -> str:
    """An interpreter of Python, a path or a name on the search path; argparse names the option."""
    found = shutil.which(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a Python that can be run")
    return found


def integer(low: int, high: int) -> Callable[[str], int]:
    """Argument type: an integer from ``low`` to ``high``."""

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r}: must be an integer from {low} to {high}")
        return value

    return convert


def number(low: float, high: float) -> Callable[[str], float]:
    """Argument type: a finite number from ``low`` to ``high``."""

    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r}: must be a number from {low:g} to {high:g}")
        return value

    return convert


@dataclass(frozen=True)
class PathType:
    """Argument type of paths: every option that names files has one, so that `Parser.distinct` can compare them.

    Attributes
    ----------
    convert : makes the value of the option from its text, or raises ArgumentTypeError.
    written : whether the command writes these files.
    files : the files that a value stands for.
    replaced_by : options that may write the same file, since the run goes on from it.
    """

    convert: Callable[[str], Any]
    written: bool
    files: Callable[[Any], Iterable[Path]] = lambda value: [Path(value)]
    replaced_by: tuple[str, ...] = ()

    def __call__(self, text: str) -> Any:
        """The value of the option."""
        return self.convert(text)


def _same(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file, be it there or not."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return os.path.realpath(one) == os.path.realpath(other)


def _writable_file(text: str) -> Path:
    path = Path(text)
    if (path.exists() and not path.is_file()) or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text!r}: must be a file in an existing, writable folder")
    return path


def _picture_file(text: str) -> Path:
    path = _writable_file(text)
    if picture_format(path) not in PICTURES:
        raise argparse.ArgumentTypeError(f"{text!r}: must end in {', '.join(f'.{form}' for form in PICTURES)}")
    return path


def picture_format(path: Path) -> str:
    """The format that the ending of a file asks for, one of `PICTURES` if the path is of type `picture_file`."""
    return path.suffix[1:].lower()


output_file = PathType(_writable_file, written=True)
"""Argument type: a file that can be written, which is checked before the work instead of after it."""
picture_file = PathType(_picture_file, written=True)
"""The same for a picture, whose ending decides its format."""
journal_file = PathType(Path, written=True)
"""Argument type: a file for `journal`, whose folder is made."""
input_file = PathType(str, written=False)
"""Argument type: a file that is read."""
input_files = PathType(str, written=False, files=lambda texts: map(Path, texts))
"""The same for an option that takes several."""
name_or_toml = PathType(str, written=False, files=lambda text: [Path(text)] if text.endswith(".toml") else [])
"""Argument type: the name of something that comes with the package, or a TOML file."""
resumed_file = PathType(str, written=False, replaced_by=("--checkpoint",))
"""Argument type: a checkpoint from which a run goes on; it may write its own checkpoints to the same file."""


def writable_folder(text: str) -> Path:
    """Argument type: a folder that can be written to, or made, which is checked before the work."""
    folder = Path(text)
    try:
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        writable = there.is_dir() and os.access(there, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a writable folder")
    return folder


def output_folder(*names: str, convert: Callable[[str], Path] = writable_folder) -> PathType:
    """Argument type: a folder that gets files of these names."""
    return PathType(convert, written=True, files=lambda folder: [Path(folder, name) for name in names])


def input_folder(files: Callable[[str], Iterable[Path]]) -> PathType:
    """Argument type: a folder of which ``files`` tells the files that may be read."""
    return PathType(str, written=False, files=files)


def write_text(path: Path, text: str) -> None:
    """Write a text file so that it appears whole or not at all."""
    write_bytes(path, text.encode())


def write_json(path: Path, data: Any) -> None:
    """Write ``data`` as JSON, whole or not at all. Raises ValueError for NaN and infinity."""
    write_text(path, json.dumps(data, indent=2, allow_nan=False) + "\n")


def write_report(path: Path, report: Mapping[str, Any]) -> None:
    """Write figures as `write_json` does, with the version that they come from."""
    write_json(path, {**report, "symtrack_version": version("symtrack")})


class TimeLeft(ProgressColumn):
    """Time left by the mean speed since the start; rich's own begins with the second part that is done."""

    def render(self, task: Task) -> Text:
        """The text of the column."""
        done, elapsed = task.completed, task.elapsed
        if not done or elapsed is None or task.total is None:
            return Text("-:--:-- left", style="progress.remaining")
        left = timedelta(seconds=math.ceil(elapsed * max(task.total - done, 0) / done))
        return Text(f"{left} left", style="progress.remaining")


@contextmanager
def progress(description: str, total: int, *, few: bool = False) -> Iterator[Callable[[int], None]]:
    """Context that gives ``advance(amount)``; shows a bar on standard error if that is a terminal and the work takes
    long. few: whether it has few and long parts.
    """
    start = time.monotonic()
    columns = [*Progress.get_default_columns()[:-1], TimeLeft()] if few else Progress.get_default_columns()
    bar = Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
    task = bar.add_task(description, total=total)
    shown = False

    def advance(amount: int = 1) -> None:
        nonlocal shown
        bar.update(task, advance=amount)
        if not shown and time.monotonic() - start > PROGRESS_AFTER_S:
            bar.start()
            shown = True

    try:
        yield advance
    finally:
        if shown:
            bar.stop()


def to_total(advance: Callable[[int], None]) -> Callable[[int], None]:
    """Adapts ``advance(amount)`` to work that reports its total progress."""
    reached = 0

    def report(value: int) -> None:
        nonlocal reached
        advance(value - reached)
        reached = value

    return report


def config_argument(parser: Parser, default: str | None = None) -> None:
    """Adds the option ``--config``."""
    names = ", ".join(NAMED)
    parser.add_argument(
        "--config",
        type=name_or_toml,
        default=default,
        required=default is None,
        help=f"{names}, or a TOML file with the fields that differ",
    )


def campaign_options(parser: Parser, *, seed_max: int, drawn: str, log: str) -> None:
    """Adds the options of every campaign that can be resumed: ``--seed``, ``--jobs`` and ``--log``.

    log: its default is this name in the folder of `default_output`.
    """
    add = parser.add_argument
    add("--seed", type=integer(0, seed_max), default=1, help=f"seed of the random choice of {drawn}")
    add("--jobs", type=integer(1, 256), default=2, help="number of processes")
    add(
        "--log",
        type=journal_file,
        default=default_output(log),
        metavar="FILE",
        help="journal of the outcomes so far, from which a run goes on",
    )


@contextmanager
def journal(parser: Parser, file: Path, key: str) -> Iterator[Journal]:
    """The journal of ``--log``; if it cannot be kept there, that is bad input."""
    try:
        with parser.checks():
            opened = Journal(file, key)
    except OSError as error:
        parser.error(f"argument --log: {str(file)!r}: must be a file that can be written to ({error.strerror})")
    with opened:
        yield opened
