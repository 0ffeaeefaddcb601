# SPDX-License-Identifier: Apache-2.0
"""Writes a recorded random scenario as a self-checking Verilog test bench, for simulators without an engine.

The golden model answers while the stimulus is made, so the record holds what every output has to be in every cycle; the
test bench plays it and compares with ``!==``, to which an unknown value is a wrong one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import cast

from symtrack.cosim.engine.job import Bench
from symtrack.cosim.engine.lockstep import Ports
from symtrack.cosim.stimulus.random import random_program
from symtrack.hdl.output.verilog import Port, module_name, tile_ports
from symtrack.model.spec.config import TileConfig
from symtrack.model.tile.tile import TileModel

TOP = "replay"
STIMULUS, EXPECTED, BENCH = "stimulus.hex", "expected.hex", "replay.v"


@dataclass(frozen=True)
class ReplayRecord:
    """Cycles of a run: values of the inputs, and of the outputs as the golden model has them."""

    config: TileConfig
    inputs: list[Ports]
    outputs: list[Ports]


class _Golden:
    """A bench without RTL: what a program needs to know of the bench that it plays on, from the golden model."""

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        self.widths = {port.name: port.width for port in _side(config, output=False)}

    def progress(self, done: int) -> None:
        pass


def record(config: TileConfig, *, cycles: int, seed: int) -> ReplayRecord:
    """One cycle of reset, then the random scenario of `cosim.stimulus.scenarios`."""
    golden, bench = TileModel(config), _Golden(config)
    program = random_program(cast(Bench, bench), cycles, Random(seed))
    result = ReplayRecord(config, [], [])
    inputs = dict.fromkeys(("rst", *bench.widths), 0) | {"rst": 1}
    result.inputs.append(inputs)
    result.outputs.append(golden.step(inputs))
    inputs = next(program)
    while True:
        outputs = golden.step(inputs)
        result.inputs.append(inputs)
        result.outputs.append(outputs)
        try:
            inputs = program.send(outputs)
        except StopIteration:
            return result


def write_replay(folder: Path, played: ReplayRecord) -> Path:
    """Write the test bench and its data into ``folder``; the file of the bench, which is run in that folder."""
    config = played.config
    sides = {False: [Port("rst", 1, False), *_side(config, output=False)], True: _side(config, output=True)}
    for name, output, rows in ((STIMULUS, False, played.inputs), (EXPECTED, True, played.outputs)):
        (folder / name).write_text("\n".join(_hex(sides[output], row) for row in rows) + "\n", encoding="utf-8")
    file = folder / BENCH
    file.write_text(_bench(config, sides, len(played.inputs)), encoding="utf-8")
    return file


def without_initial_values(verilog: str) -> str:
    """The tile's Verilog without initial values, so that registers and memories are unknown before the reset."""
    verilog = re.sub(r"^  initial begin\n.*?^  end\n", "", verilog, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"^(\s*reg (?:\[\d+:0\] )?\S+ ?) = [^;]+;", r"\1;", verilog, flags=re.MULTILINE)


def _side(config: TileConfig, *, output: bool) -> list[Port]:
    return [port for port in tile_ports(config) if port.output == output]


def _hex(ports: list[Port], values: Ports) -> str:
    """The values of all ports side by side as one hexadecimal word, the first port in the lowest bits."""
    word, width = 0, 0
    for port in ports:
        word |= values[port.name] << width
        width += port.width
    return f"{word:0{-(-width // 4)}x}"


def _bench(config: TileConfig, sides: dict[bool, list[Port]], cycles: int) -> str:
    spans = {}
    for ports in sides.values():
        first = 0
        for port in ports:
            spans[port.name] = f"[{first} +: {port.width}]"
            first += port.width
    widths = {output: sum(port.width for port in ports) for output, ports in sides.items()}
    lines = [
        "`timescale 1ns / 1ps",
        f"module {TOP};",
        f"  reg [{widths[False] - 1}:0] stimulus [0:{cycles - 1}];",
        f"  reg [{widths[True] - 1}:0] expected [0:{cycles - 1}];",
        f"  reg [{widths[False] - 1}:0] driven;",
        f"  reg [{widths[True] - 1}:0] due;",
        f"  wire [{widths[True] - 1}:0] told;",
        "  reg clk = 0;",
        "  integer cycle;",
        f"  {module_name(config)} tile (.clk(clk)",
        *(f"    , .{port.name}(driven{spans[port.name]})" for port in sides[False]),
        *(f"    , .{port.name}(told{spans[port.name]})" for port in sides[True]),
        "  );",
        "  initial begin",
        f'    $readmemh("{STIMULUS}", stimulus);',
        f'    $readmemh("{EXPECTED}", expected);',
        f"    for (cycle = 0; cycle < {cycles}; cycle = cycle + 1) begin",
        "      driven = stimulus[cycle];",
        "      due = expected[cycle];",
        "      #1;",
        "      if (cycle > 0 && told !== due) begin  // before the first reset nothing is known",
        *(
            f"        if (told{spans[port.name]} !== due{spans[port.name]}) $display("
            f'"cycle %0d: {port.name} is %h and must be %h", '
            f"cycle, told{spans[port.name]}, due{spans[port.name]});"
            for port in sides[True]
        ),
        '        $display("FAILED");',
        "        $finish;",
        "      end",
        "      clk = 1;",
        "      #1 clk = 0;",
        "    end",
        '    $display("PASSED %0d cycles", cycle);',
        "    $finish;",
        "  end",
        "endmodule",
        "",
    ]
    return "\n".join(lines)
