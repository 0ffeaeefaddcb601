# SPDX-License-Identifier: Apache-2.0
"""Decides whether threads share the updates of an array, by how long updates take: a busy machine makes sharing slow.

Threads that share an update wait for each other. Where another program has the second core, that is a time slice of the
system, many times what one thread would take alone. So both ways are timed as the work goes on, and the faster one is
taken. The other is tried again as soon as all trials together took at most 1 / TRIAL of the time. No result depends on
the choice.
"""

from __future__ import annotations

TRIAL = 50  # a trial of the slower way may take so small a part of the time
_SMOOTH = 8  # of so many updates is the time of one the mean, about


class Sharing:
    """The choice for one array.

    Usage: ``alone = sharing.alone()``, an update in that way, ``sharing.took(alone, ns, work)``.
    """

    def __init__(self) -> None:
        self._rates: dict[bool, float] = {}  # ns for a unit of work, alone (True) or shared (False)
        self._warm: set[bool] = set()
        self._spent = 0  # ns since the last trial
        self._trial_ns = 0  # what that took

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
