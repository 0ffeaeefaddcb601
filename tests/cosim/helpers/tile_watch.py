# SPDX-License-Identifier: Apache-2.0
"""Monitor for the tile inside a controller: compares every port with the golden tile in every cycle."""

from __future__ import annotations

from typing import Any

from cocotb.triggers import FallingEdge

from symtrack.cosim.engine.lockstep import Checker
from symtrack.hdl.output.verilog import tile_ports
from symtrack.model.spec.config import TileConfig

INNER = {"status__chopper": "signs", "status__row_chopper": "row_signs"}  # names of ports inside the controller


def tile_names(config: TileConfig) -> list[str]:
    """The signals that `Watch` looks at, by their names in the tile's module."""
    return ["rst", *(INNER.get(port.name, port.name) for port in tile_ports(config))]


class Watch:
    """Every cycle of the tile inside the controller, beside the golden tile.

    A cycle is what the ports show at the falling edge: clients act on the rising one.
    """

    def __init__(self, dut: Any, config: TileConfig) -> None:
        ports = tile_ports(config)
        self.dut = dut
        self.inputs = {port.name: getattr(dut.tile, port.name) for port in ports if not port.output}
        self.outputs = {port.name: getattr(dut.tile, INNER.get(port.name, port.name)) for port in ports if port.output}
        self.checker = Checker(config)

    async def run(self) -> None:
        """Compare every cycle from the end of the first reset on."""
        reset = self.dut.tile.rst  # by the controller's own reset, or by its register
        await FallingEdge(self.dut.aclk)
        while int(reset.value):
            await FallingEdge(self.dut.aclk)
        while True:
            inputs = {name: int(handle.value) for name, handle in self.inputs.items()}
            inputs["rst"] = int(reset.value)
            self.checker.cycle(inputs, {name: int(handle.value) for name, handle in self.outputs.items()})
            await FallingEdge(self.dut.aclk)
