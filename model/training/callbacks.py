# SPDX-License-Identifier: Apache-2.0
"""Callbacks of a training: what is told of it on the way, to whom, and how it may be stopped.

`fit` calls, of every callback in their order,

    on_start(run)                    before the first step
    on_step(run)                     after every step
    on_evaluation(run, evaluation)   after every evaluation, of which the first is before the first step of a run
    on_end(run)                      at the end, also if an error or Ctrl-C ends it

with one `Progress`, from which all figures can be read, and whose `stop` ends the training after the step. A callback
changes nothing of the run itself, so that a run with callbacks has the same state as one without, but for its length.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from symtrack.model.files import write_bytes
from symtrack.model.interrupts import interruptible
from symtrack.model.spec.validated import check, path_of
from symtrack.model.training.recording import STEPS_MAX, Recording
from symtrack.model.training.trainer import Trainer

FIGURES = (
    "step", "epoch", "accuracy", "loss", "r2", "sp_rmse", "sp_rmse_pulsed", "update_slots", "coincidences",
    "transfer_pulses", "reads", "reference_pulses", "cycles",
)  # fmt: skip


@dataclass(kw_only=True, eq=False)
class Progress:
    """A training under way, as callbacks see it.

    Attributes
    ----------
    trainer : Trainer
        What is trained: `trainer.steps`, `trainer.network`, `trainer.metrics()`.
    total : int
        Steps at which it ends.
    rows : list of dict
        Figures so far, each with the keys of `FIGURES`; None is what the task does not have.
    stopped : str or None
        The reason that a callback gave for stopping.
    """

    trainer: Trainer
    total: int
    rows: list[dict[str, Any]] = field(default_factory=list)
    stopped: str | None = None

    @property
    def evaluations(self) -> list[dict[str, Any]]:
        """Figures so far, copies of ``rows``."""
        return [dict(row) for row in self.rows]

    @property
    def step(self) -> int:
        """Steps so far."""
        return self.trainer.steps

    @property
    def epoch(self) -> float:
        """Epochs so far."""
        return self.trainer.steps / self.trainer.steps_per_epoch

    def stop(self, reason: str) -> None:
        """End the training after this step; the first reason counts."""
        self.stopped = self.stopped or reason


class Callback:
    """What others inherit from: every method does nothing."""

    def on_start(self, run: Progress) -> None:
        """Before the first step."""

    def on_step(self, run: Progress) -> None:
        """After every step."""

    def on_evaluation(self, run: Progress, evaluation: dict[str, Any]) -> None:
        """After every evaluation, whose figures have the keys of `FIGURES`."""

    def on_end(self, run: Progress) -> None:
        """At the end, also if an error ended it."""


class CSVLogger(Callback):
    """Writes a line for every evaluation into a file, which is there and whole after each of them.

    Parameters
    ----------
    file
        Its path; a file that is there is replaced. The folder must exist.
    """

    def __init__(self, file: str | Path) -> None:
        self.file = path_of("file", file)
        if not self.file.parent.is_dir() or self.file.is_dir() or not os.access(self.file.parent, os.W_OK):
            raise ValueError(f"file = {str(file)!r}: must be a file in a folder that can be written to")

    def on_evaluation(self, run: Progress, evaluation: dict[str, Any]) -> None:
        """Write all evaluations so far."""
        text = io.StringIO()
        writer = csv.DictWriter(text, FIGURES, lineterminator="\n")
        writer.writeheader()
        writer.writerows(run.evaluations)
        write_bytes(self.file, text.getvalue().encode())


class TensorBoardLogger(Callback):
    """Writes every figure as a scalar for TensorBoard, with the package ``tensorboardX``.

    Parameters
    ----------
    folder
        Where its event files go.

    Raises
    ------
    ImportError
        The package is not installed.
    """

    def __init__(self, folder: str | Path) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            raise ImportError("TensorBoardLogger: needs a package: pip install tensorboardX") from None
        self._writer = SummaryWriter(str(folder))

    def on_evaluation(self, run: Progress, evaluation: dict[str, Any]) -> None:
        """Add all figures that there are."""
        for name, value in evaluation.items():
            if name != "step" and value is not None:
                self._writer.add_scalar(name, value, evaluation["step"])

    def on_end(self, run: Progress) -> None:
        """Write what is left."""
        self._writer.flush()


class ProgressBar(Callback):
    """Shows steps, time left, and the last accuracy or loss on the terminal."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def on_start(self, run: Progress) -> None:
        """Show the bar."""
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        self._bars = self._stack.enter_context(Bars(*columns))
        self._bar = self._bars.add_task(run.trainer.task.name, total=run.total, completed=run.step)

    def on_step(self, run: Progress) -> None:
        """Move it on."""
        self._bars.update(self._bar, completed=run.step)

    def on_evaluation(self, run: Progress, evaluation: dict[str, Any]) -> None:
        """Say how good the network is."""
        accuracy, loss = evaluation["accuracy"], evaluation["loss"]
        figure = f"loss {loss:.4f}" if accuracy is None else f"accuracy {accuracy:.1%}"
        self._bars.update(self._bar, description=f"{run.trainer.task.name}, {figure}")

    def on_end(self, run: Progress) -> None:
        """Leave it as it is."""
        self._stack.close()


