# SPDX-License-Identifier: Apache-2.0
"""Runs the cases of a study, each once, in processes that share a `Store`: on one machine or on several.

A study that is stopped loses only what is in work, and goes on where it was; on another machine it goes on from what
its document has recorded.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path

from symtrack.model.semantics import EARLIER
from symtrack.model.study.case import GOLDEN, Case, key
from symtrack.model.study.execution import golden
from symtrack.model.study.store import Result, Store

Runner = Callable[[Case], Result]
PAUSE = 0.5  # seconds between two looks at what others do
_stop: Event | None = None  # of a process of a pool


def runner_of(case: Case, runners: Mapping[str, Runner]) -> Runner:
    """What runs a case.

    Raises
    ------
    ValueError
        Nothing here runs such cases.
    """
    known = {GOLDEN: golden, **runners}
    if case.kind not in known:
        raise ValueError(f"kind = {case.kind!r}: must be one of {', '.join(known)}, which can be run here")
    return known[case.kind]


def newest(case: Case, store: Store) -> Result | None:
    """Its result, or else that of the newest of the `EARLIER` semantics, which are then its ``semantics``."""
    if (found := store.get(key(case))) is not None:
        return found
    for semantics in EARLIER:
        if (found := store.get(key(case, semantics))) is not None:
            return found | {"semantics": semantics}
    return None


def missing(cases: Sequence[Case], store: Store) -> dict[str, Case]:
    """Those without a result by their keys, the first seed of everything before the second."""
    found: dict[str, Case] = {}
    for case in sorted(cases, key=lambda case: case.run.seed):
        found.setdefault(key(case), case)
    return {name: case for name, case in found.items() if store.get(name) is None}


def shard(cases: Sequence[Case], number: int, of: int) -> list[Case]:
    """The part with a number, from 1 on, of so many parts; every case is in one of them."""
    return [case for case in cases if int(key(case), 16) % of == number - 1]


def run_all(
    cases: Sequence[Case],
    store: Store,
    jobs: int = 1,
    progress: Callable[[int], None] = lambda count: None,
    runners: Mapping[str, Runner] | None = None,
) -> None:
    """Run what is `missing`, in ``jobs`` processes, and tell ``progress`` of every one, also of those of others.

    ``runners``, by the kind of their cases, must be functions of modules. An exception of a case ends the study and
    names the case.
    """
    left = missing(cases, store)
    if jobs == 1 or len(left) < 2:
        _work(left, store, runners or {}, progress)
        return
    context = get_context("spawn")
    stop, count = context.Event(), len(left)
    pool = ProcessPoolExecutor(min(jobs, count), context, initializer=_begin, initargs=(stop,))
    try:
        futures = [pool.submit(_work_in, left, store.folder, runners or {}) for _ in range(min(jobs, count))]
        going = True
        while going:
            done, others = wait(futures, PAUSE, FIRST_EXCEPTION)
            store.refresh()
            now = sum(store.get(name) is None for name in left)
            if now < count:
                progress(count - now)
                count = now
            for future in done:
                future.result()
            going = bool(others)
    finally:
        stop.set()  # what is in work is kept, since a worker writes it
        pool.shutdown(cancel_futures=True)


def _begin(stop: Event) -> None:
    """Ctrl-C in a terminal ends the processes of a pool at once and without their tracebacks."""
    global _stop  # a pool hands nothing else to its processes
    _stop = stop
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _work_in(left: Mapping[str, Case], folder: Path, runners: Mapping[str, Runner]) -> None:
    parent = os.getppid()
    _work(left, Store(folder), runners, stopped=lambda: bool(_stop and _stop.is_set()) or os.getppid() != parent)


def _work(
    left: Mapping[str, Case],
    store: Store,
    runners: Mapping[str, Runner],
    progress: Callable[[int], None] = lambda count: None,
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Run cases that nobody else runs until all have results."""
    left = dict(left)
    while left and not stopped():
        mine = 0
        for name, case in list(left.items()):
            if stopped():
                return
            if store.get(name) is None:
                with store.claim(name) as claimed:
                    if claimed:
                        store.add(name, _run(case, runners), {"experiment": case.experiment, **dict(case.labels)})
                        mine += 1
            if store.get(name) is not None:
                del left[name]
                progress(1)
        if left and not mine:
            time.sleep(PAUSE)  # the rest is in work elsewhere
            store.refresh()


def _run(case: Case, runners: Mapping[str, Runner]) -> Result:
    try:
        return runner_of(case, runners)(case)
    except Exception as error:
        error.add_note(f"in {case.experiment}: {', '.join(f'{name} = {value}' for name, value in case.labels)}")
        raise
