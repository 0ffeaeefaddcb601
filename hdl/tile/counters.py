# SPDX-License-Identifier: Apache-2.0
"""Event counters of the tile; they stop at their largest value instead of wrapping.

    slots += 1 per beat of pulses;  reads += 1 per beat of read;  transfer_pulses += Σ|n| per beat of writes to W
    with a programmer:   reference_pulses += Σ|n| per beat of writes to R;   unprogrammed += cells that are given up

Latency: one cycle. Throughput: one beat of each stream per cycle.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.status import COUNTERS


class Counters(wiring.Component):
    """Counters, and the flag of cells that are given up.

    Members
    -------
    slot, read, write : a beat of that stream moves in this cycle
    amount, array : Σ|n| of the last beat of writes that came to its register slice, and whether it is for R
    two : the newest beat waits behind another one, which is on offer
    cells, last_round : with a beat for R, its cells out of tolerance, which are given up in the last round
    slots, reads, transfer_pulses, reference_pulses, unprogrammed : counts
    gave_up : sticky, unprogrammed has counted
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        super().__init__(
            {
                "slot": In(1),
                "read": In(1),
                "write": In(1),
                "amount": In(range(config.lanes * config.pulses_max + 1)),
                "two": In(1),
                "array": In(1),
                "cells": In(range(config.lanes + 1)),
                "last_round": In(1),
                **{spec.name: Out(config.counter_bits) for spec in COUNTERS},
                "gave_up": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config

        def after(counter: Value, amount: Value | int) -> Value:
            # A beat may add more than the counter can hold.
            total = Signal(max(config.counter_bits, len(self.amount)) + 1, name=f"{counter.name}_total")
            m.d.comb += total.eq(counter + amount)
            return total[: config.counter_bits] | total[config.counter_bits :].any().replicate(config.counter_bits)

        def count(counter: Value, happens: Value, amount: Value | int) -> None:
            with m.If(happens):
                m.d.sync += counter.eq(after(counter, amount))

        def after_pulses(counter: Value) -> Value:
            # Σ|n| comes late in a cycle and is short, so only the low bits wait for it. What a carry makes of the high
            # bits is known by then: after one the low bits are too small for another in the next cycle.
            low = len(self.amount) + 1
            if config.counter_bits <= low:
                return after(counter, self.amount)
            high = counter[low:]
            carried = Signal(len(high), name=f"{counter.name}_carried", init=1)
            full = Signal(name=f"{counter.name}_full")
            total = Signal(low + 1, name=f"{counter.name}_total")
            m.d.sync += [full.eq(high.all()), carried.eq(Mux(high.all(), high, high + 1))]
            m.d.comb += total.eq(counter[:low] + self.amount)
            carries = total[-1]
            return Cat(total[:low] | (carries & full).replicate(low), Mux(carries, carried, high))

        def count_pulses(counter: Value, happens: Value) -> None:
            # The count after the older of two beats is worked out before the younger's Σ|n| takes its place.
            following = after_pulses(counter)
            held = Signal.like(counter, name=f"{counter.name}_held", reset_less=True)
            with m.If(~self.two):
                m.d.sync += held.eq(following)
            with m.If(happens):
                m.d.sync += counter.eq(Mux(self.two, held, following))

        count(self.slots, self.slot, 1)
        count(self.reads, self.read, 1)
        count_pulses(self.transfer_pulses, self.write & ~self.array)
        if config.programmer:
            count_pulses(self.reference_pulses, self.write & self.array)
            gives_up = self.write & self.array & self.last_round
            count(self.unprogrammed, gives_up, self.cells)
            with m.If(gives_up & self.cells.any()):
                m.d.sync += self.gave_up.eq(1)
        return m
