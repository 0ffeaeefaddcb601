# SPDX-License-Identifier: Apache-2.0
"""Stimulus of whole operations without waits, with dense or single-line vectors, fixed or different every time."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from random import Random
from typing import Any

import numpy as np

from symtrack.cosim.engine.job import Bench
from symtrack.cosim.stimulus.random import random_codes, random_settings, random_sizes
from symtrack.model.spec.config import TileConfig, UsedLines
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.settings import COUNT_BITS, ChopperMode, Reference, Settings, Target, effective
from symtrack.model.training.metrics import state_sha256

PREPARED = 16  # different operations, so that making them up does not count as playing them


def slots(bench: Bench, *, cycles: int, seed: int) -> dict[str, int]:
    """Dense updates with full trains and magnitudes of all sizes for at least ``cycles`` slots; counts them."""
    rng = Random(seed)
    tile = bench.periphery(bench.config)
    played = 0
    while played < cycles:
        played += len(tile.update(*dense(bench.config, rng), bench.config.bl_max).up)
        bench.progress(played)
    return {"slots": played}


def operations(bench: Bench, *, cycles: int, seed: int) -> dict[str, Any]:
    """Dense updates and transfers in turn for at least ``cycles`` cycles without waits; their number and the state."""
    config, rng = bench.config, Random(seed)
    form = config.code_format
    vectors = [dense(config, rng) for _ in range(PREPARED)]
    codes = [np.array(rng.choices(range(form.low, form.high + 1), k=config.rows)) for _ in range(PREPARED)]
    settings = transfer_settings(config)
    tile = bench.periphery(config)
    done = 0
    while bench.cycles < cycles:
        tile.update(*vectors[done % PREPARED], config.bl_max)
        tile.transfer(codes[done % PREPARED], settings)
        done += 1
        bench.progress(bench.cycles)
    return {"updates": done, "transfers": done, "state_sha256": state_sha256(tile.state_arrays())}


def varied(bench: Bench, *, cycles: int, seed: int) -> dict[str, Any]:
    """Updates and sweeps of transfers, each with its own data and settings, on parts of the tile of random sizes, for
    at least ``cycles`` cycles; then calibrations, each with fewer slots than that.
    """
    config, rng = bench.config, Random(seed)
    tile = bench.periphery(config)
    done = transfers = 0
    while bench.cycles < cycles:
        used = config.used(*random_sizes(config, rng))
        tile.use(used.rows, used.columns)
        tile.update(*dense(config, rng, used), rng.randint(0, config.bl_max), rng.choice(list(Target)))
        for _ in range(used.columns):
            settings = replace(
                random_settings(config, rng),
                chopper=rng.choice(list(ChopperMode)),
                row_chopper=rng.choice(list(ChopperMode) if config.row_chopper else [ChopperMode.OFF]),
                reference=rng.choice(list(Reference)),
            )
            tile.transfer(np.array(random_codes(used.rows, config, rng, "")), effective(settings, config))
            transfers += 1
        done += 1
        bench.progress(bench.cycles)
    for _ in range(4):
        pulses = rng.getrandbits(min(COUNT_BITS, cycles.bit_length() - 1)) * config.zero_shift
        used = config.used(*random_sizes(config, rng))
        tile.use(used.rows, used.columns)
        reads = used.columns * config.symmetric_point
        codes = np.array([random_codes(used.rows, config, rng, "") for _ in range(reads)], np.int64)
        tile.calibrate(pulses, codes, random=rng.random() < 0.5)
    return {"updates": done, "transfers": transfers, "state_sha256": state_sha256(tile.state_arrays())}


def alone(bench: Bench, *, cycles: int, seed: int) -> dict[str, int]:
    """Updates in which one line of a side has one bit and the others have none, for at least ``cycles`` cycles.

    Every line with every bit and sign takes its turn, in random order. Returns the number of updates.
    """
    config, rng = bench.config, Random(seed)
    tile = bench.periphery(config)
    sides = tuple((side, line) for side, size in enumerate((config.columns, config.rows)) for line in range(size))
    turns = list(product(sides, range(config.magnitude_bits), (0, 1)))
    done = 0
    while bench.cycles < cycles:
        if done % len(turns) == 0:
            rng.shuffle(turns)
        (side, line), bit, negative = turns[done % len(turns)]
        vectors = dense(config, rng)
        signs, magnitudes = vectors[2 * side], vectors[2 * side + 1]
        signs[line] = negative
        magnitudes[:] = 0
        magnitudes[line] = 1 << bit
        tile.update(*vectors, rng.randint(1, config.bl_max))
        done += 1
        bench.progress(bench.cycles)
    return {"updates": done}


def transfer_settings(config: TileConfig) -> Settings:
    """Settings of a transfer in which every block of the path has work: chopper, reference, filter and buffer."""
    return Settings(
        chopper=ChopperMode.REGULAR, reference=Reference.LATCHED, gain=(1 << config.gain_bits) // 4, forget=True
    )


def dense(
    config: TileConfig, rng: Random, used: UsedLines | None = None, *, share: float = 1.0
) -> tuple[Int, Int, Int, Int]:
    """Random signs and magnitudes of x and of δ of all lines or of those in use; ``share`` of them are not zero."""
    lines = used or config.used()
    sides = [
        (
            np.array(rng.choices((0, 1), k=size)),
            np.array(rng.choices(range(1, config.magnitude_format.high + 1), k=size)),
        )
        for size in (lines.columns, lines.rows)
    ]
    for _, magnitudes in sides if share < 1.0 else ():
        magnitudes[rng.sample(range(magnitudes.size), round((1.0 - share) * magnitudes.size))] = 0
    return (*sides[0], *sides[1])
