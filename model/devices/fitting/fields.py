# SPDX-License-Identifier: Apache-2.0
"""The lines of a laboratory's file as fields: what is a number, what says that nothing is there, what is a comment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

SHOWN = 40  # characters of a line in a message
TAIL = 24  # lines at the end that show how a row looks
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?")
MISSING = {"", "-", "--", "---", "nan", "-nan", "na", "n/a", "#n/a", "#na", "null", "none", "missing", "nan(ind)"}
MISSING |= {"-nan(ind)", "#num!", "#value!", "#div/0!", "#ref!"}


def is_number(text: str) -> bool:
    """Whether a field is a number, with a point or a comma."""
    return bool(_NUMBER.fullmatch(text))


def missing(text: str) -> bool:
    """Whether a field says that nothing is there."""
    return text.lower() in MISSING


def clean(field: str) -> str:
    """A field without blanks around it, with the minus sign of ASCII."""
    return field.strip().replace("\N{MINUS SIGN}", "-").strip("\ufeff\xa0 ")


@dataclass(frozen=True, kw_only=True)
class Record:
    """A line that is not blank."""

    line: int
    fields: list[str]
    comment: bool
    after_blank: bool

    @property
    def text(self) -> str:
        """The line in a message."""
        return " ".join(field for field in self.fields if field)


def records(lines: Iterator[tuple[int, list[str]]]) -> Iterator[Record]:
    """The lines, numbered, that are not blank; those that begin with # or % are comments."""
    blank = False
    for line, fields in lines:
        if not any(fields):
            blank = True
            continue
        comment = fields[0].startswith(("#", "%")) and not missing(fields[0])
        if comment:
            rest = fields[0][1:].strip()
            fields = [rest if rest or not any(fields[1:]) else "#", *fields[1:]]  # # may be the name of a column
        elif " #" in fields[-1] and is_number(fields[-1].partition(" #")[0].strip()):
            fields = [*fields[:-1], fields[-1].partition(" #")[0].strip()]
        yield Record(line=line, fields=fields, comment=comment, after_blank=blank)
        blank = False
