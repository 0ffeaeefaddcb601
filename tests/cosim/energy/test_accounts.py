# SPDX-License-Identifier: Apache-2.0
"""Tests of the accounts of energy: a netlist of a few cells reckoned by hand, by block, by part and in all."""

from __future__ import annotations

import numpy as np
import pytest

from symtrack.cosim.energy.accounts import TILE_INPUTS, GateParts, accounts
from symtrack.cosim.energy.activity import PHASES, WINDOW, Activity
from symtrack.cosim.energy.liberty import LibertyError, Library, library_of
from symtrack.cosim.energy.netlist import Gate, Instance, Memory, Netlist
from symtrack.model.analysis.energy import PARTS, EnergyTable
from tests.cosim.helpers.cells import CLOCK, DATA, LEAKAGE, LIBERTY, OUTPUT, PIN, VOLTAGE, six_cells

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
    assert (found.pins, found.played, found.toggled, found.moved.sum()) == (5, 5, 5, 5)
    tied = netlist()
    tied.cells[0].pins["A"] = 0
    quiet = activity()
    quiet.transitions[:, INVERTED] = 0
    found = accounts(tied, six_cells(), quiet, TABLE)
    assert (found.pins, found.played, found.toggled, found.moved.sum()) == (5, 4, 2, 2)  # the clock, and q


@pytest.mark.parametrize("phase", PHASES)
def test_pins_toggle_in_updates_and_transfers_alone(phase: str) -> None:
    other = activity()
    for counted in (other.transitions, other.cycles, other.pulses, other.accesses):
        counted[[PHASES.index("slot"), PHASES.index(phase)]] = counted[[PHASES.index(phase), PHASES.index("slot")]]
    found = accounts(netlist(), six_cells(), other, TABLE)
    assert (found.toggled, found.moved.sum()) == (5 if phase in WINDOW else 0, 5)


def test_without_a_cycle_nothing_was_played() -> None:
    nothing = activity(gates=1)
    for counted in (nothing.transitions, nothing.cycles, nothing.pulses, nothing.accesses):
        counted[:] = 0
    found = accounts(netlist(gated=True), six_cells(), nothing, TABLE)
    assert (found.pins, found.played, found.toggled, found.moved.sum()) == (5, 0, 0, 0)


def test_a_gated_clock_toggles_where_it_runs() -> None:
    still = activity(gates=1)
    still.pulses[:] = 0
    assert accounts(netlist(gated=True), six_cells(), activity(gates=1), TABLE).toggled == 5
    assert accounts(netlist(gated=True), six_cells(), still, TABLE).toggled == 4


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
    for missing, name in (
        ("LAT", "a latch that is open at 1"),
        ("AND2", "an AND of two inputs"),
        ("INV", "an inverter"),
    ):
        cells = {key: cell for key, cell in whole.cells.items() if key != missing}
        with pytest.raises(LibertyError, match=f"^library part: must have a cell that is {name}, for clock gates$"):
            GateParts.of(Library("part", VOLTAGE, cells))


@pytest.mark.parametrize("change", [('"G"', '"(G)"'), ('data_in : "D"', 'data_in : "( D )"'), ('"!A"', '"(A)\'"')])
def test_parentheses_do_not_matter_to_a_gate(change: tuple[str, str]) -> None:
    library = library_of(LIBERTY.replace(*change))
    assert LIBERTY.replace(*change) != LIBERTY
    plainly = accounts(netlist(gated=True), six_cells(), activity(gates=1), TABLE)
    assert (accounts(netlist(gated=True), library, activity(gates=1), TABLE).whole == plainly.whole).all()


@pytest.mark.parametrize(
    "change",
    [
        ('enable : "G"', 'enable : "!G"'),
        ('enable : "G"', 'enable : "G * D"'),
        ('data_in : "D"', 'data_in : "!D"'),
        ("latch (IQ, IQN)", "latch (IP, IQ)"),
        ("latch (IQ, IQN)", "latch ()"),
    ],
)
def test_a_latch_of_another_kind_is_none(change: tuple[str, str]) -> None:
    library = library_of(LIBERTY.replace(*change))
    with pytest.raises(LibertyError, match="must have a cell that is a latch that is open at 1"):
        GateParts.of(library)


def test_a_latch_of_another_kind_is_passed_over() -> None:
    first, *_ = LIBERTY.split("cell (LAT)")
    low = LIBERTY[len(first) : LIBERTY.rindex("}")].replace("LAT", "LOW").replace('"G";', '"!G";').replace("6;", "1;")
    odd = 'cell (ODD) { area : 0; pin (A) { direction : input; } pin (Y) { direction : output; function : "IQ"; } }'
    found = GateParts.of(library_of(f"{LIBERTY[: LIBERTY.rindex('}')]}{low}{odd} }}"))
    assert (found.inverter.name, found.latch.name, found.both.name) == ("INV", "LAT", "AND2")


def test_the_blocks_add_up_to_the_whole() -> None:
    found = accounts(netlist(gated=True), six_cells(), activity(gates=1), TABLE)
    assert found.whole.sum() > 0
    assert found.energies.sum(axis=2) == pytest.approx(found.whole)
