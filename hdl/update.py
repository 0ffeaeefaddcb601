"""Update path: vectors in, pulse slots out, and the slots of zero-shifting.

    ΔP ∝ -(c'∘δ) (c∘x)ᵀ  or  ΔW ∝ -δ xᵀ,  each cell steps once for every slot in which its row and its column fire

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
from hdl.random_bank import RandomBank
from hdl.zero_shift import ZeroShift
from model.config import COUNT_BITS, TileConfig


class UpdatePath(wiring.Component):
    """Loads the vectors and plays the trains.

    Members
    -------
    start : a command was accepted, its update (if it is one) begins
    load, run, shift : sequencer states LOAD, PULSE and SHIFT
    loaded, finished : in this cycle the state's work ends
    bl : slots per quadrant
    slow : the slots are for W, which is not chopped
    zero_shifts, zero_random, chance, draw : of zero-shifting, see `hdl.zero_shift`
    signs, row_signs : per column and row, 1 where c_j = -1 and c'_i = -1
    vectors, pulses : streams
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        super().__init__(
            {
                "start": In(1),
                "load": In(1),
                "run": In(1),
                "shift": In(1),
                "zero_shifts": In(COUNT_BITS),
                "zero_random": In(1),
                "chance": In(1),
                "draw": Out(1),
                "loaded": Out(1),
                "finished": Out(1),
                "bl": In(config.bl_bits),
                "slow": In(1),
                "signs": In(config.columns),
                "row_signs": In(config.rows),
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
        m.submodules.columns = column_words = RandomBank(config.column_bank)
        m.submodules.rows = row_words = RandomBank(config.row_bank)
        m.submodules.column_trains = columns = PulseTrains(lines=config.columns, magnitude_bits=config.magnitude_bits)
        m.submodules.row_trains = rows = PulseTrains(lines=config.rows, magnitude_bits=config.magnitude_bits)
        m.submodules.quadrants = quadrants = Quadrants(config)
        m.submodules.zero_shift = zero_shift = ZeroShift()

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
            x.flip.eq(Mux(self.slow, 0, self.signs)),
            delta.load.eq(accept & rows_next),
            delta.flip.eq(Mux(self.slow, 0, self.row_signs)),
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
        pending = Signal()
        m.d.comb += [
            quadrants.restart.eq(self.start),
            quadrants.rows_any.eq(delta.any_positive | (delta.any_negative << 1)),
            quadrants.columns_any.eq(x.any_positive | (x.any_negative << 1)),
            quadrants.bl.eq(self.bl),
            quadrants.issue.eq(issue & self.run),
            zero_shift.restart.eq(self.start),
            zero_shift.pulses.eq(self.zero_shifts),
            zero_shift.random.eq(self.zero_random),
            zero_shift.chance.eq(self.chance),
            zero_shift.issue.eq(issue & self.shift),
            self.draw.eq(zero_shift.draw),
            free.eq(~self.pulses.valid | self.pulses.ready),
            pending.eq(Mux(self.shift, zero_shift.pending, quadrants.pending)),
            issue.eq((self.run | self.shift) & pending & free),
            self.finished.eq((self.run | self.shift) & ~pending & free),
        ]
        for trains, bank, registers, sign in (
            (columns, column_words, x, quadrants.quadrant[0]),
            (rows, row_words, delta, quadrants.quadrant[1]),
        ):
            m.d.comb += [
                bank.advance.eq(issue & self.run),
                trains.words.eq(bank.words),
                trains.magnitude.eq(registers.magnitude),
                trains.enable.eq(registers.negative ^ ~sign.replicate(registers.lines)),
            ]
        with m.If(free):
            m.d.sync += self.pulses.valid.eq(issue)
        with m.If(issue):
            m.d.sync += [
                self.pulses.rows.eq(rows.fires | self.shift.replicate(config.rows)),
                self.pulses.columns.eq(columns.fires | self.shift.replicate(config.columns)),
                self.pulses.up.eq(Mux(self.shift, zero_shift.up, quadrants.up)),
                self.pulses.quadrant.eq(Mux(self.shift, zero_shift.up, quadrants.quadrant)),
                self.pulses.slow.eq(self.slow & ~self.shift),
                self.pulses.last.eq(Mux(self.shift, zero_shift.last, quadrants.last)),
            ]
        return m
