"""Speed of the engines: clock cycles per second of the same operations on the same Verilog."""

from __future__ import annotations

from statistics import median
from typing import Any

from cosim.bench import Job
from cosim.engines import ENGINES
from model.config import TileConfig

COCOTB_CYCLES = 10_000
NATIVE_CYCLES = 300_000


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
    """Both engines on one configuration: medians, and for the native one with and without comparing every cycle."""
    shrink = 50 if quick else 1
    runs = {
        "cocotb": ("cocotb", COCOTB_CYCLES, True),
        "native": ("native", NATIVE_CYCLES, False),
        "native_recorded": ("native", NATIVE_CYCLES, True),
    }
    report: dict[str, Any] = {"config": config.name, "rows": config.rows, "columns": config.columns}
    for key, (engine, cycles, record) in runs.items():
        rates = engine_speed(config, engine, cycles=cycles // shrink, record=record, repeats=repeats, seed=seed)
        middle = median(rates)
        report[key] = {"cycles_per_second": middle, "spread": (max(rates) - min(rates)) / middle}
    return report
