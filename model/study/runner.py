# SPDX-License-Identifier: Apache-2.0
"""Runs the cases of a study, each once: a result is a JSON file of the cache, named by `model.study.case.key`.

A study that is stopped loses only what is in work, and goes on where it was; on another machine it goes on from what
its document has recorded.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import astuple
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from symtrack.model.files import write_bytes
from symtrack.model.semantics import EARLIER, SEMANTICS
from symtrack.model.study.case import Case, key
from symtrack.model.training.trainer import Trainer

Curve = list[tuple[int, float, float]]
Floating = Callable[[Case], Curve]  # step, accuracy and loss of a run in floating point
Result = dict[str, Any]


def no_floating(case: Case) -> Curve:
    """For studies without runs in floating point."""
    raise ValueError(f"floating = {case.floating}: must be False where no floating-point version is given")


def execute(case: Case, floating: Floating = no_floating) -> Result:
    """Run a case.

    Returns plain data for JSON: ``metrics`` as `model.training.trainer.Metrics` has them, or the last accuracy and
    loss of a floating run; ``curve``, lists of step, accuracy, loss and rms_error; ``seconds``; and ``target`` of a
    case that has one, what had been spent at the first evaluation with that loss, or None if none had it. There
    ``paper_slots`` is steps * bl_max + calibration pulses, the measure of arXiv 2602.21321; the others are events that
    were counted, those of the calibration among them.
    """
    begin = time.perf_counter()
    if case.floating:
        curve = floating(case)
        _, accuracy, loss = curve[-1]
        metrics: Result = {"accuracy": accuracy, "loss": loss, "seed": case.run.seed}
        result: Result = {"metrics": metrics, "curve": [[*point, None] for point in curve]}
    else:
        trainer = Trainer(case.run)
        reached = _train(trainer, case)
        metrics = trainer.metrics().as_dict()
        result = {"metrics": metrics, "curve": [list(astuple(point)) for point in trainer.curve]}
        if case.target is not None:
            result["target"] = _spent(trainer, metrics) if reached else None
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


def path(case: Case, cache: Path, semantics: Mapping[str, int] = SEMANTICS) -> Path:
    """File of its result, computed with these semantics."""
    return cache / f"{key(case, semantics)}.json"


def load(case: Case, cache: Path, semantics: Mapping[str, int] = SEMANTICS) -> Result | None:
    """Its result, None where there is none or what there is was cut off."""
    try:
        content = json.loads(path(case, cache, semantics).read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return content if isinstance(content, dict) and content else None


def newest(case: Case, cache: Path) -> Result | None:
    """Its result, or else that of the newest of the `EARLIER` semantics, which are then its ``semantics``."""
    if (found := load(case, cache)) is not None:
        return found
    for semantics in EARLIER:
        if (found := load(case, cache, semantics)) is not None:
            return found | {"semantics": semantics}
    return None


def missing(cases: Sequence[Case], cache: Path) -> list[Case]:
    """Those without a result, one of equal ones, the first seed of everything before the second."""
    distinct: dict[Path, Case] = {}
    for case in sorted(cases, key=lambda case: case.run.seed):
        distinct.setdefault(path(case, cache), case)
    return [case for case in distinct.values() if load(case, cache) is None]


def run_all(
    cases: Sequence[Case],
    cache: Path,
    jobs: int,
    progress: Callable[[int], None] = lambda count: None,
    floating: Floating = no_floating,
) -> None:
    """Run what is `missing`, in ``jobs`` processes, and tell ``progress`` of every one.

    ``floating`` must be a function of a module. An exception of a case ends the study and names the case.
    """
    left = missing(cases, cache)
    if jobs == 1 or len(left) < 2:
        for case in left:
            _keep(case, cache, floating)
            progress(1)
        return
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_quiet)
    try:
        for done in as_completed([pool.submit(_keep, case, cache, floating) for case in left]):
            done.result()
            progress(1)
    finally:
        pool.shutdown(cancel_futures=True)  # what is in work is kept, since a worker writes it


def _quiet() -> None:
    """Ctrl-C in a terminal ends the workers at once and without their tracebacks."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _keep(case: Case, cache: Path, floating: Floating) -> None:
    try:
        result = execute(case, floating)
    except Exception as error:
        error.add_note(f"in {case.experiment}: {', '.join(f'{name} = {value}' for name, value in case.labels)}")
        raise
    write_bytes(path(case, cache), (json.dumps(result, allow_nan=False) + "\n").encode())
