# SPDX-License-Identifier: Apache-2.0
"""Tests of joules from counts, and of the table with the energies that are not measured here."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from symtrack.model.analysis.energy import EVENTS, PARTS, SOURCES, EnergyTable, EventEnergies, joules
from symtrack.model.spec.config import TileConfig

CONFIG = TileConfig(rows=6, columns=3, lanes=2)
ENERGIES = {name: {part: 10.0**place + index for place, part in enumerate(PARTS)} for index, name in enumerate(EVENTS)}
COUNTS = {
    "update_slots": 50,
    "reads": 7,
    "cycles": 50 + 7 * CONFIG.read_cycles + 30,
    "coincidences": 11,
    "transfer_pulses": 5,
    "reference_pulses": 2,
}
TABLE = EnergyTable(adc_pj=2.0, dac_pj=3.0, cell_read_pj=0.5, pulse_pj=0.25)


def test_joules_are_counts_times_energies() -> None:
    found = joules(COUNTS, EventEnergies.of(CONFIG, ENERGIES), TABLE)
    for part in PARTS:
        expected = sum(count * ENERGIES[name][part] for name, count in zip(EVENTS, (50, 7, 30), strict=True))
        assert found[part] == pytest.approx(expected * 1e-12)
    assert found["digital"] == pytest.approx(sum(found[part] for part in PARTS))
    assert found["adc"] == pytest.approx(7 * 6 * 2.0e-12)
    assert found["dac"] == pytest.approx((50 * 9 + 7) * 3.0e-12)
    assert found["array"] == pytest.approx((18 * 0.25 + 7 * 6 * 0.5) * 1e-12)
    assert found["analog"] == pytest.approx(found["adc"] + found["dac"] + found["array"])
    assert found["total"] == pytest.approx(found["digital"] + found["analog"])


def test_a_count_more_is_more() -> None:
    events = EventEnergies.of(CONFIG, ENERGIES)
    for name in COUNTS:
        more = joules(COUNTS | {name: COUNTS[name] + 1}, events, TABLE)["total"]
        assert more != joules(COUNTS, events, TABLE)["total"], name


def test_counts_that_are_needed_must_be_there() -> None:
    events = EventEnergies.of(CONFIG, ENERGIES)
    digital = {name: COUNTS[name] for name in ("update_slots", "reads", "cycles")}
    assert joules(digital, events)["digital"] > 0
    with pytest.raises(KeyError, match="reads"):
        joules({"update_slots": 1, "cycles": 2}, events)


def test_counts_that_contradict_each_other_are_refused() -> None:
    events = EventEnergies.of(CONFIG, ENERGIES)
    least = 50 + 7 * CONFIG.read_cycles
    assert joules(COUNTS | {"cycles": least}, events)["digital"] > 0
    with pytest.raises(ValueError, match=rf"^cycles = {least - 1}: must be at least {least}, those of 50 slots and 7 "):
        joules(COUNTS | {"cycles": least - 1}, events)


def test_lines_in_use_have_shorter_reads_and_fewer_converters() -> None:
    events, used = EventEnergies.of(CONFIG, ENERGIES), CONFIG.used(2, 1)
    assert used.read_cycles < CONFIG.read_cycles
    found = joules(COUNTS, events, TABLE, used=used)
    overhead = COUNTS["cycles"] - 50 - 7 * used.read_cycles
    amounts = (50, 7 * used.read_cycles / CONFIG.read_cycles, overhead)
    expected = sum(count * ENERGIES[name]["clock"] for name, count in zip(EVENTS, amounts, strict=True))
    assert found["clock"] == pytest.approx(expected * 1e-12)
    assert found["adc"] == pytest.approx(7 * 2 * 2.0e-12)
    assert found["dac"] == pytest.approx((50 * 3 + 7) * 3.0e-12)


def test_the_driver_of_a_line_is_that_of_a_clock_period() -> None:
    """4 mW of 1024 drivers for 10 ns."""
    assert EnergyTable().dac_pj == pytest.approx(4e-3 / 1024 / (EnergyTable().clock_mhz * 1e6) * 1e12, rel=0.01)


def test_energies_go_through_plain_data() -> None:
    events = EventEnergies.of(CONFIG, ENERGIES)
    assert EventEnergies(**events.as_dict()) == events


def test_every_field_has_its_source() -> None:
    assert set(SOURCES) == {spec.name for spec in fields(EnergyTable)}


@pytest.mark.parametrize(("name", "text"), [("t.toml", "adc_pj = 4.5\n"), ("t.json", '{"adc_pj": 4.5}')])
def test_a_file_has_what_differs(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert EnergyTable.load(tmp_path / name) == EnergyTable(adc_pj=4.5)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("t.toml", "adc = 4.5\n", "unknown field 'adc': must be one of transition_ns, "),
        ("t.toml", "adc_pj = -1\n", r"adc_pj = -1: must be from 0 to 1e\+06"),
        ("t.toml", 'adc_pj = "1"\n', "adc_pj = '1': must be a number"),
        ("t.toml", "adc_pj =\n", r"t.toml': must be valid TOML \("),
        ("t.json", "[1]", "must be a table with any of transition_ns, "),
        ("t.json", "{", r"t.json': must be valid JSON \("),
        ("t.json", '{"wire_ff": NaN}', "wire_ff = nan: must be"),
        ("t.txt", "", "must be the path of a .toml or .json file"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises((TypeError, ValueError), match=told):
        EnergyTable.load(tmp_path / name)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be a readable file"):
        EnergyTable.load(tmp_path / "none.toml")
