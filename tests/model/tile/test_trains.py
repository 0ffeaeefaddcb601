# SPDX-License-Identifier: Apache-2.0
"""Tests of the trains of many updates at once: they are those of the updates one after the other, cell by cell."""

from __future__ import annotations

import itertools
import random
from dataclasses import astuple

import numpy as np
import pytest

from symtrack.model.arithmetic.converters import Converters
from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.devices.records import LANES, lanes_are_rows
from symtrack.model.devices.soft_bounds import SoftBounds
from symtrack.model.devices.trains import Trains
from symtrack.model.network.crossbar import Crossbar
from symtrack.model.network.update_management import UpdateManager
from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.model.spec.settings import Target
from symtrack.model.tile.interface import UpdateBatch
from symtrack.model.tile.operations import Periphery
from tests.model.helpers.tile_driver import assert_same, random_update


def test_no_updates_have_no_trains() -> None:
    config, periphery = NAMED["tiny"], Periphery(NAMED["tiny"])
    lines = [np.zeros((0, size), np.int64) for size in (config.columns, config.columns, config.rows, config.rows)]
    assert not periphery.trains(UpdateBatch(*lines, np.zeros(0, np.int64))).counts.any()
    assert periphery.cycles == 0


def pulses_of(trains: Trains, updates: int, shape: tuple[int, int]) -> list[dict[tuple[int, int], tuple[int, bool]]]:
    """By update the pulses of its cells: the slots of their quadrant as a word, and whether they are upwards."""
    count, blocks = trains.fires.shape
    words = trains.words.reshape(count, blocks, 2, -1).transpose(0, 2, 1, 3).reshape(count, 2, -1)
    found: list[dict[tuple[int, int], tuple[int, bool]]] = [{} for _ in range(updates)]
    halves, turned = count // (2 * updates), lanes_are_rows(shape[0])
    lines, lanes = shape[::-1] if turned else shape
    for line, lane in itertools.product(range(lines), range(lanes)):
        ks = trains.numbers[line, : trains.counts[line]].tolist()
        assert ks == sorted(ks)
        for k, (first, second, flip) in zip(ks, trains.events[line].tolist(), strict=False):
            word, minus = words[k, :, lane].tolist()
            both, up = word & (second if minus else first), bool(flip ^ minus)
            assert both & ~int(trains.fires[k, lane // LANES]) == 0
            if both:
                cell, update = ((lane, line) if turned else (line, lane)), k // (2 * halves)
                before, same = found[update].get(cell, (0, up))
                assert up == same
                found[update][cell] = before | both << 32 * (k % halves), up
    return found


@pytest.mark.parametrize("target", Target)
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("tiny", {"bl_max": 3, "magnitude_bits": 1}),
        ("odd", {"bl_max": 63, "magnitude_bits": 16}),
        ("digits_output", {"columns": 130}),
        ("tiny", {"rows": 40, "columns": 40, "bl_max": 33}),
        ("tiny", {"rows": 70, "columns": 9}),
        ("tiny", {"bl_max": 3, "magnitude_bits": 1, "shared_sources": 1}),
        ("odd", {"bl_max": 63, "magnitude_bits": 16, "shared_sources": 1}),
        ("digits_output", {"columns": 130, "shared_sources": 1}),
        ("tiny", {"rows": 40, "columns": 300, "bl_max": 33, "shared_sources": 1}),
    ],
)
def test_trains_of_many_updates_are_those_of_one_after_the_other(name: str, changes: dict, target: Target) -> None:
    """With as many lines as stand side by side and few, trains of one word and of two, and narrow and wide words."""
    config, rng = NAMED[name].replace(row_chopper=1, **changes), random.Random(4)
    together, single = Periphery(config), Periphery(config)
    for periphery in (together, single):
        periphery.chopper_state.sign[::2] = -1
        periphery.chopper_state.row_sign[::3] = -1
    updates = [astuple(random_update(config, rng))[:5] for _ in range(40)]
    batch = UpdateBatch(*(np.array(part, np.int64) for part in zip(*updates, strict=True)))
    trains = together.trains(batch, target)
    found = pulses_of(trains, len(updates), (config.rows, config.columns))
    for update, pulses in zip(updates, found, strict=True):
        slots, seen = single.update(*update, target), [0] * 4
        expected: dict[tuple[int, int], tuple[int, bool]] = {}
        for rows, columns, up, q in zip(slots.rows, slots.columns, slots.up, slots.quadrant, strict=True):
            for cell in itertools.product(np.flatnonzero(rows).tolist(), np.flatnonzero(columns).tolist()):
                expected[cell] = expected.get(cell, (0, bool(up)))[0] | 1 << seen[q], bool(up)
            seen[q] += 1
        assert pulses == expected
    assert together.cycles == single.cycles
    assert_same(together.state_arrays(), single.state_arrays())
    with pytest.raises(ValueError, match=r"^batch of \d+ rows and \d+ columns: must be 16 and 16$"):
        Periphery(NAMED["small"]).trains(batch)


