# SPDX-License-Identifier: Apache-2.0
"""Tests of the reader of cell libraries: groups, units, tables and functions, and what is no library."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from symtrack.cosim.energy.liberty import (
    DEBIAN,
    DEBIAN_PACKAGE,
    LibertyError,
    Library,
    library_of,
    parse,
    read_library,
    truth_table,
)
from tests.cosim.helpers.cells import AREAS, LIBERTY, OUTPUT, PIN, six_cells

FUNCTIONS = {
    "!(A B)": lambda a, b, c: not (a and b),
    "A'*B + C": lambda a, b, c: (not a and b) or c,
    "(A & !B) | (C ^ A)": lambda a, b, c: (a and not b) or (c != a),
    "A + B C": lambda a, b, c: a or (b and c),
    "(A+B)(C)'": lambda a, b, c: (a or b) and not c,
    "A ^ B C": lambda a, b, c: (a != b) and c,
    "!!A": lambda a, b, c: a,
    "1": lambda a, b, c: True,
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_becomes_a_table(function: str) -> None:
    table = truth_table(function, ("A", "B", "C"))
    for c, b, a in product((0, 1), repeat=3):
        assert table >> (a + 2 * b + 4 * c) & 1 == bool(FUNCTIONS[function](a, b, c)), (a, b, c)


@pytest.mark.parametrize("function", ["A +", "(A", "A)", "A B D", ""])
def test_a_wrong_function_is_refused(function: str) -> None:
    with pytest.raises(LibertyError, match="function"):
        truth_table(function, ("A", "B"))


def test_a_library_is_read() -> None:
    library = six_cells()
    assert (library.name, library.voltage) == ("six_cells", 2.0)
    assert {cell.name: cell.area for cell in library.cells.values()} == AREAS
    flip_flop, latch = library.cells["DFF"], library.cells["LAT"]
    assert (flip_flop.data, flip_flop.clocked_on, flip_flop.states, flip_flop.latch) == ("D", "C", ("IQ", "IQN"), False)
    assert (latch.data, latch.clocked_on, latch.latch) == ("D", "G", True)
    assert library.cells["NAND2"].inputs == ("A", "B")
    assert library.cells["NAND2"].pins["A"].capacitance == PIN


def test_tables_are_interpolated_and_end_with_their_indices() -> None:
    output = six_cells().cells["INV"].pins["Y"]
    for load, energy in ((0.0, OUTPUT), (0.25, OUTPUT + 0.25), (2.0, OUTPUT + 2.0), (9.0, OUTPUT + 2.0)):
        assert output.energy(load, 0.5) == pytest.approx(energy)


def test_units_and_the_order_of_indices_are_those_of_the_library() -> None:
    text = """library (l) {
      time_unit : "10ps"; voltage_unit : "100mV"; leakage_power_unit : "1pW"; capacitive_load_unit (10, ff);
      nom_voltage : 12;
      power_lut_template (t) { variable_1 : input_transition_time; variable_2 : total_output_net_capacitance; }
      cell (A) { cell_leakage_power : 3000; area : 2;
        pin (A) { direction : input; capacitance : 2; }
        pin (Y) { direction : output; function : "A"; internal_power () {
          power (t) { index_1 ("10, 20"); index_2 ("1, 2, 3"); values ("1, 2, 3", \\
            "4, 5, 6"); } } } } }"""
    cell = library_of(text).cells["A"]
    assert library_of(text).voltage == pytest.approx(1.2)
    assert cell.leakage == pytest.approx(3.0)  # nW
    assert cell.pins["A"].capacitance == pytest.approx(0.02)  # pF
    unit = 0.01 * 0.1**2  # of an energy, in pJ
    assert cell.pins["Y"].energy(0.02, 0.1) == pytest.approx(2 * unit)
    assert cell.pins["Y"].energy(0.03, 0.2) == pytest.approx(6 * unit)
    assert cell.pins["Y"].energy(0.015, 0.15) == pytest.approx(3 * unit)


TINY = """library (l) { capacitive_load_unit (1, pf); leakage_power_unit : "1nW"; %s
  power_lut_template (t) { variable_1 : input_transition_time; index_1 ("0, 1"); }
  cell (A) { %s pin (A) { direction : input; %s } pin (Y) { direction : output; function : "A"; %s } } }"""


def tiny(*, library: str = "nom_voltage : 1;", cell: str = "", entry: str = "", power: str = "") -> Library:
    """A library of one cell."""
    return library_of(TINY % (library, cell, entry, power))


def internal(rise: float | None, fall: float | None, more: str = "") -> str:
    """A group of internal energies."""
    kinds = (("rise", rise), ("fall", fall))
    tables = (f'{kind}_power (t) {{ values ("{value}, {value}"); }}' for kind, value in kinds if value is not None)
    return f"internal_power () {{ {more} {' '.join(tables)} }}"


@pytest.mark.parametrize(
    ("groups", "energy"),
    [
        ([internal(4, 2)], 3),
        ([internal(4, None)], 2),
        ([internal(None, 4)], 2),
        ([internal(4, None), internal(None, 2)], 3),  # of one condition
        ([internal(4, 2, "related_pin : A;"), internal(6, 4, "related_pin : B;")], 4),
        ([internal(4, 2, 'when : "A";'), internal(6, None, 'when : "!A";')], 3),
        ([internal(4, 2, "related_pg_pin : VDD;"), internal(6, 4, "related_pg_pin : VSS;")], 8),
        (
            [
                internal(4, 2, 'related_pg_pin : VDD; when : "A";'),
                internal(6, 4, 'related_pg_pin : VDD; when : "!A";'),
                internal(1, 1, "related_pg_pin : VSS;"),
            ],
            5,
        ),
        (['internal_power () { power (t) { values ("4, 4"); } }'], 4),
        ([], 0),
    ],
)
def test_internal_energies_add_up_over_supplies_and_are_means_of_all_else(groups: list[str], energy: float) -> None:
    pin = tiny(power=" ".join(groups)).cells["A"].pins["Y"]
    assert pin.energy(0.0, 0.5) == pytest.approx(energy)


@pytest.mark.parametrize(
    ("library", "cell", "leakage"),
    [
        ("", "cell_leakage_power : 3; leakage_power () { value : 9; }", 3),
        ("default_cell_leakage_power : 5;", "", 5),
        ("default_cell_leakage_power : 5;", "cell_leakage_power : 3;", 3),
        ("", "", 0),
        ("default_cell_leakage_power : 5;", 'leakage_power () { value : 1; } leakage_power () { value : "3"; }', 2),
        (
            "",
            'leakage_power () { when : "A"; related_pg_pin : VDD; value : 1; } '
            'leakage_power () { when : "!A"; related_pg_pin : VDD; value : 3; } '
            "leakage_power () { related_pg_pin : VSS; value : 7; }",
            9,
        ),
    ],
)
def test_leakage_is_that_of_the_cell_or_of_its_states(library: str, cell: str, leakage: float) -> None:
    assert tiny(library=f"nom_voltage : 1; {library}", cell=cell).cells["A"].leakage == pytest.approx(leakage)


def test_inputs_without_a_capacitance_have_that_of_the_library() -> None:
    head = "nom_voltage : 1; default_input_pin_cap : 0.5;"
    assert {name: pin.capacitance for name, pin in tiny(library=head).cells["A"].pins.items()} == {"A": 0.5, "Y": 0}
    assert tiny(library=head, entry="capacitance : 0.25;").cells["A"].pins["A"].capacitance == 0.25


def test_the_supply_is_that_of_the_library_or_of_its_conditions() -> None:
    conditions = "operating_conditions (slow) { voltage : 1.1; } operating_conditions (fast) { voltage : 1.3; }"
    assert tiny(library=f"{conditions} default_operating_conditions : fast;").voltage == pytest.approx(1.3)
    assert tiny(library=conditions).voltage == pytest.approx(1.1)
    assert tiny(library=f"{conditions} nom_voltage : 1.2;").voltage == pytest.approx(1.2)
    with pytest.raises(
        LibertyError, match=r"^library \(l\): nom_voltage: must be there, or operating_conditions with a"
    ):
        tiny(library="")
    with pytest.raises(LibertyError, match=r"^library \(l\): nom_voltage = '0': must be more than 0"):
        tiny(library="nom_voltage : 0;")


def test_a_name_in_parentheses_is_the_name() -> None:
    library = library_of(LIBERTY.replace('clocked_on : "C"', 'clocked_on : "(C)"').replace('"G"', '" ( G )"'))
    assert library.cells["DFF"].clocked_on == "C"
    assert library.cells["LAT"].clocked_on == "G"
    other = library_of(LIBERTY.replace('clocked_on : "C"', 'clocked_on : "!C"'))
    assert other.cells["DFF"].clocked_on == "!C"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            ("capacitive_load_unit (1, pf)", "capacitive_load_unit (1, mf)"),
            r"capacitive_load_unit \(1, mf\): must be a ",
        ),
        (("capacitive_load_unit (1, pf)", "capacitive_load_unit (1)"), r"capacitive_load_unit \(1\): must be a number"),
        (("capacitive_load_unit (1, pf)", "capacitive_load_unit (a, pf)"), r"capacitive_load_unit \(a, pf\): must be"),
        (
            ('time_unit : "1ns"', 'time_unit : "1"'),
            r"library \(six_cells\): time_unit = '1': must be a number and a unit",
        ),
        (('time_unit : "1ns"', 'time_unit : "1.1.1ns"'), "time_unit = '1.1.1ns': must be"),
        (('values ("0.03, 0.03");', ""), r"cell \(DFF\): pin \(C\): rise_power \(fixed\): values: must be there"),
        (
            ('values ("0.03, 0.03");', 'values ("a");'),
            r"pin \(C\): rise_power \(fixed\): values: must be numbers, as many",
        ),
        (
            ('values ("0.03, 0.03");', 'values ("1");'),
            r"pin \(C\): rise_power \(fixed\): values: must be numbers, as many",
        ),
        (('index_1 ("0.1, 1")', 'index_1 ("0.1, b")'), r"rise_power \(fixed\): index_1: must be numbers"),
        (("area : 10", "area : large"), r"cell \(DFF\): area = 'large': must be a number"),
        (("capacitance : 0.01", "capacitance : c"), r"pin \(A\): capacitance = 'c': must be a number"),
        (("cell (DFF)", "cell ()"), "group cell: must have a name"),
    ],
)
def test_what_is_wrong_with_a_library_is_told_in_a_line(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    file = tmp_path / "cells.lib"
    file.write_text(LIBERTY.replace(*change))
    assert file.read_text() != LIBERTY
    with pytest.raises(LibertyError, match=rf"^liberty = '.*': must be a Liberty file with cells \(.*{told}") as found:
        read_library(file)
    assert "\n" not in str(found.value)


def test_what_is_no_library_is_refused_in_a_line(tmp_path: Path) -> None:
    for name, text in (("empty", ""), ("other", "cell (A) { }"), ("cut", LIBERTY[:-20]), ("none", "library (l) { }")):
        file = tmp_path / f"{name}.lib"
        file.write_text(text)
        with pytest.raises(LibertyError, match=r"^liberty = '.*': must be a Liberty file with cells \(.+\)$"):
            read_library(file)
    (tmp_path / "word.lib").write_text("library")
    with pytest.raises(LibertyError, match=r"\(it ends within a statement\)$"):
        read_library(tmp_path / "word.lib")
    with pytest.raises(LibertyError, match=r"must be a readable Liberty file \(No such file or directory\)$"):
        read_library(tmp_path / "missing.lib")


def test_a_missing_library_of_debian_says_how_it_comes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    missing = tmp_path / "cells.lib"
    monkeypatch.setattr("symtrack.cosim.energy.liberty.DEBIAN", missing)
    with pytest.raises(LibertyError, match=f"apt-get install {DEBIAN_PACKAGE}$"):
        read_library(missing)


def test_groups_have_their_attributes_apart() -> None:
    (top,) = parse('a (b, "c d") { e : 1; f (2, 3); g () { e : "x y"; } }')
    assert (top.kind, top.arguments, top.attributes) == ("a", ["b", "c d"], {"e": ["1"], "f": ["2", "3"]})
    assert top.of("g")[0].text("e") == "x y"


@pytest.mark.skipif(not DEBIAN.is_file(), reason="qflow-tech-osu018 is not installed")
def test_the_library_of_debian_is_read() -> None:
    library = read_library(DEBIAN)
    assert library.voltage == 1.8
    flip_flop = library.cells["DFFPOSX1"]
    assert (flip_flop.data, flip_flop.clocked_on, flip_flop.area) == ("D", "CLK", 96)
    clock = flip_flop.pins["CLK"]
    assert clock.clock
    assert clock.energy(0.0, 0.06) == pytest.approx((0.006865 + 0.11034) / 2)
    nand = library.cells["NAND2X1"]
    assert truth_table(nand.pins["Y"].function, nand.inputs) == 0b0111
    means = [(0.046968 + 0.007774) / 2, (0.037565 + 0.00768) / 2]  # of its inputs, at 0.15 pF and 0.06 ns
    assert nand.pins["Y"].energy(0.15, 0.06) == pytest.approx(sum(means) / 2)
