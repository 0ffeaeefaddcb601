"""Training of a task, step by step. A run is a function of its arguments only; see `Trainer.metrics`."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from model.algorithms import ALGORITHMS, Rates
from model.analog_tile import PeripheryFactory
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
        Reference offset of the cells of the fast arrays; the slow arrays have none.
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
        reference_mean: float = 0.0,
        reference_std: float = 0.0,
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
        slow = devices or SoftBoundsReference()
        fast = with_reference_offset(slow, mean=reference_mean, std=reference_std)
        physics = Physics(
            fast=fast, slow=slow, converters=converters or Converters(), ideal_granularity=ideal_granularity
        )
        self.task = task
        self.seed = seed
        self.steps = 0
        self.curve: list[Evaluation] = []
        self.network = Network(
            configs=task.layers,
            algorithm=ALGORITHMS[algorithm],
            rates=rates or Rates(),
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

    def _epoch_order(self) -> np.ndarray:
        return permutation(derive_key(self.seed, "order", self.steps // self.steps_per_epoch), self.steps_per_epoch)
