# SPDX-License-Identifier: Apache-2.0
"""Moves the registers behind the block memories of an ECP5 into the memories' own output registers.

A DP16KD has a register of its own behind its output, which answers after a fraction of the time of the memory itself.
Yosys 0.70 maps no memory with it, so this is done on its netlist: where every bit of a port that is read goes to one
flip-flop and nowhere else, all with the same clock and enable and without a reset, the port becomes registered, its
output clock enable is theirs, and it drives what they drove. The memory then gives the same word in the same cycle.
"""

from __future__ import annotations

from typing import Any

FLIP_FLOP = {"CLKMUX": "CLK", "REGSET": "RESET", "GSR": "DISABLED"}


def move_output_registers(module: dict[str, Any]) -> int:
    """Moves what can be moved in one module of a Yosys JSON netlist, in place; returns how many flip-flops are gone."""
    cells = module["cells"]
    readers: dict[Any, list[tuple[str, str]]] = {}
    for name, cell in cells.items():
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] == "input":
                for bit in bits:
                    readers.setdefault(bit, []).append((name, port))
    outside = {bit for port in module["ports"].values() for bit in port["bits"]}
    moved = 0
    for memory in [cell for cell in cells.values() if cell["type"] == "DP16KD"]:
        registers = _registers(cells, memory, readers, outside)
        if not registers:
            continue
        enable = next(iter(registers.values()))["connections"]["CE"]
        for (port, name), register in registers.items():
            memory["connections"][port] = register["connections"]["Q"]
            del cells[name]
        memory["parameters"].update(REGMODE_A="OUTREG", REGMODE_B="OUTREG")
        memory["connections"].update(OCEA=enable, OCEB=enable)
        moved += len(registers)
    return moved


def _registers(
    cells: dict[str, Any], memory: dict[str, Any], readers: dict[Any, list[tuple[str, str]]], outside: set[Any]
) -> dict[tuple[str, str], dict[str, Any]]:
    """The flip-flop behind each output of a memory, by the output's port and its own name; empty if one cannot move."""
    result: dict[tuple[str, str], dict[str, Any]] = {}
    for port, bits in memory["connections"].items():
        if memory["port_directions"][port] != "output":
            continue
        for bit in bits:
            behind = readers.get(bit, [])
            if not behind and bit not in outside:
                continue
            if len(behind) != 1 or bit in outside or behind[0][1] != "DI":
                return {}
            name, register = behind[0][0], cells[behind[0][0]]
            if register["type"] != "TRELLIS_FF" or not _plain(register):
                return {}
            result[port, name] = register
    clocks = {str((memory["connections"]["CLKA"], memory["connections"]["CLKB"]))}
    clocks |= {str((register["connections"]["CLK"],) * 2) for register in result.values()}
    enables = {str(register["connections"]["CE"]) for register in result.values()}
    return result if len(clocks) == 1 and len(enables) == 1 else {}


def _plain(register: dict[str, Any]) -> bool:
    """Whether a flip-flop has an enable and neither reset nor set."""
    parameters = register["parameters"]
    fixed = all(parameters.get(key) == value for key, value in FLIP_FLOP.items())
    return fixed and parameters["CEMUX"] == "CE" and register["connections"].get("LSR", ["0"]) == ["0"]
