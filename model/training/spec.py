"""One training run as data: what is trained how and on what. The same run is the same state, golden or RTL.

Command lines, cosimulation and studies make their trainers from it, so that what they run is described once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from symtrack.model.arithmetic.converters import Converters
from symtrack.model.devices.pulsed import Pulsed
from symtrack.model.network.algorithms import Choppers, Rates
from symtrack.model.network.crossbar import PeripheryFactory
from symtrack.model.network.learning_tile import Programming
from symtrack.model.spec.config import TileConfig
from symtrack.model.tasks.task import TASKS, Problem, with_layer, with_seed, with_tiles
from symtrack.model.tile.operations import Periphery
from symtrack.model.training.schedule import Schedule
from symtrack.model.training.trainer import Trainer


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run; what is None or empty is as the task, the algorithm or `Trainer` has it.

    task: a name in `model.tasks.task.TASKS`. network: options of the task, such as ``hidden`` or ``data``. samples:
    ``train`` and ``test``, the first so many. tiles: fields of the configurations of all tiles, by name. tile_seed: of
    the random sources of all tiles, see `model.tasks.task.with_seed`; RTL of another one is other hardware. config:
    configuration of the layer of its size. The others are those of `model.training.trainer.Trainer`.
    """

    task: str = "digits"
    algorithm: str = "e-rider"
    network: Mapping[str, Any] = field(default_factory=dict)
    samples: Mapping[str, int] = field(default_factory=dict)
    tiles: Mapping[str, int | float] = field(default_factory=dict)
    tile_seed: int = 1
    config: TileConfig | None = None
    reference_mean: float | None = None
    reference_std: float | None = None
    devices: Pulsed | None = None
    slow_devices: Pulsed | None = None
    converters: Converters | None = None
    rates: Rates | None = None
    batch: int = 1
    schedule: Schedule = Schedule()  # noqa: RUF009, it is frozen
    choppers: Choppers = Choppers()  # noqa: RUF009
    calibration: int = 0
    seed: int = 1
    ideal_granularity: bool = False
    programming: Programming | None = None

    def problem(self) -> Problem:
        """The task with its network and tiles.

        Raises
        ------
        TypeError, ValueError
            There is no such task, or it cannot be as it is told to be.
        """
        if self.task not in TASKS:
            raise ValueError(f"task = {self.task!r}: must be one of {', '.join(TASKS)}")
        task = TASKS[self.task](**self.network)
        if self.samples:
            task = task.limited(**self.samples)
        tiles = {"programmer": 1} if self.programming else {}
        task = with_seed(with_tiles(task, **(tiles | dict(self.tiles))), self.tile_seed)
        return with_layer(task, self.config) if self.config else task

    def trainer(self, *, periphery: PeripheryFactory = Periphery, threads: int = 1) -> Trainer:
        """A trainer at the start of the run; raises what `problem` and `Trainer` do."""
        return Trainer(
            task=self.problem(),
            algorithm=self.algorithm,
            reference_mean=self.reference_mean,
            reference_std=self.reference_std,
            devices=self.devices,
            slow_devices=self.slow_devices,
            converters=self.converters,
            rates=self.rates,
            batch=self.batch,
            schedule=self.schedule,
            choppers=self.choppers,
            calibration=self.calibration,
            seed=self.seed,
            ideal_granularity=self.ideal_granularity,
            programming=self.programming,
            periphery=periphery,
            threads=threads,
        )
