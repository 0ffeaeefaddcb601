# SPDX-License-Identifier: Apache-2.0
"""Reads the lines of a text of any encoding and separator as fields."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Sequence

from symtrack.model.devices.fitting.fields import SHOWN, TAIL, clean, is_number, missing, records
from symtrack.model.devices.fitting.table import Table, find_table
from symtrack.model.devices.fitting.words import direction_of

SEPARATORS = {"tab": "\t", "semicolon": ";", "bar": "|", "comma": ",", "space": " "}  # in order of preference
_SHARE = 0.8  # of the lines at the end, that have to look alike
_BINARY = {b"\x93NUMPY": "a numpy array", b"MATLAB": "a MATLAB file", b"\x89HDF": "an HDF5 file", b"%PDF": "a PDF file"}
_BINARY |= {b"\x1f\x8b": "a compressed file", b"\x89PNG": "a picture", b"<": "a page of HTML or XML"}


def text_table(raw: bytes, where: str, separator: str | None, decimal: str | None) -> Table:
    """The table of a text's content; the marks are found out where they are not given.

    Raises
    ------
    ValueError
        It is no text, or has no table; the message says what was seen.
    """
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
    found = list(records((k, split(line)) for k, line in enumerate(lines, 1)))
    name = next((name for name, own in SEPARATORS.items() if own == mark), repr(mark))
    seen = f"{encoding}, " + (f"separated by {name}" if mark else "one column")
    return find_table(found, where, seen, decimal, guessed_comma=mark == "," and not separator)


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


def _splitter(mark: str) -> Callable[[str], list[str]]:
    """A function that splits a line; every line for itself, so that a stray quote cannot take the next ones along."""

    def split(line: str) -> list[str]:
        if mark == " ":
            line = re.sub(r"\s+", " ", re.sub(r"\s+(?=[(\[])", "", line.strip()))
        elif not mark:
            return [clean(line.strip().strip('"'))]
        try:
            return [clean(field) for field in next(csv.reader([line], delimiter=mark, skipinitialspace=True), [])]
        except csv.Error:  # a field of a length that is no number and no name
            return [line[:SHOWN]]

    return split


def _separator(lines: Sequence[str], where: str, commas: bool) -> str:
    """What separates the fields of the last lines, empty if there is one field in each; commas: of no separator."""
    tail = [line for line in lines if line.strip() and not line.lstrip().startswith(("#", "%"))][-TAIL:]
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
        single = [line for line in tail if is_number(clean(line.strip().strip('"')))]
        if 2 * len(single) <= len(tail):
            shown = (tail or [line for line in lines if line.strip()])[-1].strip()[:SHOWN]
            raise ValueError(
                f"{where}: must have rows of numbers after its header, separated by {', '.join(SEPARATORS)}, "
                f"and its last line is {shown!r}"
            )
        return ""
    return chosen
