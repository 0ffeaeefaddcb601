# SPDX-License-Identifier: Apache-2.0
"""Writes the core file for FuseSoC (CAPI2), and the test bench that its target ``sim`` plays.

default, tile, bridges    what there is to instantiate
lint                      Verilator's warnings
sim                       the test bench of `hdl.example` in Icarus Verilog
synth_ice40, synth_ecp5, synth_xilinx    the controller mapped by Yosys, its netlist as JSON
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from symtrack.hdl.output.c_headers import MAP_FILE
from symtrack.hdl.output.interface_rules import rules_name
from symtrack.hdl.output.verilog import BRIDGES, controller_name, module_name
from symtrack.hdl.output.verilog_package import package_name
from symtrack.model.spec.config import TileConfig

SYNTHESIS = {  # by the name of Yosys's command: what it maps to, and options
    "ice40": ("Lattice iCE40", []),
    "ecp5": ("Lattice ECP5", []),
    "xilinx": ("Xilinx 7", ["-family", "xc7", "-flatten"]),
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


def fusesoc_core(config: TileConfig, more: Sequence[str] = ()) -> str:
    """The core file; ``more`` are the files in Verilog that tile and controller need beside their own."""
    top, controller = module_name(config), controller_name(config)
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
    filesets: [waivers, controller, rules]
    description: Verilator's warnings but those that come from the form of generated text
    flow: lint
    flow_options:
      tool: verilator
      verilator_options: [-Wall]
  sim:
    filesets: [controller, bench]
    toplevel: example_tb
    description: An update and a transfer of every column over the bus, in Icarus Verilog
    flow: sim
    flow_options:
      tool: icarus
      vvp_options: [-N]
{"".join(_synthesis(controller, *one) for one in SYNTHESIS.items())}"""


def _synthesis(controller: str, command: str, of: tuple[str, list[str]]) -> str:
    family, options = of
    return f"""\
  synth_{command}:
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
