# SPDX-License-Identifier: Apache-2.0
"""Formal properties of the control logic: the register bus obeys AXI4-Lite, and every command ends."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Assert, Assume, Cat, Mux, Signal, Value

from symtrack.cosim.formal import contracts as rules
from symtrack.cosim.formal.sby import Checked
from symtrack.hdl.controller.axi_lite import OKAY, SLVERR, AxiLite
from symtrack.hdl.tile.seed_loader import SeedLoader
from symtrack.hdl.tile.sequencer import Sequencer
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import ChopperMode, Op, Reference, setting_specs


def axi_lite() -> Checked:
    """Property of the bus: each request gets one answer, in order and of its word, which stays until it is taken."""
    dut: Any = AxiLite()
    checked = Checked(dut)
    m, state = checked.module, checked.state
    # Requests that wait in each channel, in their order: two at most, of which the first is used.
    kept = {}
    for channel, used, parts in (
        ("aw", dut.write, {"addr": dut.write_address}),
        ("w", dut.write, {"data": dut.write_data, "strb": dut.write_strobes}),
        ("ar", dut.read, {"addr": dut.read_address}),
    ):
        valid, ready = getattr(dut, f"{channel}valid"), getattr(dut, f"{channel}ready")
        kept[channel] = held = Signal(range(3), name=f"held_{channel}")
        enters, last = valid & ready, held - used
        m.d.sync += held.eq(last + enters)
        m.d.comb += [
            Assert(held <= 2),
            Assert(~used | held.any()),
            Assert(ready == (held < 2)),
            Assert(checked.blocks[channel].valid == held.any()),
        ]
        for name, shown in parts.items():
            given, spare = getattr(dut, f"{channel}{name}"), state[f"{channel}.spare_{name}"]
            first, second = (Signal.like(given, name=f"{place}_{channel}{name}") for place in ("first", "second"))
            m.d.sync += [
                first.eq(Mux(enters & (last == 0), given, Mux(used, second, first))),
                second.eq(Mux(enters & (last == 1), given, second)),
            ]
            m.d.comb += [Assert((held == 0) | (shown == first)), Assert((held < 2) | (spare == second))]
    # Each pair is used once, as soon as the answer before it is not in the way: nothing waits for nothing.
    m.d.comb += [
        Assert(dut.write == (kept["aw"].any() & kept["w"].any() & (~dut.bvalid | dut.bready))),
        Assert(dut.read == (kept["ar"].any() & (~dut.rvalid | dut.rready))),
    ]
    answers = ((dut.bvalid, dut.write, dut.bready), (dut.rvalid, dut.read, dut.rready))
    for given, happens, taken in answers:
        due = Signal(name=f"due_{given.name}")
        m.d.sync += due.eq(happens | (due & ~taken))
        m.d.comb += Assert(given == due)
    # What an answer was given for, and that it stays as it is.
    for valid, happens, error, response in (
        (dut.bvalid, dut.write, dut.write_error, dut.bresp),
        (dut.rvalid, dut.read, dut.read_error, dut.rresp),
    ):
        failed = Signal(name=f"failed_{response.name}")
        with m.If(happens):
            m.d.sync += failed.eq(error)
        m.d.comb += Assert(~valid | (response == Mux(failed, SLVERR, OKAY)))
    word = Signal.like(dut.rdata)
    with m.If(dut.read):
        m.d.sync += word.eq(Mux(dut.read_error, 0, dut.read_data))
    m.d.comb += Assert(~dut.rvalid | (dut.rdata == word))
    waits = Signal(2)
    m.d.sync += waits.eq(Cat(dut.bvalid & ~dut.bready, dut.rvalid & ~dut.rready))
    m.d.comb += [Assert(~waits[0] | dut.bvalid), Assert(~waits[1] | dut.rvalid)]
    return checked


def _ports(dut: Any) -> list[tuple[str, Value]]:
    """The ports that come with a command, by name."""
    command = [(name, getattr(dut.command, name)) for name in ("op", "bl", "column")]
    return command + [(name, Value.cast(getattr(dut.settings, name))) for name in dut.settings.signature.members]


def seed_loader() -> Checked:
    """Property of the seed loader: a seed that has been on offer for a cycle is taken in the cycle after one in which
    the tile rests, once, and goes in unless it is zero; no zero ever does.
    """
    dut: Any = SeedLoader(TileConfig())
    checked = Checked(dut)
    m, seeds = checked.module, dut.seeds
    waits, looked = Signal(), Signal()
    m.d.sync += [waits.eq(seeds.valid & ~seeds.ready), looked.eq(waits & dut.resting & ~seeds.ready)]
    m.d.comb += [
        *(Assume(one) for one in rules.seeds(m, seeds)),
        Assert(seeds.ready == looked),
        Assert(dut.load == (looked & seeds.state.any())),
        Assert(dut.refused == (looked & ~seeds.state.any())),
    ]
    return checked


def sequencer() -> Checked:
    """Property of the sequencer: one state at a time, left for the right one when its work ends, with ever fewer reads
    to do.
    """
    config = TileConfig(rows=3, columns=3, lanes=2, programmer=1, bl_max=5)
    dut: Any = Sequencer(config)
    checked = Checked(dut)
    checked.assume(rules.sequencer)
    m, state = checked.module, checked.state
    names = ("clear", "idle", "load", "pulse", "shift", "read", "stream")
    now = {name: state[name] for name in names}
    before = {name: Signal(name=f"was_{name}", init=name == "clear") for name in names}
    started = Signal()  # there is a cycle before this one
    m.d.sync += [started.eq(1), *(before[name].eq(now[name]) for name in names)]

    def past(value: Any, name: str) -> Signal:
        value = Value.cast(value)
        result = Signal(value.shape(), name=f"past_{name}")
        m.d.sync += result.eq(value)
        return result

    # What the last command asked for.
    asked = {name: Signal.like(value, name=f"asked_{name}") for name, value in _ports(dut)}
    with m.If(dut.command.valid & dut.command.ready):
        m.d.sync += [asked[name].eq(value) for name, value in _ports(dut)]
    calibrating, programming = asked["op"] == Op.CALIBRATE, asked["op"] == Op.PROGRAM
    left, rounds, sweeps = state["left"], state["rounds"], asked["calibration_sweeps"]
    column = next(signal for name, signal in state.items() if name.startswith("column") and signal is not dut.column)
    reads_left = left * (dut.last_column + 1) - column
    most = Mux(asked["rounds"] == 0, 1, asked["rounds"])
    reading = now["read"] | now["stream"]
    events = {
        "clear": past(dut.clear_address == config.depth - 1, "cleared"),
        "idle": past(dut.command.valid, "valid"),
        "load": past(dut.loaded, "loaded"),
        "pulse": past(dut.pulsed, "pulsed"),
        "read": past(dut.read.ready, "ready"),
        "stream": past(dut.streamed, "streamed"),
    }
    events["shift"] = events["pulse"]
    op, was_calibrating, was_programming = (
        past(dut.command.op, "op"),
        past(calibrating, "calibrating"),
        past(programming, "programming"),
    )
    pulses_asked = past(dut.settings.calibration_pulses.any(), "pulses_asked")
    had_sweeps = past(sweeps.any(), "had_sweeps")
    sweeps_asked = past(dut.settings.calibration_sweeps.any(), "sweeps_asked")
    outside, last_round = past(dut.outside, "outside"), past(dut.last_round, "last_round")
    calibrates = op == Op.CALIBRATE
    goes_on = (was_calibrating & (past(reads_left, "reads_left") > 1)) | (was_programming & outside & ~last_round)
    following = {  # of a state whose work has ended
        "clear": {"idle": 1},
        "idle": {
            "load": op == Op.UPDATE,
            "shift": calibrates & pulses_asked,
            "read": (op == Op.TRANSFER) | (op == Op.PROGRAM) | (calibrates & ~pulses_asked & sweeps_asked),
            "idle": calibrates & ~pulses_asked & ~sweeps_asked,
        },
        "load": {"pulse": 1},
        "pulse": {"idle": 1},
        "shift": {"read": had_sweeps, "idle": ~had_sweeps},
        "read": {"stream": 1},
        "stream": {"read": goes_on, "idle": ~goes_on},
    }
    m.d.comb += [
        Assert(sum(now.values()) == 1),
        Assert(sum(before.values()) == 1),
        Assert(dut.busy == ~now["idle"]),
        Assert(dut.resting == (now["clear"] | now["idle"])),
        Assert(dut.command.ready == now["idle"]),
        Assert(dut.clear_address < config.depth + ~now["clear"]),
        Assert(started | (dut.clear_address == 0)),  # one address after the other, from the first to the last
        Assert(~(started & before["clear"]) | (dut.clear_address == past(dut.clear_address + 1, "next_address"))),
        # Reads of a calibration are counted down to none, rounds of a programming up to the most.
        Assert(~now["shift"] | (calibrating & (left == sweeps) & (column == 0))),
        Assert(~(reading & calibrating) | ((left >= 1) & (column <= dut.last_column))),
        Assert(~(calibrating & programming & reading)),
        Assert(~(reading & programming) | (rounds < most)),
        Assert(~(now["stream"] & programming) | (dut.last_round == (rounds + 1 >= asked["rounds"]))),
        Assert(~reading | (state["calibrating"] == calibrating)),
        Assert(~now["shift"] | (calibrating & state["calibrating"])),
        Assert(state["programming"] == (reading & programming)),
    ]
    works = ~now["idle"] & ~now["clear"]
    own = calibrating | programming  # their reads are those of P or R and change nothing else
    forced = {
        "chopper": ChopperMode.OFF,
        "row_chopper": ChopperMode.OFF,
        "reference": Reference.LATCHED,
        "accumulate": 0,
        "filter": calibrating,
        "latch": calibrating & (left == 1),
    }
    for spec in setting_specs(config):
        value = Mux(own, forced[spec.name], asked[spec.name]) if spec.name in forced else asked[spec.name]
        m.d.comb += Assert(~works | (getattr(dut.sampled, spec.name) == (value if spec.high else 0)))
    for name, largest in (("bl", config.bl_max), ("column", dut.last_column)):
        m.d.comb += Assert(~works | (getattr(dut, name) == Mux(asked[name] > largest, largest, asked[name])))
    for name, ends in events.items():
        m.d.comb += Assert(~(started & before[name] & ~ends) | now[name])
        for target, condition in following[name].items():
            m.d.comb += Assert(~(started & before[name] & ends & condition) | now[target])
    counted = past(reads_left, "counted"), past(rounds, "rounds")
    again = started & before["stream"] & now["read"]
    m.d.comb += [
        Assert(~(again & calibrating) | (reads_left == counted[0] - 1)),
        Assert(~(again & programming) | (rounds == counted[1] + 1)),
    ]
    return checked
