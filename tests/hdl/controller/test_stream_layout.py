# SPDX-License-Identifier: Apache-2.0
"""Tests of the stream layout: parts begin at bytes, and with ``stream_pad`` nothing changes but the widths of tdata."""

from __future__ import annotations

import pytest

from symtrack.hdl.controller.stream_layout import stream_layouts
from symtrack.hdl.output.verilog import controller_ports
from symtrack.hdl.output.verilog_parameters import verilog_parameters
from symtrack.model.spec.config import NAMED, TileConfig

CONFIGS = {**NAMED, "one cell": TileConfig(rows=1, columns=1, lanes=1), "wide": TileConfig(rows=70, lanes=7)}


def width(config: TileConfig, stream: str) -> int:
    """The width of tdata that a port of the controller has."""
    return next(port.width for port in controller_ports(config) if port.name.endswith(f"_axis_{stream}_tdata"))


@pytest.mark.parametrize("name", CONFIGS)
def test_padding_makes_every_width_the_next_power_of_two(name: str) -> None:
    plain, padded = CONFIGS[name], CONFIGS[name].replace(stream_pad=1)
    parameters = verilog_parameters(padded)
    for stream, layout in stream_layouts(padded).items():
        used = stream_layouts(plain)[stream].bits
        assert used == width(plain, stream) == sum(part.room for part in layout.parts)
        assert layout.parts == stream_layouts(plain)[stream].parts
        assert all(part.low % 8 == 0 for part in layout.parts)
        assert layout.bits in [1 << power for power in range(3, 16)]
        assert used <= layout.bits < 2 * used
        assert width(padded, stream) == layout.bits
        assert f"parameter {stream.upper()}_BITS = {layout.bits}" in parameters


def test_there_are_widths_that_are_padded() -> None:
    """56 and 72 bits, with which many a converter of widths cannot do."""
    config = NAMED["tiny"]
    assert {layout.bits for layout in stream_layouts(CONFIGS["wide"]).values()} & {56, 72, 120, 168}
    assert any(layout.bits & (layout.bits - 1) for layout in stream_layouts(config).values())
