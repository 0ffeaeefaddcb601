# SPDX-License-Identifier: Apache-2.0
"""The table of all formal properties of the hardware, each with its block and the depth of its induction.

Errors of single cells (`cosim.formal.sby.swaps`) show that a proof can fail.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Assert, Assume, Mux, Signal, signed

from symtrack.cosim.formal import contracts as rules
from symtrack.cosim.formal.arithmetic_properties import (
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
    shared_source,
    wide_multiplier,
    zero_shift,
)
from symtrack.cosim.formal.bridge_properties import apb_bridge, wishbone_bridge
from symtrack.cosim.formal.chopper_properties import flips
from symtrack.cosim.formal.control_properties import axi_lite, seed_loader, sequencer
from symtrack.cosim.formal.counter_properties import counters
from symtrack.cosim.formal.path_properties import hazards, polarity
from symtrack.cosim.formal.sby import Checked, Property
from symtrack.cosim.formal.tile_properties import all_leave, ends, neighbours
from symtrack.cosim.formal.transfer_properties import (
    hidden_buffer,
    residual_memory,
    symmetric_point,
    wider_hidden_buffer,
)
from symtrack.hdl.parts.register_slice import RegisterSlice
from symtrack.hdl.tile.chopper import Chopper
from symtrack.hdl.tile.low_pass import LowPass
from symtrack.hdl.tile.threshold import Threshold
from symtrack.hdl.tile.used_lines import UsedLines
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import ChopperMode, Scope


def register_slice() -> Checked:
    """Property of register slices: no beat is lost, doubled, changed or overtaken, and room means an empty spare
    register.
    """
    dut: Any = RegisterSlice({"word": 4})
    checked = Checked(dut)
    checked.assume(rules.register_slice)
    m, spare = checked.module, checked.state["spare_word"]
    first, second, held = Signal(4), Signal(4), Signal(range(3))  # beats that are inside, in their order
    enters, leaves = dut.arrives, dut.valid & dut.ready
    last = held - leaves  # where a beat that enters comes to stand
    m.d.comb += [
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
    """Property of the low-pass filter: a step of Q rounds correctly, never passes r, and is 0 only in the dead band."""
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
    """Property of the threshold: n is trunc(h / threshold), or the floor, clamped to ±pulses_max, and 0 in a lane that
    is not in use; so are its size and flags.
    """
    config = TileConfig()
    dut: Any = Threshold(config)
    checked = Checked(dut)
    m, most, shift = checked.module, config.pulses_max, config.threshold_shift
    h, floor, loaded = Signal(signed(config.hidden_bits)), Signal(), Signal()
    with m.If(dut.advance):  # n of a lane that is not in use is that of zero
        m.d.sync += [h.eq(Mux(dut.used, dut.hidden, 0)), floor.eq(dut.floor), loaded.eq(1)]
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


def chopper() -> Checked:
    """Property of regular choppers by column: c_j is -1 after an odd number of whole periods of reads of column j."""
    period = 2
    config = TileConfig(rows=2, columns=3, lanes=1, chopper_period=period)
    dut: Any = Chopper(config)
    checked = Checked(dut)
    checked.assume(rules.chopper)
    m, sweep, finished = checked.module, checked.state["sweep"], Signal()
    m.d.sync += finished.eq(dut.finish)
    reads = [Signal(range(2 * period), name=f"reads_{column}") for column in range(config.columns)]
    wrapped = checked.state["wrapped"]
    sweeps = Mux(wrapped, Mux(sweep == 2 * period - 1, 0, sweep + 1), sweep)
    m.d.comb += [
        Assume(dut.mode == ChopperMode.REGULAR),
        Assume(dut.scope == Scope.COLUMN),
        Assume(~dut.restart & (dut.last_column == config.columns - 1)),
        Assert(checked.state["here"] == 1 << dut.column),
        Assert(~wrapped | (finished & (dut.column == 0))),
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


def used_lines() -> Checked:
    """Property of the used lines: those of the last command's settings, and never none or more than there are."""
    config = TileConfig(rows=5, columns=7, lanes=1)
    dut: Any = UsedLines(config)
    checked = Checked(dut)
    m = checked.module
    for lines, setting, last, mask in (
        (config.rows, dut.used_rows, dut.last_row, dut.rows),
        (config.columns, dut.used_columns, dut.last_column, dut.columns),
    ):
        count = Signal(range(lines + 1), name=f"count_of_{setting.name}", init=lines)
        asked = Mux((setting == 0) | (setting > lines), lines, setting)
        with m.If(dut.start):
            m.d.sync += count.eq(asked)
        m.d.comb += [Assert((count >= 1) & (count <= lines)), Assert(last + 1 == count), Assert(mask + 1 == 1 << count)]
    m.d.comb += [
        Assert(dut.coming_column + 1 == asked),
        Assume(dut.column < config.columns),
        Assert(dut.restart == (dut.start & (dut.column >= asked))),
    ]
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
        "residual_memory",
        "the next D is d where it is accumulated in a lane in use, else D; parity and writes are those of D",
        "two lanes, d of 6 bits",
        residual_memory,
        depth=4,
        twin=("itself: $and", 0),
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
        "a lemma of the naive description: terms are digit * factor, digits add up to the word",
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
        twin=("lane_0: $sub", 0),
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
        "random_source",
        "a step of two words is a multiplication by x**24, the second word comes after x**12",
        "default, `shared_sources` 1",
        shared_source,
        depth=3,
        twin=("itself: $xor", 0),
    ),
    Property(
        "seed_loader",
        "a seed is taken once, when the tile rests, and goes in unless it is zero",
        "default",
        seed_loader,
        depth=6,
        twin=("itself: $and", 0),
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
    Property(
        "update",
        "no coincidence of wrong polarity; the signs that are reported are those that come",
        "3x3, two lanes",
        polarity,
        depth=2,
        twin=("x: $xor", 0),
        reach=12,
    ),
    Property(
        "transfer",
        "no memory is read where it is written",
        "3x2, one lane",
        hazards,
        depth=2,
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
        "used_lines",
        "lines in use are those of the settings, at least one and no more than there are; a next column beyond is told",
        "5x7",
        used_lines,
        depth=2,
        twin=("itself: $sub", 0),
    ),
    Property(
        "axi_lite",
        "one answer for a request, which stays until it is taken",
        "default",
        axi_lite,
        depth=4,
        twin=("itself: $and", 0),
    ),
    Property(
        "apb_bridge",
        "each access goes out on AXI4-Lite once, as it is, and ends with its answer",
        "default",
        apb_bridge,
        depth=7,
        twin=("master: $and", 0),
    ),
    Property(
        "wishbone_bridge",
        "the same, unless the master has gone; no other access is taken until then",
        "default",
        wishbone_bridge,
        depth=7,
        twin=("itself: $and", 0),
    ),
    Property(
        "sequencer",
        "states, and what is sampled, follow from the command as specified; reads that are left grow fewer",
        "3x3, BL up to 5, counts of 16 bits",
        sequencer,
        depth=4,
        twin=("itself: $or", 0),
        reach=16,
    ),
    Property(
        "tile",
        "blocks keep to the rules that proofs of others assume",
        "3x2, two lanes",
        neighbours,
        depth=2,
        twin=("update: $and", 0),
        reach=9,
    ),
    Property(
        "tile",
        "in every state it waits for a neighbour and has no more left to be done after it, or has less",
        "3x2, two lanes",
        ends,
        depth=2,
        twin=("update.zero_shift: $sub", 1),
        reach=10,
    ),
    Property(
        "tile",
        "as many slots and beats leave as are asked for",
        "3x2, two lanes",
        all_leave,
        depth=2,
        twin=("update.offer: $or", 0),
        reach=14,
    ),
)
