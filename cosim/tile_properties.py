"""What is proved of the tile: its blocks keep to the rules that proofs of single ones assume; it never stops by itself.

Of a memory a beat gets any word.
"""

from __future__ import annotations

from functools import partial

from amaranth.hdl import Assert, Const, Mux, Signal, Value

from cosim import rules
from cosim.path_properties import in_order, in_turn
from cosim.rules import Beats, Rule, State, TwoBeats
from cosim.sby import Checked
from hdl.tile import Tile
from model.config import BEAT_LATENCY, TileConfig

STATES = ("clear", "idle", "load", "pulse", "shift", "read", "stream")


def _tile() -> Checked:
    """A small tile, and what its blocks have to do with each other."""
    config = TileConfig(rows=3, columns=2, lanes=2, adc_bits=2, reference_fraction_bits=2, gain_bits=1, bl_max=3)
    config = config.replace(threshold_shift=1, hidden_bits=4, pulses_max=1, magnitude_bits=1, momentum_bits=1)
    config = config.replace(chopper_period=1, row_chopper=1, programmer=1, counter_bits=8)
    checked = Checked(Tile(config), any_words=True)
    m, state, blocks = checked.module, checked.state, checked.blocks
    point, buffer = blocks["transfer.symmetric_point"], blocks["transfer.hidden_buffer"]
    first, second = Beats(m, point.advance, point.accept, 0, 4), Beats(m, buffer.advance, buffer.read, 3, 10)
    last = TwoBeats(m, buffer.load, checked.component.writes.ready, buffer.amount)
    kept: dict[str, Rule] = {
        "sequencer": rules.sequencer,
        "update": rules.update,
        "update.quadrants": rules.quadrants,
        "update.zero_shift": rules.zero_shift,
        "transfer": rules.transfer,
        "transfer.symmetric_point": partial(rules.symmetric_point, beats=first),
        "transfer.hidden_buffer": partial(rules.hidden_buffer, beats=second),
        "chopper": rules.chopper,
        "counters": partial(rules.counters, beats=last),
    }
    for path, rule in (*kept.items(), ("transfer", in_order), ("update", in_turn)):
        checked.keeps(rule, path)
    for beats in (first, second):
        for stage in list(beats.valid)[1:]:
            m.d.comb += Assert(beats.valid[stage] == state[f"transfer.valid_{stage}"])
    m.d.comb += [
        Assert(last.valid == state["transfer.offer.valid"]),
        Assert(last.waits == ~state["transfer.offer.room"]),
    ]
    m.d.comb += Assert(state["chopper.end_of_sweep"] == (blocks["chopper"].column == config.columns - 1))
    m.d.comb += Assert(sum(state[f"sequencer.{name}"] for name in STATES) == 1)
    return checked


def neighbours() -> Checked:
    """What proofs of blocks assume of those that drive them holds in the tile, whatever its own neighbours do."""
    return _tile()


def ends() -> Checked:
    """In every cycle of every state the tile waits for a neighbour, or what is left to be done in it grows less."""
    checked = _tile()
    m, state, dut = checked.module, checked.state, checked.component
    config: TileConfig = dut.config
    update, transfer = checked.of("update"), checked.of("transfer")
    age, left, bl = update["age"], update["quadrants.left"], state["sequencer.bl"]
    m.d.comb += Assert(~left.any() | (update["quadrants.slots"] < bl))
    # A slot or a beat that has not begun, and those on their way, weigh by how many moves they have to make.
    to_choose = Mux(
        state["sequencer.shift"],
        Mux(update["zero_shift.pending"], update["zero_shift.left"] + 1, 0),
        Mux(left.any(), update["quadrants.slots"] + 1 + (sum(left, Const(0)) - 1) * bl, 0),
    )
    slots = (
        4 * to_choose + 3 * update["slot_valid"] + 2 * update["compared_valid"] + _held(update) + len(age) - sum(age)
    )
    beats = (BEAT_LATENCY + 2) * (config.row_beats - transfer["taken"]) + _held(transfer)
    beats += sum((BEAT_LATENCY + 1 - stage) * transfer[f"valid_{stage}"] for stage in range(1, BEAT_LATENCY))
    work = {
        "clear": config.depth - state["sequencer.clear_address"],
        "load": Mux(update["rows_next"], config.row_beats, config.column_beats + config.row_beats) - update["beat"],
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
        stays, before = Signal(name=f"stays_{name}"), Signal(rest.shape(), name=f"before_{name}")
        fresh = ~age[0] if rest is slots else Const(0)  # its slots are counted from its second cycle on
        m.d.sync += [stays.eq(now & ~waits[name] & ~fresh), before.eq(rest)]
        less = Signal(name=f"less_{name}")
        m.d.comb += [less.eq(~(stays & now) | (rest < before)), Assert(less)]
    return checked


def _held(path: State) -> Value:
    """Beats in the register slice of a path."""
    return path["offer.valid"] + ~path["offer.room"]
