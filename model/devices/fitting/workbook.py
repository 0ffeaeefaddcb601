# SPDX-License-Identifier: Apache-2.0
"""Reads the sheets of a workbook (.xlsx, .xls, .ods) as tables."""

from __future__ import annotations

import io

import numpy as np

from symtrack.model.devices.fitting.fields import clean, is_number, records
from symtrack.model.devices.fitting.table import Table, find_table

MAGIC = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # how these files begin


def sheets(raw: bytes, where: str, sheet: str | None, decimal: str | None) -> list[Table]:
    """The tables of a workbook's content, of all sheets with numbers or of the one that is named or numbered.

    Raises
    ------
    ValueError
        It cannot be read, has no such sheet, or none with a table.
    """
    import pandas as pd

    try:
        book = pd.ExcelFile(io.BytesIO(raw), engine="calamine")
    except Exception as error:  # of whatever kind the library has for files that are none of its own
        raise ValueError(f"{where}: must be a workbook that can be read ({error})") from None
    names = [str(name) for name in book.sheet_names]
    shown = ", ".join(map(repr, names))
    if sheet is not None:
        number = int(sheet) if sheet.isdecimal() and sheet not in names else 0
        if sheet not in names and not 1 <= number <= len(names):
            raise ValueError(f"sheet = {sheet!r}: must be one of {shown}, or a number from 1 to {len(names)}")
        names = [names[number - 1] if number else sheet]
    tables, refused = [], None
    for name in names:
        try:
            frame = pd.read_excel(book, sheet_name=name, header=None, dtype=object, na_filter=False)
        except Exception as error:  # as above
            told = " ".join(str(error).split())
            raise ValueError(f"{where}: sheet {name!r}: must be one that can be read ({told})") from None
        cells = ((k, [_cell(value) for value in row]) for k, row in enumerate(frame.to_numpy().tolist(), 1))
        lines = list(records(cells))
        if not any(map(is_number, (field for record in lines for field in record.fields))):
            continue
        try:
            tables.append(find_table(lines, where, f"workbook, sheet {name!r}", decimal, name))
        except ValueError as error:
            refused = ValueError(f"sheet {name!r}: {error}")
            if len(names) == 1:
                raise refused from None
    if refused and tables:
        raise ValueError(f"{where}: sheet must be one of {shown}, chosen by --sheet ({refused})")
    if not tables:
        raise refused or ValueError(f"{where}: must have a sheet with numbers, and has {shown}")
    return tables


def _cell(value: object) -> str:
    """A field of a sheet as text."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return clean(str(value))
