# SPDX-License-Identifier: Apache-2.0
"""Formal properties of the whole tile: its blocks keep each other's contracts, and it never gets stuck by itself.

Of a memory a beat gets any word.
"""

from __future__ import annotations

from functools import partial

from amaranth.hdl import Assert, Const, Mux, Signal, Value

from symtrack.cosim.formal import contracts as rules
from symtrack.cosim.formal.contracts import Beats, Rule, State, TwoBeats
from symtrack.cosim.formal.path_properties import in_order, in_turn
from symtrack.cosim.formal.sby import Checked
from symtrack.hdl.tile.tile import Tile
from symtrack.model.spec.config import BEAT_LATENCY, TileConfig

STATES = ("clear", "idle", "load", "pulse", "shift", "read", "stream")


def _tile() -> Checked:
    """A small tile with the relations between its blocks that an induction needs."""
    config = TileConfig(rows=3, columns=2, lanes=2, adc_bits=2, reference_fraction_bits=2, gain_bits=1, bl_max=3)
    config = config.replace(threshold_shift=1, hidden_bits=4, pulses_max=1, magnitude_bits=1, momentum_bits=1)
    config = config.replace(chopper_period=1, row_chopper=1, programmer=1, counter_bits=8, residual_memory=1)
    checked = Checked(Tile(config), any_words=True)
    m, state, blocks = checked.module, checked.state, checked.blocks
    point, buffer = blocks["transfer.symmetric_point"], blocks["transfer.hidden_buffer"]
    residual = blocks["transfer.residual_memory"]
    first, second = Beats(m, point.advance, point.accept, 0, 4), Beats(m, buffer.advance, buffer.read, 3, 10)
    third = Beats(m, residual.advance, residual.read, 3, 6)
    last = TwoBeats(m, buffer.load, checked.component.writes.ready, buffer.amount)
    kept: dict[str, Rule] = {
        "sequencer": rules.sequencer,
        "update": rules.update,
        "update.quadrants": rules.quadrants,
        "update.zero_shift": rules.zero_shift,
        "transfer": rules.transfer,
        "transfer.symmetric_point": partial(rules.symmetric_point, beats=first),
        "transfer.hidden_buffer": partial(rules.hidden_buffer, beats=second),
        "transfer.residual_memory": partial(rules.residual_memory, beats=third),
        "update.offer": rules.register_slice,
        "transfer.offer": rules.register_slice,
        "chopper": rules.chopper,
        "counters": partial(rules.counters, beats=last),
        "update.rows": rules.random_source,
        "update.columns": rules.random_source,
        "chopper.source": rules.random_source,
        "chopper.rows": rules.random_source,
        "transfer.hidden_buffer.dither": rules.random_source,
    }
    for path, rule in (*kept.items(), ("transfer", in_order), ("update", in_turn)):
        checked.keeps(rule, path)
    for beats in (first, second, third):
        for stage in list(beats.valid)[1:]:
            m.d.comb += Assert(beats.valid[stage] == state[f"transfer.valid_{stage}"])
    m.d.comb += [
        Assert(last.valid == state["transfer.offer.valid"]),
        Assert(last.waits == ~state["transfer.offer.room"]),
    ]
    # A wrong word is reported a cycle after its beat has gone on, whatever the operation.
    wrong = Signal()
    stages = (first.valid[3] & point.wrong) | (second.valid[6] & (buffer.wrong | residual.wrong))
    m.d.sync += wrong.eq(point.advance & stages)
    m.d.comb += Assert(checked.component.status.memory_error == wrong)
    works = ~state["sequencer.idle"] & ~state["sequencer.clear"]
    m.d.comb += Assert(~works | (blocks["chopper"].column <= state["used_lines.last_column"]))
    m.d.comb += Assert(sum(state[f"sequencer.{name}"] for name in STATES) == 1)
    return checked


def neighbours() -> Checked:
    """Property of the tile: every contract that proofs of its blocks assume holds in it, whatever its own neighbours
    do.
    """
    return _tile()


