# SPDX-License-Identifier: Apache-2.0
"""Seed loader: takes states from a stream for the chain of all random sources, and refuses those that are zero.

    load = taken and seed != 0:   state_k <- state_(k + 1),   state_(n - 1) <- seed

A source whose state is zero would stay there. The seed does not pass through a register here: whether it is zero is
found out in the first cycle that it is on offer; then comes a cycle in which no operation runs, and in the next it is
taken and the chain moves; no source steps then. A seed that is not taken stays on offer, as any beat, so ``load`` is a
flip-flop: it goes to every bit of every state, and little logic is near all of these. Latency: the states have moved in
the cycle after the seed was taken. Throughput: a seed in `model.spec.config.SEED_CYCLES` cycles.
"""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from symtrack.hdl.tile import ports
from symtrack.model.spec.config import TileConfig


class SeedLoader(wiring.Component):
    """What becomes of the seed on offer.

    Members
    -------
    seeds : stream
    resting : no operation runs
    load : the seed is taken in this cycle and goes into the last source; its state is ``seeds.state``
    refused : the seed is taken in this cycle and dropped
    """

    def __init__(self, config: TileConfig) -> None:
        super().__init__(
            {
                "seeds": In(ports.seeds(config)),
                "resting": In(1),
                "load": Out(1),
                "refused": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        offered = Signal()
        zero = Signal()
        looks = offered & self.resting & ~self.seeds.ready
        m.d.sync += [
            offered.eq(self.seeds.valid & ~self.seeds.ready),
            zero.eq(~self.seeds.state.any()),
            self.load.eq(looks & ~zero),
            self.refused.eq(looks & zero),
        ]
        m.d.comb += self.seeds.ready.eq(self.load | self.refused)
        return m