class EarlyStopping(Callback):
    """Stops a training whose figure has not become better.

    Parameters
    ----------
    monitor
        ``loss``, which shall fall, or ``accuracy`` or ``r2``, which shall rise.
    patience
        Evaluations without a better one after which it stops.
    least
        What must be gained to count as better.
    """

    def __init__(self, monitor: str = "loss", *, patience: int = 3, least: float = 0.0) -> None:
        if monitor not in ("loss", "accuracy", "r2"):
            raise ValueError(f"monitor = {monitor!r}: must be one of loss, accuracy, r2")
        self.monitor = monitor
        self.patience = check("patience", patience, 1, STEPS_MAX)
        self.least = check("least", least, 0, 1e9, whole=False)

    def on_start(self, run: Progress) -> None:
        """Forget an earlier run."""
        self._best: float | None = None
        self._without = 0

    def on_evaluation(self, run: Progress, evaluation: dict[str, Any]) -> None:
        """Count how long there was none better."""
        value = evaluation[self.monitor]
        if value is None:
            raise ValueError(f"monitor = {self.monitor!r}: must be a figure that the task {run.trainer.task.name} has")
        good = -value if self.monitor == "loss" else value
        if self._best is None or good > self._best + self.least:
            self._best, self._without = good, 0
        else:
            self._without += 1
        if self._without >= self.patience:
            run.stop(f"{self.monitor} has not become better in {self.patience} evaluations")


def fit(
    run: Progress,
    *,
    evaluate: int,
    figures: Callable[[Trainer], dict[str, Any]],
    callbacks: Sequence[Callback] = (),
    recording: Recording | None = None,
) -> None:
    """Train until there were ``run.total`` steps, or until a callback stops it.

    Ctrl-C ends it after the step, with everything told and in ``run``, and is raised then; a second one at once, after
    which the state may be that of half a step.

    Parameters
    ----------
    run
        The training; evaluations of an earlier part stay.
    evaluate
        Steps between two evaluations; there is one at the start of a run and one at the end, too.
    figures
        Makes the figures of an evaluation, with the keys of `FIGURES`.
    recording
        Takes arrays on the way.
    """
    trainer = run.trainer

    def evaluation() -> None:
        if run.rows and run.rows[-1]["step"] == trainer.steps:
            return
        run.rows.append(figures(trainer))
        for one in callbacks:
            one.on_evaluation(run, dict(run.rows[-1]))

    with interruptible() as interrupted, ExitStack() as ends:
        for one in reversed(callbacks):  # all are told, in their order, whatever one of them raises
            ends.callback(one.on_end, run)
        for one in callbacks:
            one.on_start(run)
        if recording:
            recording.take(trainer)
        evaluation()
        while trainer.steps < run.total and run.stopped is None and not interrupted():
            trainer.run(1)
            if recording and trainer.steps % recording.every == 0:
                recording.take(trainer)
            for one in callbacks:
                one.on_step(run)
            if trainer.steps % evaluate == 0:
                evaluation()
        if recording:
            recording.take(trainer)
        evaluation()
        if interrupted():
            raise KeyboardInterrupt
