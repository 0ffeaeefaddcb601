# SPDX-License-Identifier: Apache-2.0
"""Tests of the record of speed by version: its rows, and that those of other versions and tables stay."""

from __future__ import annotations

import pytest

from symtrack.cosim.report.speed_record import (
    ENGINES,
    LAYER_UPDATES,
    MEASURES,
    NETWORKS,
    SIZES,
    TABLES,
    RecordTable,
    engine_rows,
    layer_rows,
    network_rows,
    rows,
    size_rows,
    speed_record,
)

ENTRY = {
    "rows": 64,
    "columns": 32,
    "lanes": 8,
    "cocotb": 2000.0,
    "native": 250_000.4,
    "native_recorded": 100_000.0,
    "spread": {"cocotb": 0.1, "native": 0.05, "native_recorded": 0.0},
}
NETWORK = {
    "network": "LeNet-5",
    "algorithm": "agad",
    "images": "MNIST",
    "batch": 8,
    "coincidences_per_sample": 65_432.1,
    "ms_per_sample": 1.2345,
    "aihwkit": "1.1.0",
    "aihwkit_ms_per_sample": 4.5,
    "aihwkit_spread": 0.05,
    "python_share": 0.071,
    "ratio": 3.64,
    "spread": 0.02,
    "goal": 4.0,
}
LAYER = {
    "layer": "512x512, dense",
    "bl": 31,
    "batch": 1,
    "coincidences_per_update": 2_117_583.2,
    "ms_per_update": 5.09512,
    "spread": 0.02,
    "aihwkit": "1.1.0",
    "aihwkit_ms_per_update": 31.2215,
    "aihwkit_spread": 0.03,
    "ratio": 6.13,
    "goal": 5.0,
}


def cells(document: str, table: RecordTable = ENGINES) -> list[list[str]]:
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows(document, table)]


def test_a_row_for_every_measure() -> None:
    document = speed_record("", ENGINES, engine_rows(ENTRY), version="1.2.3", machine="a machine | two cores")
    found = cells(document)
    assert [row[2] for row in found] == list(MEASURES.values())
    assert found[1] == ["1.2.3", "64x32", "native", "250,000", "125", "5%", "a machine / two cores"]
    assert all(len(row) == len(ENGINES.columns) for row in found)
    assert cells(document, NETWORKS) == []


def test_a_row_for_every_size() -> None:
    document = speed_record("", SIZES, size_rows([ENTRY]), version="1.2.3", machine="m")
    assert cells(document, SIZES) == [["1.2.3", "64x32", "8", "250,000", "4.00", "5%", "100,000", "0%", "m"]]
    assert cells(document) == []


def test_a_row_for_every_network() -> None:
    document = speed_record("", NETWORKS, network_rows([NETWORK]), version="1.2.3", machine="m")
    own = "1.2.3", "LeNet-5", "agad", "MNIST", "8", "65,432", "1.234", "2%", "7%"
    assert cells(document, NETWORKS) == [[*own, "1.1.0", "4.500", "5%", "3.6", "4", "m"]]
    assert cells(document) == []


def test_a_row_for_every_layer() -> None:
    rows = layer_rows([LAYER, LAYER | {"goal": None}])
    document = speed_record("", LAYER_UPDATES, rows, version="1.2.3", machine="m")
    own = "1.2.3", "512x512, dense", "31", "1", "2,117,583", "5.0951", "2%", "1.1.0", "31.2215", "3%", "6.1"
    assert cells(document, LAYER_UPDATES) == [[*own, "5", "m"], [*own, "–", "m"]]
    assert cells(document) == []


def test_other_versions_and_the_other_table_stay() -> None:
    document = ""
    for version, speed in (("1.0", 1e5), ("1.0.1", 2e5), ("1.1", 2e5), ("1.0", 3e5)):
        entry = ENTRY | {"native": speed}
        document = speed_record(document, ENGINES, engine_rows(entry), version=version, machine="m")
        document = speed_record(document, NETWORKS, network_rows([NETWORK]), version=version, machine="m")
    natives = [(row[0], row[3]) for row in cells(document) if row[2] == "native"]
    assert natives == [("1.0", "300,000"), ("1.1", "200,000"), ("1.0.1", "200,000")]
    assert [row[0] for row in cells(document, NETWORKS)] == ["1.0", "1.1", "1.0.1"]
    for table in TABLES:
        assert document.count(table.head) == 1
        assert document.count(table.text) == 1


def test_other_machines_stay() -> None:
    document = ""
    for machine, speed in (("fast", 3e5), ("slow | old", 1e5), ("slow | old", 2e5)):
        document = speed_record(document, ENGINES, engine_rows(ENTRY | {"native": speed}), version="1", machine=machine)
    found = [(row[-1], row[3]) for row in cells(document) if row[2] == "native"]
    assert found == [("slow / old", "200,000"), ("fast", "300,000")]


@pytest.mark.parametrize("table", TABLES)
def test_a_document_without_the_table_is_refused(table: RecordTable) -> None:
    assert rows("", table) == []
    with pytest.raises(ValueError, match=r"must have a table with the columns version, .*, or not exist"):
        rows("# Notes\n\n| a | b |\n", table)
