# SPDX-License-Identifier: Apache-2.0
"""Tests of the golden residual memory: it holds the last difference that was accumulated and shows it in reads."""

from __future__ import annotations

import random

import numpy as np
import pytest

from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import Reference, Settings
from symtrack.model.tile.operations import Periphery
from symtrack.model.tile.residual_memory import keep
from tests.model.helpers.tile_driver import random_codes, random_programming, random_settings

CONFIG = TileConfig(rows=3, columns=2, lanes=2, adc_bits=4, reference_fraction_bits=2, residual_memory=1)


def test_only_cells_that_accumulate_take_the_difference() -> None:
    held, difference = np.array([1, 2, 3, -4]), np.array([5, 6, -7, 8])
    assert keep(held, difference, np.array([False, True, True, False])).tolist() == [1, 6, -7, -4]
    assert keep(held, difference, np.zeros(4, bool)).tolist() == held.tolist()
    assert held.tolist() == [1, 2, 3, -4]


def test_a_column_by_hand() -> None:
    """Qref is 0 before the first latch, the chopper inverts, and a read that accumulates nothing shows what is held."""
    tile = Periphery(CONFIG.replace(chopper_period=1))
    chopped = Settings(reference=Reference.LATCHED, chopper=1)  # type: ignore[arg-type]
    quiet = Settings(reference=Reference.LATCHED, accumulate=False)
    held = []
    for codes, settings in (([1, -8, 7], quiet), ([0, 0, 0], quiet), ([1, -8, 7], chopped), ([2, 2, 2], chopped)):
        held.append(tile.transfer(codes, settings).residual)
    assert [column.tolist() for column in held] == [[0, 0, 0], [0, 0, 0], [4, -32, 28], [8, 8, 8]]
    assert tile.chopper.tolist() == [-1, -1]
    tile.qref[0] = [0, 31, -32]
    inverted = tile.transfer([-8, 7, 7], quiet).residual
    assert inverted is not None
    assert inverted.tolist() == [4, -32, 28]  # held since column 0 was read last
    assert tile.state_arrays()["residual"].tolist() == [[4, -32, 28], [8, 8, 8]]


@pytest.mark.parametrize("seed", range(4))
def test_what_is_held_is_what_was_added_to_the_buffer(seed: int) -> None:
    """With a gain of one and no threshold in reach H is the sum of all that D was."""
    config, rng = CONFIG.replace(hidden_bits=40, threshold_shift=38), random.Random(seed)
    tile, total = Periphery(config), np.zeros((config.columns, config.rows), np.int64)
    for _ in range(200):
        settings = random_settings(config, rng, gain=1, direct=False)
        column = tile.next_column
        result = tile.transfer(random_codes(config, rng), settings)
        if settings.accumulate:
            total[column] += result.residual
        assert result.residual is not None
        assert np.array_equal(tile.residual[column], result.residual)
    assert np.array_equal(tile.hidden, total)
    assert np.any(total)


def test_calibrations_and_programmings_leave_it_and_lines_beyond_keep_theirs() -> None:
    config, rng = CONFIG.replace(programmer=1), random.Random(1)
    tile = Periphery(config)
    for _ in range(config.columns):
        tile.transfer([5, 6, 7], Settings(gain=1))
    before = tile.residual.copy()
    result = tile.calibrate(2, [random_codes(config, rng) for _ in range(2 * config.columns)])
    assert all(np.array_equal(read.residual, before[read.column]) for read in result.reads)
    tile.program(1, random_programming(config, rng), _Still())
    tile.use(rows=1, columns=1)
    tile.transfer([-8], Settings(gain=1))
    assert tile.residual.tolist() == [[-32, *before[0, 1:]], before[1].tolist()]


def test_without_the_option_nothing_is_shown() -> None:
    tile = Periphery(CONFIG.replace(residual_memory=0))
    assert tile.transfer([1, 2, 3], Settings(gain=1)).residual is None
    assert "residual" not in tile.state_arrays()


class _Still:
    """Cells of R that read as zero and take no pulse."""

    def read(self) -> np.ndarray:
        return np.zeros(3, np.int64)

    def write(self, pulses: np.ndarray) -> None:
        """They stay as they are."""
