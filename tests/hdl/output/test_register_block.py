# SPDX-License-Identifier: Apache-2.0
"""Plays the register block that PeakRDL makes of the SystemRDL beside our register file: same answers, same events.

Ours is played first, with a random bus and tile; its accesses and what the tile told it are played again on the block
in Verilator. Left out is what SystemRDL has no word for: values beyond the largest, parts of a command or a seed, a
seed of zero, and one too many of both.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

import pytest
from amaranth.hdl import Value
from systemrdl import RDLCompiler

from symtrack.cosim.tools.toolchain import find_verilator
from symtrack.hdl.controller.register_file import OF_BUS, RegisterFile
from symtrack.hdl.controller.registers import EVENTS, Register, registers, settings_fields
from symtrack.hdl.output.system_rdl import register_rdl
from symtrack.model.spec.config import TileConfig
from tests.hdl.helpers.simulate import Dut, simulate

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("peakrdl_regblock") is None, reason="peakrdl-regblock is not installed"),
]
CONFIG = TileConfig(rows=3, columns=5, lanes=1, row_chopper=1, programmer=1, counter_bits=32)
CYCLES = 4000
FULL = 15
FLAGS = ("hidden_saturated", "pulses_clamped", "gave_up")

MAIN = """\
#include "Vbench.h"
int main() {
    VerilatedContext context;
    Vbench bench{&context};
    while (!context.gotFinish()) {
        bench.clk = !bench.clk;
        bench.eval();
    }
}
"""


class Watched(RegisterFile):
    """The register file with a view of the values that it is told, and of the events that happen."""

    def _values(self, *arguments: Any) -> Any:
        self.told = super()._values(*arguments)
        return self.told

    def _operations(self, m: Any, values: Any, happens: Any) -> None:
        self.happens = happens
        super()._operations(m, values, happens)


@dataclass
class Cycle:
    """An access, what the tile told in its cycle, and what the register file showed."""

    read: int | None
    write: tuple[int, int, int] | None
    told: dict[str, int]
    answer: tuple[int, int]
    shown: dict[str, int]
    irq: int
    reset: int


def legal(register: Register, rng: Random) -> int:
    """A word with values that are not refused; one interrupt at most is enabled, and often all events are cleared."""
    if register.name == "interrupt":
        return 1 << rng.randrange(len(EVENTS)) if rng.random() < 0.7 else 0
    if register.name == "control":
        return rng.getrandbits(1)  # a reset or none
    if register.name == "events" and rng.random() < 0.7:
        return register.fields[-1].mask * 2 - 1
    word = 0
    for field in register.fields:
        most = (1 << field.width) - 1 if field.high is None else field.high
        word |= rng.choice((int(field.nonzero), most, rng.randint(int(field.nonzero), most))) << field.low
    return word


def ours(seed: int) -> list[Cycle]:
    """Random cycles of our register file: an access at most in each, often of a register with events."""
    component, table, rng = Watched(CONFIG), registers(CONFIG), Random(seed)
    by_offset = {register.offset: register for register in table}
    favourites = [
        register.offset for register in table if register.name in ("events", "interrupt", "command", "control", "seed")
    ]
    names = [field.name for field in settings_fields(CONFIG)]
    cycles: list[Cycle] = []

    async def program(dut: Dut) -> None:
        busy, flags, late = 0, 0, dict.fromkeys(OF_BUS, 0)
        for _ in range(CYCLES):
            offset = rng.choice((*favourites, *favourites, *favourites, *by_offset, 4 * rng.randrange(1 << 10)))
            register = by_offset.get(offset)
            waits, seed_waits = dut.get("command__valid"), dut.get("seeds__valid")
            kind = rng.choice(("read", "write", "write", "nothing"))
            write = None
            too_late = {"command": waits, "seed": seed_waits}  # another one of them would be refused
            if kind == "write" and not (register and too_late.get(register.name)):
                whole = register is None or register.name in ("command", "control", "seed")
                strobes = FULL if whole else rng.randrange(16)
                write = offset, legal(register, rng) if register else 0, strobes
            busy = max(0, busy - 1)
            flags = 0 if rng.random() < 0.05 else flags | rng.getrandbits(3) & rng.getrandbits(3)
            status = {
                name: rng.getrandbits(port.width) for name, port in dut.ports.items() if name.startswith("status_")
            }
            status |= {f"status__{name}": flags >> k & 1 for k, name in enumerate(FLAGS)}
            status |= {"status__busy": int(busy > 0), "status__memory_error": int(rng.random() < 0.05)}
            ready = int(busy == 0 and rng.random() < 0.5)
            address, word, strobes = write or (0, 0, 0)
            dut.set(**status, column=rng.randrange(CONFIG.columns), command__ready=ready)
            dut.set(seeds__ready=rng.getrandbits(1))
            dut.set(read=kind == "read", read_address=offset, write=write is not None)
            dut.set(write_address=address, write_data=word, write_strobes=strobes)
            if waits and ready:
                busy = rng.randrange(2, 9)
            told = {f"{name}.{part}": dut.peek(Value.cast(value)) for (name, part), value in component.told.items()}
            happens = {event: dut.peek(component.happens[event]) for event in EVENTS}
            told |= {f"events.{event}": (happens | late)[event] for event in EVENTS}
            late = {event: happens[event] for event in OF_BUS}
            answer = dut.read("read_data", "read_error") if kind == "read" else (0, dut.get("write_error"))
            shown = {f"settings.{name}": dut.get(f"settings__{name}") for name in names}
            shown |= {f"command.{name}": dut.get(f"command__{name}") for name in ("op", "bl", "column")}
            shown["seed.state"] = dut.get("seeds__state")
            read = offset if kind == "read" else None
            cycles.append(Cycle(read, write, told, answer, shown, dut.get("irq"), dut.get("reset")))
            await dut.tick()

    simulate(component, program)
    return cycles


def block(folder: Path, rdl: str) -> list[tuple[str, int]]:
    """Let PeakRDL write the block; its signals to and from hardware with their widths."""
    from peakrdl_regblock import RegblockExporter
    from peakrdl_regblock.cpuif.passthrough import PassthroughCpuif
    from peakrdl_regblock.udps import ALL_UDPS

    (folder / "registers.rdl").write_text(rdl, encoding="utf-8")
    compiler = RDLCompiler()
    for udp in ALL_UDPS:
        compiler.register_udp(udp)
    compiler.compile_file(str(folder / "registers.rdl"))
    RegblockExporter().export(
        compiler.elaborate(),
        str(folder),
        cpuif_cls=PassthroughCpuif,
        module_name="block",
        package_name="block_pkg",
        address_width=12,
        err_if_bad_addr=True,
        err_if_bad_rw=True,
        generate_hwif_report=True,
    )
    report = (folder / "block_hwif.rpt").read_text().splitlines()
    found = [re.fullmatch(r"(hwif_\w+\.[\w.]+)(?:\[(\d+):0\])?", line) for line in report]
    return [(match[1], int(match[2] or 0) + 1) for match in found if match]


BUS = {"rst": 1, "req": 1, "is_wr": 1, "addr": 12, "wr_data": 32, "wr_biten": 32}
ANSWER = {"rd_ack": 1, "rd_err": 1, "rd_data": 32, "wr_ack": 1, "wr_err": 1}


def packed(widths: dict[str, int], values: dict[str, int]) -> int:
    """One word of all values, the first one highest."""
    word = 0
    for name, width in widths.items():
        word = word << width | values[name] & ((1 << width) - 1)
    return word


def unpacked(widths: dict[str, int], word: int) -> dict[str, int]:
    values = {}
    for name, width in reversed(widths.items()):
        values[name] = word & ((1 << width) - 1)
        word >>= width
    return values


def theirs(folder: Path, rdl: str, cycles: list[Cycle]) -> list[dict[str, int]]:
    """The same cycles on PeakRDL's block: what it answers and shows in each."""
    signals = block(folder, rdl)
    inputs = BUS | {name: width for name, width in signals if name.startswith("hwif_in")}
    outputs = ANSWER | {name: width for name, width in signals if name.startswith("hwif_out")}
    words = [packed(inputs, dict.fromkeys(inputs, 0) | {"rst": 1})]
    for cycle in cycles:
        address, data, strobes = cycle.write or (cycle.read or 0, 0, 0)
        values = {"rst": 0, "req": int((cycle.write or cycle.read) is not None), "is_wr": int(cycle.write is not None)}
        values |= {"addr": address, "wr_data": data}
        values["wr_biten"] = sum(0xFF << 8 * byte for byte in range(4) if strobes >> byte & 1)
        of_tile = (name for name in inputs if name not in BUS)
        values |= {name: cycle.told[name.removeprefix("hwif_in.").removesuffix(".next")] for name in of_tile}
        words.append(packed(inputs, values))
    (folder / "stimulus.hex").write_text("".join(f"{word:x}\n" for word in words))
    wide, out = sum(inputs.values()), sum(outputs.values())
    names = [
        name if name in ("rst",) or "." in name else f"s_cpuif_{'req_is_wr' if name == 'is_wr' else name}"
        for name in inputs
    ]
    answers = [name if "." in name else f"s_cpuif_{name}" for name in outputs]
    ports = [
        (name, width) for name, width in zip((*names, *answers), (*inputs.values(), *outputs.values()), strict=True)
    ]
    wires = "".join(f"    wire [{width - 1}:0] {name};\n" for name, width in ports if "." not in name)
    connected = "".join(f", .{name}({name})" for name, _ in ports if "." not in name)
    (folder / "bench.sv").write_text(f"""\
module bench(input clk);
    logic [{wide - 1}:0] stimulus [0:{len(words) - 1}];
    integer cycle = 0;
{wires}    block_pkg::top__in_t hwif_in;
    block_pkg::top__out_t hwif_out;
    block block(.clk(clk), .s_cpuif_req_stall_wr(), .s_cpuif_req_stall_rd(), .hwif_in(hwif_in), .hwif_out(hwif_out)
        {connected});
    assign {{{", ".join(names)}}} = stimulus[cycle];
    wire [{out - 1}:0] shown = {{{", ".join(answers)}}};
    initial $readmemh("stimulus.hex", stimulus);
    always @(posedge clk) begin
        $display("%h", shown);
        cycle <= cycle + 1;
        if (cycle == {len(words) - 1}) $finish;
    end
endmodule
""")
    (folder / "main.cpp").write_text(MAIN)
    tool = find_verilator()
    command = [tool.executable, "--cc", "--exe", "--build", "-O1", "-Wno-fatal", "-Wno-lint", "--top-module", "bench"]
    command += ["-CFLAGS", "-O0", "block_pkg.sv", "block.sv", "bench.sv", "main.cpp"]
    built = subprocess.run(command, cwd=folder, env=tool.environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    played = subprocess.run(
        [str(folder / "obj_dir" / "Vbench")], cwd=folder, capture_output=True, text=True, check=True
    )
    lines = [line for line in played.stdout.splitlines() if re.fullmatch("[0-9a-f]+", line)]
    return [unpacked(outputs, int(line, 16)) for line in lines[1:]]


def compared(cycles: list[Cycle], blocks: list[dict[str, int]]) -> Counter[str]:
    """Compare every cycle; what was compared, by kind."""
    table = {register.name: register for register in registers(CONFIG)}
    place = {field.name: r.name for r in table.values() for field in r.fields if field.access == "rw"}
    hits = Counter[str]()
    assert len(blocks) == len(cycles)
    for number, (mine, other) in enumerate(zip(cycles, blocks, strict=True)):
        told = f"cycle {number}: {mine.read} {mine.write}"
        if mine.read is not None:
            assert other["rd_ack"], told
            assert other["rd_err"] == mine.answer[1], told
            if not mine.answer[1]:
                assert other["rd_data"] == mine.answer[0], told
                hits["events read"] += mine.read == table["events"].offset and mine.answer[0] != 0
            hits["reads"] += 1
            hits["errors"] += mine.answer[1]
        if mine.write is not None:
            assert (other["wr_ack"], other["wr_err"]) == (1, mine.answer[1]), told
            hits["writes"] += not mine.answer[1]
            hits["errors"] += mine.answer[1]
        for name, value in mine.shown.items():
            of, _, part = name.partition(".")
            if of == "settings":
                assert other[f"hwif_out.{place[part]}.{part}.value"] == value, (told, name)
        ordered = mine.write is not None and mine.write[0] == table["command"].offset
        assert other["hwif_out.command.op.swmod"] == ordered, told
        seeded = mine.write is not None and mine.write[0] == table["seed"].offset
        assert other["hwif_out.seed.state.swmod"] == seeded, told
        if seeded and number + 1 < len(blocks):
            assert blocks[number + 1]["hwif_out.seed.state.value"] == cycles[number + 1].shown["seed.state"], told
        hits["seeds"] += seeded
        assert other["hwif_out.control.reset.value"] == mine.reset, told
        hits["resets"] += mine.reset
        if ordered:
            after = blocks[number + 1] if number + 1 < len(blocks) else None
            for part in ("op", "bl", "column") if after else ():
                assert after[f"hwif_out.command.{part}.value"] == cycles[number + 1].shown[f"command.{part}"], told
            hits["commands"] += 1
        if number:
            assert mine.irq == blocks[number - 1]["hwif_out.events.intr"], told
            hits["interrupts"] += mine.irq > cycles[number - 1].irq
        if mine.write is not None and mine.write[0] == table["events"].offset:
            cleared = mine.write[1] & sum(0xFF << 8 * byte for byte in range(4) if mine.write[2] >> byte & 1)
            hits["clears"] += cleared != 0
            hits["set while cleared"] += any(
                mine.told[f"events.{field.name}"] and cleared & field.mask for field in table["events"].fields
            )
    return hits


@pytest.fixture(scope="module")
def cycles() -> list[Cycle]:
    return ours(1)


KINDS = {
    "seeds",
    "reads",
    "writes",
    "errors",
    "events read",
    "resets",
    "commands",
    "interrupts",
    "clears",
    "set while cleared",
}


def test_it_answers_as_ours_does(cycles: list[Cycle], tmp_path: Path) -> None:
    hits = compared(cycles, theirs(tmp_path, register_rdl(CONFIG, "top"), cycles))
    assert {kind for kind in KINDS if hits[kind] < 20} == set(), hits


@pytest.mark.parametrize(("old", "new"), [(" stickybit;", " stickybit = false;"), (" precedence = hw;", "")])
def test_events_that_are_lost_are_noticed(old: str, new: str, cycles: list[Cycle], tmp_path: Path) -> None:
    rdl = register_rdl(CONFIG, "top")
    assert rdl.count(old) == len(EVENTS)
    with pytest.raises(AssertionError):
        compared(cycles, theirs(tmp_path, rdl.replace(old, new), cycles))
