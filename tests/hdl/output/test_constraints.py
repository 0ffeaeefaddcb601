# SPDX-License-Identifier: Apache-2.0
"""Tests of the timing constraints: one clock, and every other port of the Verilog once, with its direction's delay."""

from __future__ import annotations

import re

import pytest

from symtrack.cosim.tools.verilog_texts import controller_verilog, tile_verilog
from symtrack.hdl.output.package import package
from symtrack.hdl.output.verilog import controller_name, module_name
from symtrack.model.spec.config import NAMED, TileConfig

CONFIGS = {"tiny": NAMED["tiny"], "options": TileConfig(rows=4, columns=2, programmer=1, self_test=1)}


def header(verilog: str, module: str) -> dict[str, set[str]]:
    """Inputs and outputs that the module declares."""
    body = verilog[re.search(rf"^module \\?{re.escape(module)} ?\(", verilog, re.MULTILINE).start() :]  # type: ignore[union-attr]
    body = body[: body.index("endmodule")]
    return {
        direction: set(re.findall(rf"^  {direction}(?: \[\d+:0\])? (\w+);$", body, re.MULTILINE))
        for direction in ("input", "output")
    }


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("part", ["tile", "controller"])
def test_every_port_has_its_delay(name: str, part: str) -> None:
    config = CONFIGS[name]
    module = controller_name(config) if part == "controller" else module_name(config)
    ports = header(controller_verilog(config) if part == "controller" else tile_verilog(config), module)
    assert ports["input"]
    assert ports["output"]
    text = package(config)[f"{module}.sdc"].replace("\\\n", " ")
    clocks = re.findall(r"^create_clock -name (\w+) -period \$symtrack_period \[get_ports (\w+)\]$", text, re.MULTILINE)
    assert len(clocks) == 1
    (clock,) = {*clocks[0]}
    found = {}
    for direction in ("input", "output"):
        pattern = rf"^set_{direction}_delay \$symtrack_outside -clock {clock} \[get_ports \{{([^}}]*)\}}\]$"
        (listed,) = re.findall(pattern, text, re.MULTILINE)
        found[direction] = listed.split()
        assert len(found[direction]) == len(set(found[direction]))
    assert set(found["input"]) == ports["input"] - {clock}
    assert set(found["output"]) == ports["output"]
