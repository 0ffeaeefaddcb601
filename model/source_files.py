# SPDX-License-Identifier: Apache-2.0
"""Which source files a file of the package is made of, and a digest of them.

Caches name what they keep by this digest: it stays right when other files change, and is found again when the sources
are as they were. Imports are read from the text, so nothing is imported, and one inside a function counts, too.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

from symtrack.model.cache import PACKAGE

_FROM = re.compile(r"^\s*from ((?:symtrack|tests)\b[\w.]*) import (\([^)]*\)|[^\n]*)", re.MULTILINE)
_IMPORT = re.compile(r"^\s*import ((?:symtrack|tests)\b[\w.]*)", re.MULTILINE)


def sources(file: Path) -> set[Path]:
    """The file, and all files of the package (or its tests) that it imports, directly or not."""
    found: set[Path] = set()
    new = {file.resolve()}
    while new:
        found |= new
        new = set().union(*(imported(path) for path in new)) - found
    return found


@cache
def imported(file: Path) -> frozenset[Path]:
    """The files of the package and its tests that a file imports itself."""
    text = file.read_text(encoding="utf-8")
    names = set(_IMPORT.findall(text))
    for module, items in _FROM.findall(text):
        names |= {module, *(f"{module}.{item}" for item in re.findall(r"\w+", items))}
    places = (PACKAGE.joinpath(*name.removeprefix("symtrack").split(".")) for name in names)
    return frozenset(path for place in places if (path := place.with_suffix(".py")).is_file())


@cache
def source_digest(file: Path) -> str:
    """SHA-256 over the names and contents of `sources`."""
    digest = hashlib.sha256()
    for path in sorted(sources(file)):
        digest.update(str(path.relative_to(PACKAGE)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
