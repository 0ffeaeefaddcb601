# SPDX-License-Identifier: Apache-2.0
"""Workloads of one kind, whose energy is measured: updates, transfers, and a window of a training, without waits."""

from __future__ import annotations

from collections.abc import Generator
from random import Random
from typing import Any

import numpy as np

from symtrack.cosim.engine.job import Bench, aside
from symtrack.cosim.engine.lockstep import Ports
from symtrack.cosim.engine.streams import Streams
from symtrack.cosim.stimulus.operations import dense, transfer_settings
from symtrack.model.spec.config import TileConfig
from symtrack.model.tasks.regression import random_matrix
from symtrack.model.tasks.task import TASKS
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer

IDLE = 200  # cycles in which the tile rests, after the operations


def _rest(bench: Bench) -> None:
    """Idle cycles of a tile that has worked."""

    def resting() -> Generator[Ports, Ports, None]:
        streams = Streams(bench.config, bench.widths)
        for _ in range(IDLE):
            yield from streams.cycle()

    bench.run(resting())


def updates(bench: Bench, *, cycles: int, seed: int, activity: float = 1.0) -> None:
    """Updates with full trains for at least ``cycles`` cycles; the share ``activity`` of the lines has a magnitude."""
    rng = Random(seed)
    tile = bench.periphery(bench.config)
    while bench.cycles < cycles:
        tile.update(*dense(bench.config, rng, share=activity), bench.config.bl_max)
        bench.progress(bench.cycles)
    _rest(bench)


def transfers(bench: Bench, *, cycles: int, seed: int, activity: float = 1.0) -> None:
    """Transfers for at least ``cycles`` cycles, with codes from the share ``activity`` of their range."""
    config, rng = bench.config, Random(seed)
    tile = bench.periphery(config)
    settings = transfer_settings(config)
    low, high = (round(activity * end) for end in (config.code_format.low, config.code_format.high))
    while bench.cycles < cycles:
        codes = np.array(rng.choices(range(low, high + 1), k=config.rows))
        tile.transfer(codes, settings)
        bench.progress(bench.cycles)
    _rest(bench)


def window(bench: Bench, *, cycles: int, seed: int) -> dict[str, int]:
    """At least ``cycles`` cycles of a training with E-RIDER: of the digits if one of their layers has the size of the
    tile, else of a random matrix of that size. Returns the coincidences of the tile.
    """
    with aside(bench):
        trainer = Trainer(training_of(bench.config, seed), periphery=bench.periphery)
    while bench.cycles < cycles:
        trainer.run(1)
        bench.progress(bench.cycles)
    here = next(tile for tile in trainer.network.pulsed if tile.config == bench.config)
    return {"coincidences": int(here.coincidences)}


def training_of(config: TileConfig, seed: int) -> TrainingSpec:
    """What `window` trains."""
    offset: dict[str, Any] = {"reference_mean": 0.3, "reference_std": 0.1, "seed": seed, "config": config}
    sizes = [(tile.rows, tile.columns) for tile in TASKS["digits"]().tile_configs]
    if (config.rows, config.columns) in sizes:
        return TrainingSpec(**offset)
    return TrainingSpec(task=random_matrix(config), **offset)


WORKLOADS = {"update": updates, "transfer": transfers, "training": window}
