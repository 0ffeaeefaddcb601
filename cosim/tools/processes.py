# SPDX-License-Identifier: Apache-2.0
"""Pools of worker processes that stop with the command: after Ctrl-C or SIGTERM no worker begins anything new."""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")

_stopped = False  # of a worker: it was told to end


class Pool(ProcessPoolExecutor):
    """A pool of ``jobs`` processes. An exception in its block cancels what has not begun.

    A worker that gets SIGINT or SIGTERM ends its work as by an exception, so that its temporary folders are removed.
    """

    def __init__(self, jobs: int) -> None:
        super().__init__(jobs, initializer=_stoppable)

    def submit(self, work: Callable[..., Result], /, *values: Any, **named: Any) -> Future[Result]:
        """Have a worker call ``work``."""
        return super().submit(_unless_stopped, work, *values, **named)

    def __exit__(self, kind: Any, value: Any, trace: Any) -> bool | None:
        self.shutdown(cancel_futures=kind is not None)
        return None


def _stoppable() -> None:
    """What a worker does first."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)


def _stop(number: int, frame: Any) -> None:
    global _stopped
    if not _stopped:
        _stopped = True
        raise SystemExit(128 + number)


def _unless_stopped(work: Callable[..., Result], *values: Any, **named: Any) -> Result:
    if _stopped:
        raise SystemExit
    return work(*values, **named)
