# SPDX-License-Identifier: Apache-2.0
"""Tests of macros: tiles of any size up to theirs have one netlist, and train as on a tile of their own size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from symtrack.model.network.macro import Macro
from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.model.tile.operations import Periphery
from symtrack.model.training.history import tile_report
from symtrack.model.training.metrics import words
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer
from tests.model.helpers.tiny import task

SPEC = TrainingSpec(task=task(), macro=Macro(6, 9))


def test_tiles_of_one_macro_have_one_netlist() -> None:
    first, second = (
        Macro(16, 20).config(TileConfig(rows=rows, columns=columns, lanes=lanes, seed=seed))
        for rows, columns, lanes, seed in ((16, 3, 4, 1), (5, 20, 1, 2))
    )
    assert (first.rows, first.columns, first.lanes) == (16, 20, 4)
    assert first.fingerprint == second.fingerprint
    assert first.name == second.name
    assert first.seeds != second.seeds


@pytest.mark.parametrize(("rows", "columns"), [(17, 3), (3, 21)])
def test_a_tile_larger_than_the_macro_is_refused(rows: int, columns: int) -> None:
    with pytest.raises(ValueError, match=f"macro = 16x20: must be at least {rows}x{columns}, the size of a tile"):
        Macro(16, 20).config(TileConfig(rows=rows, columns=columns, lanes=1))


def test_a_periphery_has_the_lines_of_its_tile() -> None:
    periphery = Macro(16, 20).periphery(Periphery)(TileConfig(rows=5, columns=7, lanes=1))
    assert (periphery.used.rows, periphery.used.columns) == (5, 7)
    assert periphery.chopper.shape == (7,)
    assert periphery.state_arrays()["q"].shape == (20, 16)


@pytest.mark.parametrize("macro", [(0, 4), (4, 0), (1025, 4), (4, 2.5)])
def test_sizes_of_macros_are_checked(macro: tuple[int, int]) -> None:
    with pytest.raises((TypeError, ValueError), match=r"macro (rows|columns) = .*: must be"):
        TrainingSpec(macro=Macro(*macro))


def test_a_macro_of_the_size_of_a_tile_is_that_tile() -> None:
    assert Macro(3, 5).config(NAMED["tiny"]) == NAMED["tiny"]


def test_training_goes_on_from_a_checkpoint_and_reports_cells_of_the_tile(tmp_path: Path) -> None:
    whole, stopped, resumed = Trainer(SPEC), Trainer(SPEC), Trainer(SPEC)
    whole.run(30)
    stopped.run(12)
    stopped.save(tmp_path / "run.npz")
    resumed.restore(tmp_path / "run.npz")
    resumed.run(18)
    assert whole.metrics() == resumed.metrics()
    assert "macro" in " ".join(whole.settings)
    assert "macro" not in " ".join(Trainer(replace(SPEC, macro=None)).settings)
    for tile in whole.network.tiles:
        assert words(tile, "q").shape == (tile.config.columns, tile.config.rows)
        assert tile.periphery.state_arrays()["q"].shape == (9, 6)
        report = tile_report(tile, tile.fast.symmetric_point())
        assert sum(report["histograms"]["Q"]["counts"]) == tile.config.rows * tile.config.columns
    with pytest.raises(ValueError, match="macro"):
        Trainer(replace(SPEC, macro=None)).restore(tmp_path / "run.npz")


def test_cycles_are_those_of_tiles_of_their_own_size() -> None:
    trainers = [Trainer(spec) for spec in (SPEC, replace(SPEC, macro=None))]
    for trainer in trainers:
        trainer.run(5)
        for tile in trainer.network.tiles:
            lanes = tile.periphery.config.lanes
            used = TileConfig(rows=tile.config.rows, columns=tile.config.columns, lanes=1).used()
            beats = -(-used.rows // lanes), -(-used.columns // lanes)
            slots, reads = (int(tile.periphery.state_arrays()[name]) for name in ("slots", "reads"))
            assert tile.periphery.cycles == 5 * (1 + sum(beats) + 4) + slots + reads * (beats[0] + 13)
