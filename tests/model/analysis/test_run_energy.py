# SPDX-License-Identifier: Apache-2.0
"""Tests of the joules of a training run: of all its tiles, each with the energies of its size."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from symtrack.model.analysis.energy import EVENTS, PARTS, EnergyTable, EventEnergies, joules
from symtrack.model.analysis.run_energy import energies_of_tiles, load_energies, run_joules
from symtrack.model.spec.config import TileConfig
from symtrack.model.training.history import tiles_of
from symtrack.model.training.metrics import counts
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer


def energies(config: TileConfig, factor: float) -> EventEnergies:
    """Some for a tile."""
    return EventEnergies.of(config, {name: dict.fromkeys(PARTS, factor * (1 + k)) for k, name in enumerate(EVENTS)})


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    """A network of two tiles after some steps."""
    result = Trainer(TrainingSpec(network={"hidden": [4]}, reference_mean=0.1, reference_std=0.1))
    result.run(20)
    return result


def test_a_run_spends_what_its_tiles_do(trainer: Trainer) -> None:
    table = EnergyTable(adc_pj=7.0)
    known = [energies(config, factor) for factor, config in enumerate(trainer.task.tile_configs, 1)]
    found = run_joules(trainer, known, table)
    tiles = tiles_of(trainer)
    assert len(tiles) == 2
    parts = [joules(counts([tile]), one, table) for tile, one in zip(tiles.values(), known, strict=True)]
    assert found.keys() == parts[0].keys()
    for name, energy in found.items():
        assert energy == pytest.approx(parts[0][name] + parts[1][name])
    assert found["digital"] > 0
    assert found["adc"] > 0


def test_every_tile_needs_its_own(trainer: Trainer) -> None:
    first = trainer.task.tile_configs[0]
    with pytest.raises(ValueError, match=r"^energy = 4x65: must have a report for 10x5 with \d lanes, the tile "):
        energies_of_tiles(trainer, [energies(first, 1.0)])
    other = first.replace(lanes=1)
    with pytest.raises(ValueError, match="must have a report for 4x65 with 4 lanes"):
        energies_of_tiles(trainer, [energies(other, 1.0)])


def test_energies_come_from_reports(tmp_path: Path) -> None:
    events, table = energies(TileConfig(rows=8, columns=5), 2.0), EnergyTable(dac_pj=0.5)
    file = tmp_path / "energy.json"
    file.write_text(json.dumps({"events": events.as_dict(), "table": asdict(table)}))
    assert load_energies([file]) == ([events], table)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"events": {}, "table": {}}', '{"events": null, "table": null}'])
def test_what_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "energy.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"energy.json': must be a report of symtrack energy"):
        load_energies([file])
    with pytest.raises(ValueError, match="must be a readable file"):
        load_energies([tmp_path / "none.json"])