def ends() -> Checked:
    """Property of the tile: in every cycle it waits for a neighbour with no more work left than before, or has less
    left.
    """
    checked = _tile()
    m, state, dut = checked.module, checked.state, checked.component
    config: TileConfig = dut.config
    update, transfer = checked.of("update"), checked.of("transfer")
    age = update["age"]
    # A slot or a beat that has not begun, and those on their way, weigh by how many moves they have to make.
    slots = 4 * _to_choose(checked) + 3 * update["slot_valid"] + 2 * update["compared_valid"] + _held(update)
    slots += len(age) - sum(age)
    column_beats, row_beats = _beats(checked)
    beats = (BEAT_LATENCY + 2) * (row_beats - transfer["taken"]) + _held(transfer)
    beats += sum((BEAT_LATENCY + 1 - stage) * valid for stage, valid in _stages(transfer))
    work = {
        "clear": config.depth - state["sequencer.clear_address"],
        "load": Mux(update["rows_next"], row_beats, column_beats + row_beats) - update["beat"],
        "pulse": slots,
        "shift": slots,
        "read": Const(0),
        "stream": beats,
    }
    waits = {
        "clear": Const(0),
        "load": ~dut.vectors.valid,
        "pulse": dut.pulses.valid & ~dut.pulses.ready,
        "shift": dut.pulses.valid & ~dut.pulses.ready,
        "read": ~dut.read.ready,
        "stream": (dut.writes.valid & ~dut.writes.ready) | (dut.codes.ready & ~dut.codes.valid),
    }
    for name, rest in work.items():
        now = state[f"sequencer.{name}"]
        was, waited = Signal(name=f"was_{name}"), Signal(name=f"waited_{name}")
        before = Signal(rest.shape(), name=f"before_{name}")
        fresh = ~age[0] if rest is slots else Const(0)  # its slots are counted from its second cycle on
        m.d.sync += [was.eq(now & ~fresh), waited.eq(waits[name]), before.eq(rest)]
        less = Signal(name=f"less_{name}")
        m.d.comb += [less.eq(~(was & now) | (rest < before) | (waited & (rest == before))), Assert(less)]
    return checked


def all_leave() -> Checked:
    """Property of the tile: as many slots leave as quadrants or calibration ask for, and as many beats as a column has.

    Quadrants are those that line registers report. `cosim.formal.path_properties` tells which slots and beats these
    are.
    """
    checked = _tile()
    m, state, dut = checked.module, checked.state, checked.component
    update, transfer = checked.of("update"), checked.of("transfer")
    x, delta = checked.blocks["update.x"], checked.blocks["update.delta"]
    quadrants = (x.any_positive + x.any_negative) * (delta.any_positive + delta.any_negative)
    asked = Mux(state["sequencer.shift"], checked.blocks["update"].zero_shifts, quadrants * state["sequencer.bl"])
    slots = _to_choose(checked) + update["slot_valid"] + update["compared_valid"] + _held(update)
    _, row_beats = _beats(checked)
    beats = row_beats - transfer["taken"] + sum(valid for _, valid in _stages(transfer)) + _held(transfer)
    age = update["age"]
    plays = state["sequencer.pulse"] | state["sequencer.shift"]
    for name, left, first, now, port in (
        ("slots", slots, asked, plays & age[0], dut.pulses),
        ("beats", beats, row_beats, state["sequencer.stream"], dut.writes),
    ):
        was, leaves = Signal(name=f"{name}_were_there"), Signal(name=f"{name}_left")
        before = Signal(left.shape(), name=f"{name}_before")
        m.d.sync += [was.eq(now), leaves.eq(port.valid & port.ready), before.eq(left)]
        m.d.comb += [
            Assert(~now | was | (left == first)),
            Assert(~(now & was) | (left + leaves == before)),
            Assert(~was | now | (before == leaves)),
        ]
    return checked


def _beats(checked: Checked) -> tuple[Value, Value]:
    """The number of beats of the columns and of the rows in use."""
    config: TileConfig = checked.component.config
    lines, lanes = checked.of("used_lines"), config.lanes
    last_column, last_row = lines["last_column"], lines["last_row"]
    return rules.beats_up_to(last_column, config.columns, lanes), rules.beats_up_to(last_row, config.rows, lanes)


def _to_choose(checked: Checked) -> Value:
    """The number of slots of an update or a calibration that have not been chosen yet."""
    update, bl = checked.of("update"), checked.state["sequencer.bl"]
    left = update["quadrants.left"]
    checked.module.d.comb += Assert(~left.any() | (update["quadrants.slots"] < bl))
    return Mux(
        checked.state["sequencer.shift"],
        Mux(update["zero_shift.pending"], update["zero_shift.left"] + 1, 0),
        Mux(left.any(), update["quadrants.slots"] + 1 + (sum(left, Const(0)) - 1) * bl, 0),
    )


def _stages(transfer: State) -> list[tuple[int, Value]]:
    """For each stage between the codes and the register slice, whether there is a beat in it."""
    return [(stage, transfer[f"valid_{stage}"]) for stage in range(1, BEAT_LATENCY)]


def _held(path: State) -> Value:
    """The number of beats in the register slice of a path."""
    return path["offer.valid"] + ~path["offer.room"]
