# SPDX-License-Identifier: Apache-2.0
"""A cell library of six cells whose figures are easy to reckon with, for tests that need none of a foundry.

Pins have 0.01 pF, the supply is 2 V. A transition of an output costs 0.02 pJ, one of the clock of the flip-flop 0.03,
one of its data 0.01, whatever load and transition time are, but for the inverter: 0.02 pJ and load * 1 pJ/pF.
"""

from __future__ import annotations

from pathlib import Path

from symtrack.cosim.energy.liberty import Library, library_of

PIN, OUTPUT, CLOCK, DATA = 0.01, 0.02, 0.03, 0.01  # pF, pJ
VOLTAGE = 2.0
AREAS = {"INV": 1, "BUF": 2, "NAND2": 2, "AND2": 3, "DFF": 10, "LAT": 6}
LEAKAGE = 0.5  # nW, of every cell

_HEAD = f"""
/* a library for tests */
library (six_cells) {{
  time_unit : "1ns"; voltage_unit : "1V"; current_unit : "1mA"; leakage_power_unit : "1nW";
  capacitive_load_unit (1, pf);
  nom_voltage : {VOLTAGE};
  power_lut_template (by_load) {{ variable_1 : total_output_net_capacitance; index_1 ("0, 1, 2"); }}
  power_lut_template (fixed) {{ variable_1 : input_transition_time; index_1 ("0.1, 1"); }}
"""


def _input(name: str, energy: float = 0.0, clock: bool = False) -> str:
    power = ""
    if energy:
        table = f'(fixed) {{ values ("{energy}, {energy}"); }}'
        power = f"internal_power () {{ rise_power {table} fall_power {table} }}"
    kind = "clock : true;" if clock else ""
    return f"pin ({name}) {{ direction : input; capacitance : {PIN}; {kind} {power} }}"


def _output(function: str, related: str, rising: float = 0.0) -> str:
    values = ", ".join(str(OUTPUT + rising * load) for load in (0, 1, 2))
    power = f'rise_power (by_load) {{ values ("{values}"); }} fall_power (by_load) {{ values ("{values}"); }}'
    return (
        f'pin (Y) {{ direction : output; function : "{function}"; '
        f'internal_power () {{ related_pin : "{related}"; {power} }} }}'
    )


def _cell(name: str, *parts: str) -> str:
    return f"cell ({name}) {{ area : {AREAS[name]}; cell_leakage_power : {LEAKAGE}; {' '.join(parts)} }}\n"


LIBERTY = (
    _HEAD
    + _cell("INV", _input("A"), _output("!A", "A", rising=1.0))
    + _cell("BUF", _input("A"), _output("A", "A"))
    + _cell("NAND2", _input("A"), _input("B"), _output("!(A B)", "A"))
    + _cell("AND2", _input("A"), _input("B"), _output("A * B", "A"))
    + _cell(
        "DFF",
        'ff (IQ, IQN) { next_state : "D"; clocked_on : "C"; }',
        _input("C", CLOCK, clock=True),
        _input("D", DATA),
        _output("IQ", "C"),
    )
    + _cell(
        "LAT",
        'latch (IQ, IQN) { data_in : "D"; enable : "G"; }',
        _input("G", clock=True),
        _input("D"),
        _output("IQ", "G"),
    )
    + "}\n"
)


def six_cells() -> Library:
    """The library."""
    return library_of(LIBERTY)


def written(folder: Path) -> Path:
    """The library as a file in a folder."""
    file = folder / "six_cells.lib"
    file.write_text(LIBERTY, encoding="utf-8")
    return file
