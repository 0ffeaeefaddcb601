# SPDX-License-Identifier: Apache-2.0
"""Update path: vectors go in, pulse slots come out; also the slots of zero-shifting.

    ΔP ∝ -(c'∘δ) (c∘x)ᵀ  or  ΔW ∝ -δ xᵀ,  each cell steps once for every slot in which its row and its column fire

A slot is chosen, quadrant by quadrant, its words are compared in the next cycle, and its lines fire in the one after,
or wait in the spare register of `hdl.parts.register_slice`.
Latency: the first slot is valid `model.spec.config.SLOT_LATENCY` cycles after ``run`` rises. Throughput: one
slot per cycle while ready. An update takes ``TileConfig.update_cycles(slots)`` with its command.
"""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from symtrack.hdl.parts.register_slice import RegisterSlice
from symtrack.hdl.tile import ports
from symtrack.hdl.tile.line_registers import LineRegisters
from symtrack.hdl.tile.pulse_train import PulseTrains
from symtrack.hdl.tile.quadrants import Quadrants
from symtrack.hdl.tile.random_bank import RandomBank
from symtrack.hdl.tile.used_lines import below, up_to
from symtrack.hdl.tile.zero_shift import ZeroShift
from symtrack.model.spec.config import SLOT_LATENCY, TileConfig
from symtrack.model.spec.polynomials import DEGREE
from symtrack.model.spec.settings import COUNT_BITS

OF_SLOT = ("up", "quadrant", "slow", "last")  # payload of a slot beside its lines
SLOT = data.StructLayout({"shift": 1, "up": 1, "quadrant": 2, "slow": 1, "last": 1})


