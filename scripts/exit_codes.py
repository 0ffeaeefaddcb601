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
from typing import NoReturn

from symtrack.model.cache import VariableError

FAILED = 1  # the work was done or tried, and its result is bad
BAD_INPUT = 2
INTERRUPTED = 130


def program() -> str:
    """Name of this command in its messages: ``train.py``, or ``symtrack train``."""
    return Path(sys.argv[0]).name


def run(main: Callable[[], int]) -> NoReturn:
    """Entry point of a script, which ends with its exit code.

    The code is 130, with one line, where the user interrupts it; 2 where a variable of the environment has a value that
    it cannot have; and 1 where the machine fails, as a full disk does, or, without a line, where nobody reads what is
    printed any more, as after ``| head``.
    """
    try:
        code: int | str | None
        try:
            code = main()
        except SystemExit as stop:  # of a parser, whose help may be what nobody reads
            code = stop.code
        sys.stdout.flush()
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
    """Exit; what was printed and cannot be written is dropped, or the interpreter would fail at it again."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
