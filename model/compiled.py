"""Compiled numba kernels, kept on disk until a file that they are made of changes.

`njit` is numba's with one difference: numba sees a change of the file that a kernel stands in, but not of the files
whose kernels are compiled into it. So the kernels of a file go to a folder that is named by a digest of that file and
of all files of the model that it imports, directly or not.

    <cache>/numba/<digest>/

NUMBA_CACHE_DIR, where it is set, decides instead. Where the folder cannot be written to, kernels are compiled by every
process: numba by itself would keep them beside the sources, and those may belong to an installed package.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import re
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numba

from symtrack.model.cache import PACKAGE, cache_folder, writable

_IMPORT = re.compile(r"^\s*from (symtrack[\w.]*) import (\([^)]*\)|[^\n]*)", re.MULTILINE)


def njit(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Compile a function as numba's ``njit`` does; with ``cache`` it is kept in the folder of its file."""
    if function is None:
        return lambda given: njit(given, **options)
    if not options.get("cache") or "NUMBA_CACHE_DIR" in os.environ:
        return numba.njit(**options)(function)
    folder = _folder(Path(function.__code__.co_filename))
    if folder is None:
        return numba.njit(**options | {"cache": False})(function)
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder)
    try:
        return numba.njit(**options)(function)
    finally:
        numba.config.CACHE_DIR = before


def sources(file: Path) -> set[Path]:
    """The file, and all files of the package that it imports, directly or not."""
    found: set[Path] = set()
    new = {file.resolve()}
    while new:
        found |= new
        new = set().union(*(_imported(path) for path in new)) - found
    return found


@cache
def _imported(file: Path) -> frozenset[Path]:
    names = set()
    for module, items in _IMPORT.findall(file.read_text(encoding="utf-8")):
        names |= {module, *(f"{module}.{item}" for item in re.findall(r"\w+", items))}
    places = (PACKAGE / Path(*name.split(".")[1:]) for name in names)
    return frozenset(path for place in places if (path := place.with_suffix(".py")).is_file())


@cache
def _folder(file: Path) -> Path | None:
    digest = hashlib.sha256()
    for path in sorted(sources(file)):
        digest.update(str(path.relative_to(PACKAGE)).encode() + b"\0" + path.read_bytes() + b"\0")
    folder = cache_folder("numba") / digest.hexdigest()[:16]
    if not writable(folder):
        return None
    _drop_cut_off(folder)
    return folder


def _drop_cut_off(folder: Path) -> None:
    """Remove compiled kernels that are not whole pickles, as a full disk leaves them: numba would stop at them."""
    for kernel in folder.rglob("*.nb[ic]"):
        with suppress(OSError):
            if not kernel.read_bytes().endswith(pickle.STOP):
                kernel.unlink()
