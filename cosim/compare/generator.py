# SPDX-License-Identifier: Apache-2.0
"""Coincidence statistics of the tile's random generator, measured after lock-step has shown RTL and golden equal.

    relative error = coincidences / (slots * p_row * p_column) - 1

The RTL plays tens of thousands of slots in lock-step, every line in every slot and the states of all sources at the
end; the golden twin then goes on for as many slots as the sampling error needs.
"""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

from symtrack.cosim.compare.scenario import play
from symtrack.model.analysis.coincidence import Cell, correlation, joint_counts, pair_coincidences
from symtrack.model.spec.config import TileConfig

DEFAULT_GRID = (0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95)
SMALLEST = 1e-6  # probability of a grid; below the smallest magnitude of any configuration, 2**-16

Point = tuple[float, float]


def load_grid(path: str | Path) -> list[Point]:
    """Points from a JSON file: ``[[p_row, p_column], …]``, or ``{"p_row": […], "p_column": […]}`` for all combinations.

    Raises
    ------
    ValueError
        The file cannot be read or holds something else.
    """
    allowed = (
        'must be JSON, [[p_row, p_column], ...] or {"p_row": [...], "p_column": [...]}, '
        f"with numbers from {SMALLEST} to below 1"
    )
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ValueError(f"grid = {str(path)!r}: must be a readable file ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise ValueError(f"grid = {str(path)!r}: {allowed}") from None
    try:
        if isinstance(data, dict):
            if data.keys() != {"p_row", "p_column"}:
                raise ValueError
            data = list(product(data["p_row"], data["p_column"]))
        points = [(p, q) for p, q in data]
    except (TypeError, ValueError):
        raise ValueError(f"grid = {str(path)!r}: {allowed}") from None
    if not points:
        raise ValueError(f"grid = {str(path)!r}: {allowed}; it holds no point")
    for value in (value for point in points for value in point):
        if not isinstance(value, float) or not SMALLEST <= value < 1:
            raise ValueError(f"grid = {str(path)!r}: {allowed}; it holds {value!r:.40}")
    return points


def magnitude(config: TileConfig, probability: float) -> int:
    """The magnitude nearest to a probability, but never one that cannot fire."""
    return min(max(round(probability * (1 << config.magnitude_bits)), 1), config.magnitude_format.high)


def line_pairs(config: TileConfig, count: int, rng: Random) -> list[tuple[int, int]]:
    """Pairs of a row and a column line to measure: two corners, neighbours, and random ones."""
    pairs = [(0, 0), (min(1, config.rows - 1), 0)]
    while len(pairs) < count:
        pairs.append((rng.randrange(config.rows), rng.randrange(config.columns)))
    return pairs[:count]


def coincidence_grid(
    config: TileConfig, points: list[Point], row: int, column: int, slots: int
) -> list[dict[str, Any]]:
    """Entries of the report for one pair of lines, over the grid of probabilities."""
    rows = sorted({magnitude(config, p) for p, _ in points})
    columns = sorted({magnitude(config, q) for _, q in points})
    counts = pair_coincidences(config, row, column, rows, columns, slots)
    entries = []
    for p, q in points:
        found = int(counts[rows.index(magnitude(config, p)), columns.index(magnitude(config, q))])
        entries.append(
            {
                "p_row": p,
                "p_column": q,
                "slots": slots,
                "coincidences": found,
                "probability": found / slots,
                "relative_error": found / (slots * p * q) - 1,
            }
        )
    return entries


def cell_pairs(config: TileConfig, count: int, rng: Random) -> list[tuple[Cell, Cell]]:
    """Pairs of cells that share a row, a column or neither, at several probabilities."""
    pairs: list[tuple[Cell, Cell]] = []
    if config.rows * config.columns == 1:
        return pairs
    levels = {line: magnitude(config, p) for line, p in enumerate((0.1, 0.3, 0.5, 0.7))}
    while len(pairs) < count:
        rows = [rng.randrange(config.rows) for _ in range(2)]
        columns = [rng.randrange(config.columns) for _ in range(2)]
        if len(pairs) % 3 == 0:
            rows[1] = rows[0]
        elif len(pairs) % 3 == 1:
            columns[1] = columns[0]
        first, second = (
            Cell(row=i, column=j, row_magnitude=levels[i % 4], column_magnitude=levels[j % 4])
            for i, j in zip(rows, columns, strict=True)
        )
        if first != second:
            pairs.append((first, second))
    return pairs


def pulse_statistics(
    config: TileConfig, *, points: list[Point], slots: int, pairs: int, seed: int, engine: str, rtl_slots: int
) -> dict[str, Any]:
    """Measure the statistics; the report with the keys of ``pulse_statistics.py --json``."""
    rng = Random(seed)
    compared: dict[str, Any] | None = None
    if rtl_slots:
        compared, _ = play(config, "slots", engine=engine, cycles=rtl_slots, seed=seed)
    grids: list[dict[str, Any]] = [
        {"row": row, "column": column, "grid": coincidence_grid(config, points, row, column, slots)}
        for row, column in line_pairs(config, pairs, rng)
    ]
    trains = max(1, slots // config.bl_max // 8)
    correlations: list[dict[str, Any]] = []
    for first, second in cell_pairs(config, 3 * pairs, rng):
        found = correlation(config, first, second, joint_counts(config, first, second, config.bl_max, trains))
        correlations.append(
            {
                "cells": [[first.row, first.column], [second.row, second.column]],
                "measured": found.measured,
                "expected": found.expected,
                "standard_errors": found.z,
            }
        )
    return {
        "config": config.name,
        "seed": seed,
        "grid": grids[0]["grid"],
        "worst_relative_error": max(abs(entry["relative_error"]) for pair in grids for entry in pair["grid"]),
        "worst_pair_correlation": max((abs(c["measured"] - c["expected"]) for c in correlations), default=0.0),
        "worst_pair_standard_errors": max((abs(c["standard_errors"]) for c in correlations), default=0.0),
        "line_pairs": grids,
        "cell_pairs": correlations,
        "rtl": compared,
    }
