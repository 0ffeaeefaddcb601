"""The engines by name, and the two things one does with them: play a scenario, compare a training."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cosim.bench import Engine, Job, Outcome
from cosim.cocotb_engine import run_job as run_cocotb
from cosim.lockstep import Fault
from cosim.native_engine import run_job as run_native
from cosim.scenarios import SCENARIOS, with_layer
from model.config import TileConfig
from model.devices.pulsed import Pulsed, reference_offset, with_reference_offset
from model.devices.soft_bounds_reference import SoftBoundsReference
from model.tasks import TASKS
from model.training import Trainer

ENGINES: dict[str, Engine] = {"cocotb": run_cocotb, "native": run_native}


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
    """Lock-step of RTL and golden over one scenario; the report with the keys of ``run_cosim.py --json``."""
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


def compare(
    config: TileConfig,
    *,
    task: str,
    algorithm: str,
    engine: str,
    steps: int,
    seed: int,
    reference_mean: float | None,
    reference_std: float | None,
    devices: Pulsed | None = None,
    record: bool = True,
    progress: Callable[[int], None] = lambda cycles: None,
) -> dict[str, Any]:
    """Train twice for ``steps`` steps, golden and with RTL in the loop.

    In RTL are the layer of ``config`` with the cocotb engine, and all layers with the native one. Without ``record``
    only metrics, counts and the final state are compared, of whose making nobody watches a cycle. Returns the report
    with the keys of ``compare_metrics.py --json``.

    The golden run computes whole operations, the RTL run is also checked cycle by cycle against the golden tile; so
    equal final states show that both speeds of the golden model and the RTL agree.
    """
    begin = time.perf_counter()
    offset = {"reference_mean": reference_mean, "reference_std": reference_std}

    def train(steps: int) -> dict[str, Any]:
        trainer = Trainer(
            task=with_layer(TASKS[task](), config),
            algorithm=algorithm,
            seed=seed,
            reference_mean=reference_mean,
            reference_std=reference_std,
            devices=devices,
        )
        trainer.run(steps)
        return trainer.metrics().as_dict()

    train(1)  # compiles, which is neither side's work
    start = time.perf_counter()
    golden = train(steps)
    golden_s = time.perf_counter() - start
    arguments = {"steps": steps, "seed": seed, "task": task, "algorithm": algorithm, "devices": devices, **offset}
    outcome = ENGINES[engine](
        Job(config, "cosim.scenarios:training", arguments, record=record),
        progress=progress,
    )
    keys = ("accuracy", "loss", "sp_rmse", "state_sha256", "counts")
    rtl = None if outcome.result is None else {key: outcome.result[key] for key in keys}
    something = outcome.verdict.passed or (not record and outcome.verdict.mismatches == 0)
    return {
        "config": config.name,
        "task": task,
        "algorithm": algorithm,
        "engine": engine,
        "seed": seed,
        **reference_offset(
            with_reference_offset(devices or SoftBoundsReference(), mean=reference_mean, std=reference_std)
        ),
        "steps": steps,
        "recorded": record,
        **outcome.verdict.as_dict(),
        "wall_s": time.perf_counter() - begin,
        "golden_s": golden_s,
        "rtl_s": outcome.seconds,
        "cycles_per_second": outcome.verdict.cycles / outcome.seconds,
        "golden": {key: golden[key] for key in keys},
        "rtl": rtl,
        "agree": something and rtl == {key: golden[key] for key in keys},
    }
