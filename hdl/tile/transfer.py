# SPDX-License-Identifier: Apache-2.0
"""Transfer path: a column of ADC codes goes in; write pulses and references, or corrections of R, come out.

    r -> d = c (r - s) -> H + gain d -> n pulses;   Q <- Q + (r - Q) eta;   c = c_j c'_i,   s = 0, Qref or Q

A beat enters in stage 0. `hdl.tile.symmetric_point`, or `hdl.tile.chopped_read` in a tile without, works in stages 0
to 4, `hdl.tile.residual_memory`, where there is one, in stages 3 to 6, and `hdl.tile.hidden_buffer` in stages 3 to 11,
the last of which is `model.spec.config.BEAT_LATENCY`: there the writes of the beat are offered. A beat of a column is
never in the pipeline twice, so no memory is read where it is written.
Latency: BEAT_LATENCY cycles from a beat of codes to its beat of writes. Throughput: one beat per cycle. When
``writes`` waits, one more beat goes into the spare register of `hdl.parts.register_slice`, then all stages wait. A
transfer takes ``TileConfig.transfer_cycles`` with its command.
"""

from amaranth.hdl import Cat, Module, Mux, ShapeLike, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from symtrack.hdl.parts.clock_enables import enabled
from symtrack.hdl.parts.delay import delayed
from symtrack.hdl.parts.multiplier import times
from symtrack.hdl.parts.register_slice import RegisterSlice
from symtrack.hdl.tile import ports
from symtrack.hdl.tile.chopped_read import ChoppedRead
from symtrack.hdl.tile.hidden_buffer import HiddenBuffer
from symtrack.hdl.tile.residual_memory import ResidualMemory
from symtrack.hdl.tile.symmetric_point import SymmetricPoint
from symtrack.hdl.tile.used_lines import below, up_to
from symtrack.model.spec.config import BEAT_LATENCY, TileConfig
from symtrack.model.spec.polynomials import DEGREE

PAYLOAD = ("column", "beat", "pulses", "latch", "reference", "last")  # of writes, but its array and D


