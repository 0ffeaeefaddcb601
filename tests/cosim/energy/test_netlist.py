# SPDX-License-Identifier: Apache-2.0
"""Tests of the mapped netlist: blocks by the names of cells, and buffers behind large nets."""

from __future__ import annotations

import pytest

from symtrack.cosim.energy.netlist import TOP, Instance, Netlist, block_of, buffer_of, buffered, read_netlist
from symtrack.cosim.tools.toolchain import ToolError
from tests.cosim.helpers.cells import six_cells


def test_a_cell_tells_its_block() -> None:
    assert block_of(r"$flatten\update.\rows.$abc$12$auto$x") == "update.rows"
    assert block_of("$abc$1$auto$y") == TOP
    assert block_of("transfer.symmetric_point.memory_q.words") == "transfer.symmetric_point.memory_q"


def fan(sinks: int) -> Netlist:
    """A net 2 that drives so many inverters, half of them in another block."""
    cells = [Instance("INV", "ab"[index % 2], {"A": 2, "Y": 4 + index}) for index in range(sinks)]
    return Netlist(4 + sinks, {"x": [2]}, {}, 3, cells, [], [])


@pytest.mark.parametrize("sinks", [1, 4, 5, 17, 64, 65])
def test_no_net_is_larger_than_asked_for(sinks: int) -> None:
    library, netlist = six_cells(), fan(sinks)
    added = buffered(netlist, library, 4)
    assert (added == 0) == (sinks <= 4)
    assert max(len(pins) for pins in netlist.sinks(library).values()) <= 4
    drivers = {cell.pins["Y"]: cell.pins["A"] for cell in netlist.cells if cell.kind == "BUF"}
    assert len(drivers) == added
    for cell in netlist.cells[:sinks]:
        net = cell.pins["A"]
        while net in drivers:
            net = drivers[net]
        assert net == 2


def test_a_clock_has_no_buffers() -> None:
    library = six_cells()
    netlist = Netlist(90, {"x": [2]}, {}, 3, [], [], [])
    netlist.cells = [Instance("DFF", "a", {"D": 2, "C": 3, "Y": 4 + index}) for index in range(70)]
    buffered(netlist, library, 4)
    assert len(netlist.sinks(library)[3]) == 70
    assert len(netlist.sinks(library)[2]) <= 4


def test_the_buffer_is_one_of_the_library() -> None:
    assert buffer_of(six_cells()).name == "BUF"


def test_an_unknown_cell_is_told() -> None:
    ports = {"clk": {"direction": "input", "bits": [2]}}
    cells = {"x": {"type": "MYSTERY", "connections": {}}}
    with pytest.raises(ToolError, match="MYSTERY"):
        read_netlist({"ports": ports, "cells": cells, "netnames": {}}, six_cells())
