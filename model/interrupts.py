# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C for work that may stop between two steps and nowhere else."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Context that gives ``stopped()``, true after Ctrl-C, for work that stops where it may; a second one ends it at
    once. In a thread other than the main one, which signals do not reach, it is never true.
    """
    pressed = False

    def note(number: int, frame: object) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)
