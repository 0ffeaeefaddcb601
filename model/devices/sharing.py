# SPDX-License-Identifier: Apache-2.0
"""Decides whether threads share work on an array, by how long it takes: a busy machine makes sharing slow.

Threads that share an update or a product wait for each other. Where another program has the second core, that is a time
slice of the system, many times what one thread would take alone. So both ways are timed as the work goes on, and the
faster one is taken. The other is tried again as soon as all trials together took at most 1 / TRIAL of the time. No
result depends on the choice.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns
from typing import TypeVar

import numba

THREADS_MAX: int = numba.config.NUMBA_NUM_THREADS  # what the machine offers, or the variable of that name says
TRIAL = 50  # a trial of the slower way may take so small a part of the time
_SMOOTH = 8  # of so many updates is the time of one the mean, about


_Result = TypeVar("_Result")


class Sharing:
    """The choice for one kind of work with at most so many threads.

    Usage: `run`, or ``alone = sharing.alone()``, the work in that way, ``sharing.took(alone, ns, work)``.
    """

    def __init__(self, threads: int = 1) -> None:
        self.threads = min(threads, THREADS_MAX)
        self._rates: dict[bool, float] = {}  # ns for a unit of work, alone (True) or shared (False)
        self._warm: set[bool] = set()
        self._spent = 0  # ns since the last trial
        self._trial_ns = 0  # what that took

    def run(
        self,
        worth: bool,
        alone: Callable[[], _Result],
        together: Callable[[int], _Result],
        work: Callable[[_Result], int],
    ) -> _Result:
        """What the work gives, done by one thread or by all.

        Parameters
        ----------
        worth
            There is enough to be done for more than one.
        alone, together
            The work, the second with the number of threads.
        work
            How much it was, in any unit, from what it gave.
        """
        if self.threads == 1 or not worth:
            return alone()
        by_one, start = self.alone(), perf_counter_ns()
        if by_one:
            result = alone()
        else:
            numba.set_num_threads(self.threads)
            result = together(self.threads)
        self.took(by_one, perf_counter_ns() - start, work(result))
        return result

    def alone(self) -> bool:
        """Whether one thread should do the next update."""
        for way in (True, False):
            if way not in self._rates:
                return way
        faster = self._rates[True] <= self._rates[False]
        return not faster if self._spent >= TRIAL * self._trial_ns else faster

    def took(self, alone: bool, ns: int, work: int) -> None:
        """An update of so much work, in any unit, took ``ns`` nanoseconds that way."""
        if alone not in self._warm:  # which may have compiled or read a kernel
            self._warm.add(alone)
            return
        rate = ns / max(work, 1)
        known = self._rates.get(alone)
        other = self._rates.get(not alone)
        if known is None or (other is not None and known > other):  # the first of its kind, or a trial
            self._rates[alone] = rate
            self._spent, self._trial_ns = 0, ns
            return
        self._rates[alone] = mean = known + (rate - known) / _SMOOTH
        self._spent += ns
        if other is not None and mean > other:  # it is the slower way now
            self._spent, self._trial_ns = 0, ns
