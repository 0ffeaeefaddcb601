"""Update path: vectors in, pulse slots out.

    ΔP ∝ -δ (c∘x)ᵀ,  each cell steps once for every slot in which its row and its column fire

Latency: the first slot is valid one cycle after ``run`` rises. Throughput: one slot per cycle while ready.
An update takes ``TileConfig.update_cycles(slots)`` with its command.
"""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hdl import ports
from hdl.line_registers import LineRegisters
from hdl.pulse_train import PulseTrains
from hdl.quadrants import Quadrants
from model.config import TileConfig


class UpdatePath(wiring.Component):
    """Loads the vectors and plays the trains.

    Members
    -------
    start : a command was accepted, its update (if it is one) begins
    load, run : sequencer states LOAD and PULSE
    loaded, finished : in this cycle the state's work ends
    bl : slots per quadrant
    signs : per column, 1 where c_j = -1
    vectors, pulses : streams
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        super().__init__(
            {
                "start": In(1),
                "load": In(1),
                "run": In(1),
                "loaded": Out(1),
                "finished": Out(1),
                "bl": In(config.bl_bits),
                "signs": In(config.columns),
                "vectors": In(ports.vectors(config)),
                "pulses": Out(ports.pulses(config)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        m.submodules.x = x = LineRegisters(
            lines=config.columns, lanes=config.lanes, magnitude_bits=config.magnitude_bits
        )
        m.submodules.delta = delta = LineRegisters(
            lines=config.rows, lanes=config.lanes, magnitude_bits=config.magnitude_bits
        )
        m.submodules.columns = columns = PulseTrains(config.column_bank)
        m.submodules.rows = rows = PulseTrains(config.row_bank)
        m.submodules.quadrants = quadrants = Quadrants(config)

        # Vectors: the beats of x, then those of δ.
        beat = Signal(max(x.beat.shape().width, delta.beat.shape().width))
        rows_next = Signal()
        accept = Signal()
        end_of_side = Signal()
        m.d.comb += [
            self.vectors.ready.eq(self.load),
            accept.eq(self.load & self.vectors.valid),
            end_of_side.eq(beat == Mux(rows_next, config.row_beats - 1, config.column_beats - 1)),
            self.loaded.eq(accept & rows_next & end_of_side),
            x.load.eq(accept & ~rows_next),
            x.flip.eq(self.signs),
            delta.load.eq(accept & rows_next),
        ]
        with m.If(accept):
            m.d.sync += [beat.eq(Mux(end_of_side, 0, beat + 1)), rows_next.eq(rows_next ^ end_of_side)]
        for side in (x, delta):
            m.d.comb += [
                side.clear.eq(self.start),
                side.beat.eq(beat),
                side.magnitude_in.eq(self.vectors.magnitude),
                side.negative_in.eq(self.vectors.negative),
            ]

        # Slots: one is issued into the output register whenever that is free.
        free = Signal()
        issue = Signal()
        m.d.comb += [
            quadrants.restart.eq(self.start),
            quadrants.rows_any.eq(delta.any_positive | (delta.any_negative << 1)),
            quadrants.columns_any.eq(x.any_positive | (x.any_negative << 1)),
            quadrants.bl.eq(self.bl),
            quadrants.issue.eq(issue),
            free.eq(~self.pulses.valid | self.pulses.ready),
            issue.eq(self.run & quadrants.pending & free),
            self.finished.eq(self.run & ~quadrants.pending & free),
        ]
        for trains, registers, sign in ((columns, x, quadrants.quadrant[0]), (rows, delta, quadrants.quadrant[1])):
            m.d.comb += [
                trains.advance.eq(issue),
                trains.magnitude.eq(registers.magnitude),
                trains.enable.eq(registers.negative ^ ~sign.replicate(registers.lines)),
            ]
        with m.If(free):
            m.d.sync += self.pulses.valid.eq(issue)
        with m.If(issue):
            m.d.sync += [
                self.pulses.rows.eq(rows.fires),
                self.pulses.columns.eq(columns.fires),
                self.pulses.up.eq(quadrants.up),
                self.pulses.quadrant.eq(quadrants.quadrant),
                self.pulses.last.eq(quadrants.last),
            ]
        return m
