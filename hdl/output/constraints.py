# SPDX-License-Identifier: Apache-2.0
"""Writes timing constraints in SDC, which Tcl reads, for the tile and for its controller.

    set symtrack_period 6.0     before they are read: the clock's period, in the units of the library
    source symtrack_NAME.sdc

All paths begin and end at registers of one clock, so a port has what a share of the period leaves to its neighbour. A
reset is synchronous: its paths are timed as those of any input.
"""

from __future__ import annotations

from collections.abc import Sequence

from symtrack.hdl.output.verilog import Port

PERIOD = 10.0  # where nobody sets another one; 100 MHz where the unit is a nanosecond
SHARE = 0.4  # of the period that is outside, before an input and after an output


def constraints(clock: str, ports: Sequence[Port]) -> str:
    """The SDC text for a module whose clock is this input."""
    inputs = [port.name for port in ports if not port.output and port.name != clock]
    outputs = [port.name for port in ports if port.output]
    return f"""\
if {{![info exists symtrack_period]}} {{ set symtrack_period {PERIOD} }}
if {{![info exists symtrack_outside]}} {{ set symtrack_outside [expr {{{SHARE} * $symtrack_period}}] }}

create_clock -name {clock} -period $symtrack_period [get_ports {clock}]
{_delays("set_input_delay", clock, inputs)}
{_delays("set_output_delay", clock, outputs)}
"""


def _delays(command: str, clock: str, names: Sequence[str]) -> str:
    listed = " \\\n    ".join(names)
    return f"{command} $symtrack_outside -clock {clock} [get_ports {{ \\\n    {listed} \\\n}}]"
