# SPDX-License-Identifier: Apache-2.0
"""The course of a training: samples of quality and tracking error on the way, distributions and counts at the end.

    samples   at step 0, after every ceil(steps / samples) steps, and at the end
    sp_rmse   of `model.training.metrics`
    sp_rmse_pulsed  the same over the cells of P that were pulsed so far, ``pulsed`` is their share
    bins      of equal integer width from the smallest word to the largest, so every cell is in exactly one

All of it is plain data for JSON and but for ``seconds``, which sampling took, a function of the run alone: equal runs,
golden or RTL, have equal histories.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symtrack.model.arithmetic.formats import WEIGHT_ONE, root_mean_square
from symtrack.model.devices.array import DeviceArray
from symtrack.model.network.crossbar import Crossbar
from symtrack.model.network.learning_tile import stage_name
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.fixed import Format, Int
from symtrack.model.spec.status import FLAGS
from symtrack.model.spec.validated import integral
from symtrack.model.tile.parity import memories
from symtrack.model.training.metrics import counts, words
from symtrack.model.training.trainer import Trainer

SAMPLES = 50
BINS = 40


def tiles_of(trainer: Trainer) -> dict[str, Crossbar]:
    """All tiles of the network by name; those of a chain's stages but the finest with their number."""
    return {
        stage_name(name, number): tile
        for layer in trainer.network.layers
        for name, trained in layer.trained.items()
        for number, tile in enumerate(trained.stages)
    }


