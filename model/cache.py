# SPDX-License-Identifier: Apache-2.0
"""The folder in which symtrack keeps what it compiles and builds, so that it is made once.

    $SYMTRACK_CACHE                     where that is set,
    build/ of the checkout              where the package is used from one,
    the user's cache folder             otherwise (platformdirs); a temporary one where that cannot be written to.

It has a folder for each of `KINDS`. Whatever symtrack puts there can be made again: deleting it costs time only.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import platformdirs

PACKAGE = Path(__file__).resolve().parent.parent
VARIABLE = "SYMTRACK_CACHE"
KINDS = {
    "numba": "compiled kernels of the golden model",
    "verilator": "simulators, libraries and results of synthesis",
    "verilog": "Verilog texts",
    "fits": "fits of device data that are not finished",
    "locks": "locks of what is being made",
}
# Names that entries of a kind have: digests, with a suffix or not, and what has not got its digest yet.
_ENTRY = re.compile(r"(runtime-)?[0-9a-f]{12,64}(\.\w+)*|unfinished-\w+")


class VariableError(ValueError):
    """A variable of the environment has a value that it cannot have; the message is one line."""


def checkout() -> Path | None:
    """The checkout that the package is used from, None where it is installed without its sources' surroundings."""
    return PACKAGE if (PACKAGE / "pyproject.toml").is_file() and (PACKAGE / "tests").is_dir() else None


def cache_folder(kind: str) -> Path:
    """The folder for one of `KINDS`; it need not exist yet."""
    if kind not in KINDS:
        raise ValueError(f"kind = {kind!r}: must be one of {', '.join(KINDS)}")
    return cache_root() / kind


def cache_root() -> Path:
    """The folder of all kinds, see the module. The variable is read each time; its default is found once a process."""
    named = os.environ.get(VARIABLE)
    return Path(named).absolute() if named else _default()


@cache
def _default() -> Path:
    source = checkout()
    candidates = [source / "build"] if source else []
    candidates.append(Path(platformdirs.user_cache_dir("symtrack", appauthor=False)))
    for folder in candidates:
        # Without a home the user's folder is "~/.cache" as it is written.
        if folder.is_absolute() and writable(folder):
            return folder
    return _temporary(Path(tempfile.gettempdir()) / f"symtrack-{os.getuid()}")


def writable(folder: Path) -> bool:
    """Can files be written to this folder? It is made if it is not there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def _temporary(folder: Path) -> Path:
    """``folder``, where all users may write beside it; if another one has made it, a new one for this process.

    What is loaded from the cache is executed, so nobody else may have put it there.
    """
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022:
            return folder
    own = tempfile.mkdtemp(prefix="symtrack-")
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    os.environ[VARIABLE] = own  # for the processes that this one starts
    return Path(own)


@dataclass(frozen=True)
class Usage:
    """What a kind takes on the disk."""

    entries: int
    bytes: int


def usage() -> dict[str, Usage]:
    """Of every kind, what `empty` would remove."""
    found = {}
    for kind in KINDS:
        sizes = [_size(entry) for entry in _entries(cache_folder(kind))]
        found[kind] = Usage(len(sizes), sum(sizes))
    return found


def empty() -> None:
    """Remove what symtrack has put into the cache, known by its names, and nothing else that lies there.

    Raises
    ------
    OSError
        Something cannot be removed.
    """
    for kind in KINDS:
        folder = cache_folder(kind)
        for entry in _entries(folder):
            if entry.is_symlink() or not entry.is_dir():
                entry.unlink()
            else:
                shutil.rmtree(entry)
        with suppress(OSError):  # others have something in it, or it was never there
            folder.rmdir()


def _entries(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(entry for entry in folder.iterdir() if _ENTRY.fullmatch(entry.name))


def _size(entry: Path) -> int:
    """Bytes in all files; one that goes while it is counted has none."""
    total = 0
    for file in _files(entry):
        with suppress(FileNotFoundError):
            total += file.lstat().st_size
    return total


def _files(entry: Path) -> Iterator[Path]:
    if entry.is_symlink() or not entry.is_dir():
        yield entry
        return
    for folder, _, names in os.walk(entry):
        yield from (Path(folder, name) for name in names)
