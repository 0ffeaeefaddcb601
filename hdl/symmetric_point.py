"""Symmetric-point accumulator: memories of Q and Qref with filter and demodulator (stages 0 to 2).

    ref = Q if latch else Qref;   d = c * (r - ref);   Q <- Q + round((r - Q) * eta);   Qref <- ref

A beat enters in stage 0; its words of Q and Qref arrive in stage 1, where the arithmetic is done and both are
written back. Latency: 2 cycles from ``accept`` to ``valid``. Throughput: one beat per cycle while ``advance``.
"""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.beat_memory import BeatMemory
from hdl.demodulator import Demodulator
from hdl.low_pass import LowPass
from model.config import TileConfig


class SymmetricPoint(wiring.Component):
    """L lanes of the accumulator.

    Members
    -------
    clear, clear_address : write zero into the memories
    advance : all stages move at the end of this cycle
    accept, address, beat, code : a beat enters (implies advance)
    negative, latch, mode : c = -1, flipped flag and reference mode of the column
    valid, difference, reference, out_address, out_beat : the beat in stage 2
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
                "negative": In(1),
                "latch": In(1),
                "mode": In(2),
                "valid": Out(1),
                "difference": Out(data.ArrayLayout(signed(config.difference_format.width), config.lanes)),
                "reference": Out(data.ArrayLayout(signed(config.reference_format.width), config.lanes)),
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
        code = Signal.like(self.code)
        address = Signal.like(self.address)
        beat = Signal.like(self.beat)
        with m.If(self.advance):
            m.d.sync += [valid.eq(self.accept), self.valid.eq(valid)]
        with m.If(self.accept):
            m.d.sync += [code.eq(self.code), address.eq(self.address), beat.eq(self.beat)]

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
        with m.If(leave):
            m.d.sync += [self.out_address.eq(address), self.out_beat.eq(beat)]
        for lane in range(config.lanes):
            m.submodules[f"low_pass_{lane}"] = low_pass = LowPass(config)
            m.submodules[f"demodulator_{lane}"] = demodulator = Demodulator(config)
            reference = Signal(signed(width), name=f"reference_{lane}")
            m.d.comb += [
                reference.eq(Mux(self.latch, q.data[lane], q_ref.data[lane])),
                low_pass.code.eq(code[lane]),
                low_pass.q.eq(q.data[lane]),
                q.write_data[lane].eq(low_pass.q_next),
                q_ref.write_data[lane].eq(reference),
                demodulator.code.eq(code[lane]),
                demodulator.reference.eq(reference),
                demodulator.mode.eq(self.mode),
                demodulator.negative.eq(self.negative),
            ]
            with m.If(leave):
                m.d.sync += [
                    self.difference[lane].eq(demodulator.difference),
                    self.reference[lane].eq(reference),
                ]
        return m
