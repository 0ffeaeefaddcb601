# SPDX-License-Identifier: Apache-2.0
"""Sequencer: the state machine that turns commands into the phases of an operation.

    CLEAR -> IDLE -> LOAD -> PULSE -> IDLE            (update)
                  -> READ -> STREAM -> IDLE           (transfer)
                  -> SHIFT -> READ -> STREAM -> READ -> ... -> IDLE     (calibration: slots, then sweeps of reads)
                  -> READ -> STREAM -> READ -> ... -> IDLE              (programming: rounds)

Settings, BL and column are sampled when a command is accepted, so they may change at any time. Latency: a state begins
one cycle after its cause. CLEAR takes ``depth`` cycles after reset.
"""

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from symtrack.hdl.tile import ports
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import COUNT_BITS, ROUND_BITS, ChopperMode, Op, Reference, setting_specs


class Sequencer(wiring.Component):
    """State machine of the tile.

    Members
    -------
    command, settings : as the tile's ports
    sampled, bl, column : settings, train length and column of the command being carried out
    start : a command is accepted in this cycle
    coming_column, last_column : the last column that it uses, with start and from the next cycle on
    clear, clear_address, load, pulse, shift, stream : states
    loaded, pulsed, streamed : the work of LOAD, of PULSE or SHIFT, and of STREAM ends in this cycle; that of SHIFT not
        in its first
    programming, last_round : the reads are of R, and this one is the last
    outside : with streamed, cells of R are out of tolerance
    read : request of the column, valid in READ; its column is driven elsewhere
    busy : not IDLE
    resting : CLEAR or IDLE
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        super().__init__(
            {
                "command": In(ports.command(config)),
                "settings": In(ports.settings(config)),
                "sampled": Out(ports.settings(config)),
                "bl": Out(config.bl_bits),
                "column": Out(config.column_bits),
                "start": Out(1),
                "coming_column": In(config.column_bits),
                "last_column": In(config.column_bits),
                "clear": Out(1),
                "clear_address": Out(config.address_bits),
                "load": Out(1),
                "loaded": In(1),
                "pulse": Out(1),
                "pulsed": In(1),
                "shift": Out(1),
                "read": Out(ports.stream()),
                "stream": Out(1),
                "streamed": In(1),
                "programming": Out(1),
                "last_round": Out(1),
                "outside": In(1),
                "busy": Out(1),
                "resting": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        # One register per state, one of them high.
        clear = Signal(init=1)
        idle, load, pulse, shift, read, stream = (
            Signal(name=name) for name in ("idle", "load", "pulse", "shift", "read", "stream")
        )
        m.d.comb += [
            self.busy.eq(~idle),
            self.resting.eq(clear | idle),
            self.command.ready.eq(idle),
            self.start.eq(self.command.valid & idle),
            self.clear.eq(clear),
            self.load.eq(load),
            self.pulse.eq(pulse),
            self.shift.eq(shift),
            self.read.valid.eq(read),
            self.stream.eq(stream),
        ]
        cleared = Signal()
        m.d.comb += cleared.eq(clear & (self.clear_address == config.depth - 1 if config.depth > 1 else 1))
        with m.If(clear):
            m.d.sync += self.clear_address.eq(self.clear_address + 1)

        calibrate = self.command.op == Op.CALIBRATE
        program = (self.command.op == Op.PROGRAM) & config.programmer
        able = [spec.name for spec in setting_specs(config) if spec.high]  # the others act as 0
        sweeps = self.settings.calibration_sweeps if config.symmetric_point else Const(0)
        pulses = self.settings.calibration_pulses if config.zero_shift else Const(0)
        updates = ~self.command.op.any()  # Op.UPDATE
        pulses_first = calibrate & pulses.any()
        reads_first = (self.command.op == Op.TRANSFER) | (calibrate & ~pulses.any() & sweeps.any()) | program
        calibrating = Signal()
        reads_next = Signal()  # after the slots of a calibration
        again = Signal()
        # Each of these events happens in one state only, so that nothing has precedence.
        m.d.sync += [
            clear.eq(clear & ~cleared),
            idle.eq(
                cleared
                | (idle & ~(self.command.valid & (updates | pulses_first | reads_first)))
                | (self.pulsed & ~reads_next)
                | (self.streamed & ~again)
            ),
            load.eq((self.start & updates) | (load & ~self.loaded)),
            pulse.eq(self.loaded | (pulse & ~self.pulsed)),
            shift.eq((self.start & pulses_first) | (shift & ~self.pulsed)),
            read.eq(
                (self.start & reads_first)
                | (self.pulsed & reads_next)
                | (self.streamed & again)
                | (read & ~self.read.ready)
            ),
            stream.eq((read & self.read.ready) | (stream & ~self.streamed)),
        ]
        with m.If(self.start):
            m.d.sync += [
                calibrating.eq(calibrate),
                self.bl.eq(self.command.bl),
                self.column.eq(self.command.column),
            ]
            if config.bl_max != (1 << config.bl_bits) - 1:
                with m.If(self.command.bl > config.bl_max):
                    m.d.sync += self.bl.eq(config.bl_max)
            with m.If(self.command.column > self.coming_column):
                m.d.sync += self.column.eq(self.coming_column)
            for name in able:
                m.d.sync += getattr(self.sampled, name).eq(getattr(self.settings, name))
            with m.If(calibrate | program):  # their reads write nothing to W and leave the choppers alone
                m.d.sync += [
                    self.sampled.chopper.eq(ChopperMode.OFF),
                    *([self.sampled.row_chopper.eq(ChopperMode.OFF)] if config.row_chopper else []),
                    self.sampled.accumulate.eq(0),
                ]
                if config.symmetric_point:
                    m.d.sync += [
                        self.sampled.reference.eq(Reference.LATCHED),
                        self.sampled.filter.eq(calibrate),
                        self.sampled.latch.eq(calibrate & (sweeps == 1)),
                    ]
        if config.programmer:
            with m.If(self.start):
                m.d.sync += self.programming.eq(program)
            with m.Elif(self.streamed & ~again):
                m.d.sync += self.programming.eq(0)

        # What is left of a calibration: sweeps, and reads of the sweep in work.
        left = Signal(COUNT_BITS)
        column = Signal(config.column_bits)
        end_of_sweep = column == self.last_column
        rounds = Signal(ROUND_BITS)
        last_read = Signal()
        # A read lasts longer than these comparisons, which therefore have a cycle of their own.
        m.d.sync += [
            self.last_round.eq(rounds + 1 >= self.sampled.rounds),
            last_read.eq(end_of_sweep & (left == 1)),
            reads_next.eq(shift & self.sampled.calibration_sweeps.any()),
        ]
        m.d.comb += again.eq((calibrating & ~last_read) | (self.programming & self.outside & ~self.last_round))
        with m.If(idle):
            m.d.sync += [left.eq(sweeps), column.eq(0), rounds.eq(0)]
        with m.Elif(self.streamed):
            m.d.sync += [column.eq(Mux(end_of_sweep, 0, column + 1)), rounds.eq(rounds + 1)]
            if config.symmetric_point:
                with m.If(calibrating & end_of_sweep):
                    m.d.sync += [left.eq(left - 1), self.sampled.latch.eq(left == 2)]
        return m
