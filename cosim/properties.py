"""What is proved of the blocks: assertions from the equations of docs/tile.md, and assumptions on who drives a block.

Errors of single cells (`cosim.sby.swaps`) show that a proof can fail.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Assert, Assume, Const, Mux, Signal, Value, signed

from cosim.arithmetic_properties import (
    demodulator,
    long_multiplication,
    multiplier,
    parity,
    programmer,
    pulse_trains,
    quadrants,
    random_source,
    reference_latch,
    rounding,
    settling,
    wide_multiplier,
    zero_shift,
)
from cosim.chopper_properties import flips, spaced
from cosim.control_properties import axi_lite, sequencer
from cosim.counter_properties import counters
from cosim.sby import Checked, Property
from cosim.transfer_properties import hidden_buffer, symmetric_point, wider_hidden_buffer
from hdl.chopper import Chopper
from hdl.low_pass import LowPass
from hdl.register_slice import RegisterSlice
from hdl.threshold import Threshold
from hdl.transfer import TransferPath
from hdl.update import UpdatePath
from model.config import BEAT_LATENCY, Scope, TileConfig
from model.config import Chopper as Mode


def register_slice() -> Checked:
    """Beats come out as they went in, none lost, doubled or overtaken, and room is an empty spare register."""
    dut: Any = RegisterSlice({"word": 4})
    checked = Checked(dut)
    m, spare = checked.module, checked.state["spare_word"]
    first, second, held = Signal(4), Signal(4), Signal(range(3))  # beats that are inside, in their order
    enters, leaves = dut.arrives, dut.valid & dut.ready
    last = held - leaves  # where a beat that enters comes to stand
    m.d.comb += [
        Assume(~dut.arrives | dut.room),
        Assert(held <= 2),
        Assert(dut.valid == held.any()),
        Assert(dut.room == (held < 2)),
        Assert((held == 0) | (dut.word_out == first)),
        Assert((held < 2) | (spare == second)),
    ]
    m.d.sync += [
        held.eq(last + enters),
        first.eq(Mux(enters & (last == 0), dut.word_in, Mux(leaves, second, first))),
        second.eq(Mux(enters & (last == 1), dut.word_in, second)),
    ]
    return checked


def low_pass() -> Checked:
    """A step of Q goes towards r and not past it, is a correct rounding, and is 0 only in the dead band."""
    config = TileConfig()
    dut: Any = LowPass(config)
    checked = Checked(dut)
    m, fraction, shift = checked.module, config.reference_fraction_bits, config.filter_shift
    width = config.reference_format.width + 2
    low, high = config.code_format.low << fraction, config.code_format.high << fraction
    r, q, filters, loaded = Signal(signed(width)), Signal(signed(width)), Signal(), Signal()
    with m.If(dut.advance):
        m.d.sync += [r.eq(dut.code << fraction), q.eq(dut.q), filters.eq(dut.enable), loaded.eq(1)]
    error, step = r - q, dut.q_next - q
    rest = (step << shift) - error
    m.d.comb += [
        Assume((dut.q >= low) & (dut.q <= high)),
        Assert(~loaded | (checked.state["q"] == q)),
        Assert(~loaded | ((q >= low) & (q <= high))),
        Assert(~loaded | filters | (step == 0)),
        Assert(~loaded | ((dut.q_next >= low) & (dut.q_next <= high))),
        Assert(~(loaded & filters) | (2 * rest <= 1 << shift) & (2 * rest > -(1 << shift))),
        Assert(~(loaded & filters) | (error >= 0) | ((step <= 0) & (step >= error))),
        Assert(~(loaded & filters) | (error < 0) | ((step >= 0) & (step <= error))),
        Assert(~(loaded & filters) | (step != 0) | ((2 * error < 1 << shift) & (2 * error >= -(1 << shift)))),
    ]
    return checked


def threshold() -> Checked:
    """n is trunc(h / threshold), or the floor, clamped to ±pulses_max; its size, and the flags."""
    config = TileConfig()
    dut: Any = Threshold(config)
    checked = Checked(dut)
    m, most, shift = checked.module, config.pulses_max, config.threshold_shift
    h, floor, loaded = Signal(signed(config.hidden_bits)), Signal(), Signal()
    with m.If(dut.advance):
        m.d.sync += [h.eq(dut.hidden), floor.eq(dut.floor), loaded.eq(1)]
    left = h - (dut.pulses << shift)
    one = 1 << shift
    towards_zero = Mux(h < 0, (left <= 0) & (left > -one), (left >= 0) & (left < one))
    downwards = (left >= 0) & (left < one)
    above, below = h >= (most + 1) * one, Mux(floor, h < -most * one, h <= -(most + 1) * one)
    checks = [
        dut.clamped == (above | below),
        ~above | (dut.pulses == most),
        ~below | (dut.pulses == -most),
        dut.clamped | Mux(floor, downwards, towards_zero),
        dut.size == Mux(dut.pulses < 0, -dut.pulses, dut.pulses),
        dut.zero == (dut.pulses == 0),
    ]
    m.d.comb += [Assert(~loaded | check) for check in checks]
    # The quotient in its register is that of h, so that induction can start anywhere.
    whole = checked.state["whole"]
    m.d.comb += Assert(~loaded | (whole == (h + Mux((h < 0) & ~floor, one - 1, 0)) >> shift))
    return checked


def polarity() -> Checked:
    """In a slot of an update only lines of the signs of its quadrant fire, and `up` is what these signs say."""
    config = TileConfig(rows=2, columns=2, lanes=1, magnitude_bits=2, bl_max=3)
    dut: Any = UpdatePath(config)
    checked = Checked(dut)
    m, state = checked.module, checked.state
    slot, compared = state["slot"], state["compared"]
    slot_valid, compared_valid = state["slot_valid"], state["compared_valid"]
    valid, room = state["offer.valid"], state["offer.room"]
    rows = Value.cast(dut.pulses.rows)

    def signs(side: str) -> list[Value]:
        return [state[f"{side}.negative_{line}"] for line in range(2)]

    def right(rows: Value, columns: Value, quadrant: Value, up: Value) -> Value:
        result = up == (quadrant[0] ^ quadrant[1])
        for lines, side, negative in ((rows, "delta", quadrant[1]), (columns, "x", quadrant[0])):
            for line, sign in enumerate(signs(side)):
                result &= ~lines[line] | (sign == negative)
        return result

    def field(word: Value, name: str) -> Value:
        """Of a slot: its layout is shift, up, quadrant, slow, last."""
        first, size = {"shift": (0, 1), "up": (1, 1), "quadrant": (2, 2)}[name]
        return Value.cast(word)[first : first + size]

    busy = slot_valid | compared_valid | valid | ~room
    m.d.comb += [
        Assume(~dut.shift),
        Assume(~dut.load | ~(dut.run | busy)),  # the sequencer leaves PULSE when all slots are out
        Assert(~slot_valid | (field(slot, "shift") == 0)),
        Assert(~compared_valid | (field(compared, "shift") == 0)),
        *(
            Assert(~held | (field(word, "up") == field(word, "quadrant").xor()))
            for held, word in ((slot_valid, slot), (compared_valid, compared))
        ),
        Assert(~valid | right(rows, dut.pulses.columns, dut.pulses.quadrant, dut.pulses.up)),
        Assert(room | right(*(state[f"offer.spare_{name}"] for name in ("rows", "columns", "quadrant", "up")))),
        Assert(room | valid),
        Assert(~state["draws_sign"]),
    ]
    return checked


def chopper() -> Checked:
    """Regular and column by column: c_j is -1 after an odd number of whole periods of reads of column j."""
    period = 2
    config = TileConfig(rows=2, columns=3, lanes=1, chopper_period=period)
    dut: Any = Chopper(config)
    checked = Checked(dut)
    m, sweep = checked.module, checked.state["sweep"]
    reads = [Signal(range(2 * period), name=f"reads_{column}") for column in range(config.columns)]
    before = spaced(checked, dut)
    wrapped = checked.state["wrapped"]
    sweeps = Mux(wrapped, Mux(sweep == 2 * period - 1, 0, sweep + 1), sweep)
    m.d.comb += [
        Assume(dut.mode == Mode.REGULAR),
        Assume(dut.scope == Scope.COLUMN),
        Assert(checked.state["here"] == 1 << dut.column),
        Assert(checked.state["end_of_sweep"] == (dut.column == config.columns - 1)),
        Assert(~wrapped | (before[0] & (dut.column == 0))),
    ]
    for column, count in enumerate(reads):
        with m.If(dut.finish & (dut.column == column)):
            m.d.sync += count.eq(Mux(count == 2 * period - 1, 0, count + 1))
        # The columns up to the next one have been read once more in this sweep.
        behind = column < dut.column
        expected = Mux(behind, Mux(sweeps == 2 * period - 1, 0, sweeps + 1), sweeps)
        m.d.comb += [
            Assert(dut.column < config.columns),
            Assert(sweep < 2 * period),
            Assert(count == expected),
            Assert(dut.signs[column] == (count >= period)),
        ]
    return checked


def hazards() -> Checked:
    """No memory is read at an address while that is written: beats in the stages are in order and all of one column."""
    config = TileConfig(
        rows=3, columns=2, lanes=1, adc_bits=2, reference_fraction_bits=2, gain_bits=1, threshold_shift=1
    )
    config = config.replace(hidden_bits=4, pulses_max=1, magnitude_bits=2, momentum_bits=1)
    dut: Any = TransferPath(config)
    checked = Checked(dut)
    m, state, beats = checked.module, checked.state, config.row_beats
    base, taken = state["base"], state["taken"]
    valid = [state[f"valid_{stage}"] for stage in range(1, BEAT_LATENCY)] + [state["hidden_buffer.written"]]
    address = [state[f"address_{stage}"] for stage in range(1, BEAT_LATENCY + 1)]
    number = [state[f"beat_{stage}"] for stage in range(1, BEAT_LATENCY)]
    offered, room = state["offer.valid"], state["offer.room"]
    gone = Signal(range(beats + 1))  # beats of this read that were taken out
    accepts = dut.codes.valid & dut.codes.ready
    leaves = dut.writes.valid & dut.writes.ready
    with m.If(dut.finished):
        m.d.sync += gone.eq(0)
    with m.Elif(leaves):
        m.d.sync += gone.eq(gone + 1)
    settled = Signal()  # there was a cycle without a read after the last one
    m.d.sync += settled.eq((settled | ~dut.run) & ~dut.finished)
    inside = sum(valid[:-1], Value.cast(offered)) + ~room
    last = Signal(range(config.depth + 1))
    m.d.comb += [
        Assume(~dut.clear),
        Assume(~dut.run | settled),  # READ is between two reads
        Assume(dut.run | (taken == 0)),  # the sequencer leaves STREAM when all beats are out
        Assert(~settled | (state["entering"] == base + taken)),
        Assume(dut.column * beats == base),  # the chopper and the path count alike
        Assert(base <= config.depth - beats),
        Assert((base == 0) | (base == beats)),
        Assert(taken == inside + gone),
        Assert(state["more"] == (taken != beats)),
        Assert(room | offered),
        Assert(~offered | (state["offer.last_out"] == (gone == beats - 1))),
        Assert(room | (state["offer.spare_last"] == (gone == beats - 2))),
        Assert(~(accepts & valid[3]) | (address[3] != base + taken)),  # Q and Qref
        Assert(~(valid[2] & valid[-1]) | (address[2] != address[-1])),  # H
        last.eq(base + gone + offered + ~room),
    ]
    for stage in range(BEAT_LATENCY - 1):
        later = sum(valid[stage + 1 : -1], Const(0))
        m.d.comb += Assert(~valid[stage] | (address[stage] == last + later))
        m.d.comb += Assert(~valid[stage] | (number[stage] == address[stage] - base))
    m.d.comb += Assert(~valid[-1] | (address[-1] + 1 == last))
    return checked


PROPERTIES = (
    Property(
        "register_slice",
        "streams lose, double and reorder nothing",
        "words of 4 bits",
        register_slice,
        depth=4,
        twin=("itself: $or", 0),
    ),
    Property(
        "low_pass",
        "Q stays in range, a step is a correct rounding, the dead band is half an LSB",
        "default",
        low_pass,
        depth=3,
        twin=("itself: $sub", 0),
    ),
    Property(
        "low_pass",
        "a constant input is reached within half an LSB",
        "default",
        settling,
        depth=2,
        twin=("itself: $sub", 0),
    ),
    Property(
        "low_pass",
        "its roundings add up to half an LSB at most",
        "r of 5, Q of 8 bits",
        rounding,
        depth=2,
        twin=("itself: $sub", 0),
    ),
    Property("demodulator", "d = c (r - s) of all words", "default", demodulator, depth=1, twin=("itself: $sub", 0)),
    Property(
        "reference_latch",
        "Qref is Q to the nearest multiple in its range",
        "latch_shift 3",
        reference_latch,
        depth=1,
        twin=("itself: $add", 0),
    ),
    Property(
        "symmetric_point",
        "d, the next Q and Qref, parity and writes are those of r, Q and Qref",
        "one lane, r of 4, Q of 7 bits",
        symmetric_point,
        depth=5,
        twin=("low_pass_0: $sub", 0),
    ),
    Property(
        "multiplier",
        "the sum of the addends is the product",
        "6 x 4 bits",
        multiplier,
        depth=4,
        twin=("itself: $add", 0),
    ),
    Property(
        "multiplier",
        "terms of a long multiplication are digit * factor, digits add up to the word",
        "default, 16 x 12 bits",
        long_multiplication,
        depth=1,
        twin=("itself: $add", 0),
    ),
    Property(
        "multiplier",
        "the sum of the addends is that of a long multiplication",
        "default, 16 x 12 bits",
        wide_multiplier,
        depth=3,
        twin=("itself: $add", 0),
    ),
    Property(
        "hidden_buffer",
        "n, flags and the next H are those of H and d; H saturates and never wraps",
        "one lane, H of 8, d of 6, gain of 3 bits",
        hidden_buffer,
        depth=3,
        twin=("itself: $sub", 0),
        reach=12,
    ),
    Property(
        "hidden_buffer",
        "the same in wider words",
        "one lane, H of 14, d of 10, gain of 5 bits",
        wider_hidden_buffer,
        depth=3,
        twin=("memory_hidden: $or", 0),
    ),
    Property(
        "threshold", "n, its size and its flags are those of h", "default", threshold, depth=3, twin=("itself: $add", 0)
    ),
    Property(
        "programmer",
        "a cell is outside if d is larger than the tolerance, and corrected by its sign",
        "default",
        programmer,
        depth=7,
        twin=("itself: $sub", 0),
    ),
    Property(
        "beat_memory",
        "what is written comes out right, with a flipped bit in a lane wrong",
        "2 lanes of 24 bits",
        parity,
        depth=1,
        twin=("itself: $ne", 0),
    ),
    Property(
        "random_source",
        "a step is a multiplication by x**16",
        "default",
        random_source,
        depth=2,
        twin=("itself: $xor", 0),
    ),
    Property(
        "pulse_train",
        "a line fires if its magnitude is above its word",
        "2 lines of 12 bits",
        pulse_trains,
        depth=3,
        twin=("itself: $and", 0),
    ),
    Property(
        "quadrants",
        "slots are those of the quadrants, bl of each",
        "default",
        quadrants,
        depth=4,
        twin=("itself: $sub", 0),
    ),
    Property(
        "zero_shift",
        "as many slots as asked for, of alternating sign",
        "default",
        zero_shift,
        depth=4,
        twin=("itself: $sub", 0),
    ),
    Property("update", "no coincidence of wrong polarity", "2x2", polarity, depth=14, twin=("column_trains: $and", 6)),
    Property(
        "transfer",
        "no memory is read where it is written",
        "3x2, one lane",
        hazards,
        depth=16,
        twin=("itself: $and", 0),
    ),
    Property(
        "chopper",
        "regular flips come exactly when specified",
        "3 columns, N = 2",
        chopper,
        depth=8,
        twin=("itself: $eq", 0),
    ),
    Property(
        "chopper",
        "in every mode and scope flips come exactly when specified, sources step only then",
        "3x2, N = 2, p = 0.3",
        flips,
        depth=8,
        twin=("itself: $lt", 0),
    ),
    Property(
        "counters",
        "each counts what its stream moves and stops when it is full",
        "8 bits, one lane",
        counters,
        depth=3,
        twin=("itself: $add", 0),
    ),
    Property(
        "axi_lite",
        "one answer for a request, which stays until it is taken",
        "default",
        axi_lite,
        depth=4,
        twin=("itself: $and", 0),
    ),
    Property("sequencer", "every command ends", "3x3, counts of 16 bits", sequencer, depth=16, twin=("itself: $or", 0)),
)
