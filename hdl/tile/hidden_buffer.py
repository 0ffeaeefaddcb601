# SPDX-License-Identifier: Apache-2.0
"""Hidden buffer: gain, accumulation, threshold and write-back of H (stages 3 to 11).

    h = saturate(H + gain * d);   n = clamp(trunc(h / threshold));
    H <- h (n = 0),  trunc(h * momentum / 2**momentum_bits) (forget)  or  h - n * threshold

| stage | work |
|---|---|
| 3 | H is asked for |
| 4 | gain * d begins, see `hdl.parts.multiplier`; H comes out of the memory |
| 5 | gain * d but for its last addition; H in a register, its parity; the dither u is drawn |
| 6 | H + gain * d |
| 7 | h |
| 8 | h / threshold; first half of h * momentum |
| 9 | n; second half |
| 10 | next H; sum of |n|; n leaves |
| 11 | H is written, in the first cycle of the beat |

With ``direct`` a random u, uniform over one threshold, takes the place of H, n = clamp(floor(h / threshold)), and H
stays as it is: the mean of n is gain * d / threshold. With ``accumulate`` off n = 0 and H stays. While R is programmed,
n corrects its cells and H stays, see `hdl.tile.programmer`. Latency: 6 moves from d to n. Throughput: one beat per
cycle while ``advance``.
"""

from amaranth.hdl import Const, Module, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from symtrack.hdl.parts.beat_memory import BeatMemory
from symtrack.hdl.parts.clock_enables import has_clock_enables
from symtrack.hdl.parts.delay import delayed
from symtrack.hdl.parts.multiplier import Multiples, tree
from symtrack.hdl.parts.parity_injector import ParityInjector
from symtrack.hdl.tile import ports
from symtrack.hdl.tile.hidden_lane import HiddenLane
from symtrack.hdl.tile.programmer import Programmer
from symtrack.hdl.tile.random_bank import RandomBank
from symtrack.hdl.tile.threshold import Threshold
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.polynomials import DEGREE


