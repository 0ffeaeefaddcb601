# SPDX-License-Identifier: Apache-2.0
"""Joules of a training run: the counts of each of its tiles times the energies of the events of such a tile.

Energies are read from reports of ``symtrack energy``, which have them under ``events`` and the table that they were
measured with under ``table``. A tile takes those of its rows, columns and cycles of a read.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from symtrack.model.analysis.energy import EnergyTable, EventEnergies, joules
from symtrack.model.training.history import tiles_of
from symtrack.model.training.metrics import counts
from symtrack.model.training.trainer import Trainer


def load_energies(paths: Sequence[str | Path]) -> tuple[list[EventEnergies], EnergyTable]:
    """The energies of events in reports, and the table of the first.

    Raises
    ------
    ValueError
        A file is no such report; the message names it and what is allowed.
    """
    found = []
    for path in paths:
        where = f"energy = {str(path)!r}"
        try:
            report = json.loads(Path(path).read_text(encoding="utf-8"))
            found.append((EventEnergies(**report["events"]), EnergyTable(**report["table"])))
        except OSError as error:
            raise ValueError(f"{where}: must be a readable file ({error.strerror})") from None
        except (ValueError, KeyError, TypeError, RecursionError):
            text = "must be a report of symtrack energy --workload training --json"
            raise ValueError(f"{where}: {text}") from None
    return [events for events, _ in found], found[0][1]


def energies_of_tiles(trainer: Trainer, energies: Sequence[EventEnergies]) -> dict[str, EventEnergies]:
    """The energies for every tile of the network, by the name of the tile.

    Raises
    ------
    ValueError
        There are none for a tile of its size.
    """
    result = {}
    for name, tile in tiles_of(trainer).items():
        config = trainer.spec.hardware(tile.config)
        size = config.rows, config.columns, config.read_cycles
        fitting = (one for one in energies if (one.rows, one.columns, one.read_cycles) == size)
        events = next(fitting, None)
        if events is None:
            sizes = ", ".join(f"{one.rows}x{one.columns}" for one in energies)
            lanes = f"{config.rows}x{config.columns} with {config.lanes} lanes"
            raise ValueError(f"energy = {sizes}: must have a report for {lanes}, the tile {name}")
        result[name] = events
    return result


def run_joules(trainer: Trainer, energies: Sequence[EventEnergies], table: EnergyTable) -> dict[str, float]:
    """Energy of a run so far in joules, with the keys of `model.analysis.energy.joules`, of all tiles together."""
    total: dict[str, float] = {}
    tiles = tiles_of(trainer)
    for name, events in energies_of_tiles(trainer, energies).items():
        for part, energy in joules(counts([tiles[name]]), events, table).items():
            total[part] = total.get(part, 0.0) + energy
    return total
