"""What a job sees of an engine, and how an engine is asked to run one.

A *job* is a function ``job(bench, **arguments)``; it runs *programs*, generators that yield the inputs of a cycle and
get its outputs. Neither knows which engine plays the cycles, and both see the checker only through `MismatchError`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from cosim.lockstep import Checker, Fault, State, Verdict
from cosim.streams import Program
from model.config import TileConfig


class Bench(Protocol):
    """One tile in one engine, in lock-step with its golden twin."""

    config: TileConfig
    widths: dict[str, int]
    checker: Checker

    def run(self, program: Program) -> Any:
        """Play the cycles of ``program``; its return value. Raises `MismatchError` at the first difference."""

    def read_state(self) -> State:
        """State arrays of the RTL, named as the golden model names them; only those that the netlist still shows."""


@dataclass
class Job:
    """What to run: ``function`` as ``module:name``, called as ``function(bench, **arguments)``."""

    config: TileConfig
    function: str
    arguments: dict[str, Any] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()


@dataclass
class Outcome:
    """What came of a job: verdict, seconds the simulation took, and the job's own result (None if it was stopped)."""

    verdict: Verdict
    seconds: float
    result: Any = None


Engine = Callable[..., Outcome]
