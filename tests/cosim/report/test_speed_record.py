# SPDX-License-Identifier: Apache-2.0
"""Tests of the record of speed by version: what its rows say, and which of them stay."""

from __future__ import annotations

import pytest

from symtrack.cosim.report.speed_record import COLUMNS, HEAD, MEASURES, rows_of_others, speed_record

ENTRY = {
    "rows": 64,
    "columns": 48,
    "cocotb": 5000.0,
    "native": 1_234_567.0,
    "native_recorded": 250_000.0,
    "spread": {"cocotb": 0.031, "native": 0.2, "native_recorded": 0.0},
}


def cells(document: str) -> list[list[str]]:
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in document.partition(HEAD)[2].splitlines()]


def test_a_row_has_the_figures_of_a_measure() -> None:
    rows = cells(speed_record(ENTRY, version="1.2.3", machine="a machine | two cores"))
    assert [row[2] for row in rows] == list(MEASURES.values())
    assert rows[1] == ["1.2.3", "64x48", "native", "1,234,567", "247", "20%", "a machine / two cores"]
    assert [row[4] for row in rows] == ["1", "247", "50"]
    assert {len(row) for row in rows} == {len(COLUMNS)}


def test_rows_of_other_versions_stay_and_those_of_the_same_are_replaced() -> None:
    document = ""
    for version, factor in (("1.0", 1), ("1.0.1", 2), ("1.1", 3), ("1.0.1", 4)):
        entry = ENTRY | {"native": factor * 1e6}
        others = rows_of_others(document, version=version)
        document = speed_record(entry, version=version, machine="m", others=others)
    native = [(row[0], row[3]) for row in cells(document) if row[2] == "native"]
    assert native == [("1.0.1", "4,000,000"), ("1.1", "3,000,000"), ("1.0", "1,000,000")]
    assert len(cells(document)) == 3 * len(MEASURES)
    assert document.count(HEAD) == 1


def test_another_document_is_refused() -> None:
    assert rows_of_others("", version="1.0") == ""
    with pytest.raises(ValueError, match="must have a table with the columns version, tile, measure"):
        rows_of_others("# Notes\n\n| a | b |\n", version="1.0")
