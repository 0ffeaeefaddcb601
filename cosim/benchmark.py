"""Speed of the engines: clock cycles per second, and seconds per epoch with RTL in the loop."""

from __future__ import annotations

from statistics import median
from typing import Any

from cosim.bench import Bench, Job
from cosim.engines import ENGINES
from model.benchmark import epoch_figures, epoch_times, spread
from model.config import TileConfig
from model.tasks import TASKS
from model.training import Trainer

COCOTB_CYCLES = 10_000
NATIVE_CYCLES = 300_000

RUNS = {
    "cocotb": ("cocotb", COCOTB_CYCLES, True),
    "native": ("native", NATIVE_CYCLES, False),
    "native_recorded": ("native", NATIVE_CYCLES, True),
}


def engine_speed(config: TileConfig, engine: str, *, cycles: int, record: bool, repeats: int, seed: int) -> list[float]:
    """Cycles per second of every repeat; the first run, which builds and warms up, is not among them."""
    rates = []
    for repeat in range(repeats + 1):
        length = cycles if repeat else min(cycles, 1000)
        job = Job(config, "cosim.scenarios:operations", {"cycles": length, "seed": seed}, record=record)
        outcome = ENGINES[engine](job)
        if outcome.verdict.mismatches:
            raise RuntimeError(f"{config.name}: {outcome.verdict.first_mismatch}")
        rates.append(outcome.verdict.cycles / outcome.seconds)
    return rates[1:]


def cosim_speed(config: TileConfig, *, repeats: int, seed: int, quick: bool = False) -> dict[str, Any]:
    """Both engines on one configuration, in turn: medians of cycles per second and their spread.

    ``cocotb`` and ``native_recorded`` compare every output of every cycle, ``native`` only results and final states.
    """
    shrink = 50 if quick else 1
    report: dict[str, Any] = {"config": config.name, "rows": config.rows, "columns": config.columns}
    spreads = {}
    for key, (engine, cycles, record) in RUNS.items():
        rates = engine_speed(config, engine, cycles=cycles // shrink, record=record, repeats=repeats, seed=seed)
        report[key] = median(rates)
        spreads[key] = spread(rates)
    return {**report, "spread": spreads, "repeats": repeats}


def epochs(bench: Bench, *, task: str, steps: int, repeats: int, seed: int) -> list[float]:
    """A job: seconds per epoch of E-RIDER with RTL in the loop, from ``repeats`` times ``steps`` training steps."""
    trainer = Trainer(
        task=TASKS[task](),
        algorithm="e-rider",
        reference_mean=0.3,
        reference_std=0.1,
        seed=seed,
        periphery=bench.layer,
    )
    return epoch_times(trainer, steps=steps, repeats=repeats)


def rtl_training_speed(task: str, *, steps: int, repeats: int, seed: int) -> dict[str, float]:
    """All layers of ``task`` in the native engine, with and without comparing every cycle: what golden takes, in RTL.

    The figures and their clock are those of `model.benchmark.training_speed`.
    """
    report: dict[str, float] = {}
    arguments = {"task": task, "steps": steps, "repeats": repeats, "seed": seed}
    for name, record in (("rtl", False), ("rtl_recorded", True)):
        outcome = ENGINES["native"](Job(TASKS[task]().layers[0], "cosim.benchmark:epochs", arguments, record=record))
        if outcome.verdict.mismatches:
            raise RuntimeError(f"{task}: {outcome.verdict.first_mismatch}")
        report |= epoch_figures(name, outcome.result)
    return report
