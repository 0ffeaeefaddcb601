"""Designs with one deliberate error, and short runs on them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cosim.bench import Job, Outcome
from cosim.cocotb_engine import run_job
from cosim.lockstep import Fault
from model.config import NAMED, TileConfig


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
    """The random scenario on the cocotb engine."""
    job = Job(NAMED[name], "cosim.scenarios:random", {"cycles": cycles, "seed": seed}, faults)
    return run_job(job, verilog=verilog, **more)
