# SPDX-License-Identifier: Apache-2.0
"""Gates of a tile in closed form: a sum over what grows, with coefficients fitted to syntheses.

    gates = sum of coefficient_k * term_k(rows, columns, lanes, word widths)

The unit is a NAND gate of two inputs, of logic without flip-flops and memories, as docs/synthesis.md has it. The
coefficients are those of least relative squares over the syntheses in gates.json, which ``symtrack synthesize --fit``
makes; the file has their errors, too, each synthesis predicted from all others. All of them have every part of
`model.spec.config.PARTS`, a ``symmetric_point`` and no ``shared_sources``: of other tiles the sum is too large. By how
much, docs/options.md has for parts; a shared source costs less than another one, and only their number is known here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from symtrack.model.analysis import closed_form
from symtrack.model.analysis.closed_form import Fit
from symtrack.model.spec.config import TileConfig

FILE = Path(__file__).with_name("gates.json")


def terms(config: TileConfig) -> dict[str, float]:
    """What the gates of a tile are a sum of, by name; the factor of each is fitted."""
    lines, lanes = config.rows + config.columns, config.lanes
    return {
        "one": 1.0,
        "lines": lines,
        "lines * magnitude_bits": lines * config.magnitude_bits,
        "columns": config.columns,
        "sources": len(config.sources),
        "bl_bits": config.bl_bits,
        "chopper_period bits": config.chopper_period.bit_length(),
        "lanes": lanes,
        "lanes * reference bits": lanes * config.reference_format.width,
        "lanes * latch_shift": lanes * config.latch_shift,
        "lanes * filter_shift": lanes * config.filter_shift,
        "lanes * difference bits * gain_bits": lanes * config.difference_format.width * config.gain_bits,
        "lanes * hidden_bits": lanes * config.hidden_bits,
        "lanes * dither_bits": lanes * config.dither_bits,
        "lanes * programmer": lanes * config.programmer,
        "rows * row_chopper": config.rows * config.row_chopper,
    }


def fit(measured: Sequence[tuple[TileConfig, float]]) -> Fit:
    """Fit the coefficients to syntheses.

    Raises
    ------
    ValueError
        There are too few to predict one from the others.
    """
    return closed_form.fit([(terms(config), count) for config, count in measured], "syntheses")


def measured(content: Mapping[str, Any]) -> list[tuple[TileConfig, float]]:
    """The syntheses of a file."""
    return [(TileConfig.from_dict(point["tile"], "gates.json"), point["gates"]) for point in content["syntheses"]]


def content(syntheses: Sequence[tuple[Mapping[str, Any], float]], made_by: str) -> dict[str, Any]:
    """What the file holds: syntheses, each the fields that differ and the gates, and the fit to them."""
    points = [{"tile": dict(tile), "gates": gates} for tile, gates in syntheses]
    found = fit(measured({"syntheses": points}))
    return {"made_by": made_by, "errors": found.errors(), "coefficients": dict(found.coefficients), "syntheses": points}


@cache
def recorded() -> Fit:
    """The fit in the file."""
    found = json.loads(FILE.read_text(encoding="utf-8"))
    return Fit(coefficients=found["coefficients"], **found["errors"], count=len(found["syntheses"]))


def gates(configs: Sequence[TileConfig]) -> int:
    """Gates of the peripheries of tiles together."""
    return round(sum(recorded().of(terms(config)) for config in configs))
