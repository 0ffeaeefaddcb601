# SPDX-License-Identifier: Apache-2.0
"""How a command ends: its exit codes, and one line on standard error where the user or the machine stops it.

This is apart from `scripts.common` since ``symtrack --help`` ends in the same way and needs nothing else of it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from symtrack.model.cache import VariableError

FAILED = 1  # the work was done or tried, and its result is bad
BAD_INPUT = 2
INTERRUPTED = 130
TERMINATED = 128 + signal.SIGTERM


def program() -> str:
    """Name of this command in its messages: ``train.py``, or ``symtrack train``."""
    return Path(sys.argv[0]).name


class Terminal:
    """A standard stream that never fails: work goes on where what it prints cannot be written, and keeps its results.

    Characters that the stream's encoding does not have are replaced.

    Attributes
    ----------
    error : the first failure, after which everything is dropped.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream if stream is not None else open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        self.error: OSError | None = None
        if getattr(self._stream, "errors", None) in ("strict", "surrogateescape"):
            with suppress(AttributeError, OSError):
                self._stream.reconfigure(errors="replace")

    def write(self, text: str) -> int:
        """Write a text; its length."""
        try:
            self._stream.write(text)
        except OSError as error:
            self._drop(error)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        try:
            self._stream.flush()
        except OSError as error:
            self._drop(error)

    def _drop(self, error: OSError) -> None:
        """Keep the first error; what is printed from now on is dropped, as is what the stream has in its buffer."""
        self.error = self.error or error
        with suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def run(main: Callable[[], int]) -> NoReturn:
    """Entry point of a script, which ends with its exit code.

    The code is 130, with one line, where the user interrupts it, and 143 where SIGTERM does; 2 where a variable of the
    environment has a value that it cannot have; and 1 where the machine fails, as a full disk does, or, without a line,
    where nobody reads what is printed any more, as after ``| head``. What cannot be printed ends no work: the files are
    written all the same.
    """
    streams = sys.stdout, sys.stderr
    output = sys.stdout = Terminal(sys.stdout)
    sys.stderr = Terminal(sys.stderr)
    try:
        with _ended_as_by_ctrl_c() as signals:
            _run(main, output, signals)
    finally:
        sys.stdout, sys.stderr = streams


@contextmanager
def _ended_as_by_ctrl_c() -> Iterator[list[int]]:
    """Context in which SIGTERM and SIGHUP do what Ctrl-C does, which a terminal sends to all processes of a command.

    A cluster sends SIGTERM to one process before it kills it. What the command has started gets it, too: a simulator
    or a compiler ends, and a worker leaves its temporary folders as if it had failed. Gives the signals that came.
    """
    came: list[int] = []
    owner = os.getpid()

    def end(number: int, frame: Any) -> None:
        if os.getpid() != owner:  # a worker that was forked
            raise SystemExit(TERMINATED)
        came.append(number)
        for process in descendants(owner):
            with suppress(OSError):
                os.kill(process, signal.SIGTERM)
        pressed = signal.getsignal(signal.SIGINT)
        (pressed if callable(pressed) else signal.default_int_handler)(signal.SIGINT, frame)

    before = {}
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:  # one that is ignored stays so, as after nohup
            with suppress(ValueError):  # signals are for the main thread alone
                before[number] = signal.signal(number, end)
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def descendants(process: int) -> list[int]:
    """The processes that a process has started, with those that these have started; none where there is no /proc."""
    parents: dict[int, int] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            parents[int(file.parent.name)] = int(file.read_text(errors="replace").rpartition(")")[2].split()[1])
    found, new = [], [process]
    while new:
        new = [child for child, parent in parents.items() if parent in new]
        found += new
    return found


def _run(main: Callable[[], int], output: Terminal, signals: list[int]) -> NoReturn:
    try:
        code: int | str | None
        try:
            code = main()
        except SystemExit as stop:  # of a parser, whose help may be what nobody reads
            code = stop.code
        output.flush()
        if output.error and not code:
            raise output.error
        sys.exit(128 + signals[0] if signals and code == INTERRUPTED else code)
    except KeyboardInterrupt:
        print("terminated" if signals else "interrupted", file=sys.stderr)
        _end(128 + signals[0] if signals else INTERRUPTED)
    except VariableError as error:
        print(f"{program()}: {error}", file=sys.stderr)
        _end(BAD_INPUT)
    except BrokenProcessPool:
        print(f"{program()}: a process of its own was killed, as where memory runs out", file=sys.stderr)
        _end(FAILED)
    except BrokenPipeError:
        _end(FAILED)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"{program()}: {where}{error.strerror or error}", file=sys.stderr)
        _end(FAILED)


def _end(code: int) -> NoReturn:
    """Exit, with what was printed first."""
    sys.stdout.flush()
    sys.exit(code)
