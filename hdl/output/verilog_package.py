# SPDX-License-Identifier: Apache-2.0
"""Writes a SystemVerilog package: constants of a controller, and its streams as packed structs.

    STREAM_PAYLOAD_LOW, ...   the Verilog parameters      REG_REGISTER   the address of a register
    FORMAT_NAME_WIDTH, ...    the formats of words        REG_REGISTER_FIELD_SHIFT, _MASK, _RESET, _MAX
    CYCLES_NAME               the cycle counts            stream_t       tdata of a stream

A member of a struct has all bits up to the next payload. On the way out these extend the payload by sign or zero, so a
member is its value; on the way in they are ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from symtrack.hdl.controller.registers import ADDRESS_BITS, WORD, registers
from symtrack.hdl.controller.stream_layout import StreamLayout, stream_layouts
from symtrack.hdl.output.c_headers import constants
from symtrack.hdl.output.verilog import controller_name
from symtrack.hdl.output.verilog_parameters import parameters
from symtrack.model.spec.config import TileConfig

WORD_TYPE = f"logic [{WORD - 1}:0]"


def package_name(config: TileConfig) -> str:
    """Name of the package."""
    return f"{controller_name(config)}_package"


def verilog_package(config: TileConfig, formats: Mapping[str, Any], cycles: Mapping[str, Any]) -> str:
    """The package of a configuration, with the formats and cycle counts of its JSON."""
    lines = [f"  localparam int {name} = {value};" for name, value in parameters(config).items()]
    lines += ["", "  // Formats of words: width, bits after the point, whether they are signed."]
    lines += [f"  localparam int {name} = {value};" for name, value in _flat("FORMAT", formats)]
    lines += ["", "  // Cycles of operations that never wait."]
    lines += [f"  localparam int {name} = {value};" for name, value in _flat("CYCLES", cycles)]
    lines += ["", "  // Registers."]
    for register in registers(config):
        name = f"REG_{register.name.upper()}"
        lines.append(f"  localparam logic [{ADDRESS_BITS - 1}:0] {name} = {ADDRESS_BITS}'h{register.offset:03x};")
        for field in register.fields:
            for of, value in constants(field).items():
                kind, text = ("int", value) if of == "SHIFT" else (WORD_TYPE, f"{WORD}'h{value:08x}")
                lines.append(f"  localparam {kind} {name}_{field.name.upper()}_{of} = {text};")
    for stream, layout in stream_layouts(config).items():
        lines += ["", *_struct(stream, layout)]
    name = package_name(config)
    head = [f"// Constants of {controller_name(config)}.", *_lint("off"), f"package {name};"]
    return "\n".join([*head, *lines, "endpackage", *_lint("on"), ""])


def _lint(state: str) -> list[str]:
    """Nobody uses all constants; Verilator renames members such as ``reference`` in the C++ that it writes."""
    return [f"// verilator lint_{state} {rule}" for rule in ("UNUSEDPARAM", "SYMRSVDWORD")]


def _flat(name: str, values: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """The numbers in a nested mapping, each under the names that lead to it."""
    for key, value in values.items():
        at = f"{name}_{key}".upper()
        if isinstance(value, Mapping):
            yield from _flat(at, value)
        else:
            yield at, int(value)


def _struct(stream: str, layout: StreamLayout) -> list[str]:
    """The type of a stream; an element of lanes has a type of its own, as only that makes it signed."""
    types, members = [], []
    for part in layout.parts:
        kind = f"logic {'signed ' if part.signed else ''}[{part.room - 1}:0]"
        if part.lane == 0:
            types.append(f"  typedef {kind} {stream}_{part.name}_t;")
            kind = f"{stream}_{part.name}_t [LANES-1:0]"
        if not part.lane:
            members.append(f"    {kind} {part.name};")
    if padding := layout.padding:
        members.append(f"    logic [{padding - 1}:0] padding;")
    return [*types, "  typedef struct packed {", *reversed(members), f"  }} {stream}_t;"]
