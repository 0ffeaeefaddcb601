# SPDX-License-Identifier: Apache-2.0
"""Tests of the forms of device data in laboratories: each is written here, and read as what it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.model.helpers.laboratory_files import (
    COURSE,
    DOWN,
    LISTS,
    NAMED,
    PAIRS,
    RAMP,
    UP,
    WHOLE,
    WIDE,
    lines,
    read,
    same,
    wide,
)

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "space": "  ", "bar": "|"}
MARKS = [(name, mark) for name in SEPARATORS for mark in ".," if (name, mark) != ("comma", ",")]

Write = Callable[[float], str]

# Each form, of a function that writes a number: rows of fields, what they are, and options.
Form = Callable[[Write], list[list[str]]]

DIRECTIONS = {
    "1 and -1": ("1", "-1"),
    "1 and 0": ("1", "0"),
    "LTP and LTD": ("LTP", "LTD"),
    "up and down": ("Up", "Down"),
    "P and D": ("P", "D"),
    "voltage": ("1.5", "-1.2"),
}


def words(kind: str, mark: str) -> list[str]:
    """The directions of the course as fields."""
    up, down = DIRECTIONS[kind]
    return [(up if sign > 0 else down).replace(".", mark) for sign, _ in COURSE]


def writer(mark: str, factor: float = 1.0) -> Write:
    """Numbers with a decimal mark."""
    return lambda value: f"{value * factor:.6e}".replace(".", mark)


@pytest.mark.parametrize("kind", DIRECTIONS)
@pytest.mark.parametrize(("separator", "mark"), MARKS)
def test_rows(tmp_path: Path, separator: str, mark: str, kind: str) -> None:
    """With names and without, conductances and resistances, with numbers of pulses and without."""
    plain, kilohms, between = writer(mark), writer(mark, 1e-3), SEPARATORS[separator]
    signs = words(kind, mark)
    rows = [[str(k), sign, plain(value)] for k, (sign, (_, value)) in enumerate(zip(signs, COURSE, strict=True))]
    assert same(read(tmp_path, lines(rows, between)), WHOLE)
    name = "Voltage" if kind == "voltage" else "Direction"
    named = read(tmp_path, lines([["Pulse", name, "Conductance[S]"], *rows], between))
    assert (same(named, WHOLE), named.unit) == (True, "S")
    short = [[sign, kilohms(1 / value)] for sign, (_, value) in zip(signs, COURSE, strict=True)]
    found = read(tmp_path, lines([[name, "Resistance(kOhm)"], *short], between))
    assert (same(found, WHOLE), found.unit) == (True, "S")
    assert found.conductance(0.0) == pytest.approx(WHOLE.conductance(0.0), rel=1e-4)
    with pytest.raises(ValueError, match=r"(does not rise with pulses upwards|direction: pulses 1 move)"):
        read(tmp_path, lines(short, between))
    told = "decimal comma" in found.understood["file"]
    assert (told, found.understood["file"].count(separator)) == (
        mark == ",",
        1 + (mark == "," and separator == "comma"),
    )


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(("separator", "mark"), MARKS)
def test_lists(tmp_path: Path, separator: str, mark: str, backwards: bool) -> None:
    """Up and down side by side and below each other, downwards also backwards, with fractional numbers and without."""
    plain, between = writer(mark), SEPARATORS[separator]
    down = DOWN[::-1] if backwards else DOWN
    where = [f"{k + 1 + 0.2 * np.sin(k):.3f}".replace(".", mark) for k in range(RAMP)]
    pair = [[plain(one), plain(other)] for one, other in zip(UP, down, strict=True)]
    four = [[x, one, x, other] for x, (one, other) in zip(where, pair, strict=True)]
    upper, lower = [[row[0], row[1]] for row in four], [[row[2], row[3]] for row in four]
    named = [
        [["LTP", "LTD"], *pair],
        [["Number", "G_up", "G_down"], *([x, *row] for x, row in zip(where, pair, strict=True))],
        [["X", "LTP", "X", "LTD"], *four],
        [["LTP"], *upper, ["LTD"], *lower],
        [["LTP"], ["Pulse", "Conductance"], *upper, ["LTD"], ["Pulse", "Conductance"], *lower],
    ]
    for rows in named:
        found = read(tmp_path, lines(rows, between))
        assert same(found, LISTS), rows[0]
        assert ("backwards" in found.understood["direction"]) == backwards
        with pytest.raises(ValueError, match="must fall, as it has pulses downwards"):
            read(tmp_path, lines(rows, between), reverse_down=not backwards)
    for rows in (pair, four, [*upper, *lower], [[""], *upper, [""], *lower]):
        if backwards:
            with pytest.raises(ValueError, match="has no name: must fall, or be turned round by --reverse-down"):
                read(tmp_path, lines(rows, between))
        assert same(read(tmp_path, lines(rows, between), reverse_down=backwards or None), LISTS)


@pytest.mark.parametrize("mark", ".,")
def test_one_column(tmp_path: Path, mark: str) -> None:
    """Lists below each other without numbers; decimal commas are told from columns of integers by the user alone."""
    up, down = ([f"{value * 1e6:.4f}".replace(".", mark) for value in own] for own in (UP, DOWN))
    blank = "\n".join([*up, "", *down])
    if mark == ",":
        with pytest.raises(ValueError, match=r"comma may separate columns or be a decimal mark: must be told"):
            read(tmp_path, blank)
    assert same(read(tmp_path, blank, decimal="comma" if mark == "," else None), LISTS)
    with pytest.raises(ValueError, match=r"no direction of pulses in 1 column without names"):
        read(tmp_path, "\n".join([*up, *down]), decimal="comma" if mark == "," else None)


def currents(name: str, factor: float) -> str:
    """A text with currents at 0.1 V."""
    rows = [[str(k), str(sign), "0.1", f"{value * factor:.6e}"] for k, (sign, value) in enumerate(COURSE)]
    return lines([["pulse", "direction", "Vread (V)", name], *rows], ",")


def test_units(tmp_path: Path) -> None:
    """Conductances keep their unit, the others become siemens; the user's unit is no other than the file's."""
    nano = currents("Current [nA]", 1e8)
    for text, options in ((nano, {}), (nano.replace("Vread (V)", "note"), {"read_voltage": 0.1})):
        found = read(tmp_path, text, **options)
        assert (same(found, WHOLE), found.unit) == (True, "S")
        assert found.conductance(0.0) == pytest.approx(WHOLE.conductance(0.0), rel=1e-4)
    with pytest.raises(ValueError, match=r"currents of column 4 'Current \[nA\]' without a read voltage"):
        read(tmp_path, nano.replace("Vread (V)", "note"))
    with pytest.raises(ValueError, match="must have currents of the sign of the read voltage"):
        read(tmp_path, nano.replace("Vread (V)", "note"), read_voltage=-0.1)
    micro = NAMED.replace("conductance", "G/\N{GREEK SMALL LETTER MU}S")
    assert read(tmp_path, micro).unit == read(tmp_path, NAMED, unit="uS").unit == "uS"
    for text, options, message in (
        (micro, {"unit": "nS"}, r"^unit = 'nS': must be one of column 3 .*, whose values are conductances in uS"),
        (micro, {"read_voltage": 0.1}, r"^read_voltage = 0.1: must come with currents"),
        (
            NAMED.replace("conductance", "Current (V)"),
            {},
            r"^column 'Current \(V\)': its unit 'V' must be one of a current",
        ),
        (
            NAMED.replace("conductance", "R (Ohm)").replace(COURSE[9][1].__format__(".6e"), "0"),
            {},
            "line 11: .*above 0",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            read(tmp_path, text, **options)


def test_columns_by_the_user(tmp_path: Path) -> None:
    pair = lines([[f"{one:.6e}", f"{other:.6e}"] for one, other in zip(DOWN, UP, strict=True)], ";")
    assert same(read(tmp_path, pair, columns=["down=1", "up=2"]), LISTS)
    table = "a;b;c\n" + lines([[f"{1 / g:.6e}", "x", str(sign)] for sign, g in COURSE], ";")
    assert same(read(tmp_path, table, columns=["resistance=A", "direction=3"]), WHOLE)
    frame = wide()
    text = frame.to_csv(index=False, header=False)
    assert same(read(tmp_path, text, columns=["voltage=1", "conductance=2-3"]), WIDE)
    for columns, message in (
        (["up=3"], r"^columns = 'up=3': must name one of 2 columns without names"),
        (["left=1"], r"^columns = 'left=1': must be role=column with one of pulse, direction,"),
        (["up=1", "down=1"], r"^columns = 'down=1': must be another column than that of up"),
    ):
        with pytest.raises(ValueError, match=message):
            read(tmp_path, pair, columns=columns)


def test_negative_voltage_may_be_up_if_the_quantity_is_known(tmp_path: Path) -> None:
    turned = lines([[str(-1.5 * sign), f"{value:.6e}"] for sign, value in COURSE], ",")
    found = read(tmp_path, "V,G (S)\n" + turned)
    assert (same(found, WHOLE), "negative voltage is up" in found.understood["direction"]) == (True, True)
    with pytest.raises(ValueError, match="does not rise with pulses upwards"):
        read(tmp_path, turned)


def test_what_was_understood_has_five_lines(tmp_path: Path) -> None:
    found = read(tmp_path, NAMED)
    assert list(found.understood) == ["file", "form", "direction", "values", "points"]
    assert found.understood["points"] == f"1 cell, {len(COURSE)} rows, 0 without a value"


def test_statistics_beside_lists(tmp_path: Path) -> None:
    """Columns of standard deviations are no second cell."""
    rows = [["pulse", "LTP (S)", "LTP std (S)", "LTD (S)", "LTD std (S)"]]
    rows += [[str(k), f"{a:e}", f"{k}e-9", f"{b:e}", f"{k}e-9"] for k, (a, b) in enumerate(PAIRS, 1)]
    assert same(read(tmp_path, lines(rows, ",")), LISTS)
