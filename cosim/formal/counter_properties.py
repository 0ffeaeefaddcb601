# SPDX-License-Identifier: Apache-2.0
"""Formal properties of the event counters: they count what the streams move and saturate at their largest value."""

from __future__ import annotations

from functools import partial
from typing import Any

from amaranth.hdl import Assert, Assume, Mux, Signal, Value

from symtrack.cosim.formal import contracts as rules
from symtrack.cosim.formal.arithmetic_properties import clipped, holds
from symtrack.cosim.formal.sby import Checked
from symtrack.hdl.tile.counters import Counters
from symtrack.model.spec.config import TileConfig


def counters() -> Checked:
    """Property of the counters: each is the saturated sum of what was counted, and Σ|n| counts when its beat leaves.

    Beats arrive and leave as at `hdl.parts.register_slice`, which holds two of them.
    """
    config = TileConfig(rows=2, columns=2, lanes=1, pulses_max=3, counter_bits=8, programmer=1)
    most = (1 << config.counter_bits) - 1
    dut: Any = Counters(config)
    checked = Checked(dut)
    m, state = checked.module, checked.state

    arrives, ready, size = Signal(), Signal(), Signal.like(dut.amount)
    checked.inputs += [arrives, ready, size]
    beats = rules.TwoBeats(m, arrives, ready, size)
    valid, waits, two, offered, waiting, last = (
        getattr(beats, name) for name in ("valid", "waits", "two", "offered", "waiting", "last")
    )
    checked.assume(partial(rules.counters, beats=beats))
    m.d.comb += [
        Assume(size <= config.lanes * config.pulses_max),
        Assume(dut.cells <= config.lanes),
    ]

    def after(count: Value, more: Value | int) -> Value:
        return clipped(count + more, 0, most)

    naive = {
        "slots": (dut.slot, 1),
        "reads": (dut.read, 1),
        "transfer_pulses": (dut.write & ~dut.array, offered),
        "reference_pulses": (dut.write & dut.array, offered),
        "unprogrammed": (dut.write & dut.array & dut.last_round, dut.cells),
    }
    for name, (happens, more) in naive.items():
        count = Signal(config.counter_bits, name=f"naive_{name}")
        with m.If(happens):
            m.d.sync += count.eq(after(count, more))
        m.d.comb += Assert(getattr(dut, name) == count)
        if not name.endswith("pulses"):
            continue
        # The high bits after a carry are known, but in the cycle after one, when there is no other.
        low = len(dut.amount) + 1
        high, before = count[low:], Signal(config.counter_bits - low, name=f"before_{name}")
        m.d.sync += before.eq(high)
        known = (state[f"{name}_carried"] == Mux(high.all(), high, high + 1)) & (state[f"{name}_full"] == high.all())
        small = count[:low] < config.lanes * config.pulses_max
        holds(checked, two, waits, state[f"{name}_held"] == after(count, offered))
        m.d.comb += [Assert(known | ((before != high) & small)), Assert(~waits | valid)]
    holds(checked, valid & ~two, last == offered)
    holds(checked, two, last == waiting)
    holds(checked, waits, two)
    holds(checked, valid, offered <= config.lanes * config.pulses_max)
    holds(checked, valid, last <= config.lanes * config.pulses_max)
    m.d.comb += Assert(dut.gave_up == (dut.unprogrammed != 0))
    return checked
