# SPDX-License-Identifier: Apache-2.0
"""Tests of the forms of device data in laboratories: each is written here, and read as what it is or refused."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xlwt

from symtrack.model.devices.fitting.columns import Options
from symtrack.model.devices.fitting.data import Recording, make_recording
from symtrack.model.devices.fitting.forms import read_recording

RAMP = 40
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "space": "  ", "bar": "|"}
MARKS = [(name, mark) for name in SEPARATORS for mark in ".," if (name, mark) != ("comma", ",")]

Write = Callable[[float], str]
Points = list[tuple[int, float]]


def course(ramps: int = 2, rate: float = 0.06) -> Points:
    """Directions, and conductances of 3 to 7 uS in siemens, of a soft-bounds cell."""
    rng = np.random.default_rng(7)
    level, points = -0.6, []
    for sign in [1, -1] * ramps:
        for _ in range(RAMP):
            level += sign * rate * (1 - sign * level)
            points.append((sign, 5e-6 + 2e-6 * (level + 0.002 * rng.standard_normal())))
    return points


COURSE = course()
UP = [value for _, value in COURSE[:RAMP]]
DOWN = [value for _, value in COURSE[RAMP : 2 * RAMP]]


def recording(points: Points, *more: Points) -> Recording:
    """What has to be read."""
    cells = {str(cell): dict(enumerate(own)) for cell, own in enumerate((points, *more))}
    return make_recording(cells, scale=None, offset=None)


WHOLE, LISTS = recording(COURSE), recording(COURSE[: 2 * RAMP])


def same(one: Recording, other: Recording) -> bool:
    """Whether directions and weights of all cells are the same."""
    if not np.array_equal(one.first, other.first) or not np.allclose(one.weights, other.weights, atol=1e-4):
        return False
    starts = one.first[:-1]
    return bool(np.array_equal(np.delete(one.up, starts), np.delete(other.up, starts)))


def read(tmp_path: Path, content: str | bytes, **options: object) -> Recording:
    """The recording of a file."""
    file = tmp_path / "data.txt"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_recording(file, options=Options(**options))  # type: ignore[arg-type]


def lines(rows: list[list[str]], separator: str) -> str:
    """Rows as a text."""
    return "".join(separator.join(row) + "\n" for row in rows)


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


def wide(factor: float = 1.0, power: int = 1) -> pd.DataFrame:
    """A voltage, and a column for each of two devices."""
    other = [value for _, value in course(rate=0.07)]
    values = np.array([[value for _, value in COURSE], other]).T
    return pd.DataFrame([[1.5 * sign, *row] for (sign, _), row in zip(COURSE, factor * values**power, strict=True)])


WIDE = recording(COURSE, course(rate=0.07))


def workbook(**sheets: pd.DataFrame) -> bytes:
    """An .xlsx file without names of columns."""
    file = io.BytesIO()
    with pd.ExcelWriter(file, engine="openpyxl") as out:
        for name, frame in sheets.items():
            frame.to_excel(out, sheet_name=name, header=False, index=False)
    return file.getvalue()


def test_workbooks(tmp_path: Path) -> None:
    """The sign of a voltage as direction, a column for each device; conductances, currents and resistances."""
    found = read(tmp_path, workbook(Notes=pd.DataFrame([["by nobody"]]), Data=wide()))
    assert same(found, WIDE)
    assert found.understood["file"] == "workbook, sheet 'Data', no names of columns"
    currents = read(tmp_path, workbook(Data=wide(0.2e9)), unit="nA", read_voltage=0.2)
    assert (same(currents, WIDE), currents.conductance(0.0)) == (True, pytest.approx(WIDE.conductance(0.0), rel=1e-4))
    assert same(read(tmp_path, workbook(Data=wide(power=-1)), unit="Ohm"), WIDE)
    with pytest.raises(ValueError, match=r"column 2, which does not rise .* 3 columns without names \(workbook, sheet"):
        read(tmp_path, workbook(Data=wide(power=-1)))
    two = workbook(First=wide(), Second=wide())
    with pytest.raises(ValueError, match=r"must have one sheet with numbers, or --sheet, and has 'First', 'Second'"):
        read(tmp_path, two)
    for sheet in ("Second", "1"):
        assert same(read(tmp_path, two, sheet=sheet), WIDE)
    with pytest.raises(
        ValueError, match=r"^sheet = 'Third': must be one of 'First', 'Second', or a number from 1 to 2"
    ):
        read(tmp_path, two, sheet="Third")
    assert same(read(tmp_path, workbook(LTD=pd.DataFrame(DOWN[::-1]), LTP=pd.DataFrame(UP))), LISTS)


def test_old_workbooks(tmp_path: Path) -> None:
    book, file = xlwt.Workbook(), io.BytesIO()
    for name in ("A", "B"):
        sheet = book.add_sheet(name)
        for k, row in enumerate(wide().to_numpy().tolist()):
            for column, value in enumerate(row):
                sheet.write(k, column, value)
    book.save(file)
    assert same(read(tmp_path, file.getvalue(), sheet="B"), WIDE)
    with pytest.raises(ValueError, match="and has 'A', 'B'"):
        read(tmp_path, file.getvalue())


PLAIN = lines([[str(k), str(sign), f"{value:.6e}"] for k, (sign, value) in enumerate(COURSE)], ",")
NAMED = "pulse,direction,conductance\n" + PLAIN
SETUP = "".join(f"Parameter {k}, {k / 2}\n" for k in range(3000))

READ = {
    "byte-order mark": b"\xef\xbb\xbf" + NAMED.encode(),
    "UTF-16": NAMED.replace(",", "\t").encode("utf-16"),
    "UTF-16 without its mark": NAMED.encode("utf-16-be"),
    "Windows": NAMED.replace("conductance", "G [\N{MICRO SIGN}S]").replace("\n", "\r\n").encode("cp1252"),
    "blank lines": NAMED.replace("\n", "\n\n"),
    "trailing separators": NAMED.replace("\n", ",\n"),
    "quotes": "".join(f'"{line.replace(",", chr(34) + "," + chr(34))}"\n' for line in NAMED.splitlines()),
    "quoted decimal commas": NAMED.replace("e-06", 'e-06"')
    .replace(",3.", ',"3,')
    .replace(",4.", ',"4,')
    .replace(",5.", ',"5,')
    .replace(",6.", ',"6,'),
    "lines of an instrument": SETUP + NAMED,
    "the same without names": SETUP + PLAIN,
    "comments": "# by nobody, in vain\n" + NAMED.replace("\n", "\n# a, b, c\n", 5),
    "numpy's header": "# " + NAMED,
    "a line of units": NAMED.replace("conductance\n", "G\n-,-,S\n"),
    "a column of an index": "".join(f"{k},{line}\n" for k, line in enumerate(NAMED.splitlines())).replace(
        "0,p", ",p", 1
    ),
    "names in capitals": NAMED.replace("pulse,direction,conductance", "PULSE #,POLARITY,G (uS)"),
    "numbers that begin anew": lines(
        [["n", "type", "G"], *([str(k % RAMP + 1), str(sign), f"{g:.6e}"] for k, (sign, g) in enumerate(COURSE))], ","
    ),
    "Excel's first line": "sep=;\n" + NAMED.replace(",", ";"),
    "a name in two lines": NAMED.replace("conductance", '"G\n(S)"'),
    "statistics, differences and leakage": NAMED.replace(
        "conductance\n", "conductance (S),G (std),delta G (S),Time (S),Gate current (A),Remanence (S)\n"
    ).replace("e-06", "e-06,1e-9,2e-9,3,4e-9,5e-9"),
    "another column x": NAMED.replace("conductance\n", "conductance,x\n").replace("e-06", "e-06,3"),
}


@pytest.mark.parametrize("case", READ)
def test_read(tmp_path: Path, case: str) -> None:
    assert same(read(tmp_path, READ[case]), WHOLE)


def test_missing_values(tmp_path: Path) -> None:
    parts = [line.rpartition(",") for line in NAMED.splitlines()]
    for k, word in zip((9, 20, 33, 60), ("NaN", "", "#N/A", "null"), strict=True):
        parts[k] = (*parts[k][:2], word)
    found = read(tmp_path, "\n".join("".join(part) for part in parts))
    assert np.flatnonzero(np.isnan(found.weights)).tolist() == [8, 19, 32, 59]


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


PAIRS = list(zip(UP, DOWN, strict=True))
REFUSED = {
    "empty": ("", "must have rows, and it is empty"),
    "blank": ("\n \n", "must have rows, and it is empty"),
    "one line": ("1,2,3", "no column of directions, nor one up and one down, in 3 columns without names"),
    "a sentence": (
        "nothing here",
        r"separated by tab, semicolon, bar, comma, space, and its last line is 'nothing here'",
    ),
    "names alone": ("pulse,direction,conductance\n", "its last line is 'pulse,direction,conductance'"),
    "no text": (b"\x00\x01\x02\x03", "must be a text file in UTF-"),
    "a picture": (b"\x89PNG\r\n\x1a\n", "and is a picture"),
    "a page": ("<html>", "and is a page of HTML or XML"),
    "no workbook": (b"PK\x03\x04 and so on", "must be a workbook that can be read"),
    "decimal commas and commas": (NAMED.replace(".", ","), r"line 1: 3 names, .*, and rows of 4 values: .* comma\)"),
    "another separator of the names": (NAMED.replace("pulse,direction,", "pulse;direction;"), "line 1: 3 names"),
    "both marks": (NAMED.replace(",", ";").replace(".", ",", 40), r"',?.*' in line \d+: must have one decimal mark"),
    "thousands": (
        "direction;G\n" + lines([[str(sign), f"{value * 2e8:,.0f}"] for sign, value in COURSE], ";"),
        "may be a fraction or thousands: must be told by --decimal comma",
    ),
    "names twice": (NAMED.replace("pulse", "conductance"), "line 1: column 'conductance' 2 times: must be there once"),
    "no direction": (
        NAMED.replace("direction", "note"),
        r"column 'direction' 0 times in columns 'pulse', 'note', 'conduc",
    ),
    "directions 1 and 2": (NAMED.replace(",-1,", ",2,"), "column 2 'direction' with '1', '2'"),
    "reads between pulses": (
        "V,G\n" + lines([[volts, f"{g:.6e}"] for sign, g in COURSE for volts in (str(1.5 * sign), "0.1")], ","),
        "column 1 'V' with '1.5', '0.1', '-1.5'",
    ),
    "two devices one below the other": (NAMED + "Device 2\n" + PLAIN, "'Device 2' above this row"),
    "cycles or devices": (NAMED + PLAIN, "line 162: pulse = 0: must be there once for each cell, or begin anew"),
    "a line behind": (NAMED + "end of data\n", "line 162: 'end of data' after the rows"),
    "a short line": (
        NAMED + "9,1\n",
        r"line 162: 2 values: must be 3, one for each column \(UTF-8, separated by comma",
    ),
    "ramps in one list": (
        "LTP,LTD\n" + lines([[f"{a:.6e}", f"{b:.6e}"] for a, b in zip(UP * 3, DOWN * 3, strict=True)], ","),
        "column 1 'LTP': goes up and down by more than half of its range",
    ),
    "down before up": (
        lines([[f"{a:.6e}", f"{b:.6e}"] for a, b in zip(DOWN, UP, strict=True)], ","),
        "column 1: falls from .* must rise, as it has pulses upwards",
    ),
    "two curves upwards": (
        lines([[str(k), f"{a:.6e}", f"{1.05 * a:.6e}"] for k, a in enumerate(UP)], ","),
        "column 2 and column 3 of a constant product or ratio",
    ),
    "times among the values": (
        lines([[f"{k / 10}", str(1.5 * sign), f"{g:.6e}"] for k, (sign, g) in enumerate(COURSE)], ","),
        "column 1, which does not rise",
    ),
    "current and conductance": (
        lines([[str(1.5 * sign), f"{g:.6e}", f"{g / 2:.6e}"] for sign, g in COURSE], ","),
        "column 2 and column 3, which are proportional",
    ),
    "a second curve upwards": (
        lines([[str(k), f"{a:.6e}", f"{b:.6e}"] for k, (a, b) in enumerate(zip(UP, DOWN[::-1], strict=True))], ","),
        "column 3: rises from .* has no name",
    ),
    "statistics alone": (
        "direction,G mean (uS),G min (uS),G max (uS)\n"
        + lines([[str(sign), *(f"{g * factor:.6e}" for factor in (1e6, 9e5, 1.1e6))] for sign, g in COURSE], ","),
        "column 'conductance' 0 times",
    ),
    "G0 and G": (
        "direction,G0 (uS),G (uS)\n" + lines([[str(sign), "10", f"{g * 1e6:.6f}"] for sign, g in COURSE], ","),
        r"values of column 2 'G0 \(uS\)', column 3 'G \(uS\)' in",
    ),
    "pairs of something else": (
        "LTP (uS),LTP x (uS),LTD (uS),LTD x (uS)\n" + lines([[f"{a:e}", "1", f"{b:e}", "1"] for a, b in PAIRS], ","),
        "pairs of up and down '', 'x' in",
    ),
    "times and a depression": (
        lines([[f"{0.05 * k:.2f}", f"{g:.6e}"] for k, g in enumerate(DOWN)], ","),
        "column 1 of equal steps, as of times or voltages",
    ),
    "voltages of steps of a half": (
        lines([[f"{0.5 * k}", f"{g:.6e}"] for k, g in enumerate(DOWN)], ";"),
        "column 1 of equal steps",
    ),
    "temperatures and a depression": (
        lines([[str(k), f"{300 + 2 * k + k % 3}", f"{g * 1e6:.6f}"] for k, g in enumerate(DOWN)], ","),
        "column 3: begins at .*, has no name, and the list before it ends at",
    ),
    "conductances and resistances": (
        lines([[str(k), f"{g * 1e6:.4f}", f"{1e-3 / g:.4f}"] for k, g in enumerate(UP)], ","),
        "column 2 and column 3 of a constant product or ratio",
    ),
    "devices whose numbers begin anew": (
        "n,type,G\n"
        + lines(
            [
                [str(k % RAMP + 1), str(sign), f"{g * factor:.6e}"]
                for factor in (1, 3)
                for k, (sign, g) in enumerate(COURSE[: 2 * RAMP])
            ],
            ",",
        ),
        "line 82: numbers of pulses begin anew and the value goes from",
    ),
    "a pulse far away": (NAMED.replace("\n150,", "\n1e30,"), r"line 152: pulse = '1e\+30': must be .* to 1e\+15"),
    "fractions of nothing": (
        lines([[f"{k / 200:.3f}", f"{a:.6e}"] for k, a in [*enumerate(UP), *enumerate(DOWN)]], ","),
        "up and down by more than half",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(tmp_path: Path, case: str) -> None:
    """A refusal names what was seen, in one line."""
    content, message = REFUSED[case]
    with pytest.raises(ValueError, match=message) as refusal:
        read(tmp_path, content)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "wide"}, "format = 'wide': must be one of auto, rows, up-down, lists"),
        ({"separator": ";"}, "separator = ';': must be one of tab, semicolon, bar, comma, space"),
        ({"decimal": ","}, "decimal = ',': must be one of point, comma"),
        ({"unit": "V"}, "unit = 'V': must be one of S, A or Ohm with a prefix"),
        ({"read_voltage": 0.0}, "read_voltage = 0.0: must be volts other than 0"),
        ({"read_voltage": float("nan")}, "read_voltage = nan: must be"),
        ({"read_voltage": True}, "read_voltage = True: must be a number"),
        ({"columns": "up=1"}, "columns = 'up=1': must be a list of role=column"),
    ],
)
def test_options(options: dict[str, object], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=f"^{message}"):
        Options(**options)  # type: ignore[arg-type]


def test_what_was_understood_has_five_lines(tmp_path: Path) -> None:
    found = read(tmp_path, NAMED)
    assert list(found.understood) == ["file", "form", "direction", "values", "points"]
    assert found.understood["points"] == f"1 cell, {len(COURSE)} rows, 0 without a value"


def test_statistics_beside_lists(tmp_path: Path) -> None:
    """Columns of standard deviations are no second cell."""
    rows = [["pulse", "LTP (S)", "LTP std (S)", "LTD (S)", "LTD std (S)"]]
    rows += [[str(k), f"{a:e}", f"{k}e-9", f"{b:e}", f"{k}e-9"] for k, (a, b) in enumerate(PAIRS, 1)]
    assert same(read(tmp_path, lines(rows, ",")), LISTS)


def test_damaged_workbooks(tmp_path: Path) -> None:
    """A sheet that is cut off or lost is refused in a line."""
    whole = zipfile.ZipFile(io.BytesIO(workbook(Data=wide())))
    for size in (None, 2):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as out:
            for name in whole.namelist():
                content = whole.read(name)
                if not name.endswith("sheet1.xml"):
                    out.writestr(name, content)
                elif size:
                    out.writestr(name, content[: len(content) // size])
        with pytest.raises(ValueError, match=r"sheet 'Data': must be one that can be read \(.*\)$"):
            read(tmp_path, file.getvalue())


@pytest.mark.parametrize("turned", [True, False])
def test_options_without_effect(tmp_path: Path, turned: bool) -> None:
    with pytest.raises(ValueError, match=f"^reverse_down = {turned}: must come with lists"):
        read(tmp_path, NAMED, reverse_down=turned)
    with pytest.raises(ValueError, match=r"^separator = 'tab': must come with a text, and .* is a workbook"):
        read(tmp_path, workbook(Data=wide()), separator="tab")
