# SPDX-License-Identifier: Apache-2.0
"""Tests of the syntheses that the closed form of gates is fitted to: they are those of the file, and repeat."""

import json
from random import Random

import pytest

from symtrack.cosim.synthesis import gate_fit
from symtrack.cosim.synthesis.report import WHOLE, costs
from symtrack.model.analysis import gates
from symtrack.model.spec.config import TileConfig
from symtrack.scripts import synthesize

CONTENT = json.loads(gates.FILE.read_text(encoding="utf-8"))


def test_the_file_has_the_tiles_that_are_synthesized() -> None:
    assert [point["tile"] for point in CONTENT["syntheses"]] == gate_fit.tiles()


def test_every_drawn_tile_can_be() -> None:
    random = Random(7)
    for _ in range(200):
        TileConfig.from_dict(dict(gate_fit.drawn(random)))


def test_the_command_writes_the_file(tmp_path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    counts = {TileConfig.from_dict(dict(point["tile"])): point["gates"] for point in CONTENT["syntheses"]}

    class Found:
        def __init__(self, gates: float) -> None:
            self.gates = gates

    monkeypatch.setattr(gate_fit, "costs", lambda config, target: {WHOLE: Found(counts[config])})
    monkeypatch.setattr(gate_fit, "package_version", lambda name: CONTENT["made_by"].partition(" ")[2])
    assert synthesize.main(["--fit", str(tmp_path / "gates.json")]) == 0
    assert (tmp_path / "gates.json").read_bytes() == gates.FILE.read_bytes()
    assert "32 syntheses, relative errors 3.9% at most, 1.6% root mean square" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("index", [0, 25])
def test_a_synthesis_repeats(index: int) -> None:
    """One of the drawn tiles, and one of the sizes; hardware that has changed by more needs a new fit."""
    point = sorted(CONTENT["syntheses"], key=lambda one: (len(one["tile"]) == 4, one["gates"]))[index]
    found = costs(TileConfig.from_dict(dict(point["tile"])), "generic")[WHOLE].gates
    assert found == pytest.approx(point["gates"], rel=0.01)
