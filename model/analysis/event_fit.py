# SPDX-License-Identifier: Apache-2.0
"""Energies of the events of a tile in closed form: sums over what grows, with coefficients fitted to measurements.

    energy of an event = sum of coefficient_k * term_k(rows, columns, lanes, word widths)

for a slot of an update, a column that is read, and any other cycle of an operation, in pJ: data, clock, memories and
leakage together, of a tile with clock gates in Debian's library and with the table's defaults, whose data take their
whole range. The coefficients are those of least relative squares over the measurements in event_energies.json, which
``symtrack energy --fit`` makes; the file has the errors, each measurement predicted from all others. All of the tiles
have every part of `model.spec.config.PARTS` and none of its extras: of a tile without, the sums are too large.

`symtrack energy` measures any tile; this is for tables of many.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from symtrack.model.analysis import closed_form
from symtrack.model.analysis.closed_form import Fit
from symtrack.model.analysis.energy import EVENTS
from symtrack.model.spec.config import TileConfig

FILE = Path(__file__).with_name("event_energies.json")


def terms(event: str, config: TileConfig) -> dict[str, float]:
    """What the energy of an event is a sum of, by name."""
    lines, lanes = config.rows + config.columns, config.lanes
    if event == "slot":
        compared = lines * config.magnitude_bits
        return {"one": 1.0, "lines * magnitude_bits": compared, "lanes": lanes, "bl_bits": config.bl_bits}
    if event == "overhead":
        return {"one": 1.0, "lines": lines, "lanes": lanes}
    stored = 2 * config.reference_format.width + config.hidden_bits
    worked_on = config.reference_format.width + config.hidden_bits + config.gain_bits
    return {
        "cycles": config.read_cycles,
        "beats * lanes * stored bits": config.row_beats * lanes * stored,
        "cycles * lanes * word bits": config.read_cycles * lanes * worked_on,
    }


def fit(measured: Sequence[tuple[TileConfig, Mapping[str, float]]]) -> dict[str, Fit]:
    """Fit the coefficients of every event to measurements of tiles, picojoules by event.

    Raises
    ------
    ValueError
        There are too few to predict one from the others.
    """
    return {
        event: closed_form.fit([(terms(event, config), energies[event]) for config, energies in measured], "tiles")
        for event in EVENTS
    }


def measured(content: Mapping[str, Any]) -> list[tuple[TileConfig, dict[str, float]]]:
    """The measurements of a file."""
    return [(TileConfig.from_dict(point["tile"], FILE.name), point["picojoules"]) for point in content["tiles"]]


def content(points: Sequence[tuple[Mapping[str, Any], Mapping[str, float]]], made_by: str) -> dict[str, Any]:
    """What the file holds: tiles, each the fields that differ and the picojoules of its events, and the fit to them."""
    tiles = [
        {"tile": dict(tile), "picojoules": {event: round(energies[event], 3) for event in EVENTS}}
        for tile, energies in points
    ]
    found = fit(measured({"tiles": tiles}))
    fits = {event: one.errors() | {"coefficients": dict(one.coefficients)} for event, one in found.items()}
    return {"made_by": made_by, "fits": fits, "tiles": tiles}


@cache
def recorded() -> dict[str, Fit]:
    """The fits in the file."""
    found = json.loads(FILE.read_text(encoding="utf-8"))
    return {event: Fit(**found["fits"][event], count=len(found["tiles"])) for event in EVENTS}


def picojoules(config: TileConfig) -> dict[str, float]:
    """Energies of the events of a tile, by `EVENTS`."""
    return {event: one.of(terms(event, config)) for event, one in recorded().items()}
