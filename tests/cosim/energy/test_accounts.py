# SPDX-License-Identifier: Apache-2.0
"""Tests of the accounts of energy: a netlist of a few cells reckoned by hand, by block, by part and in all."""

from __future__ import annotations

import numpy as np
import pytest

from symtrack.cosim.energy.accounts import TILE_INPUTS, accounts
from symtrack.cosim.energy.activity import PHASES, Activity
from symtrack.cosim.energy.liberty import Library
from symtrack.cosim.energy.netlist import Gate, Instance, Memory, Netlist
from symtrack.cosim.tools.toolchain import ToolError
from symtrack.model.analysis.energy import PARTS, EnergyTable
from tests.cosim.helpers.cells import CLOCK, DATA, LEAKAGE, OUTPUT, PIN, VOLTAGE, six_cells

IN, CLK, INVERTED, Q, GATED, READ = range(2, 8)
TABLE = EnergyTable(wire_ff=2.0, clock_mhz=50.0, sram_read_pj=3.0, sram_write_pj=5.0)
WIRE = 0.002  # pF
HALF = VOLTAGE**2 / 2
CYCLES, PULSES, READS, WRITES = 10, 4, 3, 2
TRANSITIONS = {IN: 7, INVERTED: 6, Q: 5, READ: 1}


def netlist(*, gated: bool = False) -> Netlist:
    """An inverter in a, a register in b behind it, whose output leaves the tile, and a memory in c."""
    cells = [
        Instance("INV", "a", {"A": IN, "Y": INVERTED}),
        Instance("DFF", "b", {"D": INVERTED, "C": GATED if gated else CLK, "Y": Q}),
    ]
    memory = Memory("c", 8, 4, Q, [Q], [READ] * 8, [Q], [Q], [Q] * 8)
    gates = [Gate("b", INVERTED, GATED)] if gated else []
    return Netlist(8, {"x": [IN]}, {"y": [Q]}, CLK, cells, [memory], gates)


def activity(gates: int = 0) -> Activity:
    """Activity in the phase "slot"; of the others nothing."""
    phase = PHASES.index("slot")
    transitions = np.zeros((len(PHASES), 8), np.int64)
    for net, count in TRANSITIONS.items():
        transitions[phase, net] = count
    cycles, pulses = np.zeros(len(PHASES), np.int64), np.zeros((len(PHASES), gates), np.int64)
    accesses = np.zeros((len(PHASES), 1, 2), np.int64)
    cycles[phase], pulses[phase], accesses[phase, 0] = CYCLES, PULSES, (READS, WRITES)
    return Activity(cycles, transitions, pulses, accesses, {}, updates=1, reads=0, compared=1, words=1)


def by_hand() -> dict[str, dict[str, float]]:
    """Energies by block and part, the equations of `cosim.energy.accounts` written again."""
    load = PIN + WIRE
    ends = (1 + 1 + 1 + 1 + 1 + 8) * WIRE  # of q: the output, and the ports of the memory
    leaked = LEAKAGE * CYCLES * 20.0 * 1e-6  # 20 ns a cycle
    return {
        "a": {"data": TRANSITIONS[INVERTED] * (HALF * load + OUTPUT + load), "leakage": leaked},
        "b": {
            "data": TRANSITIONS[INVERTED] * DATA + TRANSITIONS[Q] * (HALF * ends + OUTPUT),
            "clock": CYCLES * 2 * (HALF * load + CLOCK),
            "leakage": leaked,
        },
        "c": {"memory": 8 * (READS * 3.0 + WRITES * 5.0)},
        TILE_INPUTS: {"data": TRANSITIONS[IN] * HALF * load},
    }


def test_energies_are_those_reckoned_by_hand() -> None:
    found = accounts(netlist(), six_cells(), activity(), TABLE)
    assert found.blocks == ["a", "b", "c", TILE_INPUTS]
    for block, parts in by_hand().items():
        energies = found.energies[PHASES.index("slot"), :, found.blocks.index(block)]
        for part, energy in zip(PARTS, energies, strict=True):
            assert energy == pytest.approx(parts.get(part, 0.0)), (block, part)
    assert found.of_phase("idle") == dict.fromkeys(PARTS, 0.0)
    assert found.area == 1 + 10


def test_pins_are_counted_by_what_was_seen_of_them() -> None:
    found = accounts(netlist(), six_cells(), activity(), TABLE)
    assert (found.pins, found.played, found.toggled) == (5, 5, 5)
    tied = netlist()
    tied.cells[0].pins["A"] = 0
    quiet = activity()
    quiet.transitions[:, INVERTED] = 0
    found = accounts(tied, six_cells(), quiet, TABLE)
    assert (found.pins, found.played, found.toggled) == (5, 4, 2)  # the clock, and q


def test_a_clock_gate_runs_always_and_what_is_behind_it_does_not() -> None:
    found = accounts(netlist(gated=True), six_cells(), activity(gates=1), TABLE)
    pin = HALF * (PIN + WIRE)
    own = 2 * (pin + OUTPUT + PIN + WIRE + pin + pin)  # the inverter with its load, the latch and the AND
    behind = PULSES * 2 * (OUTPUT + pin + CLOCK)
    assert found.of_phase("slot")["clock"] == pytest.approx(CYCLES * own + behind)
    kept = pin + OUTPUT + pin  # the latch takes and gives the enable
    without = sum(parts.get("data", 0.0) for parts in by_hand().values())
    assert found.of_phase("slot")["data"] == pytest.approx(without + TRANSITIONS[INVERTED] * kept)
    assert found.area == 1 + 10 + 1 + 6 + 3


def test_a_gate_needs_its_cells() -> None:
    whole = six_cells()
    for missing, name in (("LAT", "latch"), ("AND2", "AND of two inputs"), ("INV", "inverter")):
        cells = {key: cell for key, cell in whole.cells.items() if key != missing}
        if missing == "INV":
            gated = netlist(gated=True)
            gated.cells[0].kind = "BUF"
        else:
            gated = netlist(gated=True)
        with pytest.raises(ToolError, match=f"has no {name}"):
            accounts(gated, Library("part", VOLTAGE, cells), activity(gates=1), TABLE)


def test_the_blocks_add_up_to_the_whole() -> None:
    found = accounts(netlist(gated=True), six_cells(), activity(gates=1), TABLE)
    assert found.whole.sum() > 0
    assert found.energies.sum(axis=2) == pytest.approx(found.whole)
