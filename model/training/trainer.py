# SPDX-License-Identifier: Apache-2.0
"""Trains a network on a task step by step; the result is a function of the arguments of the run only.

A run may stop after any step: what `Trainer.save` writes, `Trainer.restore` goes on from, to the same end.
"""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass
from functools import cached_property
from math import isnan
from pathlib import Path

import numpy as np

from symtrack.model.arithmetic.converters import NoiseStream
from symtrack.model.arithmetic.noise import derive_key
from symtrack.model.devices.pulsed import with_reference_offset
from symtrack.model.devices.sharing import THREADS_MAX
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.network.algorithms import Algorithm, Choppers, Rates, definition, named
from symtrack.model.network.layer import Learning
from symtrack.model.network.learning_tile import Physics
from symtrack.model.network.network import Network
from symtrack.model.network.writing import Written, write_weights
from symtrack.model.semantics import SEMANTICS
from symtrack.model.spec.settings import Target
from symtrack.model.spec.validated import check, integral
from symtrack.model.tasks.evaluation import Evaluation
from symtrack.model.tile.interface import PeripheryFactory, Restorable
from symtrack.model.tile.operations import Periphery
from symtrack.model.training import checkpoint
from symtrack.model.training.metrics import counts, sp_rmse, sp_rmse_pulsed, state_sha256, unprogrammed
from symtrack.model.training.reference_start import start_references
from symtrack.model.training.spec import TrainingSpec


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Result of a run, with the keys that the command lines report; None is what its task does not have."""

    accuracy: float | None
    loss: float
    rms_error: float | None
    sp_rmse: float | None
    sp_rmse_pulsed: float | None
    state_sha256: str
    counts: dict[str, int]
    calibration_slots: int
    unprogrammed: int
    seed: int

    def as_dict(self) -> dict[str, object]:
        """Plain data for JSON."""
        return asdict(self)


class Trainer:
    """Trains a network on a task.

    Parameters
    ----------
    spec
        What is trained how and on what.
    periphery
        Maker of a tile's periphery from its configuration.
    threads
        Threads of a pulsed update, at most `THREADS_MAX`; no result depends on it.

    Attributes
    ----------
    task : the problem with its network and tiles.
    rule : the algorithm as it is run.
    physics, rates : devices and converters, and hyperparameters, with everything that the spec leaves open.
    steps : training steps so far, one batch each.
    curve : the evaluations so far.
    notes : a text that goes with the checkpoints.
    written : what it took to write W before the first step; None where it started at random.

    Raises
    ------
    TypeError, ValueError
        The spec cannot be trained; the message names the field, its value and what is allowed.
    """

    def __init__(self, spec: TrainingSpec, *, periphery: PeripheryFactory = Periphery, threads: int = 1) -> None:
        if spec.calibration and spec.choppers != Choppers():
            raise ValueError(
                f"calibration = {spec.calibration}: must be 0 with choppers of one's own, it switches them off"
            )
        rule = spec.choppers.of(named(spec.algorithm))
        _check_slow_arrays(spec, rule)
        _check_residual(spec, rule)
        device = spec.devices or SoftBoundsReference()
        self.spec = spec
        self.task = spec.problem()
        threads = check("threads", threads, 1, THREADS_MAX)
        self.rule = rule.calibrated() if spec.calibration else rule
        self.physics = Physics(
            fast=with_reference_offset(device, mean=spec.reference_mean, std=spec.reference_std),
            slow=spec.slow_devices or with_reference_offset(device, mean=0.0, std=0.0),
            converters=spec.converters or self.task.converters,
            ideal_granularity=spec.ideal_granularity,
            programming=spec.programming,
        )
        self.rates = spec.rates or Rates.of(spec.algorithm)
        self.rates.check(spec.algorithm)
        scales = [layer.scale for layer in self.task.architecture.layers]
        if None not in scales and self.rates.scale_rate != Rates.of(spec.algorithm).scale_rate:
            value = self.rates.scale_rate
            raise ValueError(f"scale_rate = {value!r}: must be left out with a task whose output scales are fixed")
        self.steps = 0
        self.curve: list[Evaluation] = []
        self.notes = ""
        learning = Learning(
            algorithm=self.rule,
            rates=self.rates,
            physics=self.physics,
            periphery=spec.macro.periphery(periphery) if spec.macro else periphery,
            seed=spec.seed,
            threads=threads,
            stale=spec.stale,
        )
        self.network = Network(architecture=self.task.architecture, configs=self.task.tile_configs, learning=learning)
        for factor in reversed(spec.schedule.factors()):  # refuses those that are out of range, and ends with 1
            self.network.set_rate(factor)
        self._factor = 1.0
        self.written: Written | None = None
        if spec.weights:
            noise = NoiseStream(derive_key(spec.seed, "writing"))
            self.written = write_weights(self.network, spec.weights, noise)
        if spec.reference_start:
            start_references(self.network, spec.reference_start, spec.seed)
        if spec.calibration:
            self.network.calibrate(spec.calibration)

    @property
    def steps_per_epoch(self) -> int:
        """Batches of an epoch."""
        return -(-self.task.samples // self.spec.batch)

    @property
    def samples_seen(self) -> int:
        """Samples of all steps so far; the last batch of an epoch has what is left."""
        epochs, position = divmod(self.steps, self.steps_per_epoch)
        return epochs * self.task.samples + min(position * self.spec.batch, self.task.samples)

    @property
    def warm_up_steps(self) -> int:
        """Steps from the start before the first that may write W of every tile: until then references only settle."""
        return max(trained.warm_up_steps for layer in self.network.layers for trained in layer.trained.values())

    def run(self, steps: int) -> None:
        """Take so many training steps."""
        for _ in range(integral("steps", steps)):
            epoch, position = divmod(self.steps, self.steps_per_epoch)
            factor = self.spec.schedule.factor(epoch)
            if factor != self._factor:
                self.network.set_rate(factor)
                self._factor = factor
            done = position * self.spec.batch
            count = min(self.spec.batch, self.task.samples - done)
            x, targets = self.task.draw(self.spec.seed, epoch * self.task.samples + done, count)
            passed = self.network.forward(x)
            self.network.learn(passed, self.task.errors(passed.outputs, targets))
            self.steps += 1

    def evaluate(self) -> Evaluation:
        """Test the network as it is and append to `curve`; its noise is its own, so training goes on undisturbed."""
        noise = NoiseStream(derive_key(self.spec.seed, "evaluation", self.steps))
        self.curve.append(self.task.evaluate(self.network, noise, self.steps))
        return self.curve[-1]

    def metrics(self) -> Metrics:
        """The last evaluation (a new one if there was training since) with errors, counts and digest of the state."""
        if not self.curve or self.curve[-1].step != self.steps:
            self.evaluate()
        tiles, last = self.network.tiles, self.curve[-1]
        return Metrics(
            accuracy=last.accuracy,
            loss=last.loss,
            rms_error=last.rms_error,
            sp_rmse=sp_rmse(self.network.pulsed),
            sp_rmse_pulsed=sp_rmse_pulsed(self.network.pulsed),
            state_sha256=state_sha256(self.network.state_arrays()),
            counts=counts(tiles) | self._written_counts(),
            calibration_slots=self.spec.calibration * len(tiles),
            unprogrammed=unprogrammed(tiles),
            seed=self.spec.seed,
        )

    def _written_counts(self) -> dict[str, int]:
        """What writing W before the first step took, beside the counts of a run that begins so."""
        return {"weight_pulses": self.written.pulses, "weight_reads": self.written.reads} if self.written else {}

    @cached_property
    def settings(self) -> dict[str, str]:
        """What the run depends on, names to texts."""
        resolved = {
            "task": self.task,
            "algorithm": str(self.spec.algorithm),
            "definition": definition(self.spec.algorithm),
            "choppers": self.spec.choppers,
            "calibration": self.spec.calibration,
            "rates": self.rates,
            "physics": self.physics,
            "batch": self.spec.batch,
            "schedule": self.spec.schedule,
            "seed": self.spec.seed,
        }
        if self.spec.macro:  # what came later leaves the settings of runs without it as they were
            resolved["macro"] = self.spec.macro
        if self.spec.weights:
            resolved["weights"] = self.spec.weights
        if self.spec.reference_start:
            resolved["reference_start"] = self.spec.reference_start
        if self.spec.stale:
            resolved["residual"] = self.spec.residual
        parts = resolved | {f"semantics.{name}": version for name, version in SEMANTICS.items()}
        return {key: text for name, part in parts.items() for key, text in checkpoint.describe(name, part).items()}

    def save(self, path: str | Path) -> None:
        """Write a checkpoint. Evaluations so far are part of it; threads and the kind of periphery are not."""
        checkpoint.write(Path(path), settings=self.settings, arrays=self._arrays())

    def restore(self, path: str | Path) -> None:
        """Go on from a checkpoint of a run with the same settings; this one is as it was if that is refused.

        Raises
        ------
        TypeError
            A tile's periphery cannot be set to a state: RTL.
        ValueError
            The file cannot be read, is damaged, or is of another version or run.
        """
        for tile in self.network.tiles:
            if not isinstance(tile.periphery, Restorable):
                kind = type(tile.periphery).__name__
                raise TypeError(f"periphery = {kind}: must be one that can be set to a state, such as Periphery")
        like = self._arrays() | {"curve": _curve_array([]), "notes": np.zeros(0, np.uint8)}
        arrays = checkpoint.read(Path(path), settings=self.settings, like=like)
        self.network.restore(arrays)
        self.steps = int(arrays["steps"])
        self.curve = [_evaluation(row) for row in arrays["curve"].tolist()]
        self.notes = arrays["notes"].tobytes().decode()

    def _arrays(self) -> dict[str, np.ndarray]:
        run = {
            "steps": np.array(self.steps, np.int64),
            "curve": _curve_array(self.curve),
            "notes": np.frombuffer(self.notes.encode(), np.uint8),
        }
        return run | self.network.state_arrays() | self.network.counters()


def _check_slow_arrays(spec: TrainingSpec, rule: Algorithm) -> None:
    """Raise ValueError for what is about P beside W, where updates go to W and no P is in use."""
    if rule.target == Target.SLOW:
        for name in ("slow_devices", "programming", "reference_start"):
            if (value := getattr(spec, name)) is not None:
                reason = "whose updates go to W at once, on the devices of the fast arrays"
                raise ValueError(f"{name} = {value!r}: must be left out with {spec.algorithm}, {reason}")


def _check_residual(spec: TrainingSpec, rule: Algorithm) -> None:
    """Raise ValueError for a stale residual where products have none, or where R, which it needs not, is programmed."""
    if spec.stale and not rule.residual:
        raise ValueError(
            f"residual = {spec.residual!r}: must be left out with {spec.algorithm}, whose products have no residual"
        )
    if spec.stale and spec.programming is not None:
        reason = f"residual = {spec.residual!r}, whose products need no R"
        raise ValueError(f"programming = {spec.programming!r}: must be left out with {reason}")


def _curve_array(curve: list[Evaluation]) -> np.ndarray:
    """float64[n, 4], NaN for None."""
    return np.array([astuple(point) for point in curve], np.float64).reshape(-1, 4)


def _evaluation(row: list[float]) -> Evaluation:
    step, accuracy, loss, rms_error = row
    return Evaluation(int(step), None if isnan(accuracy) else accuracy, loss, None if isnan(rms_error) else rms_error)
