# SPDX-License-Identifier: Apache-2.0
"""Chopped read: what a tile without symmetric points has in place of `hdl.tile.symmetric_point` (stages 0 to 4).

    d = c * r

No memory, no filter and no reference: nothing is subtracted from a read. Latency: 4 moves from a beat that enters to
its d, as with symmetric points. Throughput: one beat per cycle while ``advance``.
"""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from symtrack.hdl.parts.delay import delayed
from symtrack.model.spec.config import TileConfig


class ChoppedRead(wiring.Component):
    """L lanes of it.

    Members
    -------
    advance : all stages move at the end of this cycle
    code : the codes of the beat that enters
    used, negative : per lane of that beat, it has a row in use, and c = -1; of a lane that has none d = 0
    difference : of the beat in stage 4
    in_use : per lane of the beat in stage 4, what ``used`` was
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        super().__init__(
            {
                "advance": In(1),
                "code": In(data.ArrayLayout(signed(config.adc_bits), config.lanes)),
                "used": In(config.lanes),
                "negative": In(config.lanes),
                "difference": Out(data.ArrayLayout(signed(config.difference_format.width), config.lanes)),
                "in_use": Out(config.lanes),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        code = delayed(m, self.code, 2, self.advance, "code")
        used = delayed(m, self.used, 2, self.advance, "used")
        negative = delayed(m, self.negative, 2, self.advance, "negative")
        signed_codes = Signal(data.ArrayLayout(signed(config.adc_bits + 1), config.lanes))
        late = delayed(m, signed_codes, 2, self.advance, "signed_code")
        m.d.comb += self.in_use.eq(delayed(m, used, 2, self.advance, "in_use"))
        for lane in range(config.lanes):
            chopped = Mux(negative[lane], -code[lane], code[lane])
            m.d.comb += [
                signed_codes[lane].eq(Mux(used[lane], chopped, 0)),
                self.difference[lane].eq(late[lane] << config.reference_fraction_bits),
            ]
        return m
