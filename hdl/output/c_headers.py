# SPDX-License-Identifier: Apache-2.0
"""Writes C headers: the register map that every configuration has, and what is special to one.

Names of the map begin with ``SYMTRACK_``, those of a configuration with ``SYMTRACK_NAME_``, so that one program holds
several configurations.
"""

from __future__ import annotations

from collections.abc import Iterator

from symtrack.hdl.controller.registers import Field, registers, settings_fields
from symtrack.hdl.output.verilog import controller_name
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import setting_specs

MAP_FILE = "symtrack_map.h"
WHOLE = TileConfig(
    rows=1024, columns=1024, counter_bits=48, row_chopper=1, programmer=1, self_test=1, residual_memory=1
)
"""A configuration that has every register."""
SIZES = ("size", "formats", "arithmetic", "writes", "options")  # registers that tell what a configuration is made of

FORMS = {"SHIFT": "d", "MASK": "#010x", "RESET": "#x", "MAX": "d"}  # how `constants` are written
SUFFIX = {"SHIFT": "", "MASK": "u", "RESET": "u", "MAX": "u"}


def prefix(config: TileConfig) -> str:
    """What the names in the header of a configuration begin with: ``SYMTRACK_NAME_``."""
    return f"{controller_name(config).removesuffix('_controller').upper()}_"


def map_header() -> str:
    """The C header of what all configurations have: ``SYMTRACK_MODES``, ``SYMTRACK_MODES_CHOPPER_SHIFT``.

    Fields of one bit have their ``_MASK``, too; the widths of others depend on the configuration.
    """
    lines = []
    for register in registers(WHOLE):
        name = f"SYMTRACK_{register.name.upper()}"
        lines += [f"/* {register.text} */", f"#define {name} {register.offset:#05x}u"]
        for field in register.fields:
            lines.append(f"#define {name}_{field.name.upper()}_SHIFT {field.low}")
            if field.width == 1:
                lines.append(f"#define {name}_{field.name.upper()}_MASK {field.mask:#010x}u")
        lines.append("")
    return _guarded(MAP_FILE, "The register map of every symtrack controller.", lines)


def register_header(config: TileConfig) -> str:
    """The C header of one configuration: ``SYMTRACK_NAME_MODES``, ``SYMTRACK_NAME_MODES_CHOPPER_SHIFT``, ``_MASK``.

    Every field also has its ``_RESET``, and a field that can be written ``_MAX``, the largest value that is not
    refused. ``SYMTRACK_NAME_DESCRIPTOR`` initialises the driver's ``struct symtrack_descriptor``.
    """
    lines = []
    for register in registers(config):
        name = f"{prefix(config)}{register.name.upper()}"
        lines += [f"/* {register.text} */", f"#define {name} {register.offset:#05x}u"]
        for field in register.fields:
            at = f"{name}_{field.name.upper()}"
            lines += [f"#define {at}_{of} {value:{FORMS[of]}}{SUFFIX[of]}" for of, value in constants(field).items()]
        lines.append("")
    lines += ["/* random sources, whose states are written to the register seed */"]
    lines += [f"#define {prefix(config)}SOURCES {len(config.sources)}u", ""]
    lines += ["/* of a struct symtrack_descriptor */", f"#define {prefix(config)}DESCRIPTOR \\", "    { \\"]
    lines += [f"        .{name} = {prefix(config)}{value}, \\" for name, value in _descriptor(config)]
    controller = controller_name(config)
    return _guarded(f"{controller}_registers.h", f"Registers of {controller}.", [*lines, "    }", ""])


def constants(field: Field) -> dict[str, int]:
    """What is written of a field: where it is, its value after a reset and, if it can be written, the largest one."""
    most = {"MAX": largest(field)} if field.access in ("rw", "wo") else {}
    return {"SHIFT": field.low, "MASK": field.mask, "RESET": field.reset} | most


def largest(field: Field) -> int:
    """The largest value of a field that is not refused."""
    return (1 << field.width) - 1 if field.high is None else field.high


def _descriptor(config: TileConfig) -> Iterator[tuple[str, str]]:
    """The members of the descriptor, in their order, each with the macro that has its value."""
    yield "hash", "CONFIGURATION_HASH_RESET"
    table = registers(config)
    for register in table:
        if register.name in SIZES:
            for field in register.fields:
                yield field.name, f"{register.name}_{field.name}_RESET".upper()
    yield "sources", "SOURCES"
    flags = {spec.name for spec in setting_specs(config) if spec.kind is bool}
    settings = {field.name for field in settings_fields(config)} - flags
    for register in table:
        for field in register.fields:
            if field.name in settings and field.access == "rw":
                yield f"{field.name}_max", f"{register.name}_{field.name}_MAX".upper()


def _guarded(file: str, text: str, lines: list[str]) -> str:
    guard = file.replace(".", "_").upper()
    return "\n".join([f"/* {text} */", f"#ifndef {guard}", f"#define {guard}", "", *lines, f"#endif /* {guard} */", ""])
