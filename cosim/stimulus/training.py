# SPDX-License-Identifier: Apache-2.0
"""Stimulus of a training: the updates and transfers of a network that learns its task."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from symtrack.cosim.engine.job import Bench, aside
from symtrack.model.training.history import train
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer

DIGITS = TrainingSpec(reference_mean=0.3, reference_std=0.1)


def training(
    bench: Bench,
    *,
    cycles: int | None = None,
    steps: int | None = None,
    seed: int = 1,
    run: TrainingSpec | None = None,
    samples: int = 0,
    checkpoint: Path | None = None,
    resume: Path | None = None,
) -> dict[str, Any]:
    """Train until ``steps`` steps or at least ``cycles`` cycles are done; the bench says which tiles are RTL.

    Parameters
    ----------
    run
        What is trained; `DIGITS` with ``seed`` by default.
    samples
        With ``steps``: how many samples the ``history`` of the run has, see `model.training.history.train`.
    checkpoint
        With ``steps``: the file that the run leaves at its end or when it is interrupted.
    resume
        A checkpoint that the run goes on from, which only the native engine can do.
    """
    if (cycles is None) == (steps is None):
        raise ValueError(f"cycles = {cycles}, steps = {steps}: give exactly one")
    spec = run or replace(DIGITS, seed=seed)
    if not spec.macro:  # on a macro the bench has that, and the tiles are as they are told
        spec = replace(spec, config=bench.config)
    with aside(bench):
        trainer = Trainer(spec, periphery=bench.periphery)
        if resume:
            trainer.restore(resume)
    result: dict[str, Any] = {}
    if steps is not None:

        def tell(done: int) -> None:
            try:
                bench.progress(done)
            except KeyboardInterrupt:  # here the run is between two steps
                if checkpoint:
                    trainer.save(checkpoint)
                raise

        history = train(trainer, steps, samples=samples, progress=tell)
        if checkpoint:
            trainer.save(checkpoint)
        result = {"history": history} if history else {}
    while bench.cycles < (cycles or 0):
        trainer.run(1)
        bench.progress(bench.cycles)
    with aside(bench):
        return {**result, "steps": trainer.steps, **trainer.metrics().as_dict()}
