# SPDX-License-Identifier: Apache-2.0
"""How a command ends: its exit codes, and one line on standard error where the user or the machine stops it.

This is apart from `scripts.common` since ``symtrack --help`` ends in the same way and needs nothing else of it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from symtrack.model.cache import VariableError

FAILED = 1  # the work was done or tried, and its result is bad
BAD_INPUT = 2
INTERRUPTED = 130


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

    The code is 130, with one line, where the user interrupts it; 2 where a variable of the environment has a value that
    it cannot have; and 1 where the machine fails, as a full disk does, or, without a line, where nobody reads what is
    printed any more, as after ``| head``. What cannot be printed ends no work: the files are written all the same.
    """
    streams = sys.stdout, sys.stderr
    output = sys.stdout = Terminal(sys.stdout)
    sys.stderr = Terminal(sys.stderr)
    try:
        _run(main, output)
    finally:
        sys.stdout, sys.stderr = streams


def _run(main: Callable[[], int], output: Terminal) -> NoReturn:
    try:
        code: int | str | None
        try:
            code = main()
        except SystemExit as stop:  # of a parser, whose help may be what nobody reads
            code = stop.code
        output.flush()
        if output.error and not code:
            raise output.error
        sys.exit(code)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        _end(INTERRUPTED)
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
