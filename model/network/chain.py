# SPDX-License-Identifier: Apache-2.0
"""Chains of arrays: residual learning over more than two, each on its own time scale, with a periphery for every stage.

    weights      W = A_0 + gamma * A_1 + gamma**2 * A_2 + ... + gamma**N * c' o (A_N - R) o c
    update       pulses go to A_N
    stage N      reads columns of A_N and writes A_(N-1), as the algorithm of the fields says
    stage k < N  after every ``slowdown`` transfers of stage k + 1: reads the next column of A_k against ``coarse`` and
                 writes A_(k-1) through its buffer H

A_0 is W, as elsewhere; it starts at random or from written weights, all others start at zero. A product goes through
each array and its converters. Two arrays are the algorithm of the fields itself. Source: after arXiv 2510.02516, whose
inner details are chosen here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from symtrack.model.arithmetic.converters import NoiseStream
from symtrack.model.devices.array import DeviceArray
from symtrack.model.network.algorithms import Algorithm, CustomAlgorithm
from symtrack.model.network.crossbar import Crossbar
from symtrack.model.network.learning_tile import Learning, LearningTile
from symtrack.model.network.products import GAMMA_BITS
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.fixed import Int, round_shift
from symtrack.model.spec.settings import Reference, Settings, Target
from symtrack.model.spec.validated import check
from symtrack.model.state import Arrays, named, part_of

ARRAYS_MAX = 8
SLOWDOWN_MAX = 10**6
_SEED_STEP = 0x9E3779B1  # odd: sources of every stage have seeds of their own


@dataclass(frozen=True, kw_only=True)
class Chain(CustomAlgorithm):
    """Residual learning over ``arrays`` arrays; the fields of `Algorithm` are those of the finest stage.

    Attributes
    ----------
    arrays : from 2 to `ARRAYS_MAX`.
    slowdown : transfers of a stage to one of the next coarser.
    coarse : what the coarser stages read against: ``ZERO``, or ``FILTERED``, which follows the array itself.

    Raises
    ------
    TypeError, ValueError
        A field is not what it must be; the message names it, its value and what is allowed.
    """

    residual: bool = True
    arrays: int = 3
    slowdown: int = 8
    coarse: Reference = Reference.ZERO

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "arrays", check("arrays", self.arrays, 2, ARRAYS_MAX))
        object.__setattr__(self, "slowdown", check("slowdown", self.slowdown, 1, SLOWDOWN_MAX))
        if self.target != Target.FAST:
            raise ValueError(f"target = {self.target.name}: must be FAST, whose transfers the chain is made of")
        if not self.residual:
            raise ValueError("residual = False: must be True, as products are taken of all arrays")
        if self.coarse not in (Reference.ZERO, Reference.FILTERED):
            raise ValueError(f"coarse = {self.coarse!r}: must be Reference.ZERO or Reference.FILTERED")

    def coarser(self) -> Algorithm:
        """What the stages but the finest do: buffered writes, no chopper."""
        return Algorithm(reference=self.coarse)


class ChainTile(LearningTile):
    """A tile of a layer that is a chain; ``stages`` are its crossbars, the finest first.

    The slow array of a stage is the fast one of the next.
    """

    def __init__(self, *, name: str, config: TileConfig, start: float, learning: Learning) -> None:
        chain, physics = learning.algorithm, learning.physics
        assert isinstance(chain, Chain)
        for part, device in (("devices", physics.fast), ("slow_devices", physics.slow)):
            if device.lifetime:
                raise ValueError(
                    f"{part}: lifetime = {device.lifetime}: must be 0 with a chain, whose arrays do not decay"
                )
        super().__init__(name=name, config=config, start=start, learning=learning)
        self._chain = chain
        self._gamma = round(learning.rates.gamma * (1 << GAMMA_BITS))
        converters = replace(physics.converters, adc_bits=config.adc_bits)
        shape = {"rows": config.rows, "columns": config.columns, "seed": learning.seed}
        stages = [self.tile]
        for number in range(1, chain.arrays - 1):
            below = f"{name}.stage{number}"
            stage = Crossbar(
                config=config.replace(seed=(config.seed + number * _SEED_STEP) % 2**32),
                periphery=learning.periphery,
                fast=stages[-1].slow.cells,
                slow=physics.slow.cells(**shape, array=f"{below}.slow"),
                converters=converters,
                gamma=0.0,
                seed=learning.seed,
                name=below,
                threads=learning.threads,
            )
            stage.fast = stages[-1].slow
            stages.append(stage)
        if len(stages) > 1:  # W is where the chain ends
            stages[-1].slow.program(self.tile.slow.weights)
            self.tile.slow.program(np.zeros((config.rows, config.columns), np.int64))
        self._stages = stages

    @property
    def stages(self) -> list[Crossbar]:
        return self._stages

    def set_rate(self, factor: float, *, may_rest: bool = False) -> None:
        super().set_rate(factor, may_rest=may_rest)
        coarser = self._algorithm.coarser()  # type: ignore[attr-defined]
        self._coarse = self._settings(coarser, factor, may_rest=may_rest)

    def weights(self) -> Int:
        """A_0 + gamma * A_1 + ..., without A_N, which forgets."""
        total = self.stages[0].slow.weights
        for stage in self.stages[1:]:
            total = stage.slow.weights + round_shift(total * self._gamma, GAMMA_BITS)
        return total

    def forward(self, x: Int, noise: NoiseStream) -> Int:
        return self._sum([stage.forward(x, noise) for stage in self.stages])

    def backward(self, delta: Int, noise: NoiseStream) -> Int:
        return self._sum([stage.backward(delta, noise) for stage in self.stages])

    def _sum(self, values: list[Int]) -> Int:
        """Of products of all stages, the finest first."""
        total = values[0]
        for value in values[1:]:
            total = value + round_shift(total * self._gamma, GAMMA_BITS)
        return total

    def _transfer(self, settings: Settings, noise: NoiseStream, count: int) -> None:
        for _ in range(count):
            super()._transfer(settings, noise, 1)
            for finer, stage in zip(self.stages, self.stages[1:], strict=False):
                if finer.transfers % self._chain.slowdown:
                    break
                stage.transfer(self._coarse, noise)

    def arrays(self) -> list[tuple[str, DeviceArray]]:
        more = [(f"stage{number}_slow", stage.slow) for number, stage in enumerate(self.stages[1:], start=1)]
        return super().arrays() + more

    def state_arrays(self) -> dict[str, np.ndarray]:
        arrays = super().state_arrays()
        for number, stage in enumerate(self.stages[1:], start=1):
            arrays |= named(f"stage{number}", stage.state_arrays())
        return arrays

    def counters(self) -> dict[str, np.ndarray]:
        counters = super().counters()
        for number, stage in enumerate(self.stages[1:], start=1):
            counters |= named(f"stage{number}", stage.counters())
        return counters

    def restore(self, arrays: Arrays) -> None:
        super().restore(arrays)
        for number, stage in enumerate(self.stages[1:], start=1):
            stage.restore(part_of(arrays, f"stage{number}"))


def make_tile(*, name: str, config: TileConfig, start: float, learning: Learning) -> LearningTile:
    """The tile of a layer that the algorithm needs."""
    kind = ChainTile if isinstance(learning.algorithm, Chain) else LearningTile
    return kind(name=name, config=config, start=start, learning=learning)
