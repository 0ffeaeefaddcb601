# SPDX-License-Identifier: Apache-2.0
"""Writes the register map as Markdown and JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

from symtrack.hdl.controller.registers import registers
from symtrack.model.spec.config import TileConfig


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
