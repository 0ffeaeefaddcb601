# SPDX-License-Identifier: Apache-2.0
"""Plays random traffic to a controller with its rules bound to it, in Verilator, and plays it again with errors in it.

RulesBench    the controller of a configuration in rules_bench.sv, which records its ports
RulesPlayer   a module with the name of the controller, whose outputs are those of a record
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from symtrack.cosim.tools.toolchain import find_verilator
from symtrack.cosim.tools.verilog_texts import controller_verilog
from symtrack.hdl.output.interface_rules import interface_rules
from symtrack.hdl.output.package import describe
from symtrack.hdl.output.verilog import controller_name, controller_ports
from symtrack.hdl.output.verilog_package import package_name, verilog_package
from symtrack.model.spec.config import TileConfig

BENCH = Path(__file__).with_name("rules_bench.sv")
MAIN = """
#include "VTOP.h"
int main(int argc, char **argv)
{
    VerilatedContext context;
    context.commandArgs(argc, argv);
    VTOP top{&context};
    while (!context.gotFinish()) {
        top.aclk = !top.aclk;
        top.eval();
    }
    return 0;
}
"""
PLAYER = """
module rules_player(input logic aclk);
  logic [BITS-1:0] next, row, flip = '0;
  int cycle = 0, fault = -1, trace;
  string file;
  initial begin
    void'($value$plusargs("trace=%s", file));
    void'($value$plusargs("cycle=%d", fault));
    void'($value$plusargs("flip=%h", flip));
    trace = $fopen(file, "r");
    void'($fscanf(trace, "%h", row));
  end
  wire [BITS-1:0] ports = cycle == fault ? row ^ flip : row;
  controller_of_record controller (.aclk(aclk), .played(ports), PORTS);
  always @(posedge aclk) begin
    cycle <= cycle + 1;
    if (cycle == fault || $fscanf(trace, "%h", next) != 1) begin
      $display("ended");
      $finish;
    end
    row <= next;
  end
endmodule
"""
Row = dict[str, int]  # the ports in a cycle


@dataclass(frozen=True)
class Run:
    """The names of the rules that were broken, and the ports in every cycle."""

    broken: set[str]
    rows: list[Row]


def texts(config: TileConfig) -> dict[str, str]:
    """The package and the rules of a configuration."""
    described = describe(config)
    package = verilog_package(config, described["formats"], described["cycles"])
    return {"package.sv": package, "rules.sv": interface_rules(config)}


class _Simulation:
    """A simulation with rules, which is built once in a folder."""

    top = ""

    def __init__(self, config: TileConfig, folder: Path, design: dict[str, str], *arguments: str) -> None:
        self.config, self.folder = config, folder
        sources = {**texts(config), **design}
        for file, text in (sources | {"main.cpp": MAIN.replace("TOP", self.top)}).items():
            (folder / file).write_text(text, encoding="utf-8")
        tool = find_verilator().in_folder(folder)
        command = [tool.executable, "--cc", "--exe", "--build", "--assert", "-Wno-fatal", "-Wno-lint", "-Wno-style"]
        command += ["--top-module", self.top, *arguments]
        for flag in ("OPT_FAST=-O0", "OPT_SLOW=-O0", "OPT_GLOBAL=-O0", "CFG_CXXFLAGS_PCH_I=-include"):
            command += ["-MAKEFLAGS", flag]
        done = subprocess.run(
            [*command, *sources, "main.cpp"],
            cwd=folder,
            env=tool.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _run(self, *arguments: str) -> set[str]:
        """The names of the broken rules."""
        command = [str(self.folder / "obj_dir" / f"V{self.top}"), *arguments, "+verilator+error+limit+100000"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "ended" in done.stdout, done.stdout + done.stderr
        return set(re.findall(r"Assertion failed in [\w.\[\]]*?(\w+): ", done.stdout))


class RulesBench(_Simulation):
    """A controller under random traffic."""

    top = "rules_bench"

    def __init__(self, config: TileConfig, folder: Path) -> None:
        names = ", ".join(port.name for port in reversed(controller_ports(config)))
        design = {"controller.v": controller_verilog(config), "bench.sv": BENCH.read_text(encoding="utf-8")}
        macros = {"CONTROLLER": controller_name(config), "PACKAGE": package_name(config), "PORTS": f"{{{names}}}"}
        super().__init__(config, folder, design, *(f"-D{name}={value}" for name, value in macros.items()))

    def play(self, cycles: int, trace: Path) -> Run:
        """So many cycles, recorded in a file."""
        broken = self._run(f"+cycles={cycles}", f"+trace={trace}", "+verilator+seed+7")
        return Run(broken, [self._row(line) for line in trace.read_text().split()])

    def _row(self, line: str) -> Row:
        word, row = int(line, 16), {}
        for port in controller_ports(self.config):
            row[port.name] = word & ((1 << port.width) - 1)
            word >>= port.width
        return row


class RulesPlayer(_Simulation):
    """A record with errors."""

    top = "rules_player"

    def __init__(self, config: TileConfig, folder: Path) -> None:
        low, inside, outside, declared = 0, [], [], ["input logic aclk"]
        for port in controller_ports(config):
            place = f"[{low + port.width - 1}:{low}]"
            low += port.width
            if port.name == "aclk":
                continue
            declared.append(f"{'output' if port.output else 'input'} logic [{port.width - 1}:0] {port.name}")
            if port.output:
                inside.append(f"  assign {port.name} = played{place};")
            outside.append(f".{port.name}({'' if port.output else f'ports{place}'})")
        name = controller_name(config)
        stub = [f"module {name} ({', '.join(declared)}, input logic [{low - 1}:0] played);", *inside, "endmodule"]
        player = PLAYER.replace("BITS", str(low)).replace("PORTS", ", ".join(outside))
        player = player.replace("controller_of_record", name)
        super().__init__(config, folder, {"stub.sv": "\n".join(stub), "player.sv": player})

    def play(self, trace: Path, cycle: int = -1, flips: Row | None = None) -> set[str]:
        """The rules that are broken up to ``cycle``, in which the bits ``flips`` of ports are inverted."""
        word, low = 0, 0
        for port in controller_ports(self.config):
            word |= (flips or {}).get(port.name, 0) << low
            low += port.width
        return self._run(f"+trace={trace}", f"+cycle={cycle}", f"+flip={word:x}")
