"""Transfer path: one column of ADC codes in, write pulses and references out.

    r -> d = c (r - Qref) -> H + gain d -> n pulses;   Q <- Q + (r - Q) eta

Latency: `model.config.BEAT_LATENCY` cycles from a beat of codes to its beat of writes. Throughput: one beat per cycle;
when ``writes`` waits, all stages wait. A transfer takes ``TileConfig.transfer_cycles`` with its command.
"""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl import ports
from hdl.hidden_buffer import HiddenBuffer
from hdl.symmetric_point import SymmetricPoint
from model.config import TileConfig


class TransferPath(wiring.Component):
    """Pipeline control around the accumulator and the hidden buffer.

    Members
    -------
    clear, clear_address : write zero into the memories
    run : sequencer state STREAM
    finished : the last beat of the column is taken in this cycle
    column, negative, latch : the column, c_j = -1, and its flipped flag
    settings : sampled settings
    codes, writes : streams
    hidden_saturated, pulses_clamped : sticky flags
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        super().__init__(
            {
                "clear": In(1),
                "clear_address": In(config.address_bits),
                "run": In(1),
                "finished": Out(1),
                "column": In(config.column_bits),
                "negative": In(1),
                "latch": In(1),
                "settings": In(ports.settings(config)),
                "codes": In(ports.codes(config)),
                "writes": Out(ports.writes(config)),
                "hidden_saturated": Out(1),
                "pulses_clamped": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        m.submodules.symmetric_point = point = SymmetricPoint(config)
        m.submodules.hidden_buffer = buffer = HiddenBuffer(config)

        advance = Signal()
        accept = Signal()
        accepted = Signal()
        base = Signal(config.address_bits)
        taken = Signal(range(config.row_beats + 1))
        m.d.comb += [
            advance.eq(~self.writes.valid | self.writes.ready),
            self.codes.ready.eq(self.run & advance & (taken != config.row_beats)),
            accept.eq(self.codes.valid & self.codes.ready),
            accepted.eq(self.writes.valid & self.writes.ready),
            self.finished.eq(accepted & (self.writes.beat == config.row_beats - 1)),
        ]
        with m.If(self.finished):
            m.d.sync += [
                taken.eq(0),
                base.eq(Mux(self.column == config.columns - 1, 0, base + config.row_beats)),
            ]
        with m.Elif(accept):
            m.d.sync += taken.eq(taken + 1)

        last_lanes = config.rows - (config.row_beats - 1) * config.lanes
        for lane in range(config.lanes):
            code = self.codes.code[lane]
            if lane >= last_lanes:
                code = Mux(taken == config.row_beats - 1, 0, code)
            m.d.comb += point.code[lane].eq(code)
        m.d.comb += [
            point.advance.eq(advance),
            point.accept.eq(accept),
            point.address.eq(base + taken),
            point.beat.eq(taken),
            point.negative.eq(self.negative),
            point.latch.eq(self.latch),
            point.mode.eq(self.settings.reference),
            buffer.advance.eq(advance),
            buffer.enter.eq(point.valid),
            buffer.difference.eq(point.difference),
            buffer.reference.eq(point.reference),
            buffer.address.eq(point.out_address),
            buffer.beat.eq(point.out_beat),
            buffer.gain.eq(self.settings.gain),
            buffer.forget.eq(self.settings.forget),
            buffer.momentum.eq(self.settings.momentum),
            buffer.accumulate.eq(self.settings.accumulate),
            buffer.accepted.eq(accepted),
            self.writes.valid.eq(buffer.valid),
            self.writes.beat.eq(buffer.out_beat),
            self.writes.pulses.eq(buffer.pulses),
            self.writes.reference.eq(buffer.out_reference),
        ]
        for block in (point, buffer):
            m.d.comb += [block.clear.eq(self.clear), block.clear_address.eq(self.clear_address)]
        with m.If(buffer.load):
            m.d.sync += [
                self.writes.column.eq(self.column),
                self.writes.latch.eq(self.latch),
                self.hidden_saturated.eq(self.hidden_saturated | buffer.saturated),
                self.pulses_clamped.eq(self.pulses_clamped | buffer.clamped),
            ]
        return m
