# SPDX-License-Identifier: Apache-2.0
"""Formal properties of the arithmetic: each block computes what a naive description with wide numbers computes.

Numbers of the naive descriptions never wrap: Amaranth makes every sum and product as wide as it needs to be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from amaranth.hdl import Assert, Assume, Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from symtrack.cosim.formal import contracts as rules
from symtrack.cosim.formal.sby import Checked
from symtrack.hdl.parts.beat_memory import BeatMemory, wrong_parity
from symtrack.hdl.parts.multiplier import Multiples, addends
from symtrack.hdl.tile.demodulator import Demodulator
from symtrack.hdl.tile.low_pass import LowPass
from symtrack.hdl.tile.programmer import Programmer
from symtrack.hdl.tile.pulse_train import PART, PulseTrains
from symtrack.hdl.tile.quadrants import Quadrants
from symtrack.hdl.tile.random_source import RandomSource
from symtrack.hdl.tile.reference_latch import ReferenceLatch
from symtrack.hdl.tile.zero_shift import ZeroShift
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.random_specs import SourceSpec


def clipped(value: Value, low: int, high: int) -> Value:
    """The value, clipped to the interval."""
    return Mux(value < low, low, Mux(value > high, high, value))


def truncated(value: Value, shift: int) -> Value:
    """``trunc(value / 2**shift)``, towards zero, by sign and magnitude."""
    return Mux(value < 0, -(-value >> shift), value >> shift)


def size_of(value: Value) -> Value:
    """The absolute value of a signed value."""
    return Mux(value < 0, -value, value)


def digits(word: Value, size: int) -> list[Value]:
    """The digits of a word, ``size`` bits each; the last one is signed if the word is, and wider if that is odd."""
    even = Cat(word, word[-1].replicate(len(word) % 2))
    parts: list[Value] = [even[place : place + size] for place in range(0, len(even), size)]
    return [*parts[:-1], parts[-1].as_signed() if word.shape().signed else parts[-1]]


def multiplied(word: Value, factor: Value) -> list[Value]:
    """The terms of a long multiplication: ``digit * factor`` for every hexadecimal digit of ``word``."""
    return [_times(digit, factor) for digit in digits(word, 4)]


def _times(digit: Value, factor: Value) -> Value:
    """The product of a digit and a factor, written by pairs of bits, which a solver can take apart."""
    terms = [Mux(bit, factor << place, 0) for place, bit in enumerate(digit)]
    if digit.shape().signed:
        terms[-1] = -terms[-1]
    pairs = [sum(terms[place : place + 2], Const(0)) for place in range(0, len(terms), 2)]
    return sum(pairs, Const(0))


def added_up(terms: Sequence[Value], step: int = 4) -> Value:
    """The sum of the terms of a long multiplication, each ``step`` bits above the one before."""
    return sum((term << step * place for place, term in enumerate(terms)), Const(0))


def parts(
    state: Mapping[str, Signal], name: str, stage: int, terms: Sequence[Value], word: Value, factor: Value
) -> list[Value]:
    """Claims about a stage of `hdl.parts.multiplier`: its registers hold one term each (stage 0) or the sum of two
    (stage 1), and no term is too large.

    Parameters
    ----------
    state
        The registers of the block that multiplies.
    word
        Any word of the width of the one that is multiplied.
    """
    registers = [register for path, register in state.items() if path.startswith(f"{name}_{stage}_")]
    wanted = [added_up(terms[place : place + 1 + stage]) for place in range(0, len(terms), 1 + stage)]
    claims = [register == term for register, term in zip(registers, wanted, strict=True)]
    for term, digit in zip(terms, digits(word, 4), strict=True):
        most = 1 << len(digit) - digit.shape().signed
        claims += [term <= most * factor - factor, term >= (-most * factor if digit.shape().signed else 0)]
    return claims


def stepped(state: Value, spec: SourceSpec) -> Value:
    """The state after a step of the source, by one multiplication by x at a time."""
    return times_power(state, spec, spec.words * spec.bits)


def times_power(state: Value, spec: SourceSpec, power: int) -> Value:
    """``state * x**power mod polynomial``, by one multiplication by x at a time."""
    bits = list(state)
    for _ in range(power):
        top = bits[-1]
        shifted = [Const(0, 1), *bits[:-1]]
        bits = [bit ^ top if spec.polynomial >> place & 1 else bit for place, bit in enumerate(shifted)]
    return Cat(bits)


def holds(checked: Checked, condition: Value, *claims: Value) -> None:
    """Assert all claims wherever the condition is true."""
    checked.module.d.comb += [Assert(~condition | claim) for claim in claims]


def settling() -> Checked:
    """Property of the low-pass filter: |r - Q| never grows, falls until it is at most half an LSB, and stays there.

    So with a constant r, Q comes within half an LSB, after at most as many reads as |r - Q| has units.
    """
    config = TileConfig()
    dut: Any = LowPass(config)
    checked = Checked(dut)
    m, fraction = checked.module, config.reference_fraction_bits
    dead = (1 << config.filter_shift) >> 1  # half of 2**filter_shift units, at most half an LSB
    r, q, loaded = Signal(signed(config.reference_format.width)), Signal.like(dut.q), Signal()
    with m.If(dut.advance):
        m.d.sync += [r.eq(dut.code << fraction), q.eq(dut.q), loaded.eq(dut.enable)]
    before, after = size_of(r - q), size_of(r - dut.q_next)
    m.d.comb += [_in_range(config, dut.q), Assert(~loaded | (checked.state["q"] == q))]
    holds(checked, loaded, after <= before, (before <= dead) | (after < before), (before > dead) | (after <= dead))
    return checked


def rounding() -> Checked:
    """Property of the low-pass filter: Q stays within half an LSB of x, the same filter in exact arithmetic.

        x <- x + (r - x) / 2**shift

    The deviation after a step is linear in x, so it is enough to look at the x in units of Q.
    """
    config = TileConfig(adc_bits=5, reference_fraction_bits=3)
    dut: Any = LowPass(config)
    checked = Checked(dut)
    m, fraction, shift = checked.module, config.reference_fraction_bits, config.filter_shift
    exact = Signal(signed(config.reference_format.width + 1))
    checked.inputs.append(exact)
    bound = (1 << shift) >> 1
    r, q, x = Signal(signed(config.reference_format.width)), Signal.like(dut.q), Signal.like(exact)
    loaded = Signal()
    with m.If(dut.advance):
        m.d.sync += [r.eq(dut.code << fraction), q.eq(dut.q), x.eq(exact), loaded.eq(dut.enable)]
    near = size_of(q - x) <= bound
    later = (dut.q_next << shift) - ((x << shift) + r - x)  # 2**shift times the deviation after the step
    m.d.comb += [_in_range(config, dut.q), Assert(~loaded | (checked.state["q"] == q))]
    holds(checked, loaded, ~near | (size_of(later) <= bound << shift))
    return checked


def _in_range(config: TileConfig, q: Value) -> Assume:
    low, high = (end << config.reference_fraction_bits for end in (config.code_format.low, config.code_format.high))
    return Assume((q >= low) & (q <= high))


def demodulator() -> Checked:
    """Property of the demodulator: d = c (r - s) for all words."""
    config = TileConfig()
    dut: Any = Demodulator(config)
    checked = Checked(dut)
    read = (dut.code << config.reference_fraction_bits) - Mux(dut.latched, dut.reference, dut.q)
    checked.module.d.comb += [
        Assume(~dut.latched | (dut.q == 0)),
        Assert(dut.difference == Mux(dut.negative, -read, read)),
    ]
    return checked


def reference_latch() -> Checked:
    """Property of the reference latch: ref is Qref, or Q rounded to the nearest multiple in range, halves upwards."""
    config = TileConfig(latch_shift=3)
    dut: Any = ReferenceLatch(config)
    checked = Checked(dut)
    one, high = 1 << config.latch_shift, config.reference_format.high
    left = 2 * (dut.q - dut.reference)
    nearest = (left >= -one) & (left < one)
    last = (dut.reference == high + 1 - one) & (left >= one)
    checked.module.d.comb += [
        Assert(dut.latch | (dut.reference == dut.q_ref)),
        Assert(~dut.latch | ~dut.reference[: config.latch_shift].any()),
        Assert(~dut.latch | nearest | last),
    ]
    return checked


class _Product(wiring.Component):
    """A component for proofs: the `addends` of a word and a factor, and their sum."""

    def __init__(self, word: int, factor: int) -> None:
        widths = {"word": In(signed(word)), "factor": In(factor), "product": Out(signed(word + factor))}
        super().__init__({"advance": In(1), **widths})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        terms = addends(m, self.word, Multiples(m, self.factor), self.advance, "product")
        m.d.comb += self.product.eq(sum(terms, Const(0)))
        return m


def multiplier() -> Checked:
    """Property of the multiplier: its addends sum up to a long multiplication two moves later, or word * factor."""
    return _multiplied_out(word=6, factor=4, product=True)


def wide_multiplier() -> Checked:
    """Property of the multiplier in the default configuration's widths: its addends sum up to a long multiplication.

    That such a sum is word * factor follows by distributivity from `long_multiplication`.
    """
    config = TileConfig()
    return _multiplied_out(config.difference_format.width, config.gain_bits, product=False)


class _Terms(wiring.Component):
    """Terms of a long multiplication, one of an unsigned and one of a signed digit, and the word of these digits."""

    def __init__(self, word: int, factor: int) -> None:
        terms = {"low": Out(signed(factor + 5)), "high": Out(signed(factor + 5))}
        super().__init__({"word": In(signed(word)), "factor": In(factor), **terms, "rebuilt": Out(signed(word + 1))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        low, *_, high = multiplied(self.word, self.factor)
        m.d.comb += [self.low.eq(low), self.high.eq(high), self.rebuilt.eq(added_up(digits(self.word, 4)))]
        return m


def long_multiplication() -> Checked:
    """Property of the naive description: its terms are digit * factor, and the digits add up to the word."""
    config = TileConfig()
    dut: Any = _Terms(config.difference_format.width, config.gain_bits)
    checked = Checked(dut)
    low, *_, high = digits(dut.word, 4)
    checked.module.d.comb += [
        Assert(dut.low == low * dut.factor),
        Assert(dut.high == high * dut.factor),
        Assert(dut.rebuilt == dut.word),
    ]
    return checked


def _multiplied_out(word: int, factor: int, *, product: bool) -> Checked:
    dut: Any = _Product(word, factor)
    checked = Checked(dut)
    m = checked.module
    loaded, still, before, started = Signal(2), Signal(), Signal.like(dut.factor), Signal()
    m.d.sync += [before.eq(dut.factor), started.eq(1)]
    m.d.comb += [still.eq(started & (dut.factor == before)), Assume(still | ~loaded.any())]
    with m.If(dut.advance):
        m.d.sync += loaded.eq(Cat(still, loaded))
    terms, whole = multiplied(dut.word, dut.factor), dut.word * dut.factor
    for stage in range(2):
        naive = [Signal(term.shape(), name=f"term_{stage}_{place}") for place, term in enumerate(terms)]
        with m.If(dut.advance):
            m.d.sync += [register.eq(term) for register, term in zip(naive, terms, strict=True)]
        terms = naive
        holds(checked, loaded[stage], *parts(checked.state, "product", stage, terms, dut.word, dut.factor))
        if product:
            one = Signal(whole.shape(), name=f"product_{stage}")
            with m.If(dut.advance):
                m.d.sync += one.eq(whole)
            whole = one
            holds(checked, loaded[stage], added_up(terms) == whole)
    holds(checked, loaded[1], dut.product == (whole if product else added_up(terms)))
    return checked


def programmer() -> Checked:
    """Property of write and verify: a cell is outside if |d| > tolerance, five moves later; the last writes none."""
    config = TileConfig()
    dut: Any = Programmer(config)
    checked = Checked(dut)
    m, loaded = checked.module, Signal(5)
    verdicts = [Signal(2, name=f"naive_{stage}") for stage in range(5)]
    with m.If(dut.advance):
        m.d.sync += loaded.eq(Cat(Const(1, 1), loaded))
        m.d.sync += Cat(verdicts).eq(
            Cat(dut.difference < 0, size_of(dut.difference) > dut.tolerance, Cat(verdicts))[: 2 * len(verdicts)]
        )
    for stage, verdict in enumerate(verdicts):
        holds(checked, loaded[stage], checked.state[f"judged_{stage + 1}"] == verdict)
    negative, outside = verdicts[-1]
    holds(
        checked,
        loaded[-1],
        dut.outside == outside,
        dut.correct == (outside & ~dut.last),
        dut.least == Mux(negative, -1, 1),
    )
    return checked


def pulse_trains() -> Checked:
    """Property of pulse trains: a line that is enabled fires if its magnitude exceeds its word, or if all fire."""
    lines, width = 2, TileConfig().magnitude_bits
    dut: Any = PulseTrains(lines=lines, magnitude_bits=width)
    checked = Checked(dut)
    m, loaded = checked.module, Signal()
    values = [(Signal(width, name=f"m_{line}"), Signal(width, name=f"w_{line}")) for line in range(lines)]
    enabled = Signal(lines)
    with m.If(dut.compare):
        m.d.sync += [loaded.eq(1), enabled.eq(dut.enable)]
        m.d.sync += [
            signal.eq(Cat(plane[line] for plane in planes))
            for line, signals in enumerate(values)
            for signal, planes in zip(signals, (dut.magnitude, dut.words), strict=True)
        ]
    for line, (magnitude, word) in enumerate(values):
        for place in range(0, width, PART):
            parts = magnitude[place : place + PART], word[place : place + PART]
            holds(checked, loaded, checked.state[f"above_{place}"][line] == (parts[0] > parts[1]))
            if place:
                holds(checked, loaded, checked.state[f"equal_{place}"][line] == (parts[0] == parts[1]))
        holds(checked, loaded, dut.fires[line] == (((magnitude > word) | dut.every) & enabled[line]))
    holds(checked, loaded, checked.state["enabled"] == enabled)
    return checked


def quadrants() -> Checked:
    """Property of the quadrants: BL slots for each non-empty one, in rising order; up where the signs differ."""
    config = TileConfig()
    dut: Any = Quadrants(config)
    checked = Checked(dut)
    checked.assume(rules.quadrants)
    m = checked.module
    there, at, done = Signal(4), Signal(range(5), init=4), Signal(config.bl_bits)  # quadrant and slots that are over
    bl = Signal(config.bl_bits)

    def first(quadrants: Value, start: Value | int) -> Value:
        """The first one from ``start`` on, or 4 if there is none."""
        result: Value = Const(4, 3)
        for q in reversed(range(4)):
            result = Mux(quadrants[q] & (start <= q), q, result)
        return result

    found = Cat(
        (dut.rows_any & (2 if q & 2 else 1)).any() & (dut.columns_any & (2 if q & 1 else 1)).any() for q in range(4)
    )
    rest = first(there, at + 1)
    with m.If(dut.begin):
        m.d.sync += [bl.eq(dut.bl), there.eq(found), done.eq(0), at.eq(Mux(dut.bl == 0, 4, first(found, 0)))]
    with m.Elif(dut.issue):
        m.d.sync += done.eq(done + 1)
        with m.If(done + 1 == bl):
            m.d.sync += [done.eq(0), at.eq(rest)]
    pending = at < 4
    m.d.comb += [
        Assert(dut.pending == pending),
        Assert(~pending | (dut.bl == bl)),
        Assert(at <= 4),
    ]
    holds(
        checked,
        pending,
        dut.quadrant == at,
        dut.up == ((at == 1) | (at == 2)),
        dut.last == ((rest == 4) & (done + 1 == bl)),
        done < bl,
        checked.state["slots"] == bl - 1 - done,
        *(checked.state["left"][q] == (there[q] & (at <= q)) for q in range(4)),
    )
    return checked


def zero_shift() -> Checked:
    """Property of zero-shifting: there are as many slots as asked for, and even ones go up."""
    dut: Any = ZeroShift()
    checked = Checked(dut)
    checked.assume(rules.zero_shift)
    m = checked.module
    pulses, number = Signal.like(dut.pulses), Signal.like(dut.pulses)
    begun = Signal()
    with m.If(dut.begin):
        m.d.sync += [pulses.eq(dut.pulses), number.eq(0), begun.eq(1)]
    with m.Elif(dut.issue):
        m.d.sync += number.eq(number + 1)
    pending = begun & (number < pulses)
    m.d.comb += [
        Assert(dut.pending == pending),
        Assert(~begun | (number <= pulses)),
    ]
    last = number == pulses - 1
    holds(checked, pending, dut.up == ~number[0], dut.last == last, checked.state["left"] == pulses - 1 - number)
    return checked


def random_source() -> Checked:
    """Property of a random source: a step is a multiplication by x**bits, the only change but for states that are
    loaded, and never gives zero.

    No state that is loaded is zero; see the property of `hdl.tile.seed_loader`.
    """
    return _source(TileConfig().chopper_source)


def shared_source() -> Checked:
    """The same of a source of two words, whose step is a multiplication by x**(2 * bits), and its second word."""
    return _source(TileConfig(shared_sources=1).row_bank.sources[0])


def _source(spec: SourceSpec) -> Checked:
    dut: Any = RandomSource(spec)
    checked = Checked(dut)
    m, state = checked.module, Signal(spec.polynomial.bit_length() - 1, init=spec.seed)
    checked.assume(rules.random_source)
    with m.If(dut.load):
        m.d.sync += state.eq(dut.from_next)
    with m.Elif(dut.advance):
        m.d.sync += state.eq(stepped(state, spec))
    m.d.comb += [
        Assume(dut.from_next.any()),
        Assert(checked.state["state"] == state),
        Assert(state.any()),
        *(Assert(dut.words[k] == times_power(state, spec, k * spec.bits)[-spec.bits :]) for k in range(spec.words)),
        Assert(dut.to_previous == state),
    ]
    return checked


class _Kept(wiring.Component):
    """A component for proofs: a beat memory, and whether each of its lanes is wrong as it comes out."""

    def __init__(self, depth: int, lanes: int, width: int) -> None:
        self.memory = BeatMemory(depth=depth, lanes=lanes, width=width)
        super().__init__({"wrong": Out(lanes)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = self.memory
        m.d.comb += self.wrong.eq(
            Cat(wrong_parity(self.memory.data[lane], self.memory.parity[lane]) for lane in range(len(self.wrong)))
        )
        return m


def parity() -> Checked:
    """Property of parity: a word unchanged or cleared is right; one with an odd number of flipped bits is wrong."""
    lanes, width = 2, TileConfig().hidden_bits
    dut: Any = _Kept(4, lanes, width)
    checked = Checked(dut, any_words=True)
    memory = dut.memory
    checked.inputs += [Value.cast(port) for _, member, port in memory.signature.flatten(memory) if member.flow is In]
    (taken,) = checked.memories
    (written,), (read,) = taken.write_ports, taken.read_ports
    flips = Value.cast(written.data) ^ Value.cast(read.data)
    checked.module.d.comb += [
        Assert(written.en == (memory.clear | memory.write)),
        Assert(written.addr == Mux(memory.clear, memory.clear_address, memory.write_address)),
        Assert(read.en == memory.read),
        Assert(read.addr == memory.read_address),
    ]
    for lane in range(lanes):
        kept = Value.cast(written.data)[lane * width : (lane + 1) * width]
        mine = Cat(flips[lane * width : (lane + 1) * width], flips[lanes * width + lane])
        checked.module.d.comb += [
            Assert(kept == Mux(memory.clear, 0, memory.write_data[lane].as_unsigned())),
            Assert(dut.wrong[lane] == mine.xor()),
        ]
    return checked