def train(
    trainer: Trainer, steps: int, *, samples: int = SAMPLES, progress: Callable[[int], None] = lambda steps: None
) -> dict[str, Any] | None:
    """Train until there were ``steps`` steps, and tell after each how many there were.

    A trainer that was restored has the samples of its checkpoint, and goes on with the same ones.

    Parameters
    ----------
    samples
        About so many samples are taken; without any, training is all that is done, and None is returned.

    Returns
    -------
    ``samples``, a list of dictionaries with the step; ``sp_rms``, the error of who takes zero for every symmetric
    point; ``tiles``, what `tile_report` tells of each at the end; ``seconds``.
    """
    steps, samples = integral("steps", steps), integral("samples", samples)
    recorder = Recorder(trainer) if samples else None
    every = -(-steps // samples) if samples else steps + 1
    if recorder and not trainer.steps:
        recorder.sample()
    while trainer.steps < steps:
        trainer.run(1)
        if recorder and (trainer.steps % every == 0 or trainer.steps == steps):
            recorder.sample()
        progress(trainer.steps)
    return recorder.report() if recorder else None


class Recorder:
    """Samples a trainer when it is told to, and disturbs nothing: evaluations have noise of their own."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._tiles = tiles_of(trainer)
        self._finest = {name: one.tile for layer in trainer.network.layers for name, one in layer.trained.items()}
        # They never change, and some families find theirs by bisection.
        self._points = {name: tile.fast.symmetric_point() for name, tile in self._tiles.items()}
        self._there = {name: tile.fast.cells.has_symmetric_point() for name, tile in self._tiles.items()}
        self.samples: list[dict[str, Any]] = json.loads(trainer.notes) if trainer.notes else []
        self.seconds = 0.0

    def sample(self) -> None:
        """Evaluate, and compare what Q has tracked with the true symmetric points."""
        begin = time.process_time()
        quality = {key: value for key, value in asdict(self._trainer.evaluate()).items() if value is not None}
        errors = np.concatenate([(_tracked(tile) - self._points[name]).ravel() for name, tile in self._finest.items()])
        pulsed = np.concatenate([tile.fast.pulse_numbers.ravel() > 0 for tile in self._finest.values()])
        there = np.concatenate([self._there[name].ravel() for name in self._finest])
        tracking = {
            "sp_rmse": root_mean_square(errors[there]) if there.any() else None,
            "sp_rmse_pulsed": root_mean_square(errors[pulsed & there]) if (pulsed & there).any() else None,
            "pulsed": float(pulsed.mean()),
        }
        self.samples.append(quality | tracking)
        self._trainer.notes = json.dumps(self.samples)
        self.seconds += time.process_time() - begin

    def report(self) -> dict[str, Any]:
        """Samples so far, and what the tiles are like now."""
        begin = time.process_time()
        points = np.concatenate([self._points[name][self._there[name]] for name in self._finest])
        tiles = {name: tile_report(tile, self._points[name], self._there[name]) for name, tile in self._tiles.items()}
        self.seconds += time.process_time() - begin
        return {
            "samples": self.samples,
            "sp_rms": root_mean_square(points) if points.size else None,
            "tiles": tiles,
            "seconds": self.seconds,
        }


def tile_report(tile: Crossbar, symmetric_point: Int, there: NDArray[np.bool_] | None = None) -> dict[str, Any]:
    """Distributions, saturation and counts of one tile.

    Returns
    -------
    dict
        ``histograms`` of P, W, Q and the true symmetric points as weights, and of H in write thresholds, over one
        either way at least; Q and SP have the same bins, and SP only the cells ``there``, which have one (default:
        all). ``ends``, cells or words at the lower and the upper end of what they can hold, and cells that are stuck
        there. ``flags``, the sticky ones. ``counts``, those of `model.training.metrics.counts`, ``sram_words``
        (`sram_words`), and the largest and the mean number of pulses that single cells got.
    """
    config, state = tile.config, tile.periphery.state_arrays()
    q, qref, h = (words(tile, memory) for memory in ("q", "qref", "hidden"))
    weight, threshold = 1 / WEIGHT_ONE, 2.0**-config.threshold_shift
    tracked = _tracked(tile)
    points = symmetric_point.ravel() if there is None else symmetric_point[there]
    both = np.concatenate((tracked.ravel(), points))
    hidden = np.append(h, (-1 << config.threshold_shift, 1 << config.threshold_shift))
    return {
        "cells": config.rows * config.columns,
        "histograms": {
            "P": histogram(tile.fast.weights, weight),
            "W": histogram(tile.slow.weights, weight),
            "Q": histogram(tracked, weight, both),
            "SP": histogram(points, weight, both),
            "H": histogram(h, threshold, hidden),
        },
        "ends": {
            "P": _bounds(tile.fast),
            "W": _bounds(tile.slow),
            "Q": _ends(q, config.reference_format),
            "Qref": _ends(qref, config.reference_format),
            "H": _ends(h, config.hidden_format),
        },
        "flags": {name: bool(state[name]) for name in (spec.name for spec in FLAGS if not spec.needs)},
        "counts": counts([tile])
        | {"sram_words": sram_words(int(state["reads"]), config)}
        | _endurance("p", tile.fast)
        | _endurance("w", tile.slow),
    }


def sram_words(reads: int, config: TileConfig) -> int:
    """Words of L lanes read and written by so many transfers: the B words of a column, in each of the memories."""
    return reads * config.row_beats * 2 * len(memories(config))


def histogram(words: Int, unit: float, over: Int | None = None) -> dict[str, Any]:
    """``counts`` of words in at most `BINS` bins, from ``low`` on of ``width`` each; a word stands for ``unit``.

    over: the words that the bins reach over, those that are counted unless told otherwise.
    """
    over = words if over is None else over
    low, high = int(over.min()), int(over.max())
    width = (high - low) // BINS + 1
    bins = np.bincount((words.ravel() - low) // width, minlength=(high - low) // width + 1)
    return {"low": low * unit, "width": width * unit, "counts": bins.tolist()}


def first_difference(golden: Mapping[str, Any], rtl: Mapping[str, Any]) -> str | None:
    """Where two histories differ first, in words; None if they are equal."""
    for left, right in zip(golden["samples"], rtl["samples"], strict=False):
        if left != right:
            keys = [key for key in left | right if left.get(key) != right.get(key)]
            return f"{', '.join(keys)} at step {left['step']}"
    if golden == rtl:
        return None
    parts = [key for key in golden if golden[key] != rtl[key]]
    return f"{', '.join(parts)} at the end"


def _tracked(tile: Crossbar) -> Int:
    return tile.to_weight(words(tile, "q").T)


def _bounds(array: DeviceArray) -> dict[str, int]:
    cells, state = array.cells, array.state
    free = cells.low < cells.high
    low, high = (free & (state <= cells.low)), (free & (state >= cells.high))
    return {"low": int(low.sum()), "high": int(high.sum()), "stuck": int((~free).sum())}


def _ends(words: Int, form: Format) -> dict[str, int]:
    return {"low": int((words == form.low).sum()), "high": int((words == form.high).sum()), "stuck": 0}


def _endurance(name: str, array: DeviceArray) -> dict[str, Any]:
    pulses = array.pulse_numbers
    return {f"{name}_cell_pulses_max": int(pulses.max()), f"{name}_cell_pulses_mean": float(pulses.mean())}
