# SPDX-License-Identifier: Apache-2.0
"""Tests of transfers in one compiled call: the same as one after the other, operation by operation, in every state."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from symtrack.model.arithmetic.converters import Converters, NoiseStream
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.network.crossbar import Crossbar
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import ChopperMode, Settings
from symtrack.model.tile.operations import Periphery
from tests.model.helpers.tile_driver import assert_same, random_settings

NOISY = {"dw_min": 0.05, "dw_min_dtod": 0.3, "dw_min_std": 0.3}
CONFIGS = {
    "lanes are columns": TileConfig(rows=17, columns=7, lanes=4, chopper_period=2),
    "lanes are rows, two blocks and a part": TileConfig(rows=70, columns=5, lanes=8, chopper_period=2),
    "one cell": TileConfig(rows=1, columns=1, lanes=1, chopper_period=2),
    "all that is optional": TileConfig(
        rows=18, columns=4, lanes=4, chopper_period=2, row_chopper=1, residual_memory=1, latch_shift=3
    ),
    "no dither, a narrow buffer": TileConfig(rows=9, columns=4, hidden_bits=4, threshold_shift=0, gain_bits=4),
}


class OneByOne(Periphery):
    """The golden periphery, whose transfers no compiled call puts together as they are a subclass's own."""

    def transfer(self, codes: Any, settings: Settings) -> Any:
        return super().transfer(codes, settings)


def make(config: TileConfig, periphery: type[Periphery], slow: dict[str, float], **fast: float) -> Crossbar:
    shape = {"rows": config.rows, "columns": config.columns, "seed": 3}
    return Crossbar(
        config=config,
        periphery=periphery,
        fast=SoftBoundsReference(**NOISY, **fast, reference_mean=0.3, reference_std=0.1).cells(**shape, array="fast"),
        slow=SoftBoundsReference(**NOISY, **slow).cells(**shape, array="slow"),
        converters=Converters(adc_bits=config.adc_bits, output_noise=0.06),
        gamma=0.1,
        seed=5,
        name="tile",
    )


@pytest.mark.parametrize("fast", [{}, {"read_noise_std": 0.02}, {"write_noise_std": 0.02}], ids=str)
@pytest.mark.parametrize("name", CONFIGS)
def test_they_are_those_of_one_after_the_other(
    name: str, fast: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    config, rng, picks = CONFIGS[name], np.random.default_rng(7), random.Random(7)
    tiles, streams = [make(config, kind, {}, **fast) for kind in (Periphery, OneByOne)], [NoiseStream(1) for _ in "ab"]
    monkeypatch.setattr(tiles[0], "_transfer", None)  # what is not in the compiled call
    pulses = 0
    for round_ in range(40):
        moves, count = rng.integers(-3, 4, (config.rows, config.columns)), int(rng.integers(1, 2 * config.columns + 2))
        modes = {"gain": int(rng.integers(1 << min(config.gain_bits, 12))), "direct": False} if round_ % 4 else {}
        settings = random_settings(config, picks, **modes)
        for tile, stream in zip(tiles, streams, strict=True):
            tile.fast.pulse(moves)
            tile.transfer(settings, stream, count)
        together, alone = ({**tile.state_arrays(), **tile.counters()} for tile in tiles)
        assert_same(together, alone)
        assert np.array_equal(tiles[0].periphery.clipped, tiles[1].periphery.clipped)
        assert np.array_equal(tiles[0]._copies.words, tiles[1]._copies.words)
        assert np.array_equal(tiles[0]._copies.residual, tiles[1]._copies.residual)
        assert streams[0].position == streams[1].position
        pulses = int(together["periphery_transfer_pulses"])
    assert pulses > 50
    assert together["periphery_q"].any()


@pytest.mark.parametrize("slow", [{"write_noise_std": 0.02}, {"half_select": 0.01}], ids=str)
def test_what_follows_the_pulses_of_a_column_is_between_transfers(slow: dict[str, float]) -> None:
    config = CONFIGS["lanes are columns"]
    tiles = [make(config, kind, slow) for kind in (Periphery, OneByOne)]
    for tile in tiles:
        tile.fast.pulse(np.full((17, 7), 2))
        tile.transfer(Settings(gain=3000, chopper=ChopperMode.REGULAR), NoiseStream(1), 30)
    assert_same(*(tile.state_arrays() for tile in tiles))
    assert tiles[0].slow.pulse_numbers.any()


def test_a_part_of_the_lines_is_refused_before_anything_is_done() -> None:
    tile = make(CONFIGS["lanes are columns"], Periphery, {})
    tile.periphery.use(5, 7)
    before = tile.state_arrays()
    with pytest.raises(ValueError, match="used_rows and used_columns = 5 and 7: must be 17 and 7"):
        tile.transfer(Settings(), NoiseStream(1))
    assert_same(tile.state_arrays(), before)
