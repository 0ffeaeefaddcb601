# SPDX-License-Identifier: Apache-2.0
"""Test designs: tiles with one deliberate error, and short lock-step runs on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from amaranth.hdl import Module

from symtrack.cosim.engine.cocotb.engine import run_job
from symtrack.cosim.engine.job import Job, Outcome
from symtrack.cosim.engine.lockstep import Fault
from symtrack.model.spec.config import NAMED, TileConfig


def with_other_polynomial(config: TileConfig, index: int) -> TileConfig:
    """The configuration with another primitive polynomial in one row source; equal to it as far as fields go."""
    bent = config.replace()
    sources = list(config.row_bank.sources)
    sources[index] = replace(sources[index], polynomial=config.chopper_source.polynomial)
    # A cached property lives in the instance's dictionary, which a frozen dataclass does not guard.
    bent.__dict__["row_bank"] = replace(config.row_bank, sources=tuple(sources))
    return bent


def random_run(
    name: str, *, cycles: int, seed: int = 1, faults: tuple[Fault, ...] = (), verilog: str | None = None, **more: Any
) -> Outcome:
    """Play the random scenario on the cocotb engine."""
    job = Job(NAMED[name], "symtrack.cosim.stimulus.random:random", {"cycles": cycles, "seed": seed}, faults)
    return run_job(job, verilog=verilog, **more)


def elaborated_with(module: ModuleType, component: type, place: str, error: str) -> Callable[..., Module]:
    """The ``elaborate`` method of a component with ``error`` in its source in place of ``place``."""
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    assert source.count(place) == 1
    names: dict[str, Any] = {"__name__": module.__name__}
    exec(source.replace(place, error), names)
    elaborate: Callable[..., Module] = names[component.__name__].elaborate
    return elaborate