@pytest.mark.parametrize(
    ("shape", "changes", "count"),
    [
        ((70, 33), {}, 700),
        ((3, 600), {"bl_max": 63}, 90),
        ((33, 65), {"bl_max": 40, "magnitude_bits": 16}, 300),
        ((33, 65), {"shared_sources": 1}, 300),
    ],
)
@pytest.mark.parametrize("target", Target)
def test_a_layer_learns_all_at_once_as_one_after_the_other(
    shape: tuple[int, int], changes: dict[str, int], count: int, target: Target
) -> None:
    """More updates than go through the caches together; the other tile has a periphery that tells slots only."""
    config = TileConfig(rows=shape[0], columns=shape[1], lanes=1, **changes)
    rng, tiles = np.random.default_rng(4), []
    for _ in range(2):
        size = {"rows": shape[0], "columns": shape[1], "seed": 2}
        cells = {name: SoftBounds().cells(**size, array=name) for name in ("fast", "slow")}
        converters = Converters(adc_bits=config.adc_bits)
        tile = Crossbar(config=config, periphery=Periphery, **cells, converters=converters, gamma=0.1, seed=3, name="a")
        tile.periphery.chopper_state.sign[::3] = -1
        tiles.append(tile)
    together, single = tiles
    single._sources = None
    x, delta = (
        rng.integers(-VALUE_ONE, VALUE_ONE, (count, lines)) * (rng.random((count, lines)) < 0.4)
        for lines in shape[::-1]
    )
    x[::7], delta[::11] = 0, 0
    for tile in tiles:
        tile.learn(x, delta, UpdateManager(config=config, fast_rate=0.3, momentum=0.9), target)
    assert together.coincidences == single.coincidences > 0
    assert_same(single.state_arrays(), together.state_arrays())
    assert np.array_equal(together.fast.words, single.fast.words)
    assert together.periphery.cycles == single.periphery.cycles


def test_a_layer_learns_from_vectors_of_its_shape_only() -> None:
    config, size = NAMED["tiny"], {"rows": 3, "columns": 5, "seed": 2}
    cells = {name: SoftBounds().cells(**size, array=name) for name in ("fast", "slow")}
    converters = Converters(adc_bits=config.adc_bits)
    tile = Crossbar(config=config, periphery=Periphery, **cells, converters=converters, gamma=0.1, seed=3, name="a")
    manager, x, delta = (
        UpdateManager(config=config, fast_rate=0.3),
        np.ones((2, 5), np.int64),
        np.ones((2, 3), np.int64),
    )
    for wrong in ((x[:, :-1], delta), (x, delta[:, :-1]), (np.ones((2, 4000), np.int64), delta)):
        with pytest.raises(ValueError, match=r"^vectors of \d+ columns and \d rows: must be 5 and 3, "):
            tile.learn(*wrong, manager)
    tile.periphery.use(rows=1)
    with pytest.raises(ValueError, match="all of which the periphery uses"):
        tile.learn(x, delta, manager)
