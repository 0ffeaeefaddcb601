# SPDX-License-Identifier: Apache-2.0
"""Formal properties of the transfer lanes: a beat carries what a naive description with wide numbers computes.

    symmetric point: ref, d and the next Q and Qref;   hidden buffer: h = saturate(H + gain * d), n and the next H
    residual memory: the next D

Of a memory a beat gets any word, so every Q, Qref, H and D is tried, and what is written is looked at on its way.
Blocks of one or two lanes are followed stage by stage, so that induction can start anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce
from operator import or_, xor
from typing import Any

from amaranth.hdl import Assert, Assume, Cat, Const, Mux, Signal, Value

from symtrack.cosim.formal import contracts as rules
from symtrack.cosim.formal.arithmetic_properties import (
    added_up,
    clipped,
    holds,
    multiplied,
    parts,
    size_of,
    stepped,
    truncated,
)
from symtrack.cosim.formal.contracts import Beats
from symtrack.cosim.formal.sby import Checked
from symtrack.hdl.tile.hidden_buffer import HiddenBuffer
from symtrack.hdl.tile.residual_memory import ResidualMemory
from symtrack.hdl.tile.symmetric_point import SymmetricPoint
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import Reference


def total(values: Sequence[Value]) -> Value:
    """The sum of the values."""
    return sum(values, Const(0))


def symmetric_point() -> Checked:
    """Property of the symmetric-point accumulator: ref, d and the next Q and Qref follow from r, Q and Qref in every
    setting, and in a lane that is not in use Q and Qref stay and d is 0.

    Q also stays in the range of the codes.
    """
    config = TileConfig(rows=2, columns=2, lanes=1, adc_bits=4, reference_fraction_bits=3, latch_shift=2)
    dut: Any = SymmetricPoint(config)
    checked = Checked(dut, any_words=True)
    m, state, form = checked.module, checked.state, config.reference_format
    half, one = (1 << config.filter_shift) >> 1, 1 << config.latch_shift
    low, high = (end << config.reference_fraction_bits for end in (config.code_format.low, config.code_format.high))
    reads = [memory.read_ports[0] for memory in checked.memories]
    writes = [memory.write_ports[0] for memory in checked.memories]
    beats = Beats(m, dut.advance, dut.accept, 0, 4)
    valid, carried = beats.valid, beats.carried
    checked.assume(partial(rules.symmetric_point, beats=beats))

    words = [Value.cast(port.data) for port in reads]
    left_out = [0] * (len(words) - 1) + [config.latch_shift]  # bits of Qref that are always 0
    now = [word[: form.width - bits].as_signed() << bits for word, bits in zip(words, left_out, strict=True)]
    m.d.comb += Assume((now[0] >= low) & (now[0] <= high))
    q, q_ref = carried(now[0], "q", 1, 4), carried(now[1], "q_ref", 1, 4)
    even = carried(Cat(~word.xor() for word in words), "even", 1, 3)
    r = carried(dut.code[0] << config.reference_fraction_bits, "r", 0, 4)
    latch, negative = carried(dut.latch & dut.used, "latch", 0, 4), carried(dut.negative, "negative", 0, 4)
    used = carried(dut.used, "used", 0, 4)
    latched, filtered = dut.mode == Reference.LATCHED, dut.mode == Reference.FILTERED

    def ref(stage: int) -> Value:
        nearest = ((q[stage] + (one >> 1)) >> config.latch_shift) << config.latch_shift
        return Mux(latch[stage], Mux(nearest > form.high, form.high + 1 - one, nearest), q_ref[stage])

    def following(stage: int) -> Value:
        return Mux(dut.filter & used[stage], q[stage] + ((r[stage] - q[stage] + half) >> config.filter_shift), q[stage])

    read = r[4] - Mux(latched, ref(4), Mux(filtered, q[4], 0))
    holds(
        checked,
        valid[4],
        dut.difference[0] == Mux(used[4], Mux(negative[4], -read, read), 0),
        dut.reference[0] == Mux(filtered, following(4), ref(4)),
        dut.fresh == (used[4] & (latch[4] | filtered)),
        dut.in_use == used[4],
        (following(4) >= low) & (following(4) <= high),
    )
    holds(checked, valid[3], dut.wrong == even[3].any())
    for read_port, write_port, bits, value in zip(reads, writes, left_out, (following(4), ref(4)), strict=True):
        kept = Value.cast(write_port.data)
        m.d.comb += [
            Assert(read_port.en == dut.accept),
            Assert(read_port.addr == dut.read_address),
            Assert(write_port.en == (dut.clear | (valid[4] & dut.advance))),
            Assert(write_port.addr == Mux(dut.clear, dut.clear_address, dut.write_address)),
        ]
        holds(
            checked,
            write_port.en,
            kept.xor(),
            Mux(dut.clear, 0, value) == kept[: form.width - bits].as_signed() << bits,
        )

    # The registers of each stage.
    holds(checked, reduce(or_, valid.values()), state["filtered"] == filtered, state["latched"] == latched)
    for stage in range(1, 5):
        fresh = used[stage] & (latch[stage] | filtered)
        holds(checked, valid[stage], state[f"fresh_{stage}"] == fresh)
        if stage < 4:
            holds(checked, valid[stage], state[f"negative_{stage}"] == negative[stage])
            holds(checked, valid[stage], state[("used_1", "used_2", "late_used_1")[stage - 1]] == used[stage])
        if stage < 3:
            code = state[f"code_{stage}"].as_signed() << config.reference_fraction_bits
            holds(checked, valid[stage], code == r[stage], state[f"latch_{stage}"] == latch[stage])
    parities = state["q_parity_1"], state["q_ref_parity_1"]
    before = state["q_1"].as_signed(), state["q_ref_1"].as_signed()
    holds(
        checked,
        valid[2],
        before[0] == q[2],
        before[1] << config.latch_shift == q_ref[2],
        Cat(~Cat(word, parity).xor() for word, parity in zip(before, parities, strict=True)) == even[2],
    )
    holds(
        checked,
        valid[3],
        state["reference_1"].as_signed() == ref(3),
        state["late_q_1"].as_signed() == Mux(filtered, q[3], 0),
        state["late_code_1"].as_signed() << config.reference_fraction_bits == r[3],
        state["low_pass_0.q"] == q[3],
        state["low_pass_0.step"] == following(3) - q[3],
    )
    holds(
        checked, valid[4], state["q_after_1"].as_signed() == following(4), state["q_ref_after_1"].as_signed() == ref(4)
    )
    for stage in range(2, 5):
        holds(checked, valid[stage], (q[stage] >= low) & (q[stage] <= high), ~q_ref[stage][: config.latch_shift].any())
    return checked


def hidden_buffer() -> Checked:
    """Property of the hidden buffer: n, flags and the next H follow from H and d in every setting; H never wraps, and
    is written when specified.
    """
    small = {"adc_bits": 3, "reference_fraction_bits": 2, "gain_bits": 3, "hidden_bits": 8, "threshold_shift": 3}
    return _buffered(small)


def wider_hidden_buffer() -> Checked:
    """The property `hidden_buffer` with more digits in every word."""
    wider = {"adc_bits": 6, "reference_fraction_bits": 3, "gain_bits": 5, "hidden_bits": 14, "threshold_shift": 7}
    return _buffered(wider)


def _buffered(formats: dict[str, Any]) -> Checked:
    config = TileConfig(rows=2, columns=2, lanes=1, pulses_max=5, momentum_bits=3, programmer=1, **formats)
    dut: Any = HiddenBuffer(config)
    checked = Checked(dut, any_words=True)
    m, shift, most = checked.module, config.threshold_shift, config.pulses_max
    form, lanes = config.hidden_format, range(config.lanes)
    (memory,) = checked.memories
    (read,), (write,) = memory.read_ports, memory.write_ports
    beats = Beats(m, dut.advance, dut.read, 3, 10)
    valid, carried = beats.valid, beats.carried
    checked.assume(partial(rules.hidden_buffer, beats=beats))
    loaded = Signal()  # the beat in stage 11 is there for the first cycle
    m.d.sync += loaded.eq(dut.load)

    # The words that round direct writes step once for every beat.
    sources = [
        Signal(32, name=f"naive_source_{k}", init=spec.seed) for k, spec in enumerate(config.dither_bank.sources)
    ]
    with m.If(dut.load_seed):
        m.d.sync += [one.eq(following) for one, following in zip(sources, [*sources[1:], dut.from_next], strict=True)]
    with m.Elif(dut.step):
        m.d.sync += [one.eq(stepped(one, spec)) for one, spec in zip(sources, config.dither_bank.sources, strict=True)]
    m.d.comb += [Assert(checked.state[f"dither.source_{k}.state"] == source) for k, source in enumerate(sources)]

    words, parities = Value.cast(read.data), Value.cast(read.data)[-config.lanes :]
    wrong, clips, clamps, sizes, cells = [], [], [], [], []
    for lane in lanes:
        d = carried(Value.cast(dut.difference[lane]), f"d_{lane}", 4, 10)
        terms = [carried(term, f"term_{lane}_{place}", 4, 6) for place, term in enumerate(multiplied(d[4], dut.gain))]
        fetched = words[lane * form.width : (lane + 1) * form.width]
        even = carried(~Cat(fetched, parities[lane]).xor(), f"even_{lane}", 4, 6)
        wrong.append(even[6])
        before = carried(fetched.as_signed(), f"h_before_{lane}", 4, 5)
        uniform = reduce(xor, (sources[k] for k in config.dither_bank.pair(lane)))[-config.dither_bits :]
        added = Mux(dut.programming, 0, Mux(dut.direct, uniform << (shift - config.dither_bits), before[5]))
        added = carried(added, f"added_{lane}", 5, 6)
        sums = carried(added[6] + added_up([term[6] for term in terms]), f"sum_{lane}", 6, 7)
        h = carried(clipped(sums[7], form.low, form.high), f"h_{lane}", 7, 10)
        clip = carried(h[7] != sums[7], f"clip_{lane}", 7, 10)
        direct = dut.direct & ~dut.programming
        whole = {stage: Mux(direct, h[stage] >> shift, truncated(h[stage], shift)) for stage in (9, 10)}
        n = clipped(whole[10], -most, most)
        in_use = carried(dut.used[lane], f"in_use_{lane}", 4, 10)
        clamps.append((n != whole[10]) & in_use[10])
        n = Mux(in_use[10], n, 0)
        outside = size_of(d[10]) > dut.tolerance
        least = Mux(n == 0, Mux(d[10] < 0, -1, 1), n)
        n = Mux(dut.programming, Mux(outside & ~dut.last_round, least, 0), Mux(dut.accumulate, n, 0))
        scaled = {stage: h[stage] * dut.momentum for stage in (9, 10)}
        rest = Mux(dut.forget, truncated(scaled[10], config.momentum_bits), h[10] - (n << shift))
        following = carried(Mux(n == 0, h[10], rest), f"following_{lane}", 10, 11)
        clips.append(clip)
        sizes.append(size_of(n))
        cells.append(outside)

        state = checked.of(f"lane_{lane}")
        holds(checked, valid[10], dut.pulses[lane] == n)
        kept = Value.cast(write.data)[lane * form.width : (lane + 1) * form.width]
        buffered = loaded & dut.accumulate & ~dut.direct & ~dut.programming & ~dut.clear
        odd = Cat(kept, Value.cast(write.data)[config.lanes * form.width + lane]).xor()
        holds(checked, buffered, kept.as_signed() == following[11])
        holds(checked, write.en, odd, ~dut.clear | ~kept.any())

        # The registers of each stage.
        low, half = state.get("low_1", Const(0)), config.momentum_bits // 2
        holds(
            checked,
            valid[5],
            *parts(state, "product", 0, [term[5] for term in terms], d[4], dut.gain),
            state["word_1"] == before[5],
            ~Cat(before[5], checked.state["parity_1"][lane]).xor() == even[5],
        )
        holds(
            checked,
            valid[6],
            *parts(state, "product", 1, [term[6] for term in terms], d[4], dut.gain),
            state["added_1"] == added[6],
        )
        holds(checked, valid[7], state["total"] == sums[7])
        holds(checked, valid[8], state["hidden_1"] == h[8])
        holds(
            checked,
            valid[9],
            checked.state[f"threshold_{lane}.whole"] == Mux(in_use[9], whole[9], 0),
            state["late_hidden_1"] == h[9],
            low + (state["high_1"] << half) == scaled[9],
        )
        holds(
            checked,
            valid[10],
            state["late_hidden_2"] == h[10],
            state["scaled"] == scaled[10],
            state["size_1"] == size_of(n),
        )
        for stage in range(5, 9):
            holds(checked, valid[stage], checked.state[f"used_{stage - 4}"][lane] == in_use[stage])
        if config.programmer:
            for stage in range(5, 10):
                verdict = Cat(d[stage] < 0, size_of(d[stage]) > dut.tolerance)
                holds(checked, valid[stage], checked.state[f"programmer_{lane}.judged_{stage - 4}"] == verdict)

    m.d.comb += [
        Assert(read.en == dut.read),
        Assert(read.addr == dut.read_address),
        Assert(write.en == (dut.clear | (loaded & dut.accumulate & ~dut.direct))),
        Assert(write.addr == Mux(dut.clear, dut.clear_address, dut.write_address)),
    ]
    clipped_in = {stage: Cat(clip[stage] for clip in clips) for stage in (8, 9, 10)}
    holds(checked, valid[6], dut.wrong == Cat(wrong).any())
    holds(checked, valid[8], checked.state["clipped_1"] == clipped_in[8])
    holds(checked, valid[9], checked.state["saturated_1"] == clipped_in[9].any())
    holds(
        checked,
        valid[10],
        dut.saturated == (dut.accumulate & clipped_in[10].any()),
        dut.clamped == (dut.accumulate & Cat(clamps).any()),
        dut.amount == total(sizes),
        dut.cells == (total(cells) if config.programmer else 0),
    )
    return checked


def residual_memory() -> Checked:
    """Property of the residual memory: D becomes d in a lane in use if that is accumulated, and else stays; out comes D
    after that, 0 in a lane that is not in use; a wrong parity of D is told.
    """
    config = TileConfig(rows=3, columns=2, lanes=2, adc_bits=3, reference_fraction_bits=2, residual_memory=1)
    dut: Any = ResidualMemory(config)
    checked = Checked(dut, any_words=True)
    m, state, width, lanes = checked.module, checked.state, config.difference_format.width, range(config.lanes)
    (memory,) = checked.memories
    (read,), (write,) = memory.read_ports, memory.write_ports
    beats = Beats(m, dut.advance, dut.read, 3, 6)
    valid, carried = beats.valid, beats.carried
    checked.assume(partial(rules.residual_memory, beats=beats))
    m.d.comb += [
        Assert(read.en == dut.read),
        Assert(read.addr == dut.read_address),
        Assert(write.en == (dut.clear | (valid[6] & dut.advance))),
        Assert(write.addr == Mux(dut.clear, dut.clear_address, dut.write_address)),
    ]
    words, kept = Value.cast(read.data), Value.cast(write.data)
    even: list[Value] = []
    for lane in lanes:
        there, parity = slice(lane * width, (lane + 1) * width), config.lanes * width + lane
        d, before = Value.cast(dut.difference)[there].as_signed(), words[there].as_signed()
        d, before = carried(d, f"d_{lane}", 4, 6), carried(before, f"before_{lane}", 4, 6)
        used = carried(dut.used[lane], f"used_{lane}", 4, 6)
        wrong = carried(~(words[there].xor() ^ words[parity]), f"even_{lane}", 4, 6)
        after = Mux(used[6] & dut.accumulate, d[6], before[6])
        even.append(wrong[6])
        holds(checked, valid[6], dut.residual[lane] == Mux(used[6], after, 0))
        holds(
            checked,
            write.en,
            kept[there].xor() ^ kept[parity],
            kept[there].as_signed() == Mux(dut.clear, 0, after),
        )
        # The registers of each stage.
        holds(
            checked,
            valid[5],
            state["before_1"][there].as_signed() == before[5],
            state["difference_1"][there].as_signed() == d[5],
            state["used_1"][lane] == used[5],
            ~(state["before_1"][there].xor() ^ state["parity_1"][lane]) == wrong[5],
        )
        holds(
            checked,
            valid[6],
            state["after_1"][there].as_signed() == after,
            state["late_used_1"][lane] == used[6],
            state["wrong_1"][lane] == wrong[6],
        )
    holds(checked, valid[6], dut.wrong == Cat(even).any())
    return checked
