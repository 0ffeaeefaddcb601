# SPDX-License-Identifier: Apache-2.0
"""Writes the sizes of a configuration and the bit positions in its streams as Verilog parameters."""

from __future__ import annotations

from collections.abc import Sequence

from symtrack.hdl.controller.stream_layout import stream_layouts
from symtrack.hdl.output.verilog import Port, controller_name
from symtrack.model.spec.config import TileConfig

SIZES = ("rows", "columns", "lanes", "bl_max", "pulses_max", "threshold_shift", "reference_fraction_bits")


def parameters(config: TileConfig) -> dict[str, int]:
    """Sizes, and of every payload ``STREAM_PAYLOAD_LOW`` and ``_WIDTH``; ``_STEP`` from one lane to the next."""
    values = {name.upper(): getattr(config, name) for name in SIZES} | {"SOURCES": len(config.sources)}
    for stream, layout in stream_layouts(config).items():
        values[f"{stream.upper()}_BITS"] = layout.bits
        for part in layout.parts:
            at = f"{stream}_{part.name}".upper()
            if not part.lane:
                values |= {f"{at}_LOW": part.low, f"{at}_WIDTH": part.width}
            if part.lane == 0:
                values[f"{at}_STEP"] = part.room
    return values


def verilog_parameters(config: TileConfig, tests: Sequence[Port] = ()) -> str:
    """The `parameters` to be included between ``#(`` and ``)`` of a module that has the controller inside.

    ``tests`` are the ports for a self-test of the memories; ``SYMTRACK_MEMORY_TEST`` ties them off.
    """
    controller = controller_name(config)
    lines = [f"    parameter {name} = {value}" for name, value in parameters(config).items()]
    return "\n".join(
        [
            f"// Sizes of {controller}, and where payloads lie in its streams.",
            "`ifdef SYMTRACK_CONTROLLER",  # of another configuration in the same design
            "`undef SYMTRACK_CONTROLLER",
            "`endif",
            f"`define SYMTRACK_CONTROLLER {controller}",
            "`ifdef SYMTRACK_MEMORY_TEST",
            "`undef SYMTRACK_MEMORY_TEST",
            "`endif",
            *([f"`define SYMTRACK_MEMORY_TEST {_tied(tests)}"] if tests else []),
            ",\n".join(lines),
            "",
        ]
    )


def _tied(ports: Sequence[Port]) -> str:
    """Connections of a self-test's ports that let it rest, each with a comma behind it."""
    zeros = {port.name: "" if port.output else f"{port.width}'b0" for port in ports}
    return " ".join(f".{name}({zero})," for name, zero in zeros.items())
