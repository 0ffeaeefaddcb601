# SPDX-License-Identifier: Apache-2.0
"""Tests that a reset is enough, whatever registers and memories hold before it: no initial value is used.

All initial values are taken out of the Verilog, and every register and every word of a memory starts with bits of its
own. `tests.hdl.output.test_icarus` has the same with unknown ones.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from symtrack.cosim.campaign.replay import ReplayRecord, record, without_initial_values
from symtrack.cosim.engine.native.build import native_library
from symtrack.cosim.engine.native.tile import NativeTile
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.hdl.output.state_map import all_items
from symtrack.model.spec.config import NAMED, TileConfig
from tests.hdl.helpers.icarus import without_a_reset

CONFIG = NAMED["tiny"].replace(row_chopper=1, residual_memory=1, programmer=1)
SEEDS = range(1, 101)


def library_of(verilog: str, config: TileConfig = CONFIG) -> Path:
    return native_library(without_initial_values(verilog), config, random_start=True)


def first_difference(library: Path, played: ReplayRecord, start: int) -> str:
    """The first output that differs from the golden tile after one cycle of reset; empty if there is none."""
    tile = NativeTile(library, played.config, start=start)
    for cycle, (inputs, outputs) in enumerate(zip(played.inputs, played.outputs, strict=True)):
        for name, value in inputs.items():
            tile.set(name, value)
        tile.cycle()
        for name, value in outputs.items():
            if cycle and tile.get(name) != value:
                return f"cycle {cycle}: {name}"
    return ""


@pytest.mark.slow
def test_any_start_values_give_the_same_run() -> None:
    """One build, 100 starts: lock-step with the golden tile from the reset on."""
    library, played = library_of(tile_verilog(CONFIG)), record(CONFIG, cycles=1500, seed=4)
    assert played.inputs[0]["rst"]
    assert [(start, found) for start in SEEDS if (found := first_difference(library, played, start))] == []


@pytest.mark.slow
@pytest.mark.parametrize("register", ["taken", "valid_3"])
def test_a_register_without_reset_is_found(register: str) -> None:
    verilog = without_a_reset(tile_verilog(CONFIG), f"symtrack_{CONFIG.name}.transfer", register)
    library, played = library_of(verilog), record(CONFIG, cycles=300, seed=4)
    found = [first_difference(library, played, start) for start in range(1, 9)]
    assert any(re.match(r"cycle \d+: ", one) for one in found)


@pytest.mark.slow
def test_every_register_and_memory_starts_at_random() -> None:
    """Of all state that golden has, every bit is once 0 and once 1 before the reset, in rows that differ."""
    library, items = library_of(tile_verilog(CONFIG)), list(enumerate(all_items(CONFIG)))
    starts = [[NativeTile(library, CONFIG, start=start).state_words(*item) for item in items] for start in SEEDS]
    shown = [found for found in zip(*starts, strict=True) if found[0] is not None]
    assert len(shown) > 30
    for (_, item), found in zip(items, zip(*starts, strict=True), strict=True):
        if found[0] is not None:
            words = [word for rows in found for word in rows]
            high, low = 0, (1 << item.width) - 1
            for word in words:
                high, low = high | word, low & word
            assert (high, low) == ((1 << item.width) - 1, 0), item
            assert len({tuple(rows) for rows in found}) > 1, item
