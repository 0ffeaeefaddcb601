"""Event counters of the tile; they stop at their largest value instead of wrapping.

    slots += 1 per beat of pulses;  reads += 1 per beat of read;  transfer_pulses += Σ|n| per beat of writes to W
    with a programmer:   reference_pulses += Σ|n| per beat of writes to R;   unprogrammed += cells that are given up

Latency: one cycle. Throughput: one beat of each stream per cycle.
"""

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from model.config import TileConfig


class Counters(wiring.Component):
    """Counters, and the flag of cells that are given up.

    Members
    -------
    slot, read, write : a beat of that stream moves in this cycle
    pulses, array : of that beat of writes, n of the lanes, and whether they are for R
    given_up : lanes whose cells are given up with it
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
                "pulses": In(data.ArrayLayout(signed(config.pulses_format.width), config.lanes)),
                "array": In(1),
                "given_up": In(config.lanes),
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
        total = Signal(range(config.lanes * config.pulses_max + 1))
        m.d.comb += total.eq(sum(abs(self.pulses[lane]) for lane in range(config.lanes)))

        def count(counter: Value, happens: Value, amount: Value | int) -> None:
            # A beat may add more than the counter can hold.
            following = Signal(max(config.counter_bits, len(total)) + 1, name=f"{counter.name}_following")
            high = (1 << config.counter_bits) - 1
            m.d.comb += following.eq(counter + amount)
            with m.If(happens):
                m.d.sync += counter.eq(Mux(following > high, high, following))

        count(self.slots, self.slot, 1)
        count(self.reads, self.read, 1)
        count(self.transfer_pulses, self.write & ~self.array, total)
        if config.programmer:
            cells = Signal(range(config.lanes + 1))
            m.d.comb += cells.eq(sum(self.given_up[lane] for lane in range(config.lanes)))
            count(self.reference_pulses, self.write & self.array, total)
            count(self.unprogrammed, self.write & self.array, cells)
            with m.If(self.write & self.array & cells.any()):
                m.d.sync += self.gave_up.eq(1)
        return m
