# SPDX-License-Identifier: Apache-2.0
"""Tests of the texts that instruments and programs write: encodings, quotes, comments, names, missing values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.model.helpers.laboratory_files import COURSE, NAMED, PLAIN, RAMP, WHOLE, lines, read, same

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
