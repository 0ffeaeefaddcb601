# SPDX-License-Identifier: Apache-2.0
"""Experiments on data, networks, devices and algorithms of one's own, from floats to figures, RTL and Verilog."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from symtrack.arguments import check_options, device_of, rates_of, task_of
from symtrack.hardware import write_tiles
from symtrack.learning import Comparison, compare_metrics
from symtrack.model.arithmetic.converters import Converters, NoiseStream
from symtrack.model.arithmetic.noise import derive_key
from symtrack.model.devices.pulsed import Pulsed
from symtrack.model.devices.sharing import THREADS_MAX
from symtrack.model.network.algorithms import Choppers, CustomAlgorithm, Rates
from symtrack.model.network.learning_tile import Programming, stage_name
from symtrack.model.network.macro import Macro
from symtrack.model.network.writing import Drift, StartWeights, Writing, Written, effective_weights
from symtrack.model.spec.validated import check, path_of, shown
from symtrack.model.tasks.dataset import Dataset, Networks
from symtrack.model.tasks.evaluation import Evaluation
from symtrack.model.tasks.task import Problem
from symtrack.model.training.callbacks import FIGURES, Callback, Progress, fit
from symtrack.model.training.metrics import counts, sp_rmse, sp_rmse_pulsed
from symtrack.model.training.recording import STEPS_MAX, Recording, array_of
from symtrack.model.training.retention import after_retention
from symtrack.model.training.schedule import Schedule
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Metrics, Trainer

TOGETHER = 100  # samples that go through a network at once

Real = NDArray[np.float64]


class History(Sequence[Mapping[str, Any]]):
    """Figures of the evaluations of a run, in their order.

    An item is a mapping with the keys ``step``, ``epoch``, ``accuracy`` (share of right answers on the test set),
    ``loss`` (mean cross-entropy there, or half the mean squared error of scaled targets), ``r2``, ``sp_rmse`` and
    ``sp_rmse_pulsed`` (root mean square error of the tracked symmetric points, weights; the second of cells of P that
    were pulsed), and the counts so far of what hardware pays for: ``update_slots``, ``coincidences``,
    ``transfer_pulses``, ``reads``, ``reference_pulses`` and ``cycles``. None is what the task does not have.
    """

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._rows = list(rows)

    def __getitem__(self, index: Any) -> Any:
        """An evaluation by its number, or one of the figures by its name, float64[n] with NaN for None."""
        if isinstance(index, str):
            if index not in FIGURES:
                raise KeyError(f"{index!r}: must be one of {', '.join(FIGURES)}")
            return np.array([np.nan if row[index] is None else row[index] for row in self._rows], np.float64)
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        told = f"{len(self)} evaluations"
        if self._rows:
            last = {name: self._rows[-1][name] for name in ("step", "accuracy", "loss", "r2")}
            told += ", the last: " + ", ".join(
                f"{name} {value:.6g}" for name, value in last.items() if value is not None
            )
        return f"<History: {told}>"

    def to_frame(self) -> pd.DataFrame:
        """A table of pandas with a line for every evaluation and a column for every figure."""
        return pd.DataFrame(self._rows, columns=list(FIGURES))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class FitResult:
    """What a training of an `Experiment` came to.

    Attributes
    ----------
    history : History
        Figures on the way, of all calls of `Experiment.fit` so far.
    metrics : Metrics
        Figures at the end, counts and the SHA-256 of the final state.
    stopped : str or None
        Why a callback ended it before its time.
    recorded_steps : int64[time]
        Steps at which arrays were recorded.
    """

    history: History
    metrics: Metrics
    stopped: str | None
    recorded_steps: NDArray[np.int64]
    recording: Recording

    def __repr__(self) -> str:
        """Figures at the end in one line."""
        return f"<FitResult: {self.history!r}, SHA-256 {self.metrics.state_sha256[:12]}...>"

    @property
    def accuracy(self) -> float | None:
        """Share of right answers on the test set, None for a regression."""
        return self.metrics.accuracy

    @property
    def loss(self) -> float:
        """Loss on the test set."""
        return self.metrics.loss

    @property
    def r2(self) -> float | None:
        """R squared on the test set, None for a classification."""
        value: float | None = self.history[-1]["r2"]
        return value

    def array(self, layer: str, array: str) -> Real:
        """A recorded array of a layer, float64[time, rows, columns], weights; see `model.training.recording`.

        Raises
        ------
        ValueError
            It was not recorded.
        """
        return self.recording.array(layer, array)


class Experiment:
    """Data, a network, an algorithm, devices and a seed: trained, compared with RTL, and written as Verilog.

    Parameters
    ----------
    data : Dataset, str or Problem
        Data of one's own, the name of a task such as ``"mnist"``, or a task with its network.
    network : list of int, mapping or Architecture
        Sizes of the hidden layers, or options such as ``{"architecture": "lenet5"}``; None for what the task has, for
        a `Dataset` one hidden layer of 32.
    algorithm : str or CustomAlgorithm
        A name in `model.network.algorithms.ALGORITHMS`, or one of one's own.
    device, slow_device : str, Path or Pulsed
        Devices of P, and of W if they are others: a preset, a TOML file, or parameters; None: soft bounds with
        reference.
    reference_mean, reference_std : float
        Offset of the symmetric points of P and its spread, weights; None for the devices' own.
    rates : mapping or Rates
        Hyperparameters, or those that differ from the algorithm's own.
    batch : int
        Samples of a step.
    schedule : list of (epoch, factor)
        Of the learning rate, see `model.training.schedule.Schedule`.
    tiles : mapping
        Fields of the configurations of all tiles, such as ``{"lanes": 4}``.
    macro : (rows, columns)
        Of one macro that all tiles are on; None: each tile has a periphery of its own size.
    converters : Converters
        Those of the products.
    choppers : Choppers
        In place of those of the algorithm.
    calibration : int
        Pulses of zero-shifting to every cell of P before the first step.
    programming : Programming
        How R is programmed; None for an ideal copy.
    residual : str
        Of an algorithm that has one: ``"analog"``, products of P and R, or ``"stale"``, digital products of what each
        column's last read has left in the tile, which saves both.
    weights : list or mapping of arrays [rows, columns]
        Trained weights that are written into W first, by layer; the last column is the bias.
    writing : Writing
        How they are written.
    seed : int
        Of everything random.
    threads : int
        No result depends on it.

    Attributes
    ----------
    spec : TrainingSpec
        The run as data: what checkpoints, studies and RTL know of it.
    trainer : Trainer
        The run as it is now.

    Raises
    ------
    TypeError, ValueError
        An argument is not what it must be; the message names it, its value and what is allowed.

    Examples
    --------
    >>> data = symtrack.Dataset.classification(X, y, test=0.2)
    >>> run = symtrack.Experiment(data, network=[32], algorithm="e-rider", reference_mean=0.3, seed=7)
    >>> result = run.fit(epochs=5, record={"Q"}, every=50)
    >>> result.accuracy, result.array("layer0", "Q").shape
    """

    def __init__(
        self,
        data: Dataset | str | Problem,
        *,
        network: Networks | None = None,
        algorithm: str | CustomAlgorithm = "e-rider",
        device: str | Path | Pulsed | None = None,
        slow_device: str | Path | Pulsed | None = None,
        reference_mean: float | None = None,
        reference_std: float | None = None,
        rates: Mapping[str, float] | Rates | None = None,
        batch: int = 1,
        schedule: Sequence[tuple[int, float]] = (),
        tiles: Mapping[str, Any] | None = None,
        macro: tuple[int, int] | None = None,
        converters: Converters | None = None,
        choppers: Choppers = Choppers(),  # noqa: B008, it is frozen
        calibration: int = 0,
        programming: Programming | None = None,
        residual: str = "analog",
        weights: Mapping[str, ArrayLike] | Sequence[ArrayLike] | None = None,
        writing: Writing | None = None,
        seed: int = 1,
        threads: int = 1,
    ) -> None:
        check_options(
            rates=rates,
            schedule=schedule,
            tiles=tiles,
            macro=macro,
            converters=converters,
            choppers=choppers,
            programming=programming,
            residual=residual,
            weights=weights,
            writing=writing,
        )
        if writing and weights is None:
            raise ValueError(f"writing = {shown(writing)}: must be left out without weights")
        self.data = data if isinstance(data, Dataset) else None
        task, options = task_of(data, network)
        self.spec = TrainingSpec(
            task=task,
            network=options,
            algorithm=algorithm,
            devices=device_of("device", device),
            slow_devices=device_of("slow_device", slow_device),
            reference_mean=reference_mean,
            reference_std=reference_std,
            rates=rates_of(algorithm, rates),
            batch=batch,
            schedule=Schedule(tuple((epoch, factor) for epoch, factor in schedule)),
            tiles=tiles or {},
            macro=None if macro is None else Macro(*macro),
            converters=converters,
            choppers=choppers,
            calibration=calibration,
            programming=programming,
            residual=residual,
            weights=None if weights is None else StartWeights.of(weights, writing),
            seed=seed,
        )
        self.threads = check("threads", threads, 1, THREADS_MAX)
        self.trainer = Trainer(self.spec, threads=self.threads)

    def __repr__(self) -> str:
        """What is trained, and how far, in one line."""
        layers = ", ".join(f"{rows}x{columns}" for rows, columns in self.layers.values())
        algorithm = getattr(self.spec.algorithm, "name", self.spec.algorithm)
        return f"<Experiment {algorithm} on {self.trainer.task.name}: {layers}, {self.trainer.steps} steps>"

    @property
    def steps_per_epoch(self) -> int:
        """Steps of a pass over the training samples."""
        return self.trainer.steps_per_epoch

    @property
    def layers(self) -> dict[str, tuple[int, int]]:
        """Names of the layers, with rows and columns of their weights."""
        return {layer.name: (layer.plan.rows, layer.plan.columns) for layer in self.trainer.network.layers}

    @property
    def written(self) -> Written | None:
        """What it took to write ``weights``: pulses, reads, and the error that is left; None without them."""
        return self.trainer.written

    def fit(
        self,
        *,
        epochs: int | None = None,
        steps: int | None = None,
        callbacks: Sequence[Callback] = (),
        record: Collection[str] = (),
        every: int | None = None,
        evaluate: int | None = None,
    ) -> FitResult:
        """Train on the golden model; a second call goes on.

        Parameters
        ----------
        epochs, steps : int
            How long, in passes over the training samples or in steps; exactly one of them.
        callbacks : list of Callback
            Who is told on the way, and may stop it; see `model.training.callbacks`.
        record : set of str
            Arrays to record of every layer: ``W``, ``P``, ``R``, ``Q``, ``Qref``, ``SP``, ``H``, ``c``.
        every : int
            Steps between two records, an epoch unless told otherwise; the first is at the start, the last at the end.
        evaluate : int
            Steps between two evaluations; an epoch unless told otherwise, or a tenth of the steps if that is less.

        Raises
        ------
        TypeError, ValueError
            An argument is not what it must be, or all that is to be recorded is too much.
        """
        if (steps is None) == (epochs is None):
            raise ValueError(f"steps = {steps}, epochs = {epochs}: exactly one of them must be given")
        epoch = self.steps_per_epoch
        if epochs is not None:
            steps = check("epochs", epochs, 1, STEPS_MAX) * epoch
        total = check("steps", steps, 1, STEPS_MAX)
        evaluate = check("evaluate", min(epoch, max(total // 10, 1)) if evaluate is None else evaluate, 1, STEPS_MAX)
        if not isinstance(callbacks, (list, tuple)):
            raise TypeError(f"callbacks = {shown(callbacks)}: must be a list of Callback")
        for one in callbacks:
            if not isinstance(one, Callback):
                raise TypeError(f"callbacks: {shown(one)}: must be a Callback, such as CSVLogger")
        recording = Recording(record, epoch if every is None else every)
        recording.check_size(self.trainer, total)
        run = Progress(trainer=self.trainer, total=self.trainer.steps + total, rows=self._earlier())
        try:
            fit(run, evaluate=evaluate, figures=self._figures, callbacks=callbacks, recording=recording)
        finally:
            self.trainer.notes = json.dumps(run.rows)
        return FitResult(
            history=History(run.rows),
            metrics=self.trainer.metrics(),
            stopped=run.stopped,
            recorded_steps=np.array(recording.steps, np.int64),
            recording=recording,
        )

    def _earlier(self) -> list[dict[str, Any]]:
        """The evaluations so far; a checkpoint that something else has left may have other notes."""
        try:
            rows = json.loads(self.trainer.notes or "[]")
        except ValueError:
            return []
        return [row for row in rows if isinstance(row, dict) and list(row) == list(FIGURES)]

    def _figures(self, trainer: Trainer) -> dict[str, Any]:
        quality, tiles = trainer.evaluate(), trainer.network.tiles
        counted = counts(tiles)
        figures = {
            "step": trainer.steps,
            "epoch": trainer.steps / trainer.steps_per_epoch,
            "accuracy": quality.accuracy,
            "loss": quality.loss,
            "r2": self.data.explained(quality.loss) if self.data else None,
            "sp_rmse": sp_rmse(trainer.network.pulsed),
            "sp_rmse_pulsed": sp_rmse_pulsed(trainer.network.pulsed),
        }
        return figures | {name: counted[name] for name in FIGURES if name in counted}

    def compare(self, *, engine: str = "native", steps: int, samples: int = 10, record: bool = True) -> Comparison:
        """Train twice from the start, golden and with RTL in the loop, and compare; see `symtrack.compare_metrics`.

        This experiment stays as it is. ``comparison.page()`` is a report as an HTML page.
        """
        return compare_metrics(self.spec, engine=engine, steps=steps, samples=samples, record=record)

    def verilog(self, folder: str | Path) -> list[Path]:
        """Write the Verilog of the tiles that this run needs, with registers, ports and formats; returns the files.

        See `symtrack.hardware.write_tiles` for what is where.
        """
        return write_tiles(
            path_of("folder", folder),
            {
                stage_name(name, number): (layer.name, stage.config, self.spec.hardware(stage.config))
                for layer in self.trainer.network.layers
                for name, trained in layer.trained.items()
                for number, stage in enumerate(trained.stages)
            },
        )

    def evaluate(self) -> Evaluation:
        """Quality on the test set as the network is now; training is not disturbed."""
        return self.trainer.evaluate()

    def predict(self, X: ArrayLike) -> NDArray[Any]:  # noqa: N803
        """Answers of the network to new samples, through its analog products: labels, or targets in their unit.

        Raises
        ------
        ValueError
            The data are not a `Dataset`, or the samples are not of its size.
        """
        if self.data is None:
            raise ValueError(f"data = {self.spec.task!r}: must be a Dataset, which says how samples are scaled")
        words = self.data.encode(X)
        noise = NoiseStream(derive_key(self.spec.seed, "prediction", self.trainer.steps))
        outputs = [
            self.trainer.network.forward(words[first : first + TOGETHER], noise).outputs
            for first in range(0, len(words), TOGETHER)
        ]
        return self.data.decode(np.concatenate(outputs))

    def array(self, layer: str, array: str) -> Real:
        """An array of a layer or a tile as it is now, float64[rows, columns], weights."""
        return array_of(self.trainer, layer, array)

    def weights(self) -> dict[str, Real]:
        """The trained weights of every layer with its output scale in them, float64[rows, columns].

        They are what `Experiment` takes as ``weights``; the last column is the bias.
        """
        return {layer.name: effective_weights(layer) for layer in self.trainer.network.layers}

    def after_retention(self, time: float, *, nu: float = 0.05, nu_std: float = 0.01) -> Evaluation:
        """Quality on the test set after all cells have drifted: w(t) = w * time**(-nu), nu of each cell its own.

        Training is not disturbed: the drift is undone.

        Parameters
        ----------
        time
            After the last pulse, in units of the time of the first read.
        nu, nu_std
            Mean exponent and its spread from cell to cell.
        """
        return after_retention(self.trainer, Drift(time=time, nu_mean=nu, nu_std=nu_std))

    def save(self, file: str | Path) -> None:
        """Write a checkpoint, from which an experiment with the same arguments goes on with `load`.

        Raises
        ------
        ValueError
            There is no such folder, or it cannot be written to.
        """
        place = path_of("file", file)
        if not place.parent.is_dir() or place.is_dir() or not os.access(place.parent, os.W_OK):
            raise ValueError(f"file = {str(file)!r}: must be a file in a folder that can be written to")
        self.trainer.save(file)

    def load(self, file: str | Path) -> None:
        """Go on from a checkpoint.

        Raises
        ------
        ValueError
            It cannot be read, is damaged, or is of another version or of a run with other settings.
        """
        self.trainer.restore(path_of("file", file))

    def with_seed(self, seed: int) -> Experiment:
        """The same experiment from its start with another seed."""
        other = object.__new__(Experiment)
        other.data, other.threads = self.data, self.threads
        other.spec = replace(self.spec, seed=seed)
        other.trainer = Trainer(other.spec, threads=self.threads)
        return other
