"""The folder in which symtrack keeps what it compiles and builds, so that it is made once.

    $SYMTRACK_CACHE                     where that is set,
    build/ of the checkout              where the package is used from one,
    the user's cache folder             otherwise (platformdirs); a temporary one where that cannot be written to.

Everything below it can be made again: deleting it costs time only.
"""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

import platformdirs

PACKAGE = Path(__file__).resolve().parent.parent
VARIABLE = "SYMTRACK_CACHE"


def checkout() -> Path | None:
    """The checkout that the package is used from, None where it is installed without its sources' surroundings."""
    return PACKAGE if (PACKAGE / "pyproject.toml").is_file() and (PACKAGE / "tests").is_dir() else None


def cache_folder(kind: str) -> Path:
    """The folder for one ``kind`` of what is kept; it need not exist yet."""
    return cache_root() / kind


def cache_root() -> Path:
    """The folder of all kinds, see the module."""
    named = os.environ.get(VARIABLE)
    return Path(named).absolute() if named else _default()


@cache
def _default() -> Path:
    source = checkout()
    candidates = [source / "build"] if source else []
    candidates.append(Path(platformdirs.user_cache_dir("symtrack", appauthor=False)))
    for folder in candidates:
        if _writable(folder):
            return folder
    return Path(tempfile.gettempdir()) / f"symtrack-{os.getuid()}"


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True
