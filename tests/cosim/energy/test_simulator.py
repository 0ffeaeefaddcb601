# SPDX-License-Identifier: Apache-2.0
"""Tests of the play of netlists: values and transitions of a few cells, of a clock gate and of a memory, by hand."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from symtrack.cosim.energy.netlist import ONE, Gate, Instance, Memory, Netlist
from symtrack.cosim.energy.simulator import GateSimulator
from symtrack.cosim.tools.toolchain import ToolError
from tests.cosim.helpers.cells import six_cells

A, B, CLK, NAND, Q, GATED, INVERTED = range(2, 9)


def small(*, gated: bool = False) -> Netlist:
    """A register of ``!(a b)``, whose clock is gated by b, and its inverse at the output."""
    cells = [
        Instance("INV", "x", {"A": Q, "Y": INVERTED}),
        Instance("NAND2", "x", {"A": A, "B": B, "Y": NAND}),
        Instance("DFF", "y", {"D": NAND, "C": GATED if gated else CLK, "Y": Q}),
    ]
    gates = [Gate("y", B, GATED)] if gated else []
    return Netlist(9, {"a": [A], "b": [B]}, {"q": [Q], "both": [INVERTED, NAND]}, CLK, cells, [], gates)


@pytest.mark.parametrize("gated", [False, True])
def test_a_register_and_its_transitions(gated: bool) -> None:
    rng = Random(3)
    simulator = GateSimulator(small(gated=gated), six_cells(), 2)
    q, before, transitions, pulses = 0, {NAND: 0, Q: 0, INVERTED: 0}, dict.fromkeys((NAND, Q, INVERTED), 0), 0
    for cycle in range(200):
        a, b = rng.getrandbits(1), rng.getrandbits(1)
        nand = 1 - (a & b)
        assert simulator.settle({"a": a, "b": b}) == {"q": q, "both": (1 - q) | nand << 1}
        simulator.edge(cycle % 2)
        now = {NAND: nand, Q: q, INVERTED: 1 - q}
        for net, value in now.items():
            transitions[net] += value != before[net]
        before = now
        pulses += b
        q = nand if b or not gated else q
    assert {net: int(simulator.transitions[:, net].sum()) for net in transitions} == transitions
    assert simulator.cycles.tolist() == [100, 100]
    assert simulator.pulses.sum() == (pulses if gated else 0)


def test_phases_are_counted_apart() -> None:
    simulator = GateSimulator(small(), six_cells(), 2)
    for phase in (0, 1, 1):
        simulator.settle({"a": 1, "b": phase})
        simulator.edge(phase)
    assert simulator.cycles.tolist() == [1, 2]
    assert simulator.transitions[:, B].tolist() == [0, 1]
    simulator.clear(1)
    assert simulator.transitions.sum() == 0


def with_memory(width: int, depth: int, bits: int) -> Netlist:
    """A memory whose ports are those of the netlist; what is read leaves it."""
    nets = iter(range(3, 1000))

    def some(count: int) -> list[int]:
        return [next(nets) for _ in range(count)]

    read, address, data, write, target, word = some(1), some(bits), some(width), some(1), some(bits), some(width)
    memory = Memory("m", width, depth, read[0], address, data, write * width, target, word)
    inputs = {"read": read, "address": address, "write": write, "target": target, "word": word}
    return Netlist(next(nets), inputs, {"data": data}, 2, [], [memory], [])


@pytest.mark.parametrize(("width", "depth", "bits"), [(1, 2, 1), (5, 3, 2), (17, 8, 3)])
def test_a_memory_keeps_words_and_what_was_read(width: int, depth: int, bits: int) -> None:
    rng = Random(width)
    simulator = GateSimulator(with_memory(width, depth, bits), six_cells(), 1)
    words, shown, accesses = [0] * depth, 0, [0, 0]
    for _ in range(300):
        port = {name: rng.randrange(depth) for name in ("address", "target")}
        port |= {"read": rng.getrandbits(1), "write": rng.getrandbits(1), "word": rng.getrandbits(width)}
        assert simulator.settle(port) == {"data": shown}
        simulator.edge(0)
        if port["read"]:
            shown = words[port["address"]]
        if port["write"]:
            words[port["target"]] = port["word"]
        accesses = [accesses[0] + port["read"], accesses[1] + port["write"]]
    assert simulator.memory(0) == words
    assert simulator.accesses[0, 0].tolist() == accesses


def test_a_loop_and_a_net_without_a_driver_are_refused() -> None:
    netlist = small()
    netlist.cells[1].pins["A"] = INVERTED
    netlist.cells[2].pins["D"] = ONE
    netlist.cells[0].pins["A"] = NAND
    with pytest.raises(ToolError, match="loop"):
        GateSimulator(netlist, six_cells(), 1)
    netlist = small()
    netlist.cells[1].pins["A"] = netlist.new_net()
    with pytest.raises(ToolError, match="no driver"):
        GateSimulator(netlist, six_cells(), 1)


def test_a_register_on_another_clock_is_refused() -> None:
    netlist = small()
    netlist.cells[2].pins["C"] = A
    with pytest.raises(ToolError, match="no flip-flop on the rising edge"):
        GateSimulator(netlist, six_cells(), 1)


def test_a_register_starts_as_it_is_told() -> None:
    netlist = small()
    netlist.start = {Q}
    outputs = GateSimulator(netlist, six_cells(), 1).settle({"a": 0, "b": 0})
    assert outputs["q"] == 1
    assert np.all(GateSimulator(small(), six_cells(), 1).settle({"a": 0, "b": 0})["q"] == 0)
