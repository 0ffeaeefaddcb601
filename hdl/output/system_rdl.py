# SPDX-License-Identifier: Apache-2.0
"""Writes the register map as SystemRDL 2.0, from which other generators make a register block with the same answers.

What SystemRDL has no word for is in the descriptions: values beyond the largest of a field are refused, and reading a
counter keeps its upper bits for the next word.
"""

from __future__ import annotations

import json
from enum import IntEnum

from symtrack.hdl.controller.registers import WORD, Field, Register, registers
from symtrack.hdl.output.c_headers import SIZES, largest
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import Op, setting_specs
from symtrack.model.spec.status import COUNTERS

CONSTANTS = ("identification", "version", "configuration", *SIZES)  # registers that nothing changes
ACCESS = {
    "constant": "sw = r; hw = na;",
    "told": "sw = r; hw = w;",
    "counted": "sw = r; hw = w; swacc;",  # where an access keeps the bits above for the next word
    "kept": "sw = rw; hw = r;",
    "ordered": "sw = w; hw = r; swmod;",
    "pulsed": "sw = w; hw = r; singlepulse;",
    "sent": "sw = w; hw = r;",
    # Hardware wins, so that no event is lost that happens while another one is cleared.
    "event": "sw = rw; onwrite = woclr; hw = w; level intr; stickybit; precedence = hw;",
}
"""What is said of a field, by the way in which it comes and goes (`manner`)."""


def manner(config: TileConfig, register: Register, field: Field) -> str:
    """The key in `ACCESS` for a field."""
    counters = {spec.name for spec in COUNTERS}
    above = {f"{name}_high" for name in counters}
    long = config.counter_bits > WORD
    if field.access == "ro":
        if register.name in CONSTANTS or (register.name in above and not long):
            return "constant"
        return "counted" if register.name in counters and long else "told"
    if field.access == "wo":
        if register.name in ("command", "seed"):  # a write counts, also of the same value
            return "ordered"
        return "pulsed" if field.width == 1 else "sent"
    return "event" if field.access == "w1c" else "kept"


def codes(config: TileConfig, field: Field) -> dict[str, int]:
    """The names of the values that a field may have, by name; none if it is a number."""
    kinds = {spec.name: spec.kind for spec in setting_specs(config)} | {"op": Op}
    kind = kinds.get(field.name) if field.access in ("rw", "wo") else None
    if kind is None or not issubclass(kind, IntEnum):
        return {}
    return {code.name.lower(): code.value for code in kind if code.value <= largest(field)}


def register_rdl(config: TileConfig, module: str) -> str:
    """The SystemRDL description of the one address map."""
    table = registers(config)
    lines = [f"addrmap {module} {{", "    default regwidth = 32;", "    default accesswidth = 32;"]
    for register in table:
        lines += ["    reg {", f"        desc = {_text(register.text)};"]
        for field in register.fields:
            text = field.text if field.high is None else f"{field.text}; at most {field.high}"
            access = ACCESS[manner(config, register, field)]
            if values := codes(config, field):
                listed = " ".join(f"{name} = {value};" for name, value in values.items())
                lines.append(f"        enum {field.name}_code {{ {listed} }};")
                access += f" encode = {field.name}_code;"
            place = f"{field.name}[{field.low + field.width - 1}:{field.low}] = {field.reset:#x}"
            lines.append(f"        field {{ desc = {_text(text)}; {access} }} {place};")
        lines.append(f"    }} {register.name} @ {register.offset:#05x};")
    (events,) = (register for register in table if register.name == "events")
    lines += [f"    events.{field.name}->enable = interrupt.{field.name};" for field in events.fields]
    return "\n".join([*lines, "};", ""])


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
