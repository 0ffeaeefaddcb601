# SPDX-License-Identifier: Apache-2.0
"""Residual memory: for each cell the last d that was accumulated, D, for products that are digital (stages 3 to 6).

    D <- d   in lanes in use where ``accumulate`` is on;   out: D after that, 0 in lanes that are not in use

| stage | work |
|---|---|
| 3 | D is asked for |
| 4 | d comes in; D comes out of the memory |
| 5 | D in a register, its parity; d or D |
| 6 | D is written; out |

d is the word that goes to H, so D has `TileConfig.difference_format` and nothing saturates. A read that accumulates
nothing, as those of a warm-up, of a calibration and of a programming, leaves D and shows it. Only tiles with
``residual_memory`` have this block. Latency: 2 moves from d to D. Throughput: one beat per cycle while ``advance``.
"""

from amaranth.hdl import Cat, Module, Mux
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from symtrack.hdl.parts.beat_memory import BeatMemory, wrong_parity
from symtrack.hdl.parts.delay import delayed
from symtrack.hdl.parts.parity_injector import ParityInjector
from symtrack.hdl.tile import ports
from symtrack.model.spec.config import TileConfig


class ResidualMemory(wiring.Component):
    """L lanes of the memory.

    Members
    -------
    clear, clear_address : write zero into the memory
    advance : all stages move at the end of this cycle
    read, read_address : there is a beat in stage 3 that moves on, and its words
    difference, used : d of the beat in stage 4, and its lanes that have a row in use
    accumulate : setting, the same for all beats on their way
    write, write_address : there is a beat in stage 6, and its words
    residual : D after the read of the beat in stage 6
    wrong : a word of D of what is in stage 6 had the wrong parity
    inject : with ``self_test``, see `hdl.tile.ports`
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        super().__init__(
            {
                "clear": In(1),
                "clear_address": In(config.address_bits),
                "advance": In(1),
                "read": In(1),
                "read_address": In(config.address_bits),
                "difference": In(ports.residuals(config)),
                "used": In(config.lanes),
                "accumulate": In(1),
                "write": In(1),
                "write_address": In(config.address_bits),
                "residual": Out(ports.residuals(config)),
                "wrong": Out(1),
                **({"inject": In(ports.inject(config))} if config.self_test else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, lanes = self.config, range(self.config.lanes)
        shape = ports.residuals(config)
        m.submodules.memory_residual = words = BeatMemory(
            depth=config.depth,
            lanes=config.lanes,
            width=shape.elem_shape.width,
            injected=bool(config.self_test),
            checked=bool(config.parity),
        )
        m.d.comb += [
            words.clear.eq(self.clear),
            words.clear_address.eq(self.clear_address),
            words.read.eq(self.read),
            words.read_address.eq(self.read_address),
            words.write.eq(self.write & self.advance),
            words.write_address.eq(self.write_address),
        ]
        if config.self_test:
            m.submodules.injector_residual = injector = ParityInjector(lanes=config.lanes)
            m.d.comb += [
                injector.arm.eq(self.inject.residual),
                injector.lane.eq(self.inject.lane),
                injector.written.eq(words.write),
                words.flips.eq(injector.flips),
            ]

        before = delayed(m, words.data, 1, self.advance, "before")
        difference = delayed(m, self.difference, 1, self.advance, "difference")
        used = delayed(m, self.used, 1, self.advance, "used")
        chosen = Cat(Mux(used[lane] & self.accumulate, difference[lane], before[lane]) for lane in lanes)
        after = data.View(shape, delayed(m, chosen, 1, self.advance, "after"))
        late_used = delayed(m, used, 1, self.advance, "late_used")
        if config.parity:
            parity = delayed(m, words.parity, 1, self.advance, "parity")
            wrong = Cat(wrong_parity(before[lane], parity[lane]) for lane in lanes)
            m.d.comb += self.wrong.eq(delayed(m, wrong, 1, self.advance, "wrong").any())
        m.d.comb += [
            words.write_data.eq(after),
            self.residual.eq(Cat(Mux(late_used[lane], after[lane], 0) for lane in lanes)),
        ]
        return m
