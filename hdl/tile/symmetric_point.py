# SPDX-License-Identifier: Apache-2.0
"""Symmetric-point accumulator: memories of Q and Qref with filter and demodulator (stages 0 to 4).

    ref = coarse(Q) if latch else Qref;   d = c * (r - s), s = 0, ref or Q
    Q <- Q + round((r - Q) * eta);   Qref <- ref

| stage | work |
|---|---|
| 0 | the beat enters, its words are asked for |
| 1 | Q and Qref come out of the memories |
| 2 | ref, r - Q; parity of what came out |
| 3 | d, Q after the step |
| 4 | Q and Qref are written |

Out goes what the reference array shows: ref, or Q after the step in reference mode filtered. Latency: 4 moves from a
beat that enters to its d. Throughput: one beat per cycle while ``advance``.
"""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from symtrack.hdl.parts.beat_memory import BeatMemory, wrong_parity
from symtrack.hdl.parts.delay import delayed
from symtrack.hdl.parts.parity_injector import ParityInjector
from symtrack.hdl.tile import ports
from symtrack.hdl.tile.demodulator import Demodulator
from symtrack.hdl.tile.low_pass import LowPass
from symtrack.hdl.tile.reference_latch import ReferenceLatch
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import Reference


class SymmetricPoint(wiring.Component):
    """L lanes of the accumulator.

    Members
    -------
    clear, clear_address : write zero into the memories
    advance : all stages move at the end of this cycle
    accept, read_address, code : a beat enters (implies advance), its words and its codes
    used, negative, latch : per lane of that beat, it has a row in use, c = -1, and *latch*; of a lane that has none
        Q, Qref stay, and d = 0
    mode, filter : settings reference and filter; mode since the cycle before the first beat
    write, write_address : there is a beat in stage 4 (not only what a bubble left), and its words
    wrong : a word of what is in stage 3 had the wrong parity
    difference, reference : of the beat in stage 4
    fresh, in_use : per lane of the beat in stage 4, ``reference`` is a new one, and what ``used`` was
    inject : with ``self_test``, see `hdl.tile.ports`
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        super().__init__(
            {
                "clear": In(1),
                "clear_address": In(config.address_bits),
                "advance": In(1),
                "accept": In(1),
                "read_address": In(config.address_bits),
                "code": In(data.ArrayLayout(signed(config.adc_bits), config.lanes)),
                "used": In(config.lanes),
                "negative": In(config.lanes),
                "latch": In(config.lanes),
                "mode": In(2),
                "filter": In(1),
                "write": In(1),
                "write_address": In(config.address_bits),
                "wrong": Out(1),
                "difference": Out(data.ArrayLayout(signed(config.difference_format.width), config.lanes)),
                "reference": Out(data.ArrayLayout(signed(config.reference_format.width), config.lanes)),
                **({"inject": In(ports.inject(config))} if config.self_test else {}),
                "fresh": Out(config.lanes),
                "in_use": Out(config.lanes),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        width = config.reference_format.width
        size: dict[str, Any] = {"depth": config.depth, "lanes": config.lanes, "checked": bool(config.parity)}
        size["injected"] = bool(config.self_test)
        m.submodules.memory_q = q = BeatMemory(**size, width=width)
        m.submodules.memory_q_ref = q_ref = BeatMemory(**size, width=config.latched_bits)
        for stored in (q, q_ref):
            m.d.comb += [
                stored.clear.eq(self.clear),
                stored.clear_address.eq(self.clear_address),
                stored.read.eq(self.accept),
                stored.read_address.eq(self.read_address),
                stored.write.eq(self.write & self.advance),
                stored.write_address.eq(self.write_address),
            ]

        if config.self_test:
            for name, stored in (("q", q), ("qref", q_ref)):
                m.submodules[f"injector_{name}"] = injector = ParityInjector(lanes=config.lanes)
                m.d.comb += [
                    injector.arm.eq(getattr(self.inject, name)),
                    injector.lane.eq(self.inject.lane),
                    injector.written.eq(stored.write),
                    stored.flips.eq(injector.flips),
                ]

        # Known long before the first beat, so that the stages need not decode it.
        filtered = Signal(reset_less=True)
        latched = Signal(reset_less=True)
        m.d.sync += [filtered.eq(self.mode == Reference.FILTERED), latched.eq(self.mode == Reference.LATCHED)]
        latch = delayed(m, (self.latch & self.used)[: config.lanes], 2, self.advance, "latch")
        used = delayed(m, self.used, 2, self.advance, "used")
        late_used = delayed(m, used, 1, self.advance, "late_used")
        negative = delayed(m, self.negative, 3, self.advance, "negative")
        wrong: list[Value] = []
        fresh = (self.used & (self.latch | filtered.replicate(config.lanes)))[: config.lanes]
        m.d.comb += [
            self.fresh.eq(delayed(m, fresh, 4, self.advance, "fresh")),
            self.in_use.eq(delayed(m, late_used, 1, self.advance, "in_use")),
        ]
        words = data.ArrayLayout(signed(width), config.lanes)
        latched_words, stepped = Signal(words), Signal(words)
        differences = Signal(self.difference.shape())
        code = delayed(m, self.code, 2, self.advance, "code")
        q_before = delayed(m, q.data, 1, self.advance, "q")
        q_ref_before = delayed(m, q_ref.data, 1, self.advance, "q_ref")
        parities = []
        if config.parity:
            parities = [
                (q_before, delayed(m, q.parity, 1, self.advance, "q_parity")),
                (q_ref_before, delayed(m, q_ref.parity, 1, self.advance, "q_ref_parity")),
            ]
        reference = delayed(m, latched_words, 1, self.advance, "reference")
        subtracted = data.View(words, Mux(filtered, q_before.as_value(), 0))
        late_code = delayed(m, code, 1, self.advance, "late_code")
        late_q = delayed(m, subtracted, 1, self.advance, "late_q")
        q_after = delayed(m, stepped, 1, self.advance, "q_after")
        q_ref_after = delayed(m, reference, 1, self.advance, "q_ref_after")
        m.d.comb += [
            q.write_data.eq(q_after),
            *(q_ref.write_data[lane].eq(q_ref_after[lane] >> config.latch_shift) for lane in range(config.lanes)),
            self.difference.eq(delayed(m, differences, 1, self.advance, "difference")),
            self.reference.eq(Mux(filtered, q_after.as_value(), q_ref_after.as_value())),
        ]
        for lane in range(config.lanes):
            m.submodules[f"low_pass_{lane}"] = low_pass = LowPass(config)
            m.submodules[f"demodulator_{lane}"] = demodulator = Demodulator(config)
            m.submodules[f"reference_latch_{lane}"] = reference_latch = ReferenceLatch(config)
            for before, kept in parities:
                wrong += [wrong_parity(before[lane], kept[lane])]
            m.d.comb += [
                reference_latch.latch.eq(latch[lane]),
                reference_latch.q.eq(q_before[lane]),
                reference_latch.q_ref.eq(q_ref_before[lane] << config.latch_shift),
                latched_words[lane].eq(reference_latch.reference),
                low_pass.advance.eq(self.advance),
                low_pass.enable.eq(self.filter & used[lane]),
                low_pass.code.eq(code[lane]),
                low_pass.q.eq(q_before[lane]),
                stepped[lane].eq(low_pass.q_next),
                demodulator.code.eq(late_code[lane]),
                demodulator.reference.eq(reference[lane]),
                demodulator.q.eq(late_q[lane]),
                demodulator.latched.eq(latched),
                demodulator.negative.eq(negative[lane]),
                differences[lane].eq(Mux(late_used[lane], demodulator.difference, 0)),
            ]
        if wrong:
            m.d.comb += self.wrong.eq(delayed(m, Cat(wrong), 1, self.advance, "wrong").any())
        return m
