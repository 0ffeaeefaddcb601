# SPDX-License-Identifier: Apache-2.0
"""Reads the tables of a laboratory's file, be it a text or a workbook."""

from __future__ import annotations

from pathlib import Path

from symtrack.model.devices.fitting import workbook
from symtrack.model.devices.fitting.table import Table
from symtrack.model.devices.fitting.text_file import text_table


def read_tables(
    path: str | Path, *, sheet: str | None = None, separator: str | None = None, decimal: str | None = None
) -> list[Table]:
    """The table of a file, or those of the sheets of a workbook that have one.

    Parameters
    ----------
    sheet : name or number, from 1, of the only sheet to be read.
    separator, decimal : one of `text_file.SEPARATORS` and `table.DECIMALS`; without them, from the file.

    Raises
    ------
    ValueError
        The file cannot be read, or has no table; the message says what was seen.
    """
    where = f"data = {str(path)!r}"
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"{where}: must be a readable file ({error.strerror})") from None
    if raw.startswith(workbook.MAGIC):
        if separator is not None:
            raise ValueError(f"separator = {separator!r}: must come with a text, and {str(path)!r} is a workbook")
        return workbook.sheets(raw, where, sheet, decimal)
    if sheet is not None:
        raise ValueError(f"sheet = {sheet!r}: must come with a workbook, and {str(path)!r} is a text")
    return [text_table(raw, where, separator, decimal)]
