# SPDX-License-Identifier: Apache-2.0
"""Finds the table of numbers in the lines of a laboratory's file.

The table is sought from the end of the file, since what an instrument writes about itself comes first. Rows are the
lines with as many fields as most of the last ones and with numbers where these have numbers; lines of text between
rows begin a section; text above the first row with a name for every column is the header. Lines that begin with # or %
are comments, though one of them may be the header. What lies between or behind the rows and is nothing of this is
refused, never left out.

Nothing here knows what the columns mean: see `model.devices.fitting.forms`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symtrack.model.devices.fitting.fields import MISSING, SHOWN, TAIL, Record, is_number, missing
from symtrack.model.devices.fitting.words import direction_of, is_unit, role_of

DECIMALS = {"point": ".", "comma": ","}
NUMBER_MAX = 1e30  # sums and squares stay finite

Real = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Section:
    """Rows that follow each other.

    Attributes
    ----------
    title : text above them, without a header that repeats the first one.
    first, stop : rows of the table.
    """

    title: str
    first: int
    stop: int


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of fields, and where they stand.

    Attributes
    ----------
    names : of the columns, empty where they have none.
    units : of the columns if they have a line of their own, else empty.
    header : line of the names, None if there are none.
    rows : fields of equal number.
    lines : in the file, one for each row.
    sections : one, unless text or blank lines are between the rows.
    gaps : rows before which a blank line stands.
    sheet : of a workbook, else None.
    seen : how the file was read.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    header: int | None
    rows: list[list[str]]
    lines: list[int]
    sections: tuple[Section, ...]
    gaps: tuple[int, ...]
    sheet: str | None
    seen: str
    decimal: str

    def label(self, column: int) -> str:
        """A column in a message."""
        name = self.names[column] if self.names else ""
        return f"column {column + 1} {name!r}" if name else f"column {column + 1}"

    def name(self, column: int) -> str:
        """The name of a column, or its number."""
        return (self.names[column] if self.names else "") or f"column {column + 1}"

    def texts(self, column: int) -> list[str]:
        """The fields of a column."""
        return [row[column] for row in self.rows]

    def numbers(self, column: int, allowed: str = "a finite number up to 1e30, or empty for a missing point") -> Real:
        """The numbers of a column, NaN where missing; ValueError names the first that is none."""
        import pandas as pd  # a third of a second

        texts = pd.Series(self.texts(column), dtype=object)
        plain = texts.where(~texts.str.lower().isin(MISSING), "nan")
        plain = plain.where(plain.map(lambda text: text == "nan" or is_number(text)), "text")
        values = pd.to_numeric(plain.str.replace(",", ".", regex=False), errors="coerce").to_numpy(np.float64)
        bad = np.flatnonzero((plain != "nan").to_numpy() & ~(np.abs(values) <= NUMBER_MAX))
        if bad.size:
            k = int(bad[0])
            raise ValueError(f"line {self.lines[k]}: {self.name(column)} = {texts[k]!r}: must be {allowed}")
        return values

    def numeric(self, column: int) -> bool:
        """Whether most fields that are there are numbers."""
        there = [text for text in self.texts(column) if not missing(text)]
        return 2 * sum(is_number(text) for text in there) > len(there)


def find_table(
    records: list[Record],
    where: str,
    seen: str,
    decimal: str | None,
    sheet: str | None = None,
    *,
    guessed_comma: bool = False,
) -> Table:
    """The table of lines; guessed_comma: whether nobody but the lines says that a comma separates.

    Raises
    ------
    ValueError
        There is none, or lines are left that are neither rows nor text above them.
    """
    plain = [record for record in records if not record.comment]
    tail = [record for record in plain[-TAIL:] if any(map(is_number, record.fields))]
    if not tail:
        raise ValueError(f"{where}: must have rows of numbers after its header, and its last line has none ({seen})")
    width = max(Counter(len(record.fields) for record in tail).items(), key=lambda pair: (pair[1], pair[0]))[0]
    tail = [record for record in tail if len(record.fields) == width]
    accept = [_column([record.fields[k] for record in tail]) for k in range(width)]

    def fits(record: Record) -> bool:
        """Whether a line is a row."""
        fields = record.fields
        if record.comment or len(fields) < width or any(fields[width:]) or not any(map(is_number, fields)):
            return False
        return all(test(field) for test, field in zip(accept, fields, strict=False))

    places = [k for k, record in enumerate(records) if fits(record)]
    if not places:
        raise ValueError(f"{where}: must have rows of numbers after its header ({seen})")
    rows: list[list[str]] = []
    texts: list[Record] = []
    lines, starts, gaps = [], [], []
    for record in records[places[0] :]:
        if fits(record):
            if texts or not rows:
                starts.append((len(rows), texts))
            if record.after_blank and rows:
                gaps.append(len(rows))
            rows.append(record.fields[:width])
            lines.append(record.line)
            texts = []
        elif not record.comment:
            if any(map(is_number, record.fields)):
                raise ValueError(_misfit(record, accept, width, records[: places[0]], seen))
            texts.append(record)
    if texts:
        raise ValueError(f"line {texts[0].line}: {texts[0].text[:SHOWN]!r} after the rows: must be a row of numbers")
    names, units, header, title = _header(records[: places[0]], width, rows, seen)
    used = [k for k in range(width) if any(row[k] for row in rows) or (names and names[k])]
    rows = [[row[k] for k in used] for row in rows]
    mark = _decimal(rows, lines, decimal, seen)
    if guessed_comma and header is None:
        _refuse_decimal_commas(rows, lines)
    stops = [first for first, _ in starts[1:]] + [len(rows)]
    sections = []
    for (first, above), stop in zip(starts, stops, strict=True):
        own = [record.text for record in above if [f.lower() for f in record.fields[:width]] != list(_lower(names))]
        sections.append(Section(title=" ".join(own) if first else title, first=first, stop=stop))
    return Table(
        names=tuple(names[k] for k in used) if names else (),
        units=tuple(units[k] for k in used) if units else (),
        header=header,
        rows=rows,
        lines=lines,
        sections=tuple(sections),
        gaps=tuple(gaps),
        sheet=sheet,
        seen=seen + (", decimal comma" if mark == "," else ""),
        decimal=mark,
    )


def _lower(names: Sequence[str]) -> list[str]:
    return [name.lower() for name in names]


def _column(fields: list[str]) -> Callable[[str], bool]:
    """What a field of a row has to be, from those of the last rows."""
    there = [field for field in fields if not missing(field)]
    if 2 * sum(map(is_number, there)) >= len(there):
        return lambda field: is_number(field) or missing(field)
    if all(direction_of(field) is not None for field in there):
        return lambda field: direction_of(field) is not None or missing(field)
    return lambda field: True


def _misfit(record: Record, accept: list[Callable[[str], bool]], width: int, above: list[Record], seen: str) -> str:
    """Why a line between or behind the rows is no row."""
    fields = record.fields
    if len(fields) != width:
        return f"line {record.line}: {len(fields)} values: must be {width}, one for each column ({seen})"
    names, _, _, _ = _header(above, width, [fields], seen)
    k = next((k for k in range(width) if not accept[k](fields[k])), 0)
    name = names[k].lower() if names and names[k] else f"column {k + 1}"
    allowed = {"pulse": "an integer from 0", "direction": "1 or -1, 1 or 0, LTP or LTD, or a voltage"}
    told = allowed.get(name, "a finite number up to 1e30, or empty for a missing point")
    return f"line {record.line}: {name} = {fields[k]!r}: must be {told}"


def _header(
    above: list[Record], width: int, rows: list[list[str]], seen: str
) -> tuple[list[str], list[str], int | None, str]:
    """Names, units, line of the names, and the text above them."""

    def named(record: Record) -> list[str] | None:
        """The fields of a line that can be names."""
        fields = list(record.fields)
        while len(fields) > width and not fields[-1]:
            fields.pop()
        if len(fields) == width - 1 and not any(row[-1] for row in rows):  # rows that end in a separator
            fields.append("")
        numbers = sum(map(is_number, fields))
        good = len(fields) == width and numbers < sum(map(bool, fields))
        return fields if good and not (record.comment and width == 1) else None

    def known(fields: Sequence[str]) -> int:
        """How many fields are names of columns that are known."""
        found = 0
        for field in fields:
            with suppress(ValueError):  # a unit that is none of its name
                found += bool(role_of(field).role)
        return found

    while above and above[-1].comment and not (named(above[-1]) and known(named(above[-1]) or [])):
        above = above[:-1]
    if not above:
        return [], [], None, ""
    last = above[-1]
    names = named(last)
    if names is None:
        others = [re.split(r"[\t;|,]", own) for own in last.fields] if len(last.fields) == 1 else []
        shown = max([last.fields, *others], key=known)
        if known(shown) > 1:
            raise ValueError(
                f"line {last.line}: {len(shown)} names, {', '.join(map(repr, shown))}, and rows of {width} values: "
                f"must be one for each column, separated as they are ({seen})"
            )
        return [], [], None, last.text
    units: list[str] = []
    rest = above[:-1]
    if rest and all(is_unit(name) for name in names if name) and any(names):
        upper = named(rest[-1])
        if upper:
            names, units, last, rest = upper, names, rest[-1], rest[:-1]
    filled = [name for name in names if name]
    if len(set(filled)) < len(filled) and rest:  # such as LTP,,LTD, above X,Y,X,Y
        groups = rest[-1].fields[:width] + [""] * (width - len(rest[-1].fields))
        if any(groups) and len(rest[-1].fields) <= width and not any(map(is_number, groups)):
            held = ""
            for k, group in enumerate(groups):
                held = group or held
                names[k] = f"{held} {names[k]}".strip()
            rest = rest[:-1]
    return names, units, last.line, rest[-1].text if rest else ""


def _decimal(rows: list[list[str]], lines: list[int], decimal: str | None, seen: str) -> str:
    """The decimal mark; ValueError if both are there, or if a comma may stand for thousands."""
    found: dict[str, tuple[int, str]] = {}
    for line, row in zip(lines, rows, strict=True):
        for field in row:
            for mark in ".,":
                if mark in field and mark not in found and is_number(field):
                    found[mark] = (line, field)
        if len(found) == 2:
            break
    if len(found) == 2:
        shown = " and ".join(f"{field!r} in line {line}" for line, field in found.values())
        raise ValueError(f"{shown}: must have one decimal mark ({seen})")
    mark = next(iter(found), ".")
    if decimal and found and DECIMALS[decimal] != mark:
        line, field = found[mark]
        raise ValueError(f"line {line}: {field!r}: must be a number with a decimal {decimal} ({seen})")
    if mark == "," and not decimal:
        for column in zip(*rows, strict=True):
            numbers = [field for field in column if is_number(field)]
            grouped = [field for field in numbers if "," in field]
            if (
                grouped
                and len(grouped) < len(numbers)
                and all(re.fullmatch(r"-?[1-9]\d{0,2},\d{3}", f) for f in grouped)
            ):
                raise ValueError(
                    f"line {lines[column.index(grouped[0])]}: {grouped[0]!r} may be a fraction or thousands: "
                    "must be told by --decimal comma"
                )
    return mark


def _refuse_decimal_commas(rows: list[list[str]], lines: list[int]) -> None:
    """Refuse rows without a header whose commas may be decimal marks."""
    numbers = [[field for field in row if is_number(field)] for row in rows]
    whole = all(field.lstrip("+-").isdecimal() for row in numbers for field in row)
    zeros = [k for k, row in enumerate(numbers) if any(re.fullmatch(r"0\d+", field) for field in row)]
    if whole and (zeros or len(rows[0]) == 2):
        k = zeros[0] if zeros else 0
        raise ValueError(
            f"line {lines[k]}: {','.join(rows[k])!r}: its comma may separate columns or be a decimal mark: "
            "must be told by --separator comma or --decimal comma"
        )
