# SPDX-License-Identifier: Apache-2.0
"""Writes the register map as Markdown, JSON and SystemRDL."""

from __future__ import annotations

import json
from dataclasses import asdict

from symtrack.hdl.controller.registers import registers
from symtrack.model.spec.config import TileConfig

# What SystemRDL says of the accesses of `hdl.controller.registers`.
ACCESS = {
    "ro": "sw = r; hw = w;",
    "rw": "sw = rw; hw = r;",
    "wo": "sw = w; hw = r;",
    "w1c": "sw = rw; onwrite = woclr; hw = rw;",
}


def register_markdown(config: TileConfig) -> str:
    """A table of all registers with their fields."""
    lines = [
        f"# Registers of the controller for `{config.name}`",
        "",
        "| offset | register | bits | field | access | reset | largest | meaning |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for register in registers(config):
        lines.append(f"| {register.offset:#05x} | **{register.name}** | | | | | | {register.text} |")
        for field in register.fields:
            high = field.low + field.width - 1
            bits = f"{high}:{field.low}" if field.width > 1 else f"{field.low}"
            most = "" if field.high is None else f"{field.high}"
            cells = ("", "", bits, f"`{field.name}`", field.access, f"{field.reset:#x}", most, field.text)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def register_json(config: TileConfig) -> str:
    """The register map as plain data for JSON."""
    return json.dumps([asdict(register) for register in registers(config)], indent=2) + "\n"


def register_rdl(config: TileConfig, module: str) -> str:
    """A SystemRDL 2.0 description of the one address map."""
    lines = [f"addrmap {module} {{", "    default regwidth = 32;", "    default accesswidth = 32;"]
    for register in registers(config):
        lines += ["    reg {", f"        desc = {_text(register.text)};"]
        for field in register.fields:
            lines += [f"        field {{ desc = {_text(field.text)}; {ACCESS[field.access]} }}"]
            lines[-1] += f" {field.name}[{field.low + field.width - 1}:{field.low}] = {field.reset:#x};"
        lines.append(f"    }} {register.name} @ {register.offset:#05x};")
    return "\n".join([*lines, "};", ""])


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
