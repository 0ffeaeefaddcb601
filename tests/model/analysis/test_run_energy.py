# SPDX-License-Identifier: Apache-2.0
"""Tests of the joules of a training run: of all its tiles, each with the energies of its size."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

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


def test_every_tile_needs_that_of_its_netlist(trainer: Trainer) -> None:
    first = trainer.task.tile_configs[0]
    needed = (
        r"^energy = 4x65 \w{8}: must have a report for the tile .*, 10x5 \w{8}, with --config of a TOML file with rows"
    )
    with pytest.raises(ValueError, match=needed):
        energies_of_tiles(trainer, [energies(first, 1.0)])
    for change in ({"lanes": 1}, {"hidden_bits": first.hidden_bits + 1}):  # of which one has another size
        with pytest.raises(ValueError, match=r"must have a report for the tile .*, 4x65 "):
            energies_of_tiles(trainer, [energies(first.replace(**change), 1.0)])
    with pytest.raises(ValueError, match=r"rows = 9: must be 4, as in the configuration of that fingerprint"):
        energies_of_tiles(trainer, [replace(energies(first, 1.0), rows=9)])


def test_the_message_has_the_file_of_the_tile(trainer: Trainer, tmp_path: Path) -> None:
    for missing, known in (trainer.task.tile_configs, reversed(trainer.task.tile_configs)):
        with pytest.raises(ValueError, match="must have a report") as found:
            energies_of_tiles(trainer, [energies(known, 1.0)])
        file = tmp_path / "tile.toml"
        file.write_text(str(found.value).partition("of a TOML file with ")[2].replace(", ", "\n"))
        assert TileConfig.load(file).fingerprint == missing.fingerprint


def test_neither_name_nor_seed_is_asked_for(trainer: Trainer) -> None:
    known = [energies(one.replace(name="other", seed=7), 1.0) for one in trainer.task.tile_configs]
    assert list(energies_of_tiles(trainer, known).values()) == known


def test_tiles_on_a_macro_take_its_energies_and_use_their_lines() -> None:
    """Reads of few lines are shorter than those of the macro, of whose cycles there are not enough."""
    spec = TrainingSpec(network={"hidden": [4]}, reference_mean=0.1, reference_std=0.1, macro=(64, 80))
    trainer = Trainer(spec)
    trainer.run(40)
    first, second = trainer.task.tile_configs
    config = spec.hardware(first)
    assert config.fingerprint == spec.hardware(second).fingerprint
    events = energies(config, 1.0)
    table = EnergyTable()
    total = run_joules(trainer, [events], table)
    tiles = tiles_of(trainer)
    expected = 0.0
    reads = 0
    for tile in tiles.values():
        found, used = counts([tile]), config.used(tile.config.rows, tile.config.columns)
        overhead = found["cycles"] - found["update_slots"] - found["reads"] * used.read_cycles
        assert overhead > 0
        share = used.read_cycles / config.read_cycles
        expected += found["update_slots"] + 2 * share * found["reads"] + 3 * overhead
        reads += found["reads"] * tile.config.rows
    assert total["data"] == pytest.approx(expected * 1e-12)
    assert total["adc"] == pytest.approx(reads * table.adc_pj * 1e-12)


def report(config: TileConfig, **changes: object) -> dict[str, Any]:
    """A report with some fields changed."""
    events = energies(config, 2.0).as_dict()
    result = {"events": events, "table": asdict(EnergyTable(dac_pj=0.5)), "library": "l", "supply_v": 1.8}
    return result | {"clock_gating": True, "library_sha256": "ab"} | changes


def written(folder: Path, *reports: dict[str, Any]) -> list[Path]:
    """Files with reports."""
    files = [folder / f"energy{number}.json" for number in range(len(reports))]
    for file, one in zip(files, reports, strict=True):
        file.write_text(json.dumps(one))
    return files


def test_energies_come_from_reports(tmp_path: Path) -> None:
    one, other = TileConfig(rows=8, columns=5), TileConfig(rows=8, columns=6)
    files = written(tmp_path, report(one), report(other))
    found = load_energies(files)
    assert found.events == (energies(one, 2.0), energies(other, 2.0))
    assert found.table == EnergyTable(dac_pj=0.5)
    assert found.provenance() == {
        "files": list(map(str, files)),
        "library": "l",
        "library_sha256": "ab",
        "supply_v": 1.8,
        "clock_gating": True,
        "table": asdict(found.table),
    }


@pytest.mark.parametrize("text", ["", "[]", "{", "NaN", "[" * 100000])
def test_what_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "energy.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"energy.json'.*: must be a report of symtrack energy"):
        load_energies([file])
    with pytest.raises(ValueError, match="must be a readable file"):
        load_energies([tmp_path / "none.json"])


EVENT = dict.fromkeys(PARTS, 1.0)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("slot", {}, r"events: slot = {}: must have exactly data, clock, memory, leakage"),
        ("slot", EVENT | {"more": 1.0}, "events: slot = {.*: must have exactly data, clock"),
        ("read", EVENT | {"clock": "1"}, "events: read: clock = '1': must be a number from 0 to"),
        ("read", EVENT | {"clock": True}, "events: read: clock = True: must be a number"),
        ("overhead", EVENT | {"data": math.nan}, "events: overhead: data = nan: must be a number"),
        ("overhead", EVENT | {"data": -1}, "events: overhead: data = -1: must be a number"),
        ("overhead", EVENT | {"data": 10**400}, "events: overhead: data = 1000.*: must be a number"),
        ("rows", 0, "events: rows = 0: must be a positive integer"),
        ("columns", 2.0, "events: columns = 2.0: must be a positive integer"),
        ("read_cycles", "9", "events: read_cycles = '9': must be a positive integer"),
        ("fingerprint", 3, "events: fingerprint = 3: must be 64 hexadecimal digits"),
        ("other", 3, "events = .*: must have exactly fingerprint, rows, "),
    ],
)
def test_a_wrong_field_of_a_report_is_told(tmp_path: Path, name: str, value: object, told: str) -> None:
    found = report(TileConfig(rows=8, columns=5))
    found["events"][name] = value
    with pytest.raises(ValueError, match=rf"^energy = '.*energy0.json': {told}"):
        load_energies(written(tmp_path, found))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"events": None}, "events = None: must have exactly"),
        ({"table": None}, "table = None: must have exactly transition_ns, "),
        ({"table": asdict(EnergyTable()) | {"adc_pj": -1}}, "table: adc_pj = -1: must be from 0"),
        ({"table": asdict(EnergyTable()) | {"adc_pj": "1"}}, "table: adc_pj = '1': must be a number"),
        ({"library": 3}, "library = 3: must be a text"),
        ({"clock_gating": 1}, "clock_gating = 1: must be true or false"),
        ({"supply_v": "1"}, "supply_v = '1': must be a number"),
    ],
)
def test_a_wrong_part_of_a_report_is_told(tmp_path: Path, changes: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=rf"^energy = '.*energy0.json': {told}"):
        load_energies(written(tmp_path, report(TileConfig(), **changes)))


@pytest.mark.parametrize("name", ["events", "table", "library", "library_sha256", "supply_v", "clock_gating"])
def test_a_missing_part_of_a_report_is_told(tmp_path: Path, name: str) -> None:
    found = report(TileConfig())
    del found[name]
    with pytest.raises(ValueError, match=rf"^energy = '.*': {name}: must be there"):
        load_energies(written(tmp_path, found))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, r"events: fingerprint = \w{8}…: must be of another configuration than '.*energy0.json'"),
        ({"library": "m"}, "library = 'm': must be 'l', as in '.*energy0.json'"),
        ({"library_sha256": "cd"}, "library_sha256 = 'cd': must be 'ab', as in "),
        ({"supply_v": 1.2}, "supply_v = 1.2: must be 1.8, as in "),
        ({"clock_gating": False}, "clock_gating = False: must be True, as in "),
        ({"table": asdict(EnergyTable())}, "table: dac_pj = 0.039: must be 0.5, as in "),
    ],
)
def test_reports_that_do_not_go_together_are_refused(tmp_path: Path, changes: dict[str, object], told: str) -> None:
    first, second = TileConfig(rows=8, columns=5), TileConfig(rows=8, columns=6 if changes else 5)
    with pytest.raises(ValueError, match=rf"^energy = '.*energy1.json': {told}"):
        load_energies(written(tmp_path, report(first), report(second, **changes)))
