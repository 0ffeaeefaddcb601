# SPDX-License-Identifier: Apache-2.0
"""Plays one stimulus scenario on RTL and golden model in lock-step and makes the report of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from symtrack.cosim.engine.job import Job, Outcome
from symtrack.cosim.engine.lockstep import Fault
from symtrack.cosim.engine.registry import ENGINES
from symtrack.cosim.stimulus.scenarios import SCENARIOS
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.validated import integral


def play(
    config: TileConfig,
    scenario: str,
    *,
    engine: str,
    cycles: int,
    seed: int,
    verilog: str | None = None,
    waves: Path | None = None,
    faults: tuple[Fault, ...] = (),
    progress: Callable[[int], None] = lambda cycles: None,
) -> tuple[dict[str, Any], Outcome]:
    """Play a scenario on RTL and golden model in lock-step; the report with the keys of ``run_cosim.py --json``."""
    cycles, seed = integral("cycles", cycles), integral("seed", seed)
    function = SCENARIOS[scenario]
    job = Job(config, f"{function.__module__}:{function.__name__}", {"cycles": cycles, "seed": seed}, faults)
    outcome = ENGINES[engine](job, verilog=verilog, waves=waves, progress=progress)
    report = {
        "config": config.name,
        "engine": engine,
        "scenario": scenario,
        "seed": seed,
        **outcome.verdict.as_dict(),
        "cycles_per_second": outcome.verdict.cycles / outcome.seconds,
        "result": outcome.result,
    }
    return report, outcome