class TransferPath(wiring.Component):
    """Pipeline control around the accumulator and the hidden buffer.

    Members
    -------
    clear, clear_address : write zero into the memories
    restart : the next column is the first one
    last_row, end_of_sweep : the last row in use; no column after this one is, if the read is of P
    run : sequencer state STREAM
    finished : the last beat of the column is taken in this cycle
    column, negative, flipped : the column, c_j = -1, and its flipped flag
    programming, program_column, last_round : the column is one of R, which, and nothing may be written any more
    outside : with finished, some of its cells are out of tolerance
    cells : how many cells of R are out of tolerance in the beat of writes
    amount : Σ|n| of the newest beat that came to the register slice
    two : the newest beat waits in the spare register, behind the one on offer
    row_signs, row_flipped : per row, c'_i = -1, and its flipped flag
    settings : sampled settings
    codes, writes : streams
    hidden_saturated, pulses_clamped : sticky flags
    memory_error : a word of a beat on its way had the wrong parity; for one cycle, before its writes are offered
    load_seed, from_next, to_previous : of the sources of the dither, see `hdl.tile.random_bank`
    inject : with ``self_test``, see `hdl.tile.ports`
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        super().__init__(
            {
                "clear": In(1),
                "clear_address": In(config.address_bits),
                "restart": In(1),
                "last_row": In(config.row_bits),
                "end_of_sweep": In(1),
                "run": In(1),
                "finished": Out(1),
                "column": In(config.column_bits),
                "negative": In(1),
                "flipped": In(1),
                "programming": In(1),
                "program_column": In(config.column_bits),
                "last_round": In(1),
                "outside": Out(1),
                "amount": Out(range(config.lanes * config.pulses_max + 1)),
                "two": Out(1),
                "cells": Out(range(config.lanes + 1)),
                "row_signs": In(config.rows),
                "row_flipped": In(config.rows),
                "settings": In(ports.settings(config)),
                "codes": In(ports.codes(config)),
                "writes": Out(ports.writes(config)),
                "hidden_saturated": Out(1),
                "pulses_clamped": Out(1),
                "memory_error": Out(1),
                "load_seed": In(1),
                "from_next": In(DEGREE),
                "to_previous": Out(DEGREE),
                **({"inject": In(ports.inject(config))} if config.self_test else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self.config
        point: SymmetricPoint | ChoppedRead = SymmetricPoint(config) if config.symmetric_point else ChoppedRead(config)
        m.submodules["symmetric_point" if config.symmetric_point else "chopped_read"] = point
        m.submodules.hidden_buffer = buffer = HiddenBuffer(config)
        fields: dict[str, ShapeLike] = {
            "column": config.column_bits,
            "beat": config.beat_bits,
            "pulses": self.writes.pulses.shape(),
            **({"latch": config.lanes, "reference": self.writes.reference.shape()} if config.symmetric_point else {}),
            "last": 1,
        }
        if config.programmer:
            fields |= {"array": 1, "cells": buffer.cells.shape()}
        if config.residual_memory:
            fields["residual"] = self.writes.residual.shape()
        m.submodules.offer = offer = RegisterSlice(fields)

        advance = Signal()
        accept = Signal()
        accepted = Signal()
        base = Signal(config.address_bits)
        taken = Signal(range(config.row_beats + 1))
        more = Signal(init=1)  # beats of the column are to be taken
        left = Signal.like(self.last_row)  # rows in use after the first of the beat that enters
        last = Signal()  # that is the last beat
        m.d.comb += [
            advance.eq(enabled(platform, offer.room, self.run)),  # out of STREAM there is no beat in any stage
            self.codes.ready.eq(self.run & advance & more),
            accept.eq(self.codes.valid & self.codes.ready),
            accepted.eq(self.writes.valid & self.writes.ready),
            self.finished.eq(accepted & offer.last_out),
        ]
        with m.If(self.finished):
            m.d.sync += [taken.eq(0), more.eq(1)]
            with m.If(~self.programming):
                m.d.sync += base.eq(Mux(self.end_of_sweep, 0, base + config.row_beats))
        with m.Elif(accept):
            m.d.sync += [taken.eq(taken + 1), more.eq(~last)]
        with m.If(self.restart):
            m.d.sync += base.eq(0)

        first: Value = base
        if config.programmer:
            seen = Signal()  # cells out of tolerance in earlier beats
            first = Mux(self.programming, times(self.program_column, config.row_beats), base)
            with m.If(self.finished):
                m.d.sync += seen.eq(0)
            with m.Elif(accepted & offer.cells_out.any()):
                m.d.sync += seen.eq(1)
            m.d.comb += [
                self.outside.eq(seen | offer.cells_out.any()),
                self.cells.eq(offer.cells_out),
                buffer.programming.eq(self.programming),
                buffer.last_round.eq(self.last_round),
                buffer.tolerance.eq(self.settings.tolerance),
                offer.array_in.eq(self.programming),
                offer.cells_in.eq(buffer.cells),
                self.writes.array.eq(offer.array_out),
            ]

        # Of the beat that enters. STREAM begins in the second cycle after a command and after another read.
        entering = Signal(config.address_bits)
        lanes = config.lanes
        with m.If(accept):
            m.d.sync += [entering.eq(entering + 1), last.eq(below(left, 2 * lanes))]
        with m.Elif(~self.run):
            m.d.sync += [entering.eq(first), last.eq(below(self.last_row, lanes))]
        if config.rows > 1:
            with m.If(accept | ~self.run):
                m.d.sync += left.eq(Mux(accept, left - lanes, self.last_row))
        m.d.comb += point.used.eq(~last.replicate(lanes) | up_to(left, lanes))

        # The choppers of its rows.
        row_negative = Signal(config.lanes)
        row_flipped = Signal(config.lanes)
        with m.Switch(taken):
            for beat in range(config.row_beats):
                with m.Case(beat) if beat < config.row_beats - 1 else m.Default():
                    there = slice(beat * config.lanes, min((beat + 1) * config.lanes, config.rows))
                    m.d.comb += [
                        row_negative.eq(self.row_signs[there]),
                        row_flipped.eq(self.row_flipped[there]),
                    ]
        for lane in range(config.lanes):
            m.d.comb += point.negative[lane].eq((self.negative ^ row_negative[lane]) | self.programming)
            if isinstance(point, SymmetricPoint):
                latch = ((self.flipped ^ row_flipped[lane]) & ~self.programming) | self.settings.latch
                m.d.comb += point.latch[lane].eq(latch)

        # Stage by stage: is there a beat, which, and its words.
        valid = [accept]
        for stage in range(1, BEAT_LATENCY):
            valid.append(Signal(name=f"valid_{stage}"))
            with m.If(advance):
                m.d.sync += valid[stage].eq(valid[stage - 1])
        address = [entering]
        for stage in range(1, BEAT_LATENCY + 1):
            address.append(Signal(config.address_bits, name=f"address_{stage}", reset_less=True))
            with m.If(advance):
                m.d.sync += address[stage].eq(address[stage - 1])
        beat = delayed(m, taken[: config.beat_bits], BEAT_LATENCY - 1, advance, "beat")
        m.d.comb += [
            point.advance.eq(advance),
            point.code.eq(self.codes.code),
            buffer.advance.eq(advance),
            buffer.read.eq(valid[3] & advance),
            buffer.read_address.eq(address[3]),
            buffer.difference.eq(point.difference),
            buffer.used.eq(point.in_use),
            buffer.direct.eq(self.settings.direct),
            buffer.gain.eq(self.settings.gain),
            buffer.forget.eq(self.settings.forget),
            buffer.momentum.eq(self.settings.momentum),
            buffer.accumulate.eq(self.settings.accumulate),
            buffer.step.eq(valid[5] & advance),
            buffer.load.eq(valid[10] & advance),
            buffer.write_address.eq(address[11]),
            buffer.load_seed.eq(self.load_seed),
            buffer.from_next.eq(self.from_next),
            self.to_previous.eq(buffer.to_previous),
            offer.ready.eq(self.writes.ready),
            self.writes.valid.eq(offer.valid),
            *(getattr(self.writes, name).eq(getattr(offer, f"{name}_out")) for name in PAYLOAD if name in fields),
        ]
        blocks: list[wiring.Component] = [buffer]
        if isinstance(point, SymmetricPoint):
            blocks = [point, buffer]
            m.d.comb += [
                point.accept.eq(accept),
                point.read_address.eq(address[0]),
                point.mode.eq(self.settings.reference),
                point.filter.eq(self.settings.filter),
                point.write.eq(valid[4]),
                point.write_address.eq(address[4]),
            ]
        if config.residual_memory:
            m.submodules.residual_memory = residual = ResidualMemory(config)
            blocks.append(residual)
            m.d.comb += [
                residual.advance.eq(advance),
                residual.read.eq(buffer.read),
                residual.read_address.eq(address[3]),
                residual.difference.eq(point.difference),
                residual.used.eq(point.in_use),
                residual.accumulate.eq(self.settings.accumulate),
                residual.write.eq(valid[6]),
                residual.write_address.eq(address[6]),
                offer.residual_in.eq(delayed(m, residual.residual, 4, advance, "residual")),
                self.writes.residual.eq(offer.residual_out),
            ]
        for block in blocks:
            m.d.comb += [block.clear.eq(self.clear), block.clear_address.eq(self.clear_address)]
            if config.self_test:
                connect(m, block.inject, flipped(self.inject))
        if isinstance(point, SymmetricPoint):
            fresh = delayed(m, point.fresh, 6, advance, "fresh")
            shown = Cat(Mux(point.in_use[lane], point.reference[lane], 0) for lane in range(lanes))
            reference = delayed(m, shown, 6, advance, "reference")
            m.d.comb += [offer.latch_in.eq(fresh), offer.reference_in.eq(reference)]
        m.d.comb += [
            offer.arrives.eq(buffer.load),
            offer.column_in.eq(Mux(self.programming, self.program_column, self.column)),
            offer.beat_in.eq(beat),
            offer.pulses_in.eq(buffer.pulses),
            offer.last_in.eq(~more & (beat + 1 == taken)),
        ]
        # What is not offer.room: the counters choose by it, and a register of theirs can be near them.
        with m.If(~offer.valid | self.writes.ready):
            m.d.sync += self.two.eq(0)
        with m.Elif(buffer.load):
            m.d.sync += self.two.eq(1)
        if config.parity:
            wrong = buffer.wrong | residual.wrong if config.residual_memory else buffer.wrong
            told = valid[6] & wrong
            if isinstance(point, SymmetricPoint):
                told = (valid[3] & point.wrong) | told
            m.d.sync += self.memory_error.eq(advance & told)
        with m.If(buffer.load):
            m.d.sync += self.amount.eq(buffer.amount)
        with m.If(buffer.load):
            m.d.sync += [
                self.hidden_saturated.eq(self.hidden_saturated | buffer.saturated),
                self.pulses_clamped.eq(self.pulses_clamped | buffer.clamped),
            ]
        return m
