"""Event counters of the tile; they stop at their largest value instead of wrapping.

    slots += 1 per beat of pulses;  reads += 1 per beat of read;  transfer_pulses += Σ|n| per beat of writes to W
    with a programmer:   reference_pulses += Σ|n| per beat of writes to R;   unprogrammed += cells that are given up

Latency: one cycle. Throughput: one beat of each stream per cycle.
"""

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from model.config import TileConfig


class Counters(wiring.Component):
    """Counters, and the flag of cells that are given up.

    Members
    -------
    slot, read, write : a beat of that stream moves in this cycle
    amount, array : of that beat of writes, Σ|n|, and whether it is for R
    given_up : cells that are given up with it
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
                "array": In(1),
                "given_up": In(range(config.lanes + 1)),
                "slots": Out(config.counter_bits),
                "reads": Out(config.counter_bits),
                "transfer_pulses": Out(config.counter_bits),
                "reference_pulses": Out(config.counter_bits),
                "unprogrammed": Out(config.counter_bits),
                "gave_up": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config

        def count(counter: Value, happens: Value, amount: Value | int) -> None:
            # A beat may add more than the counter can hold.
            following = Signal(max(config.counter_bits, len(self.amount)) + 1, name=f"{counter.name}_following")
            above = following[config.counter_bits :].any()
            m.d.comb += following.eq(counter + amount)
            with m.If(happens):
                m.d.sync += counter.eq(following[: config.counter_bits] | above.replicate(config.counter_bits))

        count(self.slots, self.slot, 1)
        count(self.reads, self.read, 1)
        count(self.transfer_pulses, self.write & ~self.array, self.amount)
        if config.programmer:
            count(self.reference_pulses, self.write & self.array, self.amount)
            count(self.unprogrammed, self.write & self.array, self.given_up)
            with m.If(self.write & self.array & self.given_up.any()):
                m.d.sync += self.gave_up.eq(1)
        return m
