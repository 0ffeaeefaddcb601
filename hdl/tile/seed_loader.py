# SPDX-License-Identifier: Apache-2.0
"""Seed loader: takes states from a stream for the chain of all random sources, and refuses those that are zero.

    load = taken and seed != 0:   state_k <- state_(k + 1),   state_(n - 1) <- seed

A source whose state is zero would stay there. The seed does not pass through a register here: it is looked at in one
cycle, in which no operation runs, and taken in the next, in which the chain moves; no source steps then. A seed that is
not taken stays on offer, as any beat, so ``load`` is a flip-flop and nothing else. Latency: the states have moved in
the cycle after the seed was taken. Throughput: a seed in `model.spec.config.SEED_CYCLES` cycles.
"""

from amaranth.hdl import Module
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
        looks = self.seeds.valid & self.resting & ~self.seeds.ready
        zero = ~self.seeds.state.any()
        m.d.sync += [self.load.eq(looks & ~zero), self.refused.eq(looks & zero)]
        m.d.comb += self.seeds.ready.eq(self.load | self.refused)
        return m