class HiddenBuffer(wiring.Component):
    """L lanes of the buffer.

    Members
    -------
    clear, clear_address : write zero into the memory
    advance : all stages move at the end of this cycle
    read, read_address : there is a beat in stage 3 that moves on, and its words
    difference, used : d of the beat in stage 4, and its lanes that have a row in use; n = 0 in the others, whose d is 0
    direct, gain, forget, momentum, accumulate : settings, of which some act as 0 in a tile without their parts
    programming, last_round, tolerance : of a programming of R
    step : there is a beat in stage 5 that moves on
    load_seed, from_next, to_previous : of the sources of the dither, see `hdl.tile.random_bank`
    load : there is a beat in stage 10 that moves on
    write_address : of the words of the beat in stage 11
    pulses, amount : n and the sum of |n| of the beat in stage 10
    saturated, clamped : h or n of the beat in stage 10 was clipped
    cells : how many cells of R are out of tolerance in the beat in stage 10
    wrong : a word of H of what is in stage 6 had the wrong parity
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
                "difference": In(data.ArrayLayout(signed(config.difference_format.width), config.lanes)),
                "used": In(config.lanes),
                "direct": In(1),
                "gain": In(config.gain_bits),
                "forget": In(1),
                "momentum": In(config.momentum_bits),
                "accumulate": In(1),
                "programming": In(1),
                "last_round": In(1),
                "tolerance": In(config.reference_format.width),
                "step": In(1),
                "load_seed": In(1),
                "from_next": In(DEGREE),
                "to_previous": Out(DEGREE),
                "load": In(1),
                "write_address": In(config.address_bits),
                "pulses": Out(data.ArrayLayout(signed(config.pulses_format.width), config.lanes)),
                "amount": Out(range(config.lanes * config.pulses_max + 1)),
                "saturated": Out(1),
                "clamped": Out(1),
                "cells": Out(range(config.lanes + 1)),
                "wrong": Out(1),
                **({"inject": In(ports.inject(config))} if config.self_test else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, lanes = self.config, range(self.config.lanes)
        form = config.hidden_format
        m.submodules.memory_hidden = words = BeatMemory(
            depth=config.depth,
            lanes=config.lanes,
            width=form.width,
            injected=bool(config.self_test),
            checked=bool(config.parity),
        )
        direct = self.direct if config.direct_writes else Const(0)
        written = Signal()
        m.d.sync += written.eq(self.load)
        m.d.comb += [
            words.clear.eq(self.clear),
            words.clear_address.eq(self.clear_address),
            words.read.eq(self.read),
            words.read_address.eq(self.read_address),
            words.write.eq(written & self.accumulate & ~direct),
            words.write_address.eq(self.write_address),
        ]

        if config.self_test:
            m.submodules.injector_hidden = injector = ParityInjector(lanes=config.lanes)
            m.d.comb += [
                injector.arm.eq(self.inject.hidden),
                injector.lane.eq(self.inject.lane),
                injector.written.eq(words.write),
                words.flips.eq(injector.flips),
            ]

        uniform = Signal(data.ArrayLayout(unsigned(max(1, config.threshold_shift)), config.lanes))
        if config.dither_bits:
            m.submodules.dither = dither = RandomBank(config.dither_bank)
            m.d.comb += [
                dither.advance.eq(self.step),
                dither.load.eq(self.load_seed),
                dither.from_next.eq(self.from_next),
                self.to_previous.eq(dither.to_previous),
            ]
            for lane in lanes:
                m.d.comb += uniform[lane].eq(dither.word(lane) << (config.threshold_shift - config.dither_bits))
        else:
            m.d.comb += self.to_previous.eq(self.from_next)

        # What stands still through a column, in registers of its own.
        multiples = Multiples(m, self.gain, self.advance if has_clock_enables(platform) else None)
        buffered = Signal(reset_less=True)  # H is added to the product,
        dithered = Signal(reset_less=True)  # or u
        accumulates = Signal(reset_less=True)  # n is for W,
        corrects = Signal(reset_less=True)  # or for R, if there is a programmer
        m.d.sync += [
            accumulates.eq(~self.programming & self.accumulate),
            buffered.eq(~self.programming & ~direct),
        ]
        if config.direct_writes:
            m.d.sync += dithered.eq(~self.programming & self.direct)
        if config.programmer:
            m.d.sync += corrects.eq(self.programming)
        parity = delayed(m, words.parity, 1, self.advance, "parity") if config.parity else None
        used = delayed(m, self.used, 4, self.advance, "used")
        wrong = Signal(config.lanes)
        clipped = Signal(config.lanes)
        clamped = Signal(config.lanes)
        outside = Signal(config.lanes)
        sizes: list[Value] = []
        for lane in lanes:
            m.submodules[f"lane_{lane}"] = one = HiddenLane(config)
            m.submodules[f"threshold_{lane}"] = threshold = Threshold(config)
            m.d.comb += [
                one.advance.eq(self.advance),
                one.word.eq(words.data[lane]),
                one.difference.eq(self.difference[lane]),
                *(getattr(one, name).eq(kept) for name, kept in multiples.registers.items()),
                one.buffered.eq(buffered),
                one.accumulates.eq(accumulates),
                one.wanted.eq(threshold.pulses),
                one.wanted_size.eq(threshold.size),
                one.forget.eq(self.forget),
                threshold.advance.eq(self.advance),
                threshold.hidden.eq(one.hidden),
                threshold.used.eq(used[lane]),
                wrong[lane].eq(one.wrong),
                clipped[lane].eq(one.clipped),
                clamped[lane].eq(threshold.clamped),
                self.pulses[lane].eq(one.pulses),
                words.write_data[lane].eq(one.following),
            ]
            if parity is not None:
                m.d.comb += one.parity.eq(parity[lane])
            if config.direct_writes:
                m.d.comb += [one.dithered.eq(dithered), one.uniform.eq(uniform[lane]), threshold.floor.eq(dithered)]
            if config.hidden_momentum:
                m.d.comb += one.momentum.eq(self.momentum)
            if config.programmer:
                m.submodules[f"programmer_{lane}"] = programmer = Programmer(config)
                m.d.comb += [
                    programmer.advance.eq(self.advance),
                    programmer.difference.eq(self.difference[lane]),
                    programmer.tolerance.eq(self.tolerance),
                    programmer.last.eq(self.last_round),
                    outside[lane].eq(programmer.outside),
                    one.corrects.eq(corrects),
                    one.zero.eq(threshold.zero),
                    one.correct.eq(programmer.correct),
                    one.least.eq(programmer.least),
                ]
            sizes.append(one.size)

        clipped_before = delayed(m, clipped, 1, self.advance, "clipped")
        m.d.comb += [
            self.saturated.eq(self.accumulate & delayed(m, clipped_before.any(), 2, self.advance, "saturated")),
            self.clamped.eq(self.accumulate & delayed(m, clamped, 1, self.advance, "clamped").any()),
        ]
        m.d.comb += [
            self.amount.eq(tree(sizes)),
            self.wrong.eq(delayed(m, wrong, 1, self.advance, "wrong").any()),
        ]
        if config.programmer:
            m.d.comb += self.cells.eq(sum(delayed(m, outside, 1, self.advance, "outside")))
        return m
