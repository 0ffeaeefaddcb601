# SPDX-License-Identifier: Apache-2.0
"""Tests of the energy of whole tiles: played as golden says, by block and event, and with clock gates."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from symtrack.cosim.energy.activity import PHASES, WINDOW, play
from symtrack.cosim.energy.liberty import DEBIAN, LibertyError
from symtrack.cosim.energy.report import (
    Measured,
    Silicon,
    agreement,
    blocks,
    events_of,
    measure,
    moved_pins,
    per_weight_and_update_pj,
    report,
)
from symtrack.cosim.engine.job import Job
from symtrack.cosim.tools.toolchain import ToolError
from symtrack.model.analysis.energy import PARTS
from symtrack.model.spec.config import NAMED
from tests.cosim.helpers.cells import LIBERTY, written

TINY = NAMED["tiny"]
CYCLES = 600


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of six cells."""
    return written(tmp_path_factory.mktemp("cells"))


@cache
def tile(liberty: Path, gated: bool) -> Silicon:
    """A small tile in cells, with or without clock gates."""
    return Silicon.of(TINY, liberty, gated=gated)


@cache
def played(liberty: Path, gated: bool, workload: str, activity: float | None = None) -> Measured:
    """A workload on that."""
    return measure(tile(liberty, gated), workload, cycles=CYCLES, activity=activity)


def spent(energies: dict[str, float]) -> float:
    """The sum of the parts."""
    return sum(energies[part] for part in PARTS)


@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("workload", ["update", "transfer"])
def test_most_pins_have_played_activity(library: Path, gated: bool, workload: str) -> None:
    found = played(library, gated, workload)
    assert found.activity.compared >= CYCLES
    assert found.activity.words > 0
    assert found.accounts.played >= 0.95 * found.accounts.pins
    assert found.accounts.toggled >= 0.3 * found.accounts.pins
    assert found.accounts.moved.sum() >= 0.4 * found.accounts.pins


def test_pins_move_in_one_workload_or_the_other(library: Path) -> None:
    both = [played(library, False, workload) for workload in ("update", "transfer")]
    assert max(int(one.accounts.moved.sum()) for one in both) < moved_pins(*both) <= both[0].accounts.pins
    assert moved_pins(both[0]) == both[0].accounts.moved.sum() > both[0].accounts.toggled


def test_a_weight_and_update_is_reckoned_by_hand(library: Path) -> None:
    found = played(library, False, "update")
    phases = [PHASES.index(phase) for phase in ("slot", "overhead")]  # of updates alone, which read nothing
    spent_on_all = found.accounts.whole[phases].sum()
    expected = spent_on_all / found.activity.updates / (TINY.rows * TINY.columns)
    assert found.activity.updates > 1
    assert per_weight_and_update_pj(found, TINY) == pytest.approx(expected)


def test_a_library_without_a_clock_gate_is_told_before_the_mapping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cells.lib"
    file.write_text(LIBERTY.replace('enable : "G"', 'enable : "!G"'))
    monkeypatch.setattr("symtrack.cosim.energy.report.mapped", lambda *given, **named: pytest.fail("it maps"))
    with pytest.raises(
        LibertyError, match=r"^liberty = '.*cells.lib': library six_cells: must have a cell that is a latch"
    ):
        Silicon.of(TINY, file, gated=True)


@pytest.mark.parametrize("workload", ["update", "transfer"])
def test_the_phases_are_those_of_the_operations(library: Path, workload: str) -> None:
    found = played(library, False, workload)
    activity = found.activity
    assert found.cycles("slot") == activity.counts["slots"]
    assert activity.counts["reads"] == activity.reads
    assert found.cycles("read") == activity.reads * TINY.read_cycles
    overhead = activity.updates * TINY.update_cycles(0) + activity.reads * (TINY.transfer_cycles - TINY.read_cycles)
    assert found.cycles("overhead") == overhead
    assert sum(map(found.cycles, PHASES)) == activity.compared


def test_a_netlist_that_does_something_else_is_found(library: Path) -> None:
    silicon = Silicon.of(TINY, library)
    instance = next(one for one in silicon.netlist.cells if one.block == "update.row_trains" and one.kind == "NAND2")
    instance.kind = "AND2"
    job = Job(TINY, "symtrack.cosim.stimulus.workloads:updates", {"cycles": CYCLES, "seed": 1})
    with pytest.raises(ToolError, match="differs from the golden model: cycle "):
        play(job, silicon.netlist, silicon.library)


