# SPDX-License-Identifier: Apache-2.0
"""Finds the table of numbers in a laboratory's file: a text of any encoding and separator, or a sheet of a workbook.

The table is sought from the end of the file, since what an instrument writes about itself comes first. Rows are the
lines with as many fields as most of the last ones and with numbers where these have numbers; lines of text between
rows begin a section; text above the first row with a name for every column is the header. Lines that begin with # or %
are comments, though one of them may be the header. What lies between or behind the rows and is nothing of this is
refused, never left out.

Nothing here knows what the columns mean: see `model.devices.fitting.forms`.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from symtrack.model.devices.fitting.words import direction_of, is_unit, role_of

SEPARATORS = {"tab": "\t", "semicolon": ";", "bar": "|", "comma": ",", "space": " "}  # in order of preference
DECIMALS = {"point": ".", "comma": ","}
NUMBER_MAX = 1e30  # sums and squares stay finite
_TAIL = 24  # lines at the end that show how a row looks
_SHARE = 0.8  # of them, that have to look alike
_SHOWN = 40  # characters of a line in a message
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?")
_MISSING = {"", "-", "--", "---", "nan", "-nan", "na", "n/a", "#n/a", "#na", "null", "none", "missing", "nan(ind)"}
_MISSING |= {"-nan(ind)", "#num!", "#value!", "#div/0!", "#ref!"}
_BINARY = {b"\x93NUMPY": "a numpy array", b"MATLAB": "a MATLAB file", b"\x89HDF": "an HDF5 file", b"%PDF": "a PDF file"}
_BINARY |= {b"\x1f\x8b": "a compressed file", b"\x89PNG": "a picture", b"<": "a page of HTML or XML"}
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")

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
        plain = texts.where(~texts.str.lower().isin(_MISSING), "nan")
        plain = plain.where(plain.map(lambda text: text == "nan" or bool(_NUMBER.fullmatch(text))), "text")
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


def is_number(text: str) -> bool:
    """Whether a field is a number, with a point or a comma."""
    return bool(_NUMBER.fullmatch(text))


def missing(text: str) -> bool:
    """Whether a field says that nothing is there."""
    return text.lower() in _MISSING


@dataclass(frozen=True, kw_only=True)
class _Record:
    """A line that is not blank."""

    line: int
    fields: list[str]
    comment: bool
    after_blank: bool

    @property
    def text(self) -> str:
        return " ".join(field for field in self.fields if field)


def read_tables(
    path: str | Path, *, sheet: str | None = None, separator: str | None = None, decimal: str | None = None
) -> list[Table]:
    """The table of a file, or those of the sheets of a workbook that have one.

    Parameters
    ----------
    sheet : name or number, from 1, of the only sheet to be read.
    separator, decimal : one of SEPARATORS and DECIMALS; without them, from the file.

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
    if raw.startswith(_WORKBOOKS):
        if separator is not None:
            raise ValueError(f"separator = {separator!r}: must come with a text, and {str(path)!r} is a workbook")
        return _sheets(raw, where, sheet, decimal)
    if sheet is not None:
        raise ValueError(f"sheet = {sheet!r}: must come with a workbook, and {str(path)!r} is a text")
    text, encoding = _decoded(raw, where)
    lines = re.split(r"\r\n|\r|\n", text)
    for k in range(len(lines) - 1):  # a name in quotes that has a line break
        if lines[k].count('"') % 2 and lines[k + 1].count('"') % 2:
            lines[k : k + 2] = [f"{lines[k]} {lines[k + 1]}", ""]
    told = re.fullmatch(r"\s*\"?sep=(.)\"?\s*", lines[0])  # what Excel writes and reads
    if told:
        lines[0] = ""
    if not any(line.strip() for line in lines):
        raise ValueError(f"{where}: must have rows, and it is empty")
    commas = decimal == "comma" and '"' not in text  # which then separate nothing
    mark = SEPARATORS[separator] if separator else told[1] if told else _separator(lines, where, commas)
    split = _splitter(mark)
    records = list(_records(((k, split(line)) for k, line in enumerate(lines, 1)), commented=True))
    name = next((name for name, own in SEPARATORS.items() if own == mark), repr(mark))
    seen = f"{encoding}, " + (f"separated by {name}" if mark else "one column")
    result = _table(records, where, seen, decimal, None, mark == "," and not separator)
    return [result]


def _decoded(raw: bytes, where: str) -> tuple[str, str]:
    """Text and encoding."""
    for magic, kind in _BINARY.items():
        if raw.lstrip()[:8].startswith(magic):
            raise ValueError(f"{where}: must be a text file in UTF-8 or UTF-16 or a workbook, and is {kind}")
    zeros = raw[::2].count(0), raw[1::2].count(0)
    encoding, told = "utf-8", "UTF-8"
    if raw.startswith(b"\xef\xbb\xbf"):
        encoding = "utf-8-sig"
    elif raw.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        encoding, told = "utf-32", "UTF-32"
    elif raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding, told = "utf-16", "UTF-16"
    elif max(zeros) > len(raw) // 8:
        encoding, told = "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le", "UTF-16"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8":
            raise ValueError(f"{where}: must be a text file in UTF-8 or {told}, and is none in that") from None
        text, told = raw.decode("cp1252", errors="replace"), "Windows-1252"
    if re.search(r"[\0-\b\x0e-\x1a\ufffd]", text):
        raise ValueError(f"{where}: must be a text file in UTF-8 or UTF-16, and has bytes of no text")
    return text, told


