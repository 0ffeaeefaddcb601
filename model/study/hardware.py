# SPDX-License-Identifier: Apache-2.0
"""The peripheries that a run needs, and their gates."""

from __future__ import annotations

from symtrack.model.analysis.gates import gates
from symtrack.model.network.chain import Chain
from symtrack.model.spec.config import TileConfig
from symtrack.model.training.spec import TrainingSpec


def hardware(spec: TrainingSpec) -> list[TileConfig]:
    """The configurations of the peripheries of all tiles of a run."""
    stages = spec.algorithm.arrays - 1 if isinstance(spec.algorithm, Chain) else 1
    return [spec.hardware(tile) for tile in spec.problem().tile_configs for _ in range(stages)]


def gates_of(spec: TrainingSpec) -> int:
    """Gates of all of them together, by the closed form of `model.analysis.gates`."""
    return gates(hardware(spec))
