# SPDX-License-Identifier: Apache-2.0
"""Assume–guarantee contracts between the blocks of the tile, for the formal proofs.

Each function takes the module with the proof, where it may add registers, the block, and the block's registers by their
path in it; and gives what must be true in every cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

State = Mapping[str, Signal]
Rule = Callable[[Module, Any, State], list[Value]]


class Beats:
    """Follows beats through the stages of a pipeline: ``valid[stage]`` says whether there is a beat in a stage."""

    def __init__(self, m: Module, advance: Value, enters: Value, first: int, last: int) -> None:
        self.m, self.advance = m, advance
        self.valid = {first: enters}
        for stage in range(first + 1, last + 1):
            self.valid[stage] = Signal(name=f"valid_in_{stage}")
            with m.If(advance):
                m.d.sync += self.valid[stage].eq(self.valid[stage - 1])

    def carried(self, value: Value, name: str, first: int, last: int) -> dict[int, Value]:
        """``value``, which a beat has in stage ``first``, in this stage and all later ones."""
        result = {first: value}
        for stage in range(first + 1, last + 1):
            result[stage] = Signal(value.shape(), name=f"{name}_in_{stage}", reset_less=True)
            with self.m.If(self.advance):
                self.m.d.sync += result[stage].eq(result[stage - 1])
        return result

    def any(self) -> Value:
        """There is a beat in at least one stage."""
        return reduce(or_, self.valid.values())


class TwoBeats:
    """Follows the two beats that a `hdl.parts.register_slice` can hold, and their sizes.

    ``offered`` is the size of the beat on offer, ``waiting`` that of the one in the spare register, ``last`` that of
    the newest one.
    """

    def __init__(self, m: Module, arrives: Value, ready: Value, size: Value) -> None:
        self.arrives, self.ready = arrives, ready
        self.valid, self.waits, self.two = (Signal(name=name) for name in ("valid_beat", "waits", "two_there"))
        self.offered, self.waiting, self.last = (
            Signal.like(size, name=name) for name in ("offered", "waiting", "last")
        )
        with m.If(arrives):
            m.d.sync += [self.last.eq(size), self.waiting.eq(size)]
        with m.If(~self.valid | ready):
            m.d.sync += [self.valid.eq(arrives | self.waits), self.waits.eq(0), self.two.eq(0)]
            m.d.sync += self.offered.eq(Mux(self.waits, self.waiting, size))
        with m.Elif(arrives):
            m.d.sync += [self.waits.eq(1), self.two.eq(1)]


def beats_up_to(last: Value, lines: int, lanes: int) -> Value:
    """The number of beats of the lines up to the ``last``."""
    return sum((last >= first for first in range(lanes, lines, lanes)), Const(1))


def last_in_use(m: Module, start: Value, coming: Value, lines: int) -> tuple[Signal, Value]:
    """A register of the last line of the operation in work, which ``coming`` tells with ``start``; and its bound."""
    last = Signal(len(coming), name="last_in_use", init=lines - 1)
    with m.If(start):
        m.d.sync += last.eq(coming)
    return last, coming < lines


def sequencer(m: Module, dut: Any, state: State) -> list[Value]:
    """Contract of the sequencer: what ends a state comes only in that state, and in SHIFT not in its first cycle; the
    last column in use is told with a command and after it.
    """
    shifted = Signal()
    m.d.sync += shifted.eq(state["shift"])
    last, bound = last_in_use(m, dut.start, dut.coming_column, dut.config.columns)
    return [
        bound,
        dut.last_column == last,
        ~dut.loaded | state["load"],
        ~dut.pulsed | state["pulse"] | (state["shift"] & shifted),
        ~dut.streamed | state["stream"],
    ]


def update(m: Module, dut: Any, state: State) -> list[Value]:
    """Contract of the update path: it gets a command only when idle, and all vectors are loaded before slots begin;
    lines in use are told with a command, or from the next cycle on, and stay.
    """
    busy = state["slot_valid"] | state["compared_valid"] | state["offer.valid"] | ~state["offer.room"]
    plays = dut.run | dut.shift
    began, loads = Signal(), Signal()  # a command began a cycle ago; more vectors are awaited
    m.d.sync += [began.eq(dut.start), loads.eq(dut.load & ~dut.loaded)]
    last_column, bound = last_in_use(m, dut.start, dut.coming_column, dut.config.columns)
    row_before = Signal(len(dut.last_row), name="row_before", init=dut.config.rows - 1)
    m.d.sync += row_before.eq(dut.last_row)
    return [
        bound,
        dut.last_row < dut.config.rows,
        began | (dut.last_row == row_before),
        dut.used_columns + 1 == 2 << last_column,
        dut.used_rows + 1 == 2 << dut.last_row,
        ~(dut.load & (plays | busy)),
        ~(dut.run & dut.shift),
        ~(dut.start & (dut.load | plays | busy)),
        ~dut.load | began | loads,
        ~loads | dut.load,
    ]


def transfer(m: Module, dut: Any, state: State) -> list[Value]:
    """Contract of the transfer path: READ lies between two reads, STREAM lasts until all beats are out, columns are
    counted as in the chopper, and rows in use stay.
    """
    finished, entered = Signal(init=1), Signal()  # a read finished a cycle ago; there was a read
    restarted = Signal(name="restarted_before")
    m.d.sync += restarted.eq(dut.restart)
    what = Cat(dut.programming, dut.program_column, dut.last_row)
    before = Signal(len(what), name="programming_before")
    m.d.sync += [finished.eq(dut.finished), entered.eq(entered | dut.run), before.eq(what)]
    return [
        ~(dut.run & finished),
        dut.run | (state["taken"] == 0),
        dut.column * dut.config.row_beats == state["base"],
        ~(dut.clear & (dut.run | entered)),
        ~(dut.run & (dut.restart | restarted)),
        dut.last_row < dut.config.rows,
        dut.program_column < dut.config.columns,
        ~dut.run | (what == before),
    ]


def chopper(m: Module, dut: Any, _state: State) -> list[Value]:
    """Contract of the choppers: reads finish three cycles or more after another or a reset; no word is drawn, no state
    loaded, and no other column comes, near; the column is in use.
    """
    before, reset, drawn = Signal(2), Signal(2, init=0b11), Signal()
    m.d.sync += [before.eq(Cat(dut.finish, before)), reset.eq(reset << 1), drawn.eq(dut.draw | dut.load_seed)]
    restarted, last = Signal(), Signal(len(dut.last_column), name="last_before")
    m.d.sync += [restarted.eq(dut.restart), last.eq(dut.last_column)]
    return [
        ~(dut.finish & (dut.restart | restarted)),
        ~dut.finish | ((dut.last_column == last) & (dut.column <= last)),
        dut.last_column < dut.config.columns,
        ~(dut.finish & (before | reset).any()),
        ~(dut.finish & drawn),
        ~((dut.draw | dut.load_seed) & before[0]),
    ]


def stand_still(m: Module, settings: Sequence[Value], beats: Value) -> Value:
    """Contract on settings: they change only without beats in the pipeline, and a cycle before one enters at least."""
    now = Cat(settings)
    before = Signal(len(now), name="settings_before", reset_less=True)
    m.d.sync += before.eq(now)
    return ~beats | (now == before)


def symmetric_point(m: Module, dut: Any, _state: State, beats: Beats | None = None) -> list[Value]:
    """Contract of the symmetric-point accumulator: a beat enters only when all stages move, and is written in stage 4.

    ``beats`` are those that the proof follows already, if it does.
    """
    beats = beats or Beats(m, dut.advance, dut.accept, 0, 4)
    return [
        ~dut.accept | dut.advance,
        dut.write == beats.valid[4],
        stand_still(m, [dut.mode, dut.filter], beats.any()),
    ]


def hidden_buffer(m: Module, dut: Any, _state: State, beats: Beats | None = None) -> list[Value]:
    """Contract of the hidden buffer: all stages move at reads, the dither steps in stage 5, and beats leave stage 10; d
    of a lane that is not in use is 0.

    ``beats`` are those that the proof follows already, if it does.
    """
    beats = beats or Beats(m, dut.advance, dut.read, 3, 10)
    loaded = Signal()  # the beat in stage 11 is there for the first cycle
    m.d.sync += loaded.eq(dut.load)
    names = ("direct", "gain", "forget", "momentum", "accumulate", "programming", "last_round", "tolerance")
    return [
        ~dut.read | dut.advance,
        dut.step == (beats.valid[5] & dut.advance),
        dut.load == (beats.valid[10] & dut.advance),
        stand_still(m, [getattr(dut, name) for name in names], beats.any() | loaded),
        *(~beats.valid[4] | dut.used[lane] | (d == 0) for lane, d in enumerate(dut.difference)),
    ]


def residual_memory(m: Module, dut: Any, _state: State, beats: Beats | None = None) -> list[Value]:
    """Contract of the residual memory: all stages move at reads, and a beat is written in stage 6.

    ``beats`` are those that the proof follows already, if it does.
    """
    beats = beats or Beats(m, dut.advance, dut.read, 3, 6)
    return [
        ~dut.read | dut.advance,
        dut.write == beats.valid[6],
        stand_still(m, [dut.accumulate], beats.any()),
    ]


def quadrants(m: Module, dut: Any, _state: State) -> list[Value]:
    """Contract of the quadrants: slots are taken only while some are pending, and BL is stable meanwhile."""
    before = Signal.like(dut.bl, name="bl_before")
    m.d.sync += before.eq(dut.bl)
    return [~dut.issue | dut.pending, ~dut.pending | (dut.bl == before)]


def zero_shift(_m: Module, dut: Any, _state: State) -> list[Value]:
    """Contract of zero-shifting: at least one slot is asked for, and slots are taken only while some are pending."""
    return [~dut.begin | dut.pulses.any(), ~dut.issue | dut.pending]


def register_slice(_m: Module, dut: Any, _state: State) -> list[Value]:
    """Contract of a register slice: a beat arrives only where there is room."""
    return [~dut.arrives | dut.room]


def random_source(_m: Module, dut: Any, _state: State) -> list[Value]:
    """Contract of random sources and banks of them: none steps in a cycle in which states are loaded."""
    return [~(dut.load & dut.advance)]


def seeds(m: Module, stream: Any) -> list[Value]:
    """Contract of a stream of seeds: a seed that is not taken stays on offer."""
    waits, before = Signal(name="seed_waited"), Signal.like(stream.state, name="seed_before")
    m.d.sync += [waits.eq(stream.valid & ~stream.ready), before.eq(stream.state)]
    return [~waits | (stream.valid & (stream.state == before))]


def counters(_m: Module, dut: Any, _state: State, beats: TwoBeats) -> list[Value]:
    """Contract of the counters: a write is counted when it leaves, and Σ|n| is that of the newest beat."""
    return [
        ~(beats.arrives & beats.waits),
        dut.amount == beats.last,
        dut.two == beats.two,
        dut.write == (beats.valid & beats.ready),
    ]
