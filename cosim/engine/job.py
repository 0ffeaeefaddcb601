# SPDX-License-Identifier: Apache-2.0
"""Jobs of cosimulation: what a job sees of an engine, how it is described, and its life cycle in every engine.

A *job* is a function ``job(bench, **arguments)``; it runs *programs*, generators that yield the inputs of a cycle and
get its outputs. Neither knows which engine plays the cycles, and both see the checker only through `MismatchError`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol

from symtrack.cosim.engine.lockstep import Checker, Fault, MismatchError, Program, State, Verdict
from symtrack.model.spec.config import TileConfig
from symtrack.model.tile.interface import PeripheryLike


class Bench(Protocol):
    """One tile in one engine, in lock-step with its golden twin."""

    config: TileConfig
    widths: dict[str, int]
    aside_s: float  # processor time of builds and evaluations while a job runs, not of its cycles

    @property
    def cycles(self) -> int:
        """Clock cycles played so far."""

    def run(self, program: Program) -> Any:
        """Play the cycles of ``program``; its return value. Raises `MismatchError` at the first difference."""

    def read_state(self) -> State:
        """State arrays of the RTL, named as the golden model names them; only those that the netlist still shows."""

    def progress(self, done: int) -> None:
        """Tell how much of the job is done, in its own unit."""

    def periphery(self, config: TileConfig) -> PeripheryLike:
        """What drives the tile of ``config`` in a training: RTL for the bench's own, RTL or golden for others."""


class JudgedBench(Bench, Protocol):
    """A bench as its engine sees it: what was compared, and the comparison of all final states."""

    checker: Checker

    @property
    def compared(self) -> int:
        """Cycles in which every output was compared."""

    def compare_states(self) -> tuple[int, list[str]]:
        """Compare all final states with the golden ones: the number of words, and the arrays that could not be read."""


@dataclass
class Job:
    """What to run: ``function`` as ``module:name``, called as ``function(bench, **arguments)``.

    own_netlist: the Verilog is that of the configuration, so all state must be found in it. record: compare every
    output of every cycle; without it the native engine compares nothing, which is left to who sees the results.
    """

    config: TileConfig
    function: str
    arguments: dict[str, Any] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    record: bool = True
    own_netlist: bool = True


@dataclass
class Outcome:
    """What came of a job: verdict, processor time of the simulation, the job's own result (None if it was stopped)."""

    verdict: Verdict
    seconds: float
    result: Any = None


Engine = Callable[..., Outcome]


@contextmanager
def aside(bench: Bench) -> Iterator[None]:
    """The processor time of the block, with the builds in it, is no part of that of the simulation."""
    begin, before = time.process_time(), bench.aside_s
    yield
    bench.aside_s = before + time.process_time() - begin


def carry_out(job: Job, bench: JudgedBench) -> Outcome:
    """Run a job on a bench that is ready for its first cycle, and compare the final states."""
    module, _, name = job.function.partition(":")
    function = getattr(import_module(module), name)
    verdict, result = Verdict(), None
    bench.aside_s = 0.0
    begin = time.process_time()
    try:
        result = function(bench, **job.arguments)
        verdict.states_compared, verdict.states_hidden = bench.compare_states()
    except MismatchError as mismatch:
        verdict.mismatches = 1
        verdict.first_mismatch = mismatch.difference
        verdict.states_compared = bench.checker.states_compared
    seconds = time.process_time() - begin - bench.aside_s
    verdict.cycles, verdict.compared_cycles = bench.cycles, bench.compared
    return Outcome(verdict, seconds, result)
