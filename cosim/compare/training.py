# SPDX-License-Identifier: Apache-2.0
"""Trains a network twice, on the golden model and with RTL in the loop, and compares the two results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, fields
from enum import Enum
from pathlib import Path
from typing import Any

from symtrack.cosim.engine.job import Job
from symtrack.cosim.engine.lockstep import Difference, Fault
from symtrack.cosim.engine.registry import ENGINES
from symtrack.hdl.output.verilog import tile_ports
from symtrack.model.devices.pulsed import reference_offset
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import Target
from symtrack.model.spec.validated import integral
from symtrack.model.training.history import tiles_of, train
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer

Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Makes a progress bar from a text and a total; the context gives the function that takes the progress."""


@contextmanager
def no_bar(text: str, total: int) -> Iterator[Callable[[int], None]]:
    """A `Bar` that shows nothing, for callers without a terminal."""
    yield lambda done: None


def compare(
    run: TrainingSpec,
    *,
    engine: str,
    steps: int,
    record: bool = True,
    samples: int = 0,
    faults: tuple[Fault, ...] = (),
    checkpoint: Path | None = None,
    resume: Path | None = None,
    bar: Bar = no_bar,
) -> dict[str, Any]:
    """Train twice for ``steps`` steps, golden and with RTL in the loop, and compare the results.

    The golden run computes whole operations; the RTL run is also checked cycle by cycle against the golden tile. So
    equal final states show that both speeds of the golden model and the RTL agree. With the cocotb engine the layer of
    ``run.config`` is in RTL (the first if it has none), with the native one all tiles are. On a macro all tiles that
    differ in size only have one netlist.

    Parameters
    ----------
    record
        Compare every cycle. Without it no cycle is compared, only metrics, counts and the final state.
    samples
        Makes the histories of both runs (`model.training.history`) part of the report and of what must agree. The time
        that they take does not count, unless a difference stops the run; nor does that of the metrics at the end.
    checkpoint, resume
        Of the run with RTL, see `cosim.stimulus.training.training`. The golden run is never interrupted, so equal
        results show that an interruption changes nothing.

    Returns
    -------
    dict
        The report with the keys of ``compare_metrics.py --json``.
    """
    begin = time.perf_counter()
    steps, samples = integral("steps", steps), integral("samples", samples)
    with bar("compiling", 1) as advance:
        train(Trainer(run), 1, samples=samples, progress=advance)  # which is neither side's work
    golden_run, resumed = Trainer(run), Trainer(run)
    if resume:
        resumed.restore(resume)
    config = run.hardware(run.config or golden_run.task.tile_configs[0])
    with bar("golden", steps) as advance:
        start = time.process_time()
        history = train(golden_run, steps, samples=samples, progress=advance)
        golden_s = time.process_time() - start
        golden = _side(golden_run.metrics().as_dict())
    golden_s -= history.pop("seconds") if history else 0.0
    arguments = {"run": run, "steps": steps, "samples": samples, "checkpoint": checkpoint, "resume": resume}
    job = Job(config, "symtrack.cosim.stimulus.training:training", arguments, faults, record)
    with bar("RTL in the loop", steps) as advance:
        outcome = ENGINES[engine](job, progress=advance)
    result = outcome.result or {}
    rtl, rtl_history = _side(result) or None, result.get("history")
    rtl_s = outcome.seconds - (rtl_history.pop("seconds") if rtl_history else 0.0)
    something = outcome.verdict.passed or (not record and outcome.verdict.mismatches == 0)
    return {
        "config": config.name,
        "task": golden_run.task.name,
        "algorithm": str(run.algorithm),
        "engine": engine,
        "seed": run.seed,
        **reference_offset(golden_run.physics.fast),
        "steps": steps,
        "golden_samples": golden_run.samples_seen,
        "rtl_samples": golden_run.samples_seen - resumed.samples_seen,
        "recorded": record,
        **outcome.verdict.as_dict(),
        "port_widths": _port_widths(
            outcome.verdict.first_mismatch, [config, *map(run.hardware, golden_run.task.tile_configs)]
        ),
        "wall_s": time.perf_counter() - begin,
        "golden_s": golden_s,
        "rtl_s": rtl_s,
        "cycles_per_second": outcome.verdict.cycles / rtl_s,
        "golden": golden,
        "rtl": rtl,
        "settings": settings_of(golden_run),
        "history": {"golden": history, "rtl": rtl_history} if samples else None,
        "agree": something and rtl == golden and rtl_history == history,
    }


def settings_of(trainer: Trainer) -> dict[str, Any]:
    """What a run depends on, as plain data: every tile, the algorithm, its rates, the devices and the converters."""
    algorithm, physics = trainer.rule, trainer.physics
    tiles = tiles_of(trainer)
    slow = physics.fast if algorithm.target == Target.SLOW else physics.slow
    devices = {"P": physics.fast, "W": slow}
    return {
        "tiles": {name: asdict(tile.config) for name, tile in tiles.items()},
        "macro": trainer.spec.macro and trainer.spec.macro._asdict(),
        "algorithm": {
            spec.name: value.name if isinstance(value, Enum) else value
            for spec in fields(algorithm)
            if spec.name != "rates" and (value := getattr(algorithm, spec.name)) is not None
        },
        "residual": trainer.spec.residual,
        "rates": asdict(trainer.rates),
        "devices": {name: {"family": type(device).__name__, **asdict(device)} for name, device in devices.items()},
        "converters": asdict(next(iter(tiles.values())).converters),
    }


def _side(result: dict[str, Any]) -> dict[str, Any]:
    """The results of one run that both runs must have in common."""
    return {key: value for key, value in result.items() if key not in ("seed", "steps", "history")}


def _port_widths(difference: Difference | None, configs: Sequence[TileConfig]) -> dict[str, int]:
    """Widths of the ports, by name, of the tile that differed; empty if none did."""
    if difference is None:
        return {}
    config = next((config for config in configs if config.name == difference.tile), configs[0])
    return {port.name: port.width for port in tile_ports(config)}
