# SPDX-License-Identifier: Apache-2.0
"""What a configuration of aihwkit is here: algorithm, devices, rates and tiles. With batch and network a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple

from symtrack.model.arithmetic.converters import Converters
from symtrack.model.devices.pulsed import LIFETIME_MAX, Pulsed
from symtrack.model.network.algorithms import (
    ALGORITHMS,
    Algorithm,
    Choppers,
    CustomAlgorithm,
    Rates,
    named,
    own_rates,
    without_effect,
)
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import Settings, Target
from symtrack.model.spec.validated import shown
from symtrack.model.training.schedule import Schedule
from symtrack.model.training.spec import TrainingSpec

REGRESSIONS = ("noisy-quadratic", "weight-programming")  # tasks whose network is given
BOUNDS = {spec.name: spec.metadata for spec in fields(TileConfig) if "low" in spec.metadata}
LIMITS = {spec.name: spec.metadata["high"] for spec in fields(Rates)}


@dataclass(frozen=True, kw_only=True)
class Keeping(CustomAlgorithm):
    """An algorithm of `ALGORITHMS` whose writes take away what they have written, as with forget_buffer = False."""

    @classmethod
    def of(cls, base: str) -> Keeping:
        """That of a name."""
        given = {spec.name: getattr(ALGORITHMS[base], spec.name) for spec in fields(Algorithm)}
        return cls(name=f"{base} that keeps the rest", version=1, **given)

    @property
    def base(self) -> str:
        """The name of the algorithm that forgets it."""
        return self.name.partition(" ")[0]

    def of_transfer(self, transfer: int, settings: Settings) -> Settings:
        return replace(settings, forget=False)


class Thresholds(NamedTuple):
    """Write threshold of the hidden buffer.

    size: in dw_min of W. by_period: it is to be divided by the columns of a tile, else it is the same for all.
    """

    size: float
    by_period: bool


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What a configuration of aihwkit is here; `spec` makes a run of it.

    Attributes
    ----------
    algorithm : str or CustomAlgorithm
        A name in `model.network.algorithms.ALGORITHMS`, or `Keeping`.
    device : Pulsed
        Devices that updates pulse: of P, or of W where there is no P.
    slow_device : Pulsed or None
        Devices of W beside P.
    converters : Converters
        Of products and reads.
    rates : mapping
        Hyperparameters that do not depend on batch and network.
    tiles : mapping
        Fields of the tiles.
    choppers : Choppers
        In place of those of the algorithm.
    thresholds : Thresholds or None
        Write threshold, for buffered writes.
    momentum : float or None
        Of the running maxima for one sample at a time.
    every, in_batches : float, bool
        Updates to a transfer event, or batches.
    fixed_rates : tuple of str
        Fields that are to stay what they are when the rate of the optimiser is scheduled; no schedule is allowed then.
    network : mapping
        Options of networks.
    notes : list of str
        A line for every value that became another one, or works in another way.
    ignored : list of str
        A line for every value that has no effect.
    """

    algorithm: str | CustomAlgorithm
    device: Pulsed
    slow_device: Pulsed | None
    converters: Converters
    rates: Mapping[str, float]
    tiles: Mapping[str, Any]
    choppers: Choppers = Choppers()  # noqa: RUF009, it is frozen
    thresholds: Thresholds | None = None
    momentum: float | None = None
    every: float = 1.0
    in_batches: bool = True
    fixed_rates: tuple[str, ...] = ()
    network: Mapping[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def spec(self, **more: Any) -> TrainingSpec:
        """The run, with ``more`` arguments of `TrainingSpec`, which take the place of what the configuration says.

        None leaves what it says. Of ``tiles``, of ``network`` and of ``rates`` as a mapping only what is given changes;
        the other rates stay those that follow from the devices of the configuration. A ``fast_rate`` also takes the
        place of a ``fixed_fast_rate``, and ``converters`` that of ``adc_bits`` of the tiles. Another algorithm has its
        own choppers and its own values of rates that the configuration does not have, and no rates without effect;
        one whose updates go to W pulses ``device``.

        Raises
        ------
        TypeError, ValueError
            They do not go together with the configuration; the message says why.
        """
        more = {name: value for name, value in more.items() if value is not None}
        batch, algorithm = more.get("batch", 1), more.get("algorithm", self.algorithm)
        given = more.pop("rates", {})
        if not isinstance(given, (Rates, Mapping)):
            raise TypeError(f"rates = {shown(given)}: must be Rates or a mapping of some of them")
        if isinstance(given, Mapping):
            own_rates(given)
        for name, kinds in (("tiles", Mapping), ("network", Mapping), ("schedule", Schedule)):
            if name in more and not isinstance(more[name], kinds):
                raise TypeError(f"{name} = {shown(more[name])}: must be a {kinds.__name__}")
        to_slow, own = named(algorithm).target == Target.SLOW, algorithm == self.algorithm
        tiles = dict(self.tiles)
        if to_slow:
            tiles.pop("threshold_shift", None)
        if isinstance(more.get("converters"), Converters):
            tiles["adc_bits"] = more["converters"].adc_bits
        tiles |= more.pop("tiles", {})
        task = more.get("task", TrainingSpec.task)
        named_network = isinstance(task, str) and task not in REGRESSIONS
        network = {**(self.network if named_network else {}), **more.pop("network", {})}
        self.check_schedule(more.get("schedule"))
        values: dict[str, Any] = {
            "algorithm": algorithm,
            "converters": self.converters,
            "choppers": self.choppers if own else Choppers(),
            "network": network,
        }
        if "devices" not in more:
            values["devices"] = self.lasting(self.device, batch)
        if "slow_devices" not in more and self.slow_device is not None and not to_slow:
            values["slow_devices"] = self.lasting(self.slow_device, batch)
        first = TrainingSpec(**values | more | {"tiles": {k: v for k, v in tiles.items() if v != "auto"}})
        if isinstance(given, Mapping):
            problem = first.problem()
            columns = {config.columns for config in problem.tile_configs}
            learned = any(layer.scale is None for layer in problem.architecture.layers)
            given = self.rates_for(batch=batch, columns=columns, learned=learned, algorithm=algorithm, given=given)
        return replace(first, rates=given, tiles=tiles)

    def check_schedule(self, schedule: Any) -> None:
        """Raise ValueError for a schedule of rates that are to stay what they are."""
        factors = schedule.factors() if hasattr(schedule, "factors") else [factor for _, factor in schedule or ()]
        if self.fixed_rates and any(factor != 1 for factor in factors):
            told = ", ".join(self.fixed_rates)
            raise ValueError(f"schedule = {schedule!r}: must be left out, a schedule would go wrong with {told}")

    def lasting(self, device: Pulsed, batch: int) -> Pulsed:
        """The device with its lifetime in updates; aihwkit counts batches."""
        if batch == 1 or not device.lifetime:
            return device
        if device.lifetime * batch > LIFETIME_MAX:
            raise ValueError(f"batch = {batch}: must be at most {LIFETIME_MAX / device.lifetime:g} with this lifetime")
        return replace(device, lifetime=device.lifetime * batch)

    def rates_for(
        self,
        *,
        batch: int,
        columns: set[int],
        learned: bool,
        algorithm: str | CustomAlgorithm | None = None,
        given: Mapping[str, float] | None = None,
    ) -> Rates:
        """Hyperparameters for batches of this size, tiles with so many columns, and output scales that are learned.

        algorithm: in place of that of the configuration. given: rates in place of its own.

        Raises
        ------
        ValueError
            There are none.
        """
        algorithm, given = algorithm or self.algorithm, given or {}
        useless = without_effect(named(algorithm))
        found: dict[str, Any] = dict(self.rates)
        if not learned:
            found.pop("scale_rate", None)
        if self.slow_device is not None and "transfer_every" not in {*given, *useless}:
            found |= self._events(batch)
        if self.momentum is not None:
            found["momentum"] = 1 - (1 - self.momentum) / batch
        if self.thresholds and "granularity" not in {*given, *useless}:
            size = self.thresholds.size
            if not self.thresholds.by_period:
                if len(columns) > 1:
                    told = ", ".join(map(str, sorted(columns)))
                    raise ValueError(
                        f"auto_granularity = 0: must be above zero for tiles of {told} columns, which otherwise have "
                        "different granularities"
                    )
                size *= next(iter(columns))
            # Only their ratio counts.
            ratio = min(max(size, 1.0), LIMITS["granularity"]) / size
            found |= {"granularity": size * ratio, "learning_rate": found["learning_rate"] * ratio}
        if "fast_rate" in given:
            found.pop("fixed_fast_rate", None)
        found = {name: value for name, value in found.items() if name not in useless}
        return Rates.of(algorithm, **{**found, **given})

    def _events(self, batch: int) -> dict[str, int]:
        """Transfer events and reads; what is due within a batch comes at its end."""
        updates = max(math.ceil(self.every * batch) if self.in_batches else round(self.every), 1)
        reads = int(self.rates.get("reads", 1))
        if updates % batch == 0:
            return {"transfer_every": updates // batch, "reads": reads}
        if batch % updates == 0:
            return {"transfer_every": 1, "reads": reads * (batch // updates)}
        raise ValueError(f"batch = {batch}: must divide transfer_every = {updates} updates, or be divided by it")
