# SPDX-License-Identifier: Apache-2.0
"""Benchmarks of the RTL engines: clock cycles per second, and seconds per epoch with RTL in the loop."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from symtrack.cosim.engine.job import Bench, Job, Outcome
from symtrack.cosim.engine.lockstep import MismatchError
from symtrack.cosim.engine.registry import ENGINES
from symtrack.model.analysis.speed import epoch_figures, epoch_times, spread
from symtrack.model.spec.config import TileConfig
from symtrack.model.tasks.task import TASKS
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer

COCOTB_CYCLES = 10_000
NATIVE_CYCLES = 300_000

RUNS = {
    "cocotb": ("cocotb", COCOTB_CYCLES, True),
    "native": ("native", NATIVE_CYCLES, False),
    "native_recorded": ("native", NATIVE_CYCLES, True),
}


def play(job: Job, engine: str) -> Outcome:
    """Play a job whose speed is measured; raises `MismatchError` if it found a difference."""
    outcome = ENGINES[engine](job)
    if outcome.verdict.first_mismatch is not None:
        raise MismatchError(outcome.verdict.first_mismatch)
    return outcome


def cosim_speed(
    config: TileConfig, *, repeats: int, seed: int, quick: bool = False, runs: Sequence[str] = tuple(RUNS)
) -> dict[str, Any]:
    """Both engines on one configuration, or some of `RUNS`, in turn: medians of cycles per second and their spread.

    ``cocotb`` and ``native_recorded`` compare every output of every cycle; ``native`` compares none, but its final
    state must be that of ``native_recorded``. The first round, which builds and warms up, does not count.
    """
    shrink = 50 if quick else 1
    rates: dict[str, list[float]] = {key: [] for key in runs}
    for measured in (False, *[True] * repeats):
        states = {}
        for key in runs:
            engine, cycles, record = RUNS[key]
            arguments = {"cycles": cycles // shrink if measured else 1000, "seed": seed}
            outcome = play(
                Job(config, "symtrack.cosim.stimulus.operations:operations", arguments, record=record), engine
            )
            states[key] = outcome.result["state_sha256"]
            if measured:
                rates[key].append(outcome.verdict.cycles / outcome.seconds)
        if states["native"] != states["native_recorded"]:
            raise RuntimeError(f"{config.name}: the final states with and without recording differ")
    return {
        "config": config.name,
        "rows": config.rows,
        "columns": config.columns,
        "lanes": config.lanes,
        **{key: median(values) for key, values in rates.items()},
        "spread": {key: spread(values) for key, values in rates.items()},
        "repeats": repeats,
    }


def epochs(bench: Bench, *, task: str, steps: int, repeats: int, seed: int) -> list[float]:
    """A job that measures seconds per epoch of E-RIDER with RTL in the loop, from ``repeats`` times ``steps`` steps."""
    trainer = Trainer(
        TrainingSpec(task=TASKS[task](), algorithm="e-rider", reference_mean=0.3, reference_std=0.1, seed=seed),
        periphery=bench.periphery,
    )
    return epoch_times(trainer, steps=steps, repeats=repeats)


def rtl_training_speed(task: str, *, steps: int, repeats: int, seed: int) -> dict[str, float]:
    """Speed of a training with all layers of ``task`` on the native engine, with and without comparing every cycle.

    The figures and their clock are those of `model.analysis.speed.training_speed`, so they compare with golden's.
    """
    report: dict[str, float] = {}
    arguments = {"task": task, "steps": steps, "repeats": repeats, "seed": seed}
    for name, record in (("rtl", False), ("rtl_recorded", True)):
        outcome = play(
            Job(TASKS[task]().tile_configs[0], "symtrack.cosim.compare.speed:epochs", arguments, record=record),
            "native",
        )
        report |= epoch_figures(name, outcome.result)
    return report
