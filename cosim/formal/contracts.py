"""Assume–guarantee contracts between the blocks of the tile, for the formal proofs.

Each function takes the module with the proof, where it may add registers, the block, and the block's registers by their
path in it; and gives what must be true in every cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value

State = Mapping[str, Signal]
Rule = Callable[[Module, Any, State], list[Value]]


class Beats:
    """Beats on their way through stages. ``valid``: by stage, whether there is one."""

    def __init__(self, m: Module, advance: Value, enters: Value, first: int, last: int) -> None:
        self.m, self.advance = m, advance
        self.valid = {first: enters}
        for stage in range(first + 1, last + 1):
            self.valid[stage] = Signal(name=f"valid_in_{stage}")
            with m.If(advance):
                m.d.sync += self.valid[stage].eq(self.valid[stage - 1])

    def carried(self, value: Value, name: str, first: int, last: int) -> dict[int, Value]:
        """``value``, which a beat has in stage ``first``, in this and the later stages."""
        result = {first: value}
        for stage in range(first + 1, last + 1):
            result[stage] = Signal(value.shape(), name=f"{name}_in_{stage}", reset_less=True)
            with self.m.If(self.advance):
                self.m.d.sync += result[stage].eq(result[stage - 1])
        return result

    def any(self) -> Value:
        """There is one in any of the stages."""
        return reduce(or_, self.valid.values())


class TwoBeats:
    """Beats at a `hdl.parts.register_slice`: the one on offer and one that waits, the last that came, and their
    sizes.
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


def sequencer(m: Module, dut: Any, state: State) -> list[Value]:
    """The work of a state ends in this state, that of SHIFT not in its first cycle."""
    shifted = Signal()
    m.d.sync += shifted.eq(state["shift"])
    return [
        ~dut.loaded | state["load"],
        ~dut.pulsed | state["pulse"] | (state["shift"] & shifted),
        ~dut.streamed | state["stream"],
    ]


def update(m: Module, dut: Any, state: State) -> list[Value]:
    """One thing at a time: a command begins when nothing is done; all of its vectors are loaded before its slots."""
    busy = state["slot_valid"] | state["compared_valid"] | state["offer.valid"] | ~state["offer.room"]
    plays = dut.run | dut.shift
    began, loads = Signal(), Signal()  # a command began a cycle ago; more vectors are awaited
    m.d.sync += [began.eq(dut.start), loads.eq(dut.load & ~dut.loaded)]
    return [
        ~(dut.load & (plays | busy)),
        ~(dut.run & dut.shift),
        ~(dut.start & (dut.load | plays | busy)),
        ~dut.load | began | loads,
        ~loads | dut.load,
    ]


def transfer(m: Module, dut: Any, state: State) -> list[Value]:
    """READ is between two reads and STREAM lasts until all beats are out; columns are counted as in the chopper."""
    finished, entered = Signal(init=1), Signal()  # a read finished a cycle ago; there was a read
    what = Cat(dut.programming, dut.program_column)
    before = Signal(len(what), name="programming_before")
    m.d.sync += [finished.eq(dut.finished), entered.eq(entered | dut.run), before.eq(what)]
    return [
        ~(dut.run & finished),
        dut.run | (state["taken"] == 0),
        dut.column * dut.config.row_beats == state["base"],
        ~(dut.clear & (dut.run | entered)),
        dut.program_column < dut.config.columns,
        ~dut.run | (what == before),
    ]


def chopper(m: Module, dut: Any, _state: State) -> list[Value]:
    """A read finishes in the third cycle after another or a reset at the earliest; words are not drawn near that."""
    before, reset, drawn = Signal(2), Signal(2, init=0b11), Signal()
    m.d.sync += [before.eq(Cat(dut.finish, before)), reset.eq(reset << 1), drawn.eq(dut.draw)]
    return [~(dut.finish & (before | reset).any()), ~(dut.finish & drawn), ~(dut.draw & before[0])]


def stand_still(m: Module, settings: Sequence[Value], beats: Value) -> Value:
    """Settings change only where no beat is or enters, so they have stood for a cycle before one does."""
    now = Cat(settings)
    before = Signal(len(now), name="settings_before", reset_less=True)
    m.d.sync += before.eq(now)
    return ~beats | (now == before)


def symmetric_point(m: Module, dut: Any, _state: State, beats: Beats | None = None) -> list[Value]:
    """A beat enters only where all move, and its words are written in stage 4. beats: those of the proof."""
    beats = beats or Beats(m, dut.advance, dut.accept, 0, 4)
    return [
        ~dut.accept | dut.advance,
        dut.write == beats.valid[4],
        stand_still(m, [dut.mode, dut.filter], beats.any()),
    ]


def hidden_buffer(m: Module, dut: Any, _state: State, beats: Beats | None = None) -> list[Value]:
    """Words are read where all move; a beat is rounded in stage 5 and leaves stage 10. beats: those of the proof."""
    beats = beats or Beats(m, dut.advance, dut.read, 3, 10)
    loaded = Signal()  # the beat in stage 11 is there for the first cycle
    m.d.sync += loaded.eq(dut.load)
    names = ("direct", "gain", "forget", "momentum", "accumulate", "programming", "last_round", "tolerance")
    return [
        ~dut.read | dut.advance,
        dut.step == (beats.valid[5] & dut.advance),
        dut.load == (beats.valid[10] & dut.advance),
        stand_still(m, [getattr(dut, name) for name in names], beats.any() | loaded),
    ]


def quadrants(m: Module, dut: Any, _state: State) -> list[Value]:
    """Slots are taken where there are some; BL stays while they are."""
    before = Signal.like(dut.bl, name="bl_before")
    m.d.sync += before.eq(dut.bl)
    return [~dut.issue | dut.pending, ~dut.pending | (dut.bl == before)]


def zero_shift(_m: Module, dut: Any, _state: State) -> list[Value]:
    """At least one slot is asked for, and slots are taken where there are some."""
    return [~dut.begin | dut.pulses.any(), ~dut.issue | dut.pending]


def register_slice(_m: Module, dut: Any, _state: State) -> list[Value]:
    """A beat comes only where there is room."""
    return [~dut.arrives | dut.room]


def counters(_m: Module, dut: Any, _state: State, beats: TwoBeats) -> list[Value]:
    """Writes are counted as they leave; Σ|n| is that of the last one that came."""
    return [
        ~(beats.arrives & beats.waits),
        dut.amount == beats.last,
        dut.two == beats.two,
        dut.write == (beats.valid & beats.ready),
    ]
