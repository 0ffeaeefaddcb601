# SPDX-License-Identifier: Apache-2.0
"""Tests that device data of two meanings are refused, in a line that names what was seen, and options of no effect."""

from __future__ import annotations

from pathlib import Path

import pytest

from symtrack.model.devices.fitting.columns import Options
from tests.model.helpers.laboratory_files import (
    COURSE,
    DOWN,
    NAMED,
    PAIRS,
    PLAIN,
    RAMP,
    UP,
    lines,
    read,
    wide,
    workbook,
)

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


@pytest.mark.parametrize("turned", [True, False])
def test_options_without_effect(tmp_path: Path, turned: bool) -> None:
    with pytest.raises(ValueError, match=f"^reverse_down = {turned}: must come with lists"):
        read(tmp_path, NAMED, reverse_down=turned)
    with pytest.raises(ValueError, match=r"^separator = 'tab': must come with a text, and .* is a workbook"):
        read(tmp_path, workbook(Data=wide()), separator="tab")