def _clean(field: str) -> str:
    return field.strip().replace("\N{MINUS SIGN}", "-").strip("\ufeff\xa0 ")


def _splitter(mark: str) -> Callable[[str], list[str]]:
    """A function that splits a line; every line for itself, so that a stray quote cannot take the next ones along."""

    def split(line: str) -> list[str]:
        if mark == " ":
            line = re.sub(r"\s+", " ", re.sub(r"\s+(?=[(\[])", "", line.strip()))
        elif not mark:
            return [_clean(line.strip().strip('"'))]
        try:
            return [_clean(field) for field in next(csv.reader([line], delimiter=mark, skipinitialspace=True), [])]
        except csv.Error:  # a field of a length that is no number and no name
            return [line[:_SHOWN]]

    return split


def _separator(lines: Sequence[str], where: str, commas: bool) -> str:
    """What separates the fields of the last lines, empty if there is one field in each; commas: of no separator."""
    tail = [line for line in lines if line.strip() and not line.lstrip().startswith(("#", "%"))][-_TAIL:]
    best, chosen = 0.0, None
    for mark in SEPARATORS.values():
        if commas and mark == ",":
            continue
        rows = [fields for line in tail if any(map(is_number, fields := _splitter(mark)(line)))]
        if not rows:
            continue
        number = Counter(map(len, rows)).most_common(1)[0][0]
        alike = [fields for fields in rows if len(fields) == number]
        if number < 2 or len(alike) < _SHARE * len(rows):
            continue
        fields = [field for row in alike for field in row]
        share = sum(is_number(f) or missing(f) or direction_of(f) is not None for f in fields) / len(fields)
        if share > best + 1e-9:
            best, chosen = share, mark
    if chosen is None:
        single = [line for line in tail if is_number(_clean(line.strip().strip('"')))]
        if 2 * len(single) <= len(tail):
            shown = (tail or [line for line in lines if line.strip()])[-1].strip()[:_SHOWN]
            raise ValueError(
                f"{where}: must have rows of numbers after its header, separated by {', '.join(SEPARATORS)}, "
                f"and its last line is {shown!r}"
            )
        return ""
    return chosen


def _records(lines: Iterator[tuple[int, list[str]]], *, commented: bool) -> Iterator[_Record]:
    blank = False
    for line, fields in lines:
        if not any(fields):
            blank = True
            continue
        comment = commented and fields[0].startswith(("#", "%")) and not missing(fields[0])
        if comment:
            rest = fields[0][1:].strip()
            fields = [rest if rest or not any(fields[1:]) else "#", *fields[1:]]  # # may be the name of a column
        elif " #" in fields[-1] and is_number(fields[-1].partition(" #")[0].strip()):
            fields = [*fields[:-1], fields[-1].partition(" #")[0].strip()]
        yield _Record(line=line, fields=fields, comment=comment, after_blank=blank)
        blank = False


def _sheets(raw: bytes, where: str, sheet: str | None, decimal: str | None) -> list[Table]:
    """The tables of a workbook."""
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
        records = list(_records(cells, commented=True))
        if not any(map(is_number, (field for record in records for field in record.fields))):
            continue
        try:
            tables.append(_table(records, where, f"workbook, sheet {name!r}", decimal, name, False))
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
    return _clean(str(value))


def _table(
    records: list[_Record], where: str, seen: str, decimal: str | None, sheet: str | None, guessed_comma: bool
) -> Table:
    """The table of lines; guessed_comma: whether nobody but the lines says that a comma separates."""
    plain = [record for record in records if not record.comment]
    tail = [record for record in plain[-_TAIL:] if any(map(is_number, record.fields))]
    if not tail:
        raise ValueError(f"{where}: must have rows of numbers after its header, and its last line has none ({seen})")
    width = max(Counter(len(record.fields) for record in tail).items(), key=lambda pair: (pair[1], pair[0]))[0]
    tail = [record for record in tail if len(record.fields) == width]
    accept = [_column([record.fields[k] for record in tail]) for k in range(width)]

    def fits(record: _Record) -> bool:
        """Whether a line is a row."""
        fields = record.fields
        if record.comment or len(fields) < width or any(fields[width:]) or not any(map(is_number, fields)):
            return False
        return all(test(field) for test, field in zip(accept, fields, strict=False))

    places = [k for k, record in enumerate(records) if fits(record)]
    if not places:
        raise ValueError(f"{where}: must have rows of numbers after its header ({seen})")
    rows: list[list[str]] = []
    texts: list[_Record] = []
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
        raise ValueError(f"line {texts[0].line}: {texts[0].text[:_SHOWN]!r} after the rows: must be a row of numbers")
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


def _misfit(record: _Record, accept: list[Callable[[str], bool]], width: int, above: list[_Record], seen: str) -> str:
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
    above: list[_Record], width: int, rows: list[list[str]], seen: str
) -> tuple[list[str], list[str], int | None, str]:
    """Names, units, line of the names, and the text above them."""

    def named(record: _Record) -> list[str] | None:
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