@pytest.mark.parametrize("gated", [False, True])
def test_the_blocks_add_up_to_the_whole(library: Path, gated: bool) -> None:
    found = played(library, gated, "transfer")
    outer = [energies for name, energies in blocks(found).items() if "." not in name]
    cycles = sum(found.cycles(phase) for phase in WINDOW)
    assert {"update", "transfer", "chopper", "counters", "sequencer"} < set(blocks(found))
    assert sum(map(spent, outer)) * cycles == pytest.approx(spent(found.window()), rel=0.01)


def test_a_block_has_what_is_inside_it(library: Path) -> None:
    found = blocks(played(library, False, "transfer"))
    inside = sum(spent(found[name]) for name in found if name.startswith("transfer.") and name.count(".") == 1)
    assert 0.8 * spent(found["transfer"]) < inside < spent(found["transfer"])
    assert found["transfer.symmetric_point.memory_q"]["memory"] > 0


@pytest.mark.parametrize(
    ("workload", "event", "shares", "factor"),
    [("update", "slot", (0.35, 1.0), 1.02), ("transfer", "read", (0.0, 0.1, 1.0), 1.2)],
)
def test_energy_rises_with_the_activity_of_the_data(
    library: Path, workload: str, event: str, shares: tuple[float, ...], factor: float
) -> None:
    """In a slot most of it is that of the random sources, which work whatever the data are."""
    energies = [played(library, False, workload, share).per_cycle(event) for share in shares]
    data = [energy["data"] for energy in energies]
    assert data == sorted(data)
    assert data[-1] > factor * data[0]
    assert len({energy["clock"] for energy in energies}) == 1


def test_the_clock_of_an_idle_path_goes_to_near_zero(library: Path) -> None:
    """Of a tile so small some; what is left are the gates themselves, which do not grow with the lines."""
    for workload, idle in (("update", "transfer"), ("transfer", "update")):
        before, after = (blocks(played(library, gated, workload))[idle]["clock"] for gated in (False, True))
        assert after < 0.2 * before, (workload, idle)
    before, after = (played(library, gated, "update").per_cycle("idle")["clock"] for gated in (False, True))
    assert after < 0.25 * before


def test_events_make_up_a_training(library: Path) -> None:
    for gated in (False, True):
        silicon = tile(library, gated)
        training = measure(silicon, "training", cycles=CYCLES)
        events = events_of(TINY, played(library, gated, "update"), played(library, gated, "transfer"))
        both = agreement(training, events)
        assert training.cycles("slot") > 0
        assert training.activity.reads > 0
        assert both["window_from_events_pj"]["all"] == pytest.approx(both["window_pj"]["all"], rel=0.1)


@pytest.mark.slow
@pytest.mark.skipif(not DEBIAN.is_file(), reason="qflow-tech-osu018 is not installed")
@pytest.mark.parametrize("gated", [False, True])
def test_a_tile_in_the_library_of_debian(gated: bool) -> None:
    silicon = Silicon.of(NAMED["small"], DEBIAN, gated=gated)
    found = report(silicon, "training", cycles=1500)
    assert found["played_pins"] >= 0.95 * found["pins"]
    window, summed = found["window_pj"]["all"], found["window_from_events_pj"]["all"]
    assert summed == pytest.approx(window, rel=0.1)
    outer = sum(spent(energies) for name, energies in found["blocks"].items() if "." not in name)
    cycles = sum(found["cycles"][phase] for phase in WINDOW)
    assert outer * cycles == pytest.approx(window, rel=0.01)


@pytest.mark.slow
@pytest.mark.skipif(not DEBIAN.is_file(), reason="qflow-tech-osu018 is not installed")
def test_an_idle_path_has_hardly_a_clock_in_the_library_of_debian() -> None:
    found = {gated: Silicon.of(NAMED["small"], DEBIAN, gated=gated) for gated in (False, True)}
    for workload, idle in (("update", "transfer"), ("transfer", "update")):
        clocks = [blocks(measure(found[gated], workload, cycles=CYCLES))[idle]["clock"] for gated in (False, True)]
        assert clocks[1] < 0.08 * clocks[0], (workload, idle)


@pytest.fixture(scope="module", autouse=True)
def _forget() -> Iterator[None]:
    yield
    tile.cache_clear()
    played.cache_clear()
