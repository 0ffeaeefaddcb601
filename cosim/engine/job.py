"""What a job sees of an engine, and how an engine is asked to run one.

A *job* is a function ``job(bench, **arguments)``; it runs *programs*, generators that yield the inputs of a cycle and
get its outputs. Neither knows which engine plays the cycles, and both see the checker only through `MismatchError`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from symtrack.cosim.engine.lockstep import Fault, State, Verdict
from symtrack.cosim.engine.streams import Program
from symtrack.model.spec.config import TileConfig
from symtrack.model.tile.interface import PeripheryLike


class Bench(Protocol):
    """One tile in one engine, in lock-step with its golden twin."""

    config: TileConfig
    widths: dict[str, int]

    @property
    def cycles(self) -> int:
        """Clock cycles played so far."""

    def run(self, program: Program) -> Any:
        """Play the cycles of ``program``; its return value. Raises `MismatchError` at the first difference."""

    def read_state(self) -> State:
        """State arrays of the RTL, named as the golden model names them; only those that the netlist still shows."""

    def progress(self, done: int) -> None:
        """Tell how much of the job is done, in its own unit."""

    def layer(self, config: TileConfig) -> PeripheryLike:
        """What drives the layer of ``config`` in a training: RTL for the bench's own, RTL or golden for others."""


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
    """What came of a job: verdict, seconds the simulation took, and the job's own result (None if it was stopped)."""

    verdict: Verdict
    seconds: float
    result: Any = None


Engine = Callable[..., Outcome]
