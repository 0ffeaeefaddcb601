# SPDX-License-Identifier: Apache-2.0
"""Formal properties of the update path (polarity of every slot) and of the transfer path (address of every beat)."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from amaranth.hdl import Assert, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data

from symtrack.cosim.formal import contracts as rules
from symtrack.cosim.formal.sby import Checked
from symtrack.hdl.tile.transfer import TransferPath
from symtrack.hdl.tile.update import SLOT, UpdatePath
from symtrack.model.spec.config import BEAT_LATENCY, TileConfig


def polarity() -> Checked:
    """Property of updates: in a slot only lines of the signs of its quadrant fire, and `up` is what these signs say.

    Signs are those of the beats of x and δ, times c and c' as they were when the command began, except for updates of
    W; line registers report those of lines in use that come with a magnitude. In a slot of zero-shifting all lines in
    use fire, and others never do.
    """
    config = TileConfig(rows=3, columns=3, lanes=2, magnitude_bits=2, bl_max=3, row_chopper=1)
    dut: Any = UpdatePath(config)
    checked = Checked(dut)
    checked.assume(rules.update)
    m, state = checked.module, checked.state

    last_column, _ = rules.last_in_use(m, dut.start, dut.coming_column, config.columns)
    x_beats = rules.beats_up_to(last_column, config.columns, config.lanes)
    beats = x_beats + rules.beats_up_to(dut.last_row, config.rows, config.lanes)
    number = Signal(range(config.column_beats + config.row_beats))  # of the beat that comes next
    ends = (number == x_beats - 1) | (number == beats - 1)
    left = Mux(number >= x_beats, dut.last_row, last_column) - state["beat"] * config.lanes
    accept = dut.vectors.valid & dut.vectors.ready
    with m.If(accept):
        m.d.sync += number.eq(Mux(number == beats - 1, 0, number + 1))
    m.d.comb += [
        Assert(dut.used_columns + 1 == 2 << last_column),
        Assert(~dut.load | (number < beats)),
        Assert(~dut.load | (state["left"] == left)),
        Assert(~dut.load | (state["used"] == Cat(left >= lane for lane in range(config.lanes)))),
        Assert(dut.load | (number == 0)),
        Assert(state["rows_next"] == (number >= x_beats)),
        Assert(state["beat"] == Mux(number >= x_beats, number - x_beats, number)),
        Assert(~dut.load | (state["end_of_side"] == ends)),
        Assert(dut.loaded == (accept & (number == beats - 1))),
    ]
    negative = {}
    sides = (
        ("x", config.columns, Const(0), dut.signs, dut.used_columns),
        ("delta", config.rows, x_beats, dut.row_signs, dut.used_rows),
    )
    for side, lines, first, signs, used in sides:
        c = Signal(lines, name=f"c_{side}", reset_less=True)
        with m.If(dut.start):
            m.d.sync += c.eq(signs)
        negative[side] = Signal(lines, name=f"negative_{side}", reset_less=True)
        found, reported = [], checked.blocks[side]
        for line in range(lines):
            beat, lane = divmod(line, config.lanes)
            comes = accept & (number == first + beat) & ((number >= x_beats) == (side == "delta"))
            sign = dut.vectors.negative[lane] ^ (c[line] & ~dut.slow)
            found.append(Mux(comes & used[line] & dut.vectors.magnitude[lane].any(), Cat(~sign, sign), 0))
            with m.If(comes):
                m.d.sync += negative[side][line].eq(sign)
        there = Signal(2, name=f"signs_of_{side}")
        m.d.sync += there.eq(Mux(dut.start, 0, reduce(or_, found, there)))
        m.d.comb += [
            Assert(state[f"{side}.stored_negative"] == negative[side]),
            Assert(Cat(reported.any_positive, reported.any_negative) == there),
        ]
        # What is left of c for the beats of this side that come.
        for come in range(-(-lines // config.lanes)):
            awaited = number == first + come if come else number <= first
            m.d.comb += Assert(~(dut.load & awaited) | (state[f"{side}.flips"] == c >> config.lanes * come))

    def right(shift: Value, rows: Value, columns: Value, quadrant: Value, up: Value) -> Value:
        return (up == quadrant.xor()) & Mux(
            shift,
            (rows == dut.used_rows) & (columns == dut.used_columns),
            ~(rows & ~signed(0, quadrant[1])).any() & ~(columns & ~signed(1, quadrant[0])).any(),
        )

    def signed(side: int, sign: Value) -> Value:
        """The lines of rows (0) or of columns (1) in use of a sign."""
        lines, used = (negative["delta"], dut.used_rows) if side == 0 else (negative["x"], dut.used_columns)
        return used & (lines ^ ~sign.replicate(len(used)))

    slot, compared = (data.View(SLOT, state[name]) for name in ("slot", "compared"))
    valid, room = state["offer.valid"], state["offer.room"]
    for name, every, matching in (
        ("row_trains", dut.used_rows, signed(0, compared.quadrant[1])),
        ("column_trains", dut.used_columns, signed(1, compared.quadrant[0])),
    ):
        enabled = Mux(compared.shift, every, matching)
        m.d.comb += Assert(~state["compared_valid"] | (state[f"{name}.enabled"] == enabled))
    # Which of the slots on offer and waiting are of zero-shifting.
    offered, waiting, free = Signal(), Signal(), ~valid | dut.pulses.ready
    with m.If(free & (state["compared_valid"] | ~room)):
        m.d.sync += offered.eq(Mux(room, compared.shift, waiting))
    with m.If(room):
        m.d.sync += waiting.eq(compared.shift)
    out = dut.pulses
    spare = (Value.cast(state[f"offer.spare_{name}"]) for name in ("rows", "columns", "quadrant", "up"))
    m.d.comb += [
        Assert(~state["slot_valid"] | slot.shift | (slot.up == slot.quadrant.xor())),
        Assert(~(state["slot_valid"] & state["draws_sign"]) | slot.shift),
        Assert(~state["compared_valid"] | (compared.up == compared.quadrant.xor())),
        Assert(~valid | right(offered, Value.cast(out.rows), Value.cast(out.columns), out.quadrant, out.up)),
        Assert(room | right(waiting, *spare)),
        Assert(room | valid),
    ]
    return checked


def in_turn(m: Module, dut: Any, state: rules.State) -> list[Value]:
    """Property of updates: beats of vectors are counted; slots come without a gap up to the last, which is marked."""
    config, beat, rows_next = dut.config, state["beat"], state["rows_next"]
    last_column, _ = rules.last_in_use(m, dut.start, dut.coming_column, config.columns)
    last_line = Mux(rows_next, dut.last_row, last_column)
    last_beat = rules.beats_up_to(last_line, max(config.rows, config.columns), config.lanes) - 1
    slot, compared = (data.View(SLOT, state[name]) for name in ("slot", "compared"))
    room, age, empty, plays = state["offer.room"], state["age"], state["empty"], dut.run | dut.shift
    pending = Mux(dut.shift, state["zero_shift.pending"], state["quadrants.left"].any())
    younger, result = pending, []
    for there, last in (
        (state["slot_valid"], slot.last),
        (state["compared_valid"], compared.last),
        (~room, state["offer.spare_last"]),
        (state["offer.valid"], state["offer.last_out"]),
    ):
        result.append(~there | (last == ~younger))
        younger |= there
    return [
        *result,
        dut.used_columns + 1 == 2 << last_column,
        beat <= last_beat,
        ~dut.load | (state["end_of_side"] == (beat == last_beat)),
        ~dut.load | (state["left"] == last_line - beat * config.lanes),
        dut.load | ~(beat.any() | rows_next),
        plays | ~(younger | age.any() | state["zero_shift.pending"] | state["quadrants.left"].any()),
        age[0] | ~younger,
        *(~age[k + 1] | age[k] for k in range(len(age) - 1)),
        ~(age[0] & ~younger) | ~age[1] | empty,
        ~(age[1] & empty) | ~younger,
        dut.run | ~state["quadrants.left"].any(),
        dut.shift | ~state["zero_shift.pending"],
        room | state["offer.valid"],
    ]


def in_order(m: Module, dut: Any, state: rules.State) -> list[Value]:
    """Property of transfers: beats in the stages are in order and of one column, and counts are those of the beats."""
    config: TileConfig = dut.config
    taken, left = state["taken"], dut.last_row - state["taken"] * config.lanes
    beats = rules.beats_up_to(dut.last_row, config.rows, config.lanes)
    first = Mux(dut.programming, dut.program_column * config.row_beats, state["base"])
    valid = [state[f"valid_{stage}"] for stage in range(1, BEAT_LATENCY)] + [state["hidden_buffer.written"]]
    address = [state[f"address_{stage}"] for stage in range(1, BEAT_LATENCY + 1)]
    number = [state[f"beat_{stage}"] for stage in range(1, BEAT_LATENCY)]
    offered, room = state["offer.valid"], state["offer.room"]
    gone = Signal(range(config.row_beats + 1))  # beats of this read that were taken out
    with m.If(dut.finished):
        m.d.sync += gone.eq(0)
    with m.Elif(dut.writes.valid & dut.writes.ready):
        m.d.sync += gone.eq(gone + 1)
    inside = sum(valid[:-1], Value.cast(offered)) + ~room
    last = Signal(range(config.depth + 1))
    m.d.comb += last.eq(first + gone + offered + ~room)
    result = [
        ~(dut.run & state["more"]) | (state["entering"] == first + taken),
        ~(dut.run & state["more"]) | ((state["left"] == left) & (state["last"] == (left < config.lanes))),
        taken == inside + gone,
        taken <= beats,
        ~dut.run | (state["more"] == (taken != beats)),
        dut.run | state["more"],
        room | offered,
        ~offered | (state["offer.last_out"] == (gone == beats - 1)),
        room | (state["offer.spare_last"] == (gone == beats - 2)),
        ~valid[-1] | (address[-1] + 1 == last),
    ]
    for stage in range(BEAT_LATENCY - 1):
        later = sum(valid[stage + 1 : -1], Const(0))
        result += [
            ~valid[stage] | (address[stage] == last + later),
            ~valid[stage] | (number[stage] == address[stage] - first),
        ]
    return result


def hazards() -> Checked:
    """Property of the memories: none is read at an address in the cycle that writes it."""
    config = TileConfig(
        rows=3, columns=2, lanes=1, adc_bits=2, reference_fraction_bits=2, gain_bits=1, threshold_shift=1
    )
    config = config.replace(hidden_bits=4, pulses_max=1, magnitude_bits=2, momentum_bits=1, programmer=1)
    config = config.replace(residual_memory=1)
    dut: Any = TransferPath(config)
    checked = Checked(dut)
    checked.assume(rules.transfer)
    m, state = checked.module, checked.state
    m.d.comb += [Assert(one) for one in in_order(m, dut, state)]
    enters = dut.codes.valid & dut.codes.ready
    address = [state[f"address_{stage}"] for stage in range(1, BEAT_LATENCY + 1)]
    m.d.comb += [
        Assert(~(enters & state["valid_4"]) | (state["entering"] != address[3])),  # Q and Qref
        Assert(~(state["valid_3"] & state["hidden_buffer.written"]) | (address[2] != address[-1])),  # H
        Assert(~(state["valid_3"] & state["valid_6"]) | (address[2] != address[5])),  # D
        Assert(~(dut.clear & (enters | state["valid_3"]))),
    ]
    return checked
