"""Training of a task, step by step. A run is a function of its arguments only; see `Trainer.metrics`.

A run may stop after any step: what `Trainer.save` writes, `Trainer.restore` goes on from, to the same end.
"""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from model import checkpoint
from model.algorithms import ALGORITHMS, Rates
from model.analog_tile import PeripheryFactory, Restorable
from model.devices.pulsed import Pulsed, with_reference_offset
from model.devices.soft_bounds_reference import SoftBoundsReference
from model.host import cross_entropy
from model.metrics import counts, sp_rmse, state_sha256
from model.network import Network, Physics
from model.noise import derive_key, permutation
from model.periphery import Periphery
from model.products import Converters, NoiseStream
from model.tasks import Task


@dataclass(frozen=True)
class Evaluation:
    """Accuracy and mean cross-entropy on the test set after so many training steps."""

    step: int
    accuracy: float
    loss: float


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Result of a run, with the keys that the command lines report."""

    accuracy: float
    loss: float
    sp_rmse: float
    state_sha256: str
    counts: dict[str, int]
    seed: int

    def as_dict(self) -> dict[str, object]:
        """Plain data for JSON."""
        return asdict(self)


class Trainer:
    """Trains a network on a task.

    Parameters
    ----------
    task
        Data and layer configurations.
    algorithm
        A name in `model.algorithms.ALGORITHMS`.
    reference_mean, reference_std
        Reference offset of the cells of the fast arrays, None for the devices' own; the slow arrays have none.
    devices, converters, rates
        Device parameters of both arrays, converters of the products, hyperparameters.
    seed
        Of everything random.
    periphery
        Maker of a layer's periphery from its configuration.
    threads
        Threads of a pulsed update; no result depends on it.
    ideal_granularity
        See `model.analog_tile.AnalogTile`.

    Attributes
    ----------
    steps : training steps so far, one sample each.
    curve : the evaluations so far.
    """

    def __init__(
        self,
        *,
        task: Task,
        algorithm: str,
        reference_mean: float | None = None,
        reference_std: float | None = None,
        devices: Pulsed | None = None,
        converters: Converters | None = None,
        rates: Rates | None = None,
        seed: int = 1,
        periphery: PeripheryFactory = Periphery,
        threads: int = 1,
        ideal_granularity: bool = False,
    ) -> None:
        if algorithm not in ALGORITHMS:
            raise ValueError(f"algorithm = {algorithm!r}: must be one of {', '.join(ALGORITHMS)}")
        device = devices or SoftBoundsReference()
        slow = with_reference_offset(device, mean=0.0, std=0.0)
        fast = with_reference_offset(device, mean=reference_mean, std=reference_std)
        physics = Physics(
            fast=fast, slow=slow, converters=converters or Converters(), ideal_granularity=ideal_granularity
        )
        self.task = task
        self.algorithm = algorithm
        self.physics = physics
        self.rates = rates or Rates()
        self.seed = seed
        self.steps = 0
        self.curve: list[Evaluation] = []
        self.network = Network(
            configs=task.layers,
            algorithm=ALGORITHMS[algorithm],
            rates=self.rates,
            physics=physics,
            periphery=periphery,
            seed=seed,
            threads=threads,
        )
        self._order = self._epoch_order()

    @property
    def steps_per_epoch(self) -> int:
        """Training samples."""
        return len(self.task.train_y)

    def run(self, steps: int) -> None:
        """Take so many training steps, going through the samples in a new random order every epoch."""
        for _ in range(steps):
            position = self.steps % self.steps_per_epoch
            if position == 0:
                self._order = self._epoch_order()
            sample = self._order[position]
            self.network.step(self.task.train_x[sample], int(self.task.train_y[sample]))
            self.steps += 1

    def evaluate(self) -> Evaluation:
        """Test the network as it is and append to `curve`; its noise is its own, so training goes on undisturbed."""
        noise = NoiseStream(derive_key(self.seed, "evaluation", self.steps))
        right, loss = 0, 0.0
        for x, label in zip(self.task.test_x, self.task.test_y, strict=True):
            z = self.network.logits(x, noise)
            right += int(np.argmax(z) == label)
            loss += cross_entropy(z, int(label))
        count = len(self.task.test_y)
        evaluation = Evaluation(self.steps, right / count, loss / count)
        self.curve.append(evaluation)
        return evaluation

    def metrics(self) -> Metrics:
        """The last evaluation (a new one if there was training since) with errors, counts and digest of the state."""
        if not self.curve or self.curve[-1].step != self.steps:
            self.evaluate()
        tiles = [layer.tile for layer in self.network.layers]
        return Metrics(
            accuracy=self.curve[-1].accuracy,
            loss=self.curve[-1].loss,
            sp_rmse=sp_rmse(tiles),
            state_sha256=state_sha256(self.network.state_arrays()),
            counts=counts(tiles),
            seed=self.seed,
        )

    @cached_property
    def settings(self) -> dict[str, str]:
        """What the run depends on, names to texts."""
        parts = ("task", "algorithm", "rates", "physics", "seed")
        return {key: text for name in parts for key, text in checkpoint.describe(name, getattr(self, name)).items()}

    def save(self, path: str | Path) -> None:
        """Write a checkpoint. Evaluations so far are part of it; threads and the kind of periphery are not."""
        checkpoint.write(Path(path), settings=self.settings, arrays=self._arrays())

    def restore(self, path: str | Path) -> None:
        """Go on from a checkpoint of a run with the same settings; this one is as it was if that is refused.

        Raises
        ------
        TypeError
            A layer's periphery cannot be set to a state: RTL.
        ValueError
            The file cannot be read, is damaged, or is of another version or run.
        """
        for layer in self.network.layers:
            if not isinstance(layer.tile.periphery, Restorable):
                kind = type(layer.tile.periphery).__name__
                raise TypeError(f"periphery = {kind}: must be one that can be set to a state, such as Periphery")
        like = self._arrays() | {"curve": _curve_array([])}
        arrays = checkpoint.read(Path(path), settings=self.settings, like=like)
        self.network.restore(arrays)
        self.steps = int(arrays["steps"])
        self.curve = [Evaluation(int(step), accuracy, loss) for step, accuracy, loss in arrays["curve"].tolist()]
        self._order = self._epoch_order()

    def _arrays(self) -> dict[str, np.ndarray]:
        run = {"steps": np.array(self.steps, np.int64), "curve": _curve_array(self.curve)}
        return run | self.network.state_arrays() | self.network.counters()

    def _epoch_order(self) -> np.ndarray:
        return permutation(derive_key(self.seed, "order", self.steps // self.steps_per_epoch), self.steps_per_epoch)


def _curve_array(curve: list[Evaluation]) -> np.ndarray:
    return np.array([astuple(point) for point in curve], np.float64).reshape(-1, 3)
