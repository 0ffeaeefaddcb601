# SPDX-License-Identifier: Apache-2.0
"""Writes the core file for FuseSoC (CAPI2), and the test bench that its target ``sim`` plays.

default, tile, bridges    what there is to instantiate
lint                      Verilator's warnings
sim                       the test bench of `hdl.example` in Icarus Verilog
synth_ice40, synth_ecp5, synth_xilinx    the controller mapped by Yosys, its netlist as JSON
synth                     another name of synth_ecp5

Those are left out that the body of the memories does not fit, see `targets`: a block RAM of an ECP5 has no model here,
and is in no other family; macros are in none.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from symtrack.hdl.output.c_headers import MAP_FILE
from symtrack.hdl.output.interface_rules import rules_name
from symtrack.hdl.output.memory import BEHAVIOURAL, ECP5, MACRO, body_files, lint_files
from symtrack.hdl.output.verilog import BRIDGES, controller_name, module_name
from symtrack.hdl.output.verilog_package import package_name
from symtrack.model.spec.config import TileConfig

SYNTHESIS = {  # by the name of Yosys's command: what it maps to, and options
    "ice40": ("Lattice iCE40", []),
    "ecp5": ("Lattice ECP5", []),
    "xilinx": ("Xilinx 7", ["-family", "xc7", "-flatten"]),
}
ALWAYS = ("default", "tile", "bridges", "lint")
FITTING = {  # other targets, by the body of the memories
    BEHAVIOURAL: ("sim", *(f"synth_{name}" for name in SYNTHESIS), "synth"),
    ECP5: ("synth_ecp5", "synth"),
    MACRO: ("sim",),
}
EXAMPLE = ("example_top.v", "example_tb.v")
FOLDER = Path(__file__).parents[1] / "example"


def bench_name(config: TileConfig) -> str:
    """The name of the test bench's file."""
    return f"{controller_name(config)}_tb.v"


def bench(config: TileConfig) -> str:
    """The test bench of `hdl.example`, the module ``example_tb``, with the parameters of this configuration."""
    texts = [(FOLDER / name).read_text(encoding="utf-8").partition("\n")[2] for name in EXAMPLE]
    return "\n".join([f'`define SYMTRACK_PARAMETERS "{controller_name(config)}_parameters.vh"', *texts])


def targets(memory: str) -> tuple[str, ...]:
    """Names of the targets of a core whose memories have this one of `hdl.output.memory.BODIES`."""
    return ALWAYS + FITTING[memory]


def fusesoc_core(config: TileConfig, memory: str = BEHAVIOURAL) -> str:
    """The core file, with the `targets` that fit the body of its memories."""
    top, controller = module_name(config), controller_name(config)
    more, stubs = list(body_files(config, memory)), list(lint_files(memory))
    return f"""\
CAPI=2:
name: symtrack::{controller}:{version("symtrack")}
description: Controller of an analog crossbar tile with dynamic symmetric point tracking, {config.rows}x{config.columns}

filesets:
  controller:
    files: [{", ".join((f"{controller}.v", *more))}, {controller}_parameters.vh: {{is_include_file: true}}]
    file_type: verilogSource-2005
  rules:
    files: [{package_name(config)}.sv, {rules_name(config)}.sv]
    file_type: systemVerilogSource
  tile:
    files: [{", ".join((f"{top}.v", *more))}]
    file_type: verilogSource-2005
  bridges:
    files: [{", ".join(f"{name}.v" for name in BRIDGES)}]
    file_type: verilogSource-2005
  bench:
    files: [{bench_name(config)}]
    file_type: verilogSource-2005
  waivers:
    files: [{controller}.vlt]
    file_type: vlt
{_stubs(stubs)}\
  driver:
    files: [{controller}_registers.h, {MAP_FILE}]
    file_type: user

targets:
  default: &default
    filesets: [controller, driver, "rules? (rules)"]
    toplevel: {controller}
  tile:
    filesets: [tile]
    toplevel: {top}
  bridges:
    filesets: [bridges]
    toplevel: [{", ".join(BRIDGES)}]
  lint:
    <<: *default
    filesets: [waivers, controller, {"stubs, " if stubs else ""}rules]
    description: Verilator's warnings but those that come from the form of generated text
    flow: lint
    flow_options:
      tool: verilator
      verilator_options: [-Wall]
{"".join(_target(controller, name) for name in FITTING[memory])}"""


_SIMULATION = """\
  sim:
    filesets: [controller, bench]
    toplevel: example_tb
    description: An update and a transfer of every column over the bus, in Icarus Verilog
    flow: sim
    flow_options:
      tool: icarus
      vvp_options: [-N]
"""


def _stubs(files: list[str]) -> str:
    text = f"""\
  stubs:
    files: [{", ".join(files)}]
    file_type: verilogSource-2005
"""
    return text if files else ""


def _target(controller: str, name: str) -> str:
    if name == "sim":
        return _SIMULATION
    family = name.partition("_")[2] or ECP5
    return _synthesis(controller, name, family, *SYNTHESIS[family])


def _synthesis(controller: str, name: str, command: str, family: str, options: list[str]) -> str:
    return f"""\
  {name}:
    filesets: [controller]
    toplevel: {controller}
    description: Mapped to {family} by Yosys
    flow: generic
    flow_options:
      tool: yosys
      arch: {command}
      output_format: json
      yosys_synth_options: [{", ".join(options)}]
"""
