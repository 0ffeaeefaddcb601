# SPDX-License-Identifier: Apache-2.0
"""Joules of a training run: the counts of each of its tiles times the energies of the events of such a tile.

Energies are read from reports of ``symtrack energy``, which have them under ``events`` and the table, the library and
whether clocks are gated beside them. A tile takes those of the configuration with its `TileConfig.fingerprint`, in
which all is that a netlist depends on, and neither name nor seed.

The configuration of a tile is `TrainingSpec.hardware` of it: its own, as the options of the run make it, so with
``threshold_shift=auto`` as it was found; with a macro that of the macro, whose netlist all tiles share, whatever lines
they use. A tile that uses some of the lines of a macro only has reads of fewer cycles, for which the energy of a read
of all lines is taken in proportion, and converters of the lines in use. Its slots are those of all lines, which is more
than what they take.

None of it has idle time: a training has the cycles of its operations and no others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from symtrack.model.analysis.energy import EVENTS, PARTS, EnergyTable, EventEnergies, joules
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.validated import shown
from symtrack.model.training.history import tiles_of
from symtrack.model.training.metrics import counts
from symtrack.model.training.trainer import Trainer

SIZES = ("rows", "columns", "read_cycles")
MADE_BY = "symtrack energy --workload training --json"
MOST = 1e12  # a joule in pJ
SAME = ("library", "library_sha256", "supply_v", "clock_gating", "table")  # in all reports of a run


@dataclass(frozen=True, kw_only=True)
class EnergyReports:
    """Energies of the events of tiles, and what they were measured with, the same for all.

    Attributes
    ----------
    files : the reports.
    events : of each.
    library, library_sha256, supply_v : name and text of the cells, and their supply in V.
    clock_gating : registers have clock gates.
    """

    files: tuple[str, ...]
    events: tuple[EventEnergies, ...]
    table: EnergyTable
    library: str
    library_sha256: str
    supply_v: float
    clock_gating: bool

    def provenance(self) -> dict[str, Any]:
        """What joules follow from beside the counts, as plain data."""
        same: dict[str, Any] = {name: getattr(self, name) for name in SAME[:-1]}
        return {"files": list(self.files), **same, "table": asdict(self.table)}


def load_energies(paths: Sequence[str | Path]) -> EnergyReports:
    """The energies of events in reports.

    Raises
    ------
    ValueError
        A file is no such report, two are of one configuration, or they were measured with different things; the
        message names the file, the field and what is allowed.
    """
    loaded = [_report(Path(path)) for path in paths]
    _, first, table = loaded[0]
    seen: dict[str, Path] = {}
    for path, (events, report, other) in zip(map(Path, paths), loaded, strict=True):
        where = f"energy = {str(path)!r}"
        if events.fingerprint in seen:
            known = f"of another configuration than {str(seen[events.fingerprint])!r}"
            raise ValueError(f"{where}: events: fingerprint = {events.fingerprint[:8]}…: must be {known}")
        seen[events.fingerprint] = path
        for name in SAME[:-1]:
            if report[name] != first[name]:
                raise ValueError(
                    f"{where}: {name} = {shown(report[name])}: must be {shown(first[name])}, as in {str(paths[0])!r}"
                )
        for spec in fields(EnergyTable):
            value, expected = getattr(other, spec.name), getattr(table, spec.name)
            if value != expected:
                text = f"must be {expected:g}, as in {str(paths[0])!r}"
                raise ValueError(f"{where}: table: {spec.name} = {value:g}: {text}")
    return EnergyReports(
        files=tuple(str(path) for path in paths),
        events=tuple(events for events, _, _ in loaded),
        table=table,
        library=first["library"],
        library_sha256=first["library_sha256"],
        supply_v=float(first["supply_v"]),
        clock_gating=first["clock_gating"],
    )


def _report(path: Path) -> tuple[EventEnergies, dict[str, Any], EnergyTable]:
    """The energies in a report, all of it, and its table."""
    where = f"energy = {str(path)!r}"
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{where}: must be a readable file ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise ValueError(f"{where}: must be a report of {MADE_BY}, which is JSON") from None
    if not isinstance(report, dict):
        raise ValueError(f"{where}: {shown(report)}: must be a report of {MADE_BY}")
    try:
        for name in ("library", "library_sha256"):
            if not isinstance(_of(report, name), str):
                raise ValueError(f"{name} = {shown(report[name])}: must be a text")
        if not isinstance(_of(report, "clock_gating"), bool):
            raise ValueError(f"clock_gating = {shown(report['clock_gating'])}: must be true or false")
        _measure("supply_v", _of(report, "supply_v"))
        events = _events(_of(report, "events"))
        table = _of(report, "table")
        names = [spec.name for spec in fields(EnergyTable)]
        if not isinstance(table, dict) or set(table) != set(names):
            raise ValueError(f"table = {shown(table)}: must have exactly {', '.join(names)}")
        try:
            return events, report, EnergyTable(**table)
        except (TypeError, ValueError) as error:
            raise ValueError(f"table: {error}") from None
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _of(group: Mapping[str, Any], name: str) -> Any:
    if name not in group:
        raise ValueError(f"{name}: must be there, as in a report of {MADE_BY}")
    return group[name]


def _events(found: Any) -> EventEnergies:
    """The energies of events as a report has them."""
    names = [spec.name for spec in fields(EventEnergies)]
    if not isinstance(found, dict) or set(found) != set(names):
        raise ValueError(f"events = {shown(found)}: must have exactly {', '.join(names)}, as {MADE_BY} writes it")
    mark = found["fingerprint"]
    if not isinstance(mark, str) or not re.fullmatch("[0-9a-f]{64}", mark):
        raise ValueError(f"events: fingerprint = {shown(mark)}: must be 64 hexadecimal digits")
    for name in SIZES:
        if type(found[name]) is not int or found[name] < 1:
            raise ValueError(f"events: {name} = {shown(found[name])}: must be a positive integer")
    for name in EVENTS:
        energies = found[name]
        if not isinstance(energies, dict) or set(energies) != set(PARTS):
            raise ValueError(f"events: {name} = {shown(energies)}: must have exactly {', '.join(PARTS)}")
        for part, energy in energies.items():
            _measure(f"events: {name}: {part}", energy)
    return EventEnergies(**found)


def _measure(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST:
        raise ValueError(f"{name} = {shown(value)}: must be a number from 0 to {MOST:g}")


def energies_of_tiles(trainer: Trainer, energies: Sequence[EventEnergies]) -> dict[str, EventEnergies]:
    """The energies for every tile of the network, by the name of the tile.

    Raises
    ------
    ValueError
        There are none for the configuration of a tile; the message has what `symtrack energy --config` must be told.
    """
    known = {one.fingerprint: one for one in energies}
    result = {}
    for name, tile in tiles_of(trainer).items():
        config = trainer.spec.hardware(tile.config)
        if config.fingerprint not in known:
            sizes = ", ".join(f"{one.rows}x{one.columns} {one.fingerprint[:8]}" for one in energies)
            raise ValueError(
                f"energy = {sizes}: must have a report for the tile {name}, {config.rows}x{config.columns} "
                f"{config.fingerprint[:8]}, with --config {_told(config)}"
            )
        events = known[config.fingerprint]
        for size in SIZES:
            if getattr(events, size) != getattr(config, size):
                text = f"must be {getattr(config, size)}, as in the configuration of that fingerprint"
                raise ValueError(f"energy = {events.fingerprint[:8]}: {size} = {getattr(events, size)}: {text}")
        result[name] = events
    return result


def _told(config: TileConfig) -> str:
    """What `symtrack energy --config` takes: a name, or the fields that a TOML file must have."""
    if not config.name.startswith("custom_") and not config.own_name:
        return config.name
    default = TileConfig()
    names = [spec.name for spec in fields(config) if spec.compare and spec.name != "seed"]
    changed = [name for name in names if getattr(config, name) != getattr(default, name)]
    return f"of a TOML file with {', '.join(f'{name} = {json.dumps(getattr(config, name))}' for name in changed)}"


def run_joules(trainer: Trainer, energies: Sequence[EventEnergies], table: EnergyTable) -> dict[str, float]:
    """Energy of a run so far in joules, with the keys of `model.analysis.energy.joules`, of all tiles together."""
    total: dict[str, float] = {}
    tiles = tiles_of(trainer)
    for name, events in energies_of_tiles(trainer, energies).items():
        tile = tiles[name]
        config = trainer.spec.hardware(tile.config)
        used = config.used(tile.config.rows, tile.config.columns)
        for part, energy in joules(counts([tile]), events, table, used=used).items():
            total[part] = total.get(part, 0.0) + energy
    return total
