# SPDX-License-Identifier: Apache-2.0
"""A training run as data: task, network, algorithm, devices, rates and seed; golden and RTL are made from it.

Command lines, cosimulation and studies make their trainers from it, so that what they run is described once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from symtrack.model.arithmetic.converters import Converters
from symtrack.model.devices.pulsed import Pulsed
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.network.algorithms import RESIDUALS, Choppers, CustomAlgorithm, Rates, fitting_shift, named
from symtrack.model.network.architecture import TILE_COLUMNS, TILE_ROWS
from symtrack.model.network.learning_tile import Programming
from symtrack.model.network.macro import Macro
from symtrack.model.network.writing import StartWeights
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import Target
from symtrack.model.spec.validated import check, integral
from symtrack.model.tasks.task import TASKS, TILE_SEEDS, Problem, with_layer, with_seed, with_tiles
from symtrack.model.training.reference_start import ReferenceStart
from symtrack.model.training.schedule import Schedule

BATCH_MAX = 65536
CALIBRATION_MAX = 10**6
SEED_MAX = 2**32 - 1
AUTO = ("threshold_shift", "auto")


@dataclass(frozen=True, kw_only=True)
class TrainingSpec:
    """A training run; what is None or empty is as the task or the algorithm has it.

    Attributes
    ----------
    task : str or Problem
        A name in `model.tasks.task.TASKS`: ``digits``, ``mnist``, ``fashion-mnist``, ``mnist1d``, ``idx``,
        ``weight-programming`` or ``noisy-quadratic``; or data and network themselves.
    algorithm : str or CustomAlgorithm
        A name in `model.network.algorithms.ALGORITHMS`, or one of one's own.
    network : mapping
        Options of a task that is named, such as ``hidden``, a list of sizes, or ``data``, a folder.
    samples : mapping
        ``train`` and ``test``: only the first so many samples. In place of the test set, ``validation`` holds the last
        so many training samples out, and ``seen`` takes the first so many, whose loss is that of training.
    tiles : mapping
        Fields of the configurations of all tiles, by name; ``threshold_shift`` may be ``"auto"``, for each tile the one
        next to its own with which the gains of the run fit; ``lanes`` are at most the rows of each tile.
    tile_seed : int
        Of the random sources of all tiles, see `model.tasks.task.with_seed`.
    config : TileConfig, optional
        Configuration of the layer of its size.
    macro : Macro, optional
        Rows and columns of the macro that all tiles are on, each with as many lines as it needs; None: each tile has a
        periphery of its own size.
    reference_mean, reference_std : float, optional
        Reference offset of the cells of the fast arrays, as weights; None for the devices' own.
    devices, slow_devices : Pulsed, optional
        Device parameters of the fast and of the slow arrays; without them soft bounds with reference, and for the slow
        arrays the devices of the fast ones without a reference offset.
    converters : Converters, optional
        Those of the products, None for those of the task.
    rates : Rates, optional
        Hyperparameters, None for those of the algorithm; ``Rates.of(algorithm, ...)`` changes some of them.
    batch : int
        Samples of a training step; the last of an epoch has what is left.
    schedule : Schedule
        Factors of the learning rate.
    choppers : Choppers
        In place of those of the algorithm.
    calibration : int
        Pulses of zero-shifting to every cell of P before the first step. The algorithm's reference is then Qref as the
        calibration left it, see `model.network.algorithms.Algorithm.calibrated`; 0 leaves all that out.
    seed : int
        Of everything random but the sources of the tiles.
    ideal_granularity : bool
        Updates move cells by expected, not by whole random steps, see `model.network.crossbar.Crossbar`.
    programming : Programming, optional
        How R is programmed; None for an ideal copy.
    weights : StartWeights, optional
        What is written into W before the first step; None: W starts at random.
    reference_start : ReferenceStart, optional
        Where Q starts; None: at zero.
    residual : str
        Of an algorithm that has one: ``"analog"``, products of P and R, or ``"stale"``, products of the words that the
        tiles hold, which then have ``residual_memory``; see `model.network.crossbar.Crossbar`.

    Raises
    ------
    TypeError, ValueError
        A seed or a count is no integer, or out of range; the message names it, its value and what is allowed.
    """

    task: str | Problem = "digits"
    algorithm: str | CustomAlgorithm = "e-rider"
    network: Mapping[str, Any] = field(default_factory=dict)
    samples: Mapping[str, int] = field(default_factory=dict)
    tiles: Mapping[str, int | float | str] = field(default_factory=dict)
    tile_seed: int = 1
    config: TileConfig | None = None
    macro: Macro | None = None
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
    weights: StartWeights | None = None
    reference_start: ReferenceStart | None = None
    residual: str = RESIDUALS[0]

    def __post_init__(self) -> None:
        limits = {"seed": (0, SEED_MAX), "tile_seed": (1, TILE_SEEDS), "batch": (1, BATCH_MAX)}
        for name, (low, high) in (limits | {"calibration": (0, CALIBRATION_MAX)}).items():
            object.__setattr__(self, name, check(name, getattr(self, name), low, high))
        if self.macro is not None:
            lines = zip(("macro rows", "macro columns"), self.macro, (TILE_ROWS, TILE_COLUMNS), strict=True)
            object.__setattr__(self, "macro", Macro(*(check(name, size, 1, high) for name, size, high in lines)))
        if self.residual not in RESIDUALS:
            raise ValueError(f"residual = {self.residual!r}: must be one of {', '.join(RESIDUALS)}")
        if self.stale and self.config is not None:
            object.__setattr__(self, "config", self.config.replace(residual_memory=1))
        counts = {name: integral(f"samples: {name}", count) for name, count in self.samples.items()}
        object.__setattr__(self, "samples", counts)
        for name in ("network", "tiles"):
            object.__setattr__(self, name, {key: _plain(value) for key, value in getattr(self, name).items()})

    @property
    def stale(self) -> bool:
        """Products include the words that the tiles hold in place of P and R."""
        return self.residual == "stale"

    def problem(self) -> Problem:
        """The task with its network and tiles.

        Raises
        ------
        TypeError, ValueError
            There is no such task, or it cannot be as it is told to be.
        """
        task: Any = self.task
        if isinstance(self.task, str):
            if self.task not in TASKS:
                raise ValueError(f"task = {self.task!r}: must be one of {', '.join(TASKS)}")
            task = TASKS[self.task](**self.network)
        elif self.network:
            raise ValueError(f"network = {dict(self.network)!r}: must be empty for a task that has its network")
        if self.samples:
            task = task.limited(**self.samples)
        tiles = {"programmer": 1} if self.programming else {}
        tiles |= {"residual_memory": 1} if self.stale else {}
        tiles |= {name: value for name, value in self.tiles.items() if (name, value) != AUTO}  # type: ignore[misc]
        if AUTO in self.tiles.items() and isinstance(bits := tiles.get("hidden_bits"), int):  # from where it looks
            tiles["threshold_shift"] = min(max(bits - 2, 0), *(one.threshold_shift for one in task.tile_configs))
        if tiles:
            task = with_tiles(task, **tiles)
        if self.tile_seed != 1:
            task = with_seed(task, self.tile_seed)
        if AUTO in self.tiles.items():
            task = replace(task, tile_configs=tuple(self._with_threshold(one, task) for one in task.tile_configs))
        return with_layer(task, self.config) if self.config else task

    def hardware(self, tile: TileConfig) -> TileConfig:
        """The configuration of the periphery of a tile, which is that of the macro if there is one."""
        return self.macro.config(tile) if self.macro else tile

    def _with_threshold(self, config: TileConfig, task: Problem) -> TileConfig:
        """The tile with a write threshold that suits the rates; as it is if there is none, which the trainer tells."""
        algorithm = named(self.algorithm)
        if algorithm.target == Target.SLOW:
            name, value = AUTO
            raise ValueError(
                f"tiles: {name} = {value!r}: must be left out with {self.algorithm}, whose updates go to W at once"
            )
        shift = fitting_shift(
            algorithm,
            config=config,
            rates=self.rates or Rates.of(self.algorithm),
            dw_min=(self.slow_devices or self.devices or SoftBoundsReference()).dw_min,
            lsb=replace(self.converters or task.converters, adc_bits=config.adc_bits).read_lsb,
            factors=self.schedule.factors(),
        )
        return config if shift is None else config.replace(threshold_shift=shift)


def _plain(value: Any) -> Any:
    """The same value with numbers of Python where they are of numpy, also in a tuple or list."""
    if isinstance(value, (tuple, list)):
        return type(value)(_plain(item) for item in value)
    return value.item() if isinstance(value, np.generic) else value
