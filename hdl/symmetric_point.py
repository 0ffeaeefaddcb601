"""Symmetric-point accumulator: memories of Q and Qref with filter and demodulator (stages 0 to 2).

    ref = coarse(Q) if latch else Qref;   d = c * (r - s), s = 0, ref or Q
    Q <- Q + round((r - Q) * eta);   Qref <- ref

A beat enters in stage 0; its words of Q and Qref arrive in stage 1, where the arithmetic is done and both are
written back. Out goes what the reference array shows: ref, or Q after the step in reference mode filtered.
Latency: 2 cycles from ``accept`` to ``valid``. Throughput: one beat per cycle while ``advance``.
"""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.beat_memory import BeatMemory
from hdl.demodulator import Demodulator
from hdl.low_pass import LowPass
from hdl.reference_latch import ReferenceLatch
from model.config import Reference, TileConfig


class SymmetricPoint(wiring.Component):
    """L lanes of the accumulator.

    Members
    -------
    clear, clear_address : write zero into the memories
    advance : all stages move at the end of this cycle
    accept, address, beat, code : a beat enters (implies advance)
    used, negative, latch : per lane of that beat, it has a row, c = -1, and *latch*
    mode, filter : settings reference and filter
    valid, difference, reference, out_address, out_beat : the beat in stage 2
    fresh : per lane of the beat in stage 2, ``reference`` is a new one
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        super().__init__(
            {
                "clear": In(1),
                "clear_address": In(config.address_bits),
                "advance": In(1),
                "accept": In(1),
                "address": In(config.address_bits),
                "beat": In(config.beat_bits),
                "code": In(data.ArrayLayout(signed(config.adc_bits), config.lanes)),
                "used": In(config.lanes),
                "negative": In(config.lanes),
                "latch": In(config.lanes),
                "mode": In(2),
                "filter": In(1),
                "valid": Out(1),
                "difference": Out(data.ArrayLayout(signed(config.difference_format.width), config.lanes)),
                "reference": Out(data.ArrayLayout(signed(config.reference_format.width), config.lanes)),
                "fresh": Out(config.lanes),
                "out_address": Out(config.address_bits),
                "out_beat": Out(config.beat_bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        width = config.reference_format.width
        m.submodules.memory_q = q = BeatMemory(depth=config.depth, lanes=config.lanes, width=width)
        m.submodules.memory_q_ref = q_ref = BeatMemory(depth=config.depth, lanes=config.lanes, width=width)

        valid = Signal()
        address = Signal.like(self.address)
        beat = Signal.like(self.beat)
        code = Signal.like(self.code)
        used = Signal.like(self.used)
        negative = Signal.like(self.negative)
        latch = Signal.like(self.latch)
        with m.If(self.advance):
            m.d.sync += [valid.eq(self.accept), self.valid.eq(valid)]
        with m.If(self.accept):
            m.d.sync += [address.eq(self.address), beat.eq(self.beat), code.eq(self.code)]
            m.d.sync += [used.eq(self.used), negative.eq(self.negative), latch.eq(self.latch)]

        leave = Signal()
        m.d.comb += leave.eq(valid & self.advance)
        for words in (q, q_ref):
            m.d.comb += [
                words.clear.eq(self.clear),
                words.clear_address.eq(self.clear_address),
                words.read.eq(self.accept),
                words.read_address.eq(self.address),
                words.write.eq(leave),
                words.write_address.eq(address),
            ]
        filtered = self.mode == Reference.FILTERED
        with m.If(leave):
            m.d.sync += [
                self.out_address.eq(address),
                self.out_beat.eq(beat),
                self.fresh.eq(used & (latch | filtered.replicate(config.lanes))),
            ]
        for lane in range(config.lanes):
            m.submodules[f"low_pass_{lane}"] = low_pass = LowPass(config)
            m.submodules[f"demodulator_{lane}"] = demodulator = Demodulator(config)
            m.submodules[f"reference_latch_{lane}"] = reference_latch = ReferenceLatch(config)
            m.d.comb += [
                reference_latch.latch.eq(latch[lane]),
                reference_latch.q.eq(q.data[lane]),
                reference_latch.q_ref.eq(q_ref.data[lane]),
                q_ref.write_data[lane].eq(reference_latch.reference),
                low_pass.enable.eq(self.filter),
                low_pass.code.eq(code[lane]),
                low_pass.q.eq(q.data[lane]),
                q.write_data[lane].eq(low_pass.q_next),
                demodulator.code.eq(code[lane]),
                demodulator.reference.eq(reference_latch.reference),
                demodulator.q.eq(q.data[lane]),
                demodulator.mode.eq(self.mode),
                demodulator.negative.eq(negative[lane]),
            ]
            with m.If(leave):
                m.d.sync += [
                    self.difference[lane].eq(demodulator.difference),
                    self.reference[lane].eq(Mux(filtered, low_pass.q_next, reference_latch.reference)),
                ]
        return m
