# SPDX-License-Identifier: Apache-2.0
"""A tile that learns: arrays and periphery with update management, transfer schedule and settings.

    learn(x, delta)    one pulsed update for each outer product delta_k x_k^T, then the transfers that are due:
                       ``reads`` columns after every ``transfer_every`` calls
    calibrate(n)       zero-shifting: n pulses of alternating sign to every cell of P, then P is read into Qref

Source: docs/training.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby

import numpy as np

from symtrack.model.arithmetic.converters import Converters, NoiseStream
from symtrack.model.arithmetic.formats import WEIGHT_ONE, to_weight
from symtrack.model.arithmetic.noise import derive_key, uniforms
from symtrack.model.devices.array import DeviceArray
from symtrack.model.devices.pulsed import Pulsed
from symtrack.model.network.algorithms import Algorithm, Rates, settings
from symtrack.model.network.crossbar import Crossbar
from symtrack.model.network.update_management import UpdateManager
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.settings import ROUND_BITS, ChopperMode, Reference, Settings, Target
from symtrack.model.spec.validated import Validated, integer, number
from symtrack.model.state import Arrays
from symtrack.model.tile.interface import PeripheryFactory

TOLERANCE_MAX = 1024  # LSB


@dataclass(frozen=True, kw_only=True)
class Programming(Validated):
    """Write and verify of R; see `Validated` for the errors of bad parameters."""

    tolerance: float = number(0, TOLERANCE_MAX, 1.0, "largest error that is left alone, in LSB of the ADC")
    rounds: int = integer(1, (1 << ROUND_BITS) - 1, 64, "most reads of a column, the last of which verifies")

    def settings(self, config: TileConfig, lsb: int, dw_min: float) -> Settings:
        """Settings of the tile; a difference is corrected at once as far as ``gain_bits`` and ``pulses_max`` allow."""
        pulses_per_unit = Fraction(lsb, WEIGHT_ONE << config.reference_fraction_bits) / Fraction(dw_min)
        gain = min(round(pulses_per_unit * (1 << config.threshold_shift)), (1 << config.gain_bits) - 1)
        units = round(Fraction(self.tolerance) * (1 << config.reference_fraction_bits))
        return Settings(gain=gain, tolerance=min(units, config.reference_format.high), rounds=self.rounds)


@dataclass(frozen=True, kw_only=True)
class Physics:
    """Devices and converters of a tile.

    Attributes
    ----------
    fast : devices of the array that updates pulse: P, or W where no P is in use.
    slow : devices of W otherwise.
    converters : those of the products; the ADC takes the width of the tile.
    ideal_granularity : see `model.network.crossbar.Crossbar`.
    programming : how R, of devices like those of W, is programmed; None for an ideal copy.
    """

    fast: Pulsed
    slow: Pulsed
    converters: Converters
    ideal_granularity: bool = False
    programming: Programming | None = None


@dataclass(frozen=True, kw_only=True)
class Learning:
    """What all tiles of a network share: how and on what they learn, see `model.network.network.Network`.

    ``stale``: the residual of the products is the digital one, see `model.network.crossbar.Crossbar`.
    """

    algorithm: Algorithm
    rates: Rates
    physics: Physics
    periphery: PeripheryFactory
    seed: int
    threads: int = 1
    stale: bool = False


def stage_name(tile: str, number: int) -> str:
    """The name of a stage of a tile: the first, which is all unless there is a chain, has that of the tile."""
    return f"{tile}.stage{number}" if number else tile


class LearningTile:
    """One tile of a layer.

    Parameters
    ----------
    name
        Keys everything random of this tile.
    config
        The tile.
    start
        W starts uniform between plus and minus this weight.
    learning
        How and on what it learns, and the maker of what drives it.

    Attributes
    ----------
    tile : arrays and periphery.
    dw_min : nominal step of the cells of W, a weight.
    """

    def __init__(self, *, name: str, config: TileConfig, start: float, learning: Learning) -> None:
        algorithm, rates, physics, seed = learning.algorithm, learning.rates, learning.physics, learning.seed
        converters = replace(physics.converters, adc_bits=config.adc_bits)
        # Updates of W need no P, so it is W's devices that are those which updates pulse.
        slow = physics.fast if algorithm.target == Target.SLOW else physics.slow
        shape = {"rows": config.rows, "columns": config.columns, "seed": seed}
        reference: dict[str, object] = {}
        if physics.programming and algorithm.target == Target.FAST:
            if algorithm.reference != Reference.LATCHED:
                raise ValueError(f"reference = {algorithm.reference.name}: must be LATCHED where R is programmed")
            reference["reference"] = physics.slow.cells(**shape, array=f"{name}.reference")
            reference["programming"] = physics.programming.settings(config, converters.read_lsb, physics.slow.dw_min)
        self.config = config
        self.tile = Crossbar(
            config=config,
            periphery=learning.periphery,
            fast=physics.fast.cells(**shape, array=f"{name}.fast"),
            slow=slow.cells(**shape, array=f"{name}.slow"),
            converters=converters,
            gamma=rates.gamma if algorithm.residual else 0.0,
            stale=learning.stale,
            seed=seed,
            name=name,
            threads=learning.threads,
            ideal_granularity=physics.ideal_granularity,
            **reference,  # type: ignore[arg-type]
        )
        span = int(to_weight(start))
        weights = uniforms(derive_key(seed, name, "start"), config.rows * config.columns, 2 * span) - span
        self.tile.slow.program(weights.reshape(config.rows, config.columns))
        self.manager = UpdateManager(config=config, fast_rate=rates.fast_rate, momentum=rates.momentum)
        if rates.fixed_fast_rate:
            self.manager.step = rates.fixed_fast_rate / physics.fast.dw_min
        self.calibration_pulses = 0  # per cell
        self._steps = 0  # calls of `learn` since the last transfer event
        self._algorithm, self._rates = algorithm, rates
        self.dw_min = slow.dw_min
        self._warm_up = config.chopper_period * config.columns if algorithm.warm_up else 0  # transfers
        self.set_rate(1.0)

    def set_rate(self, factor: float, *, may_rest: bool = False) -> None:
        """Multiply the learning rate by ``factor`` from now on.

        Raises ValueError if there is no such setting; ``may_rest`` as in `model.network.algorithms.settings`.
        """
        if self._algorithm.target == Target.SLOW:
            self.manager.step = self._rates.learning_rate * factor / self.dw_min
            return
        self._writing, self._warming = (
            self._settings(self._algorithm, factor, may_rest=may_rest, warming_up=warming_up)
            for warming_up in (False, True)
        )
        # Cells that have not flipped by then, or not alone, get their first reference with the end of the warm-up.
        rows_by_chance = self._algorithm.row_chopper == ChopperMode.RANDOM and self.config.chopper_flip_below > 0
        surely = self._algorithm.chopper == ChopperMode.REGULAR and not rows_by_chance
        self._latching = replace(self._warming, latch=not surely)

    def _settings(self, algorithm: Algorithm, factor: float, *, may_rest: bool, warming_up: bool = False) -> Settings:
        """Those of a transfer of this tile at its learning rate times ``factor``."""
        return settings(
            algorithm,
            config=self.config,
            rates=self._rates,
            dw_min=self.dw_min,
            lsb=self.tile.converters.read_lsb,
            warming_up=warming_up,
            factor=factor,
            may_rest=may_rest,
        )

    @property
    def stages(self) -> list[Crossbar]:
        """All that drives arrays of this tile: one, unless there is a chain of them."""
        return [self.tile]

    @property
    def base(self) -> Crossbar:
        """The one whose slow array is W."""
        return self.stages[-1]

    def arrays(self) -> list[tuple[str, DeviceArray]]:
        """All arrays of devices by name."""
        return self.tile.arrays()

    def weights(self) -> Int:
        """W [R, C] as weights with 30 fractional bits."""
        return self.tile.slow.weights

    def forward(self, x: Int, noise: NoiseStream) -> Int:
        """Products [n, R] with vectors x [n, C]."""
        return self.tile.forward(x, noise)

    def backward(self, delta: Int, noise: NoiseStream) -> Int:
        """Products [n, C] with errors delta [n, R]."""
        return self.tile.backward(delta, noise)

    @property
    def warm_up_steps(self) -> int:
        """Training steps from the start before the first whose transfers may write W."""
        quiet = self._warm_up // self._rates.reads  # transfer events
        return (quiet + 1) * self._rates.transfer_every - 1 if self._warm_up else 0

    def settings(self, ahead: int = 0) -> Settings:
        """Settings of the next transfer, or of one of those behind it."""
        number = self.tile.transfers + ahead
        left = self._warm_up - number
        if left > 0:
            return self._warming if left > self.config.columns else self._latching
        found = self._algorithm.of_transfer(number, self._writing)
        if not isinstance(found, Settings):
            raise TypeError(f"of_transfer = {found!r}: must return Settings, those that it gets or replaced ones")
        return found

    def calibrate(self, pulses: int, noise: NoiseStream) -> None:
        """Bring P to its symmetric point with ``pulses`` alternating pulses a cell and read it into Qref.

        For algorithms without a warm-up, see `model.network.algorithms.Algorithm.calibrated`. The reads are sweeps of
        the filter, as many as it needs to settle to half an ADC LSB, and one that latches.
        """
        sweeps = (self.config.adc_bits + 1) << self.config.filter_shift  # ln 2 < 1: more than halves every 2**k reads
        self.tile.calibrate(pulses, sweeps + 1, noise)
        self.calibration_pulses += pulses

    def learn(self, x: Int, delta: Int, noise: NoiseStream) -> None:
        """One update for each pair of inputs x [n, C] and errors delta [n, R], and the transfers that are due."""
        target = self._algorithm.target
        x, delta = np.atleast_2d(x), np.atleast_2d(delta)
        if len(x) and (self._rates.clip_errors if target == Target.SLOW else self._rates.fixed_fast_rate):
            delta = self.manager.within(x, delta)
        self.tile.learn(x, delta, self.manager, target)
        self._steps += 1
        if target == Target.SLOW or self._steps < self._rates.transfer_every:
            return
        self._steps = 0
        for alike, some in groupby([self.settings(ahead) for ahead in range(self._rates.reads)]):
            self._transfer(alike, noise, len(list(some)))

    def _transfer(self, settings: Settings, noise: NoiseStream, count: int) -> None:
        """Read the next ``count`` columns of P, and write what comes of it."""
        self.tile.transfer(settings, noise, count)

    def state_arrays(self) -> dict[str, np.ndarray]:
        """All state by name."""
        host = {
            "x_mean": self.manager.x_mean,
            "delta_mean": self.manager.delta_mean,
            "steps": self._steps,
            "calibration_pulses": self.calibration_pulses,
        }
        return self.tile.state_arrays() | {name: np.array(value) for name, value in host.items()}

    def counters(self) -> dict[str, np.ndarray]:
        """What has been counted beside the state, by name."""
        return self.tile.counters()

    def restore(self, arrays: Arrays) -> None:
        """Back to the state of `state_arrays` and `counters`."""
        self.tile.restore(arrays)
        self.manager.x_mean = int(arrays["x_mean"])
        self.manager.delta_mean = int(arrays["delta_mean"])
        self._steps = int(arrays["steps"])
        self.calibration_pulses = int(arrays["calibration_pulses"])
