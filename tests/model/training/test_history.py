# SPDX-License-Identifier: Apache-2.0
"""Tests of training histories: samples equal the metrics, nothing is disturbed, and every cell is counted once."""

from __future__ import annotations

import copy
from itertools import pairwise

import numpy as np
import pytest

from symtrack.model.arithmetic.formats import WEIGHT_ONE
from symtrack.model.training.history import BINS, first_difference, histogram, sram_words, tile_report, tiles_of, train
from symtrack.model.training.metrics import sp_rmse, sp_rmse_pulsed
from tests.model.helpers import tiny


def test_samples_are_the_metrics_at_their_steps() -> None:
    history = train(tiny.trainer(), 45, samples=10)
    assert history is not None
    assert [sample["step"] for sample in history["samples"]] == list(range(0, 50, 5))
    for sample in history["samples"]:
        run = tiny.trainer()
        run.run(sample["step"])
        metrics = run.metrics()
        tiles = list(tiles_of(run).values())
        assert (sample["accuracy"], sample["loss"]) == (metrics.accuracy, metrics.loss)
        assert (sample["sp_rmse"], sample["sp_rmse_pulsed"]) == (sp_rmse(tiles), sp_rmse_pulsed(tiles))
        pulsed = [tile.fast.pulse_numbers > 0 for tile in tiles]
        assert sample["pulsed"] == sum(map(np.sum, pulsed)) / sum(map(np.size, pulsed))
    assert history["samples"][0]["sp_rmse_pulsed"] is None
    assert history["samples"][0]["sp_rmse"] == pytest.approx(history["sp_rms"], rel=1e-3)  # Q starts at zero


def test_sampling_disturbs_nothing() -> None:
    run, told = tiny.trainer(), []
    train(run, 45, samples=7, progress=told.append)
    assert run.metrics().state_sha256 == tiny.digest(45)
    assert told == list(range(1, 46))
    plain = tiny.trainer()
    assert train(plain, 45, samples=0) is None
    assert plain.metrics().state_sha256 == tiny.digest(45)


@pytest.mark.parametrize(("steps", "samples", "taken"), [(1, 50, 2), (49, 50, 50), (100, 50, 51), (101, 50, 35)])
def test_about_so_many_samples(steps: int, samples: int, taken: int) -> None:
    history = train(tiny.trainer(), steps, samples=samples)
    assert history is not None
    at = [sample["step"] for sample in history["samples"]]
    assert len(at) == taken
    assert (at[0], at[-1]) == (0, steps)
    assert len(set(np.diff(at)[:-1])) <= 1


def test_counts_of_the_tiles_are_those_of_the_run() -> None:
    run = tiny.trainer()
    history = train(run, 45, samples=3)
    assert history is not None
    tiles = history["tiles"]
    for key, value in run.metrics().counts.items():
        assert sum(tile["counts"][key] for tile in tiles.values()) == value
    for name, tile in tiles_of(run).items():
        config, report = tile.config, tiles[name]
        assert report["cells"] == config.rows * config.columns
        assert report["counts"]["p_cell_pulses_mean"] * report["cells"] == pytest.approx(tile.coincidences)
        assert report["counts"]["p_cell_pulses_max"] == tile.fast.pulse_numbers.max() > 0
        assert report["counts"]["w_cell_pulses_mean"] * report["cells"] == pytest.approx(
            report["counts"]["transfer_pulses"]
        )
        touched = 0
        for _ in range(45):  # transfers, one a step
            for _memory in ("Q", "Qref", "H", *(("D",) if config.residual_memory else ())):
                touched += len(range(0, config.rows, config.lanes)) * len(("read", "write"))
        assert report["counts"]["sram_words"] == touched == sram_words(45, config)
        for bins in report["histograms"].values():
            assert sum(bins["counts"]) == report["cells"]
            assert len(bins["counts"]) <= BINS
        assert report["histograms"]["Q"]["low"] == report["histograms"]["SP"]["low"]


@pytest.mark.parametrize("spread", [0, 1, BINS - 1, BINS, 1000, 10**9])
def test_every_word_is_in_its_bin(spread: int) -> None:
    words = np.random.default_rng(spread).integers(-spread, spread + 1, (7, 30))
    bins = histogram(words, 0.5)
    edges = [bins["low"] + bins["width"] * k for k in range(len(bins["counts"]) + 1)]
    naive = [sum(low <= word * 0.5 < high for word in words.ravel().tolist()) for low, high in pairwise(edges)]
    assert bins["counts"] == naive
    assert sum(naive) == words.size
    assert bins["counts"][0] > 0
    assert bins["counts"][-1] > 0


def test_saturated_cells_and_words_are_counted() -> None:
    run = tiny.trainer()
    tile = tiles_of(run)["layer0"]
    cells = tile.fast.cells
    weights = (cells.low + cells.high) // 2 - cells.reference
    tile.fast.program(weights)
    clean = tile_report(tile, tile.fast.symmetric_point())
    assert not any(value for key, ends in clean["ends"].items() if key != "W" for value in ends.values())
    weights[0, :2], weights[2, 4] = 4 * WEIGHT_ONE, -4 * WEIGHT_ONE
    tile.fast.program(weights)
    state = tile.periphery
    state.q[0, 0], state.q[1, 1] = state.config.reference_format.low, state.config.reference_format.high
    state.qref[3, :] = state.config.reference_format.high
    state.hidden[4, 0] = state.config.hidden_format.low
    state.hidden[0, 0] = state.config.hidden_format.low + 1
    state.status.hidden_saturated = True
    report = tile_report(tile, tile.fast.symmetric_point())
    assert report["ends"]["P"] == {"low": 1, "high": 2, "stuck": 0}
    assert report["ends"]["W"] == clean["ends"]["W"]
    assert report["ends"]["Q"] == {"low": 1, "high": 1, "stuck": 0}
    assert report["ends"]["Qref"] == {"low": 0, "high": 3, "stuck": 0}
    assert report["ends"]["H"] == {"low": 1, "high": 0, "stuck": 0}
    assert report["flags"] == {"hidden_saturated": True, "pulses_clamped": False}


def test_the_first_difference_of_two_histories_is_named() -> None:
    history = train(tiny.trainer(), 10, samples=5)
    assert history is not None
    assert first_difference(history, copy.deepcopy(history)) is None
    later = copy.deepcopy(history)
    later["tiles"]["layer1"]["counts"]["reads"] += 1
    assert first_difference(history, later) == "tiles at the end"
    later["samples"][3]["loss"] += 1e-9
    assert first_difference(history, later) == "loss at step 6"
