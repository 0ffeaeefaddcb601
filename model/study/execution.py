# SPDX-License-Identifier: Apache-2.0
"""Runs a case on the golden model, and says all that tables, figures and fronts have of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import astuple

from symtrack.model.network.writing import Drift
from symtrack.model.study.case import Case
from symtrack.model.study.store import Result
from symtrack.model.training.events import conversions, endurance
from symtrack.model.training.metrics import counts
from symtrack.model.training.retention import after_retention
from symtrack.model.training.trainer import Trainer

Curve = list[tuple[int, float, float]]
COUNTED = ("update_slots", "reads", "cycles")  # that energy follows from
RETENTION = 1e6  # of the time of the first read, at which quality after drift is stated


def golden(case: Case) -> Result:
    """Run a case.

    Returns plain data for JSON: ``metrics`` as `model.training.trainer.Metrics` has them, its counts with the
    conversions; ``curve``, lists of step, accuracy, loss and rms_error; ``endurance`` (`model.training.events`);
    ``tiles``, the `COUNTED` events of every tile; ``retention``, accuracy and loss after `RETENTION`, of tasks that
    have an accuracy; ``seconds``; and ``target`` of a case that has one, what had been spent at the first evaluation
    with that loss, or None if none had it. There ``paper_slots`` is steps * bl_max + calibration pulses, the measure of
    arXiv 2602.21321; the others are events that were counted, those of the calibration among them.
    """
    begin = time.perf_counter()
    trainer = Trainer(case.run)
    reached = _train(trainer, case)
    metrics = trainer.metrics().as_dict()
    metrics["counts"] = trainer.metrics().counts | conversions(trainer.network, trainer.samples_seen)
    result: Result = {"metrics": metrics, "curve": [list(astuple(point)) for point in trainer.curve]}
    result["endurance"] = endurance(trainer.network)
    apart = [counts([tile]) for tile in trainer.network.tiles]
    result["tiles"] = [{name: events[name] for name in COUNTED} for events in apart]
    if metrics["accuracy"] is not None:
        later = after_retention(trainer, Drift(time=RETENTION))
        result["retention"] = {"accuracy": later.accuracy, "loss": later.loss}
    if case.target is not None:
        result["target"] = _spent(trainer, metrics) if reached else None
    return result | {"seconds": round(time.perf_counter() - begin, 3)}


def floating(case: Case, train: Callable[[Case], Curve]) -> Result:
    """Run a case by a version in floating point, which gives steps, accuracies and losses."""
    begin = time.perf_counter()
    curve = train(case)
    _, accuracy, loss = curve[-1]
    result: Result = {"metrics": {"accuracy": accuracy, "loss": loss, "seed": case.run.seed}}
    result["curve"] = [[*point, None] for point in curve]
    return result | {"seconds": round(time.perf_counter() - begin, 3)}


def _train(trainer: Trainer, case: Case) -> bool:
    """Train to the end or the target; whether that was reached."""
    steps = case.steps if case.steps is not None else (case.epochs or 0) * trainer.steps_per_epoch
    every = case.evaluate_every or trainer.steps_per_epoch
    while trainer.steps < steps:
        trainer.run(min(every, steps - trainer.steps))
        if case.target is not None and trainer.evaluate().loss <= case.target:
            return True
        if case.target is None:
            trainer.evaluate()
    return False


def _spent(trainer: Trainer, metrics: Result) -> Result:
    paper = trainer.steps * trainer.task.tile_configs[0].bl_max + trainer.spec.calibration
    calibration = {"calibration_slots": metrics["calibration_slots"]}
    return {"steps": trainer.steps, "paper_slots": paper} | metrics["counts"] | calibration