class UpdatePath(wiring.Component):
    """Loads the vectors and plays the trains.

    Members
    -------
    start : a command was accepted, its update (if it is one) begins
    load, run, shift : sequencer states LOAD, PULSE and SHIFT
    coming_column, last_row : the last lines in use, the column with start, the row from the next cycle on
    used_rows, used_columns : per line, it is in use
    loaded, finished : in this cycle the state's work ends
    bl : slots per quadrant
    slow : the slots are for W, which is not chopped
    zero_shifts, zero_random, chance, draw : of zero-shifting, see `hdl.tile.zero_shift`
    signs, row_signs : per column and row, 1 where c_j = -1 and c'_i = -1
    load_seed, from_next : of the sources, which are the first of the chain, those of the rows before those of the
        columns, see `hdl.tile.random_bank`
    vectors, pulses : streams
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        super().__init__(
            {
                "start": In(1),
                "coming_column": In(config.column_bits),
                "last_row": In(config.row_bits),
                "used_rows": In(config.rows),
                "used_columns": In(config.columns),
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
                "load_seed": In(1),
                "from_next": In(DEGREE),
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
            lines=config.rows,
            lanes=config.lanes,
            magnitude_bits=config.magnitude_bits,
            chopped=bool(config.row_chopper),
        )
        m.submodules.columns = column_words = RandomBank(config.column_bank)
        m.submodules.rows = row_words = RandomBank(config.row_bank)
        form: dict[str, Any] = {"magnitude_bits": config.magnitude_bits, "zero_shift": bool(config.zero_shift)}
        m.submodules.column_trains = columns = PulseTrains(lines=config.columns, **form)
        m.submodules.row_trains = rows = PulseTrains(lines=config.rows, **form)
        m.submodules.quadrants = quadrants = Quadrants(config)
        m.submodules.offer = offer = RegisterSlice(
            {"rows": config.rows, "columns": config.columns, "up": 1, "quadrant": 2, "slow": 1, "last": 1}
        )

        # Vectors: the beats of x, then those of δ.
        beat = Signal(max(x.beat.shape().width, delta.beat.shape().width))
        rows_next = Signal()
        accept = Signal()
        lanes = config.lanes
        # Of the next beat: lines of the side in use after its first one, whether it is the last, and its lanes in use.
        left = Signal(max(len(self.coming_column), len(self.last_row)))
        end_of_side = Signal()
        used = Signal(lanes)
        coming = Signal.like(left)
        m.d.comb += [
            self.vectors.ready.eq(self.load),
            accept.eq(self.load & self.vectors.valid),
            self.loaded.eq(accept & rows_next & end_of_side),
            x.load.eq(accept & ~rows_next),
            x.flip.eq(self.signs),
            delta.load.eq(accept & rows_next),
            delta.flip.eq(self.row_signs),
        ]
        with m.If(accept):
            m.d.sync += [rows_next.eq(rows_next ^ end_of_side), beat.eq(Mux(end_of_side, 0, beat + 1))]
        m.d.comb += coming.eq(Mux(self.start, self.coming_column, Mux(end_of_side, self.last_row, left - lanes)))
        with m.If(self.start | accept):
            ends = below(coming, lanes)
            m.d.sync += [left.eq(coming), end_of_side.eq(ends), used.eq(~ends.replicate(lanes) | up_to(coming, lanes))]
        for side in (x, delta):
            m.d.comb += [
                side.clear.eq(self.start),
                side.keep.eq(self.slow),
                side.beat.eq(beat),
                side.magnitude_in.eq(self.vectors.magnitude),
                side.negative_in.eq(self.vectors.negative),
                side.used.eq(used),
            ]

        # Slots: one is chosen, its words are compared, its lines fire; all move together. One is on offer in each cycle
        # up to the last, so there is no gap to be closed while they wait.
        slot = Signal(SLOT, reset_less=True)
        compared = Signal(SLOT, reset_less=True)
        slot_valid = Signal()
        compared_valid = Signal()
        pending = Signal()
        draws = Signal()  # the slot needs new words
        draws_sign = Signal()  # or a random polarity
        begin = Signal()
        begun = Signal()
        age = Signal(SLOT_LATENCY - 1)  # bit k: more than k cycles of PULSE or SHIFT are over
        empty = Signal()  # there is no slot
        advance = Signal()
        choose = Signal()
        compare = Signal()
        shift: Value = self.shift
        shift_pending, shift_up, shift_last = (Signal(name=f"shift_{name}") for name in ("pending", "up", "last"))
        if config.zero_shift:
            m.submodules.zero_shift = zero_shift = ZeroShift()
            m.d.comb += [
                zero_shift.begin.eq(begin & shift),
                zero_shift.pulses.eq(self.zero_shifts),
                zero_shift.issue.eq(choose & shift),
                shift_pending.eq(zero_shift.pending),
                shift_up.eq(zero_shift.up),
                shift_last.eq(zero_shift.last),
            ]
        else:
            shift = Const(0)  # no command enters SHIFT
        m.d.comb += [
            begun.eq(age[0]),
            begin.eq((self.run | shift) & ~begun),
            quadrants.begin.eq(begin & self.run),
            quadrants.rows_any.eq(delta.any_positive | (delta.any_negative << 1)),
            quadrants.columns_any.eq(x.any_positive | (x.any_negative << 1)),
            quadrants.bl.eq(self.bl),
            quadrants.issue.eq(choose & self.run),
            pending.eq(begun & Mux(shift, shift_pending, quadrants.pending)),
            advance.eq(offer.room),
            choose.eq(pending & advance),
            compare.eq(slot_valid & advance),
            self.finished.eq((offer.valid & offer.ready & offer.last_out) | (age[-1] & empty)),
            self.draw.eq(draws_sign & advance),
        ]
        with m.If(~age[1]):
            m.d.sync += empty.eq(~pending)
        m.d.sync += age.eq(Mux(self.finished, 0, Cat(self.run | shift, age)))
        with m.If(advance):
            m.d.sync += [
                slot_valid.eq(pending),
                compared_valid.eq(slot_valid),
                draws.eq(pending & ~shift),
                draws_sign.eq(pending & shift & self.zero_random),
            ]
        with m.If(choose):
            m.d.sync += [
                slot.shift.eq(shift),
                slot.up.eq(Mux(shift, shift_up, quadrants.up)),
                slot.quadrant.eq(quadrants.quadrant),
                slot.slow.eq(self.slow & ~shift),
                slot.last.eq(Mux(shift, shift_last, quadrants.last)),
            ]
        with m.If(compare):
            up = Mux(draws_sign, self.chance, slot.up)
            m.d.sync += [
                compared.eq(slot),
                compared.up.eq(up),
                compared.quadrant.eq(Mux(slot.shift, up, slot.quadrant)),
            ]
        for trains, bank, registers, in_use, sign, lines in (
            (columns, column_words, x, self.used_columns, slot.quadrant[0], offer.columns_in),
            (rows, row_words, delta, self.used_rows, slot.quadrant[1], offer.rows_in),
        ):
            matches = ~(registers.negative ^ sign.replicate(len(in_use)))
            m.d.comb += [
                bank.advance.eq(draws & advance),
                bank.load.eq(self.load_seed),
                trains.compare.eq(compare),
                trains.words.eq(bank.planes),
                trains.magnitude.eq(registers.magnitude),
                trains.enable.eq(in_use & (matches | slot.shift.replicate(len(in_use)))),
                lines.eq(trains.fires),
            ]
            if config.zero_shift:
                m.d.comb += trains.every.eq(compared.shift)
        m.d.comb += [
            column_words.from_next.eq(self.from_next),
            row_words.from_next.eq(column_words.to_previous),
            offer.arrives.eq(compared_valid & advance),
            offer.ready.eq(self.pulses.ready),
            self.pulses.valid.eq(offer.valid),
            *(getattr(offer, f"{name}_in").eq(compared[name]) for name in OF_SLOT),
            *(getattr(self.pulses, name).eq(getattr(offer, f"{name}_out")) for name in ("rows", "columns", *OF_SLOT)),
        ]
        return m
