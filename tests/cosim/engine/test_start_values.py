# SPDX-License-Identifier: Apache-2.0
"""Tests that one cycle of reset is enough, whatever registers and memories hold before it: no initial value is used."""

from __future__ import annotations

import re
from random import Random

import pytest

from symtrack.cosim.campaign.replay import record
from symtrack.cosim.engine.native.build import native_library
from symtrack.cosim.engine.native.tile import NativeTile
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.model.spec.config import NAMED, TileConfig

CONFIG = NAMED["tiny"].replace(row_chopper=1)
REGISTER = re.compile(r"^(  reg (?:\[(\d+):0\] )?\S+ +)= [^;]+;", re.MULTILINE)
LOOP = re.compile(
    r"^    for \(row = 0; row <= (\d+); row = row \+ 1\)\n      (\w+)\[row\] = (\d+)'d0;\n", re.MULTILINE
)  # over the words of a memory


def scrambled(verilog: str, seed: int) -> tuple[str, int, int]:
    """The Verilog with random values at the start; the number of registers and of words of memories that have one."""
    rng = Random(seed)

    def register(found: re.Match[str]) -> str:
        bits = int(found[2] or 0) + 1
        return f"{found[1]}= {bits}'h{rng.getrandbits(bits):x};"

    def memory(found: re.Match[str]) -> str:
        last, name, bits = int(found[1]), found[2], int(found[3])
        return "".join(f"    {name}[{row}] = {bits}'h{rng.getrandbits(bits):x};\n" for row in range(last + 1))

    words = sum(int(last) + 1 for last, _, _ in LOOP.findall(verilog))
    verilog, registers = REGISTER.subn(register, verilog)
    return LOOP.sub(memory, verilog), registers, words


def first_difference(config: TileConfig, verilog: str, cycles: int) -> str:
    """The first output that differs from the golden tile after one cycle of reset; empty if there is none."""
    played, tile = record(config, cycles=cycles, seed=4), NativeTile(native_library(verilog, config), config)
    for cycle, (inputs, outputs) in enumerate(zip(played.inputs, played.outputs, strict=True)):
        for name, value in inputs.items():
            tile.set(name, value)
        tile.cycle()
        for name, value in outputs.items():
            if cycle and tile.get(name) != value:
                return f"cycle {cycle}: {name}"
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_any_start_values_give_the_same_run(seed: int) -> None:
    verilog, registers, words = scrambled(tile_verilog(CONFIG), seed)
    assert registers > 200
    assert words == 3 * CONFIG.depth
    assert first_difference(CONFIG, verilog, 3000) == ""


@pytest.mark.slow
def test_a_register_without_reset_is_found() -> None:
    before, start, rest = tile_verilog(CONFIG).partition(f"module \\symtrack_{CONFIG.name}.transfer (")
    module, end, after = rest.partition("endmodule")
    following = re.escape(re.search(r"^    taken <= (\S+) ;", module, re.MULTILINE)[1])
    bent, count = re.subn(rf"^    if \(rst\) begin\n +{following} +=.*\n    end\n", "", module, flags=re.MULTILINE)
    assert count == 1
    verilog = "".join((before, start, bent, end, after))
    assert any(first_difference(CONFIG, scrambled(verilog, seed)[0], 300) for seed in (1, 2, 3))
