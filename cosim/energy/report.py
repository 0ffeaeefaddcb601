# SPDX-License-Identifier: Apache-2.0
"""Energy report of a tile under a workload: picojoules by event, by block and by part, and what was played for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from symtrack.cosim.energy.accounts import Accounts, GateParts, accounts
from symtrack.cosim.energy.activity import PHASES, WINDOW, Activity, play
from symtrack.cosim.energy.liberty import LibertyError, Library, read_library
from symtrack.cosim.energy.mapping import mapped
from symtrack.cosim.energy.netlist import Netlist
from symtrack.cosim.engine.job import Job
from symtrack.cosim.stimulus import workloads
from symtrack.cosim.stimulus.workloads import WORKLOADS
from symtrack.cosim.tools.yosys import unnumbered
from symtrack.model.analysis.energy import PARTS, EnergyTable, EventEnergies, joules
from symtrack.model.spec.config import TileConfig

CYCLES = 4000  # of a workload unless told otherwise
Energies = dict[str, float]


@dataclass(frozen=True)
class Silicon:
    """A tile in cells of a library.

    Attributes
    ----------
    gated : registers have clock gates.
    table : what energies depend on beside netlist and activity.
    """

    config: TileConfig
    library: Library
    netlist: Netlist
    gated: bool
    table: EnergyTable

    @classmethod
    def of(cls, config: TileConfig, liberty: Path, *, gated: bool = False, table: EnergyTable | None = None) -> Silicon:
        """Read the library and map the tile.

        Raises
        ------
        LibertyError, ToolError
            The library cannot be used, also for clock gates if ``gated``, or Yosys is missing or stops with an error.
        """
        library = read_library(liberty)
        if gated:
            try:
                GateParts.of(library)
            except LibertyError as error:
                raise LibertyError(f"liberty = {str(liberty)!r}: {error}") from None
        netlist = mapped(config, library, liberty, gated=gated)
        return cls(config, library, netlist, gated, table or EnergyTable())


@dataclass(frozen=True)
class Measured:
    """A workload on a tile: activity, energies, and what the job returned."""

    activity: Activity
    accounts: Accounts
    result: Any

    def cycles(self, phase: str) -> int:
        """Cycles of a phase."""
        return int(self.activity.cycles[PHASES.index(phase)])

    def per_cycle(self, phase: str) -> Energies:
        """Picojoules by part of a cycle of a phase, zeros if there was none."""
        cycles = self.cycles(phase) or 1
        return {part: energy / cycles for part, energy in self.accounts.of_phase(phase).items()}

    def per_read(self) -> Energies:
        """Picojoules by part of a column that is read."""
        return {part: energy / max(self.activity.reads, 1) for part, energy in self.accounts.of_phase("read").items()}

    def window(self) -> Energies:
        """Picojoules by part of all cycles of updates and transfers."""
        phases = [self.accounts.of_phase(phase) for phase in WINDOW]
        return {part: sum(energies[part] for energies in phases) for part in PARTS}


def measure(
    silicon: Silicon,
    workload: str,
    *,
    cycles: int = CYCLES,
    seed: int = 1,
    activity: float | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Measured:
    """Play one of `WORKLOADS` for at least so many cycles and account for its energy.

    activity: share of the lines, or of the range of codes, that is in use, of an update or a transfer; None for all.

    Raises
    ------
    ToolError
        The netlist differs from the golden tile.
    """
    arguments: dict[str, Any] = {"cycles": cycles, "seed": seed}
    if activity is not None:
        arguments["activity"] = activity
    function = f"{workloads.__name__}:{WORKLOADS[workload].__name__}"
    played, outcome = play(Job(silicon.config, function, arguments), silicon.netlist, silicon.library, progress)
    return Measured(played, accounts(silicon.netlist, silicon.library, played, silicon.table), outcome.result)


def events_of(config: TileConfig, update: Measured, transfer: Measured) -> EventEnergies:
    """Energies of the events of a tile, from updates and from transfers.

    The overhead of updates and transfers is one event; both have their share of its cycles.
    """
    both = [one.accounts.of_phase("overhead") for one in (update, transfer)]
    cycles = sum(one.cycles("overhead") for one in (update, transfer)) or 1
    overhead = {part: sum(energies[part] for energies in both) / cycles for part in PARTS}
    return EventEnergies.of(
        config, {"slot": update.per_cycle("slot"), "read": transfer.per_read(), "overhead": overhead}
    )


def blocks(measured: Measured) -> dict[str, Energies]:
    """Picojoules by part and block in a cycle of updates and transfers; blocks have what is inside them.

    Lanes and sources are alike and together one block.
    """
    window = [PHASES.index(phase) for phase in WINDOW]
    cycles = int(measured.activity.cycles[window].sum()) or 1
    energies = measured.accounts.energies[window].sum(axis=0) / cycles
    total: dict[str, np.ndarray] = {}
    for index, name in enumerate(measured.accounts.blocks):
        parts = unnumbered(name).split(".")
        for depth in range(1, len(parts) + 1):
            path = ".".join(parts[:depth])
            total[path] = total.get(path, np.zeros(len(PARTS))) + energies[:, index]
    return {name: dict(zip(PARTS, total[name].tolist(), strict=True)) for name in sorted(total)}


def described(silicon: Silicon) -> dict[str, Any]:
    """What was mapped, with the keys of ``energy.py --json``."""
    config, netlist, library = silicon.config, silicon.netlist, silicon.library
    registers = [one for one in netlist.cells if library.cells[one.kind].clocked_on]
    gated = {gate.output for gate in netlist.gates}
    behind = [one for one in registers if one.pins[library.cells[one.kind].clocked_on] in gated]
    return {
        "config": config.name,
        "rows": config.rows,
        "columns": config.columns,
        "lanes": config.lanes,
        "library": library.name,
        "library_sha256": library.sha256,
        "supply_v": library.voltage,
        "clock_gating": silicon.gated,
        "cells": len(netlist.cells),
        "flip_flops": len(registers),
        "clock_gates": len(netlist.gates),
        "gated_flip_flops": len(behind),
        "memory_bits": sum(memory.width * memory.depth for memory in netlist.memories),
        "table": asdict(silicon.table),
    }


def what_was_played(measured: Measured) -> dict[str, Any]:
    """What was played and compared, with the keys of ``energy.py --json``.

    ``toggled_pins`` had a transition in updates and transfers. ``played_pins`` are those whose net is not tied to a
    constant: every net's transitions are counted, none is assumed.
    """
    activity, found = measured.activity, measured.accounts
    return {
        "cycles": {phase: measured.cycles(phase) for phase in PHASES},
        "updates": activity.updates,
        "reads": activity.reads,
        "compared_cycles": activity.compared,
        "compared_words": activity.words,
        "pins": found.pins,
        "toggled_pins": found.toggled,
        "played_pins": found.played,
    }


def moved_pins(*measured: Measured) -> int:
    """The pins with a transition in any phase of any of these workloads of one tile."""
    return int(np.any([one.accounts.moved for one in measured], axis=0).sum())


def per_weight_and_update_pj(measured: Measured, config: TileConfig) -> float:
    """Picojoules of an update for each weight of the tile, of a workload of updates alone."""
    return sum(measured.window().values()) / measured.activity.updates / (config.rows * config.columns)


def report(
    silicon: Silicon,
    workload: str,
    *,
    cycles: int = CYCLES,
    seed: int = 1,
    activity: float | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> dict[str, Any]:
    """The report with the keys of ``energy.py --json``.

    That of a training has the energies of events, too, measured on updates and transfers of random data, what they make
    of the counts of the window, and the pins with a transition anywhere in all three. Energies that the workload does
    not show are None. ``activity`` is that of `measure`.
    """
    config = silicon.config

    def at(turn: int, done: int) -> None:
        progress(turn * cycles + min(done, cycles))

    given = {"cycles": cycles, "seed": seed}
    measured = measure(silicon, workload, **given, activity=activity, progress=partial(at, 0))
    slots, reads, updates = measured.cycles("slot"), measured.activity.reads, measured.activity.updates
    result = {
        **described(silicon),
        "area": measured.accounts.area,
        "workload": workload,
        "seed": seed,
        "activity": activity,
        **what_was_played(measured),
        "picojoules": {phase: measured.accounts.of_phase(phase) for phase in PHASES},
        "per_slot_pj": measured.per_cycle("slot") if slots else None,
        "per_read_pj": measured.per_read() if reads else None,
        "per_weight_and_update_pj": per_weight_and_update_pj(measured, config) if updates and not reads else None,
        "idle_pj": measured.per_cycle("idle"),
        "blocks": blocks(measured),
    }
    if workload == "training":
        parts = [
            measure(silicon, name, **given, progress=partial(at, turn))
            for turn, name in enumerate(("update", "transfer"), 1)
        ]
        events = events_of(config, *parts)
        result["toggled_pins_anywhere"] = moved_pins(measured, *parts)
        result |= {"events": events.as_dict(), **agreement(measured, events)}
        result["joules"] = joules(counts_of(measured), events, silicon.table)
    return result


def counts_of(measured: Measured) -> dict[str, int]:
    """The counts of a window as a training has them; coincidences are those that the job returned."""
    return {
        "transfer_pulses": measured.activity.counts["transfer_pulses"],
        **(measured.result or {}),
        "update_slots": measured.cycles("slot"),
        "reads": measured.activity.reads,
        "cycles": sum(measured.cycles(phase) for phase in WINDOW),
    }


def agreement(measured: Measured, events: EventEnergies) -> dict[str, Any]:
    """The energy of a window in picojoules as played and as its events make it, by part and in all."""
    counts = counts_of(measured)
    summed = events.digital(slots=counts["update_slots"], reads=counts["reads"], cycles=counts["cycles"])
    window: Mapping[str, float] = measured.window()
    return {
        "window_pj": {**window, "all": sum(window.values())},
        "window_from_events_pj": {**summed, "all": sum(summed.values())},
    }
