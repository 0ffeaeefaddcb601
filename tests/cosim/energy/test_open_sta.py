# SPDX-License-Identifier: Apache-2.0
"""A second opinion on the accounts: OpenSTA reads the same library and netlist and is told the same activities.

It gives the power of cells inside and of the nets that they charge. Those of nets agree. Inside, Debian's version,
which is of 2019, adds the energies of a rising and of a falling transition for each transition, so its figures are
twice ours; and it works out the transition times that ours are told.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from symtrack.cosim.energy.accounts import accounts
from symtrack.cosim.energy.activity import PHASES
from symtrack.cosim.energy.document import CELLS_WITHIN, NETS_WITHIN
from symtrack.cosim.energy.liberty import DEBIAN
from symtrack.cosim.energy.netlist import ONE
from symtrack.cosim.energy.report import Measured, Silicon, measure
from symtrack.model.analysis.energy import EnergyTable
from symtrack.model.spec.config import NAMED

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("sta") is None, reason="opensta is not installed"),
    pytest.mark.skipif(not DEBIAN.is_file(), reason="qflow-tech-osu018 is not installed"),
]
SLOT = PHASES.index("slot")
TABLE = EnergyTable(wire_ff=0.0, clock_mhz=100.0)
PERIOD_NS = 10.0


def verilog(silicon: Silicon) -> str:
    """The netlist; what memories and the tile's inputs drive are inputs."""
    netlist, library = silicon.netlist, silicon.library
    names = {0: "1'b0", 1: "1'b1", netlist.clock: "clk"}
    pins = [(instance, pin, net) for instance in netlist.cells for pin, net in instance.pins.items()]
    driven = {net for instance, pin, net in pins if library.cells[instance.kind].pins[pin].output}
    inputs = sorted({net for _, _, net in pins} - driven - set(names))
    names |= {net: f"n{net}" for net in driven | set(inputs)}
    lines = [f"module top (clk, {', '.join(names[net] for net in inputs)});", "input clk;"]
    lines += [f"input {names[net]};" for net in inputs] + [f"wire {names[net]};" for net in sorted(driven)]
    for number, instance in enumerate(netlist.cells):
        joined = ", ".join(f".{pin}({names[net]})" for pin, net in instance.pins.items())
        lines.append(f"{instance.kind} c{number} ({joined});")
    return "\n".join([*lines, "endmodule", ""])


def commands(silicon: Silicon, measured: Measured) -> str:
    """What OpenSTA is told: the transitions of every pin in a slot."""
    netlist, activity = silicon.netlist, measured.activity
    lines = [
        f"read_liberty {DEBIAN}",
        "read_verilog top.v",
        "link_design top",
        f"create_clock -name clk -period {PERIOD_NS} [get_ports clk]",
        f"set_input_transition {TABLE.transition_ns} [all_inputs]",
        f"set_input_transition {TABLE.clock_transition_ns} [get_ports clk]",
    ]
    for number, instance in enumerate(netlist.cells):
        for pin, net in instance.pins.items():
            if net > ONE and net != netlist.clock:
                share = activity.transitions[SLOT, net] / activity.cycles[SLOT]
                lines.append(f"sta::set_power_pin_activity [get_pins c{number}/{pin}] {share:.9f} 0.5")
    return "\n".join([*lines, "report_power -digits 6", "exit", ""])


def test_another_program_reckons_the_same(tmp_path: Path) -> None:
    silicon = Silicon.of(NAMED["tiny"], DEBIAN, table=TABLE)
    measured = measure(silicon, "update", cycles=1500)
    (tmp_path / "top.v").write_text(verilog(silicon))
    (tmp_path / "top.tcl").write_text(commands(silicon, measured))
    told = subprocess.run(["sta", "-exit", "top.tcl"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    number = r"\s+(\d\.\d+e[+-]\d+)"
    inside, nets, leaks = (
        float(value) * 1e3 * PERIOD_NS  # W for a period, in pJ
        for value in re.findall(rf"^Total{number}{number}{number}", told, re.M)[0]
    )
    ours = measured.per_cycle("slot")
    still = accounts(silicon.netlist, replace(silicon.library, voltage=0.0), measured.activity, TABLE)
    own = {part: energy / measured.cycles("slot") for part, energy in still.of_phase("slot").items()}
    assert nets == pytest.approx(ours["data"] - own["data"], rel=NETS_WITHIN)  # the clock has no cell that drives it
    assert inside / 2 == pytest.approx(own["data"] + own["clock"], rel=CELLS_WITHIN)
    assert leaks == pytest.approx(ours["leakage"], rel=0.01)
