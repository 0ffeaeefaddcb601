# SPDX-License-Identifier: Apache-2.0
"""The peripheries that a run needs, their gates, and the energy they take for what each of them did.

joules = sum over tiles of slots * slot + reads * read + other cycles * cycle
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symtrack.model.analysis import event_fit
from symtrack.model.analysis.energy import PICO
from symtrack.model.analysis.gates import gates
from symtrack.model.network.chain import Chain
from symtrack.model.spec.config import TileConfig
from symtrack.model.training.spec import TrainingSpec


def hardware(spec: TrainingSpec) -> list[TileConfig]:
    """The configurations of the peripheries of all tiles of a run."""
    return [spec.hardware(tile) for tile in _tiles(spec)]


def gates_of(spec: TrainingSpec) -> int:
    """Gates of all of them together, by the closed form of `model.analysis.gates`."""
    return gates(hardware(spec))


def joules_of(spec: TrainingSpec, counted: Sequence[Mapping[str, int]]) -> float:
    """Energy of all of them together, by the closed form of `model.analysis.event_fit`.

    counted: ``update_slots``, ``reads`` and ``cycles`` of every tile, see `model.training.metrics.counts`.
    """
    total = 0.0
    for tile, counts in zip(_tiles(spec), counted, strict=True):
        config = spec.hardware(tile)
        energies, length = event_fit.picojoules(config), config.used(tile.rows, tile.columns).read_cycles
        slots, reads = counts["update_slots"], counts["reads"]
        total += slots * energies["slot"] + reads * energies["read"] * length / config.read_cycles
        total += (counts["cycles"] - slots - reads * length) * energies["overhead"]
    return total * PICO


def _tiles(spec: TrainingSpec) -> list[TileConfig]:
    """The configurations of all tiles of a run."""
    stages = spec.algorithm.arrays - 1 if isinstance(spec.algorithm, Chain) else 1
    return [tile for tile in spec.problem().tile_configs for _ in range(stages)]
