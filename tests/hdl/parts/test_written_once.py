# SPDX-License-Identifier: Apache-2.0
"""Tests of blocks that are written once: one module in the Verilog with its parameters, every block in simulations."""

from __future__ import annotations

import re

import pytest
from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from symtrack.cosim.tools.lint import verilator_warnings
from symtrack.hdl.output.modules import Modules
from symtrack.hdl.output.name_map import blocks
from symtrack.hdl.parts.written_once import written_once
from tests.hdl.helpers.simulate import Dut, simulate

STEPS = (3, 1_000_000_007)
MASK = 0xFFFFFFFF


class Counter(wiring.Component):
    """Counts upwards from ``start``, by ``step`` while the count is even and by twice as much while it is odd."""

    module = "counter"

    def __init__(self, start: int, step: int, *, width: int = 32, **more: int) -> None:
        self.parameters = {"START": start, "STEP": step, **more}
        self.derived = {"TWICE": (2 * step, "STEP << 1")}
        super().__init__({"count": Out(width)})

    @written_once
    def elaborate(self, platform: object) -> Module:
        m = Module()
        count = Signal(32, init=self.parameters["START"])
        step, twice = Const(self.parameters["STEP"], 32), Const(self.derived["TWICE"][0], 32)
        m.d.sync += count.eq(count + Mux(count[0], twice, step))
        m.d.comb += self.count.eq(count)
        return m


class Counters(wiring.Component):
    """Some counters and a memory."""

    def __init__(self, *counters: Counter) -> None:
        self.counters = counters
        super().__init__({"total": Out(32), "address": In(7), "word": Out(12)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for number, counter in enumerate(self.counters):
            m.submodules[f"counter_{number}"] = counter
        m.submodules.words = words = memory.Memory(shape=12, depth=100, init=[])
        read, write = words.read_port(), words.write_port()
        m.d.comb += [
            self.total.eq(sum(counter.count for counter in self.counters)),
            read.addr.eq(self.address),
            write.addr.eq(self.address),
            write.data.eq(self.total),
            write.en.eq(self.total[0]),
            self.word.eq(read.data),
        ]
        return m


def counters() -> list[Counter]:
    return [Counter(5 + number, step) for number, step in enumerate(STEPS)]


def text(*given: Counter) -> str:
    return Modules("whole").verilog(Counters(*given))


def test_a_module_is_written_once_and_instantiated_with_its_parameters() -> None:
    verilog = text(*counters())
    assert re.findall(r"^module \\?(\S+?) ?\(", verilog, re.MULTILINE) == ["whole", "whole.counter"]
    assert [path for path, _ in blocks(verilog, "whole")] == ["", "counter_0", "counter_1"]
    for number, step in enumerate(STEPS):
        assert re.search(rf"\.START\(32'd{5 + number}\),\s+\.STEP\(32'd{step}\)\s+\) counter_{number} \(", verilog)
    body = dict(blocks(verilog, "whole"))["counter_0"]
    assert body == dict(blocks(verilog, "whole"))["counter_1"]
    assert "localparam [31:0] TWICE = STEP << 1;" in body
    assert re.search(r"reg \[31:0\] \S+ = START;", body)
    assert not re.search(r"= 32'd[1-9]\d*;", re.sub(r"^  parameter .*", "", body, flags=re.MULTILINE))
    assert verilator_warnings(verilog, "whole") == []


def test_a_memory_has_a_loop_in_place_of_its_initial_words() -> None:
    verilog = text(*counters())
    assert re.search(
        r"reg \[11:0\] words \[99:0\];\n.*\n  initial begin\n    for .*row <= 99;.*\n +words\[row\] = ", verilog
    )
    assert "words[0]" not in verilog


def test_each_is_elaborated_where_no_verilog_is_written() -> None:
    async def program(dut: Dut) -> None:
        counts = [5 + number for number in range(len(STEPS))]
        for _ in range(5):
            assert dut.get("total") == sum(counts) & MASK
            counts = [count + step * (1 + count % 2) & MASK for count, step in zip(counts, STEPS, strict=True)]
            await dut.tick()

    simulate(Counters(*counters()), program)


@pytest.mark.parametrize(
    ("start", "more", "told"),
    [
        (5, {"width": 31}, r"^module = 'counter': must have the same ports"),
        (6, {}, r"^parameters of whole.counter: must all differ$"),
        (5, {"LOST": 77}, r"^parameters of whole.counter: LOST must be constants of 32 bits in its hardware$"),
    ],
)
def test_what_cannot_be_one_module_is_refused(start: int, more: dict[str, int], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        text(Counter(start, 3, **({} if "width" in more else more)), Counter(start, 3, **more))
