# SPDX-License-Identifier: Apache-2.0
"""Tests of workbooks of device data: sheets, devices side by side, and files that are damaged."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import xlwt

from tests.model.helpers.laboratory_files import DOWN, LISTS, UP, WIDE, read, same, wide, workbook


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
