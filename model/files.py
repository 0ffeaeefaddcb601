"""Writes files atomically: they appear whole or not at all."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file so that it appears whole or not at all, also where power fails. A link stays one."""
    write_all({path: data})


def write_all(files: Mapping[Path, bytes]) -> None:
    """Write files as `write_bytes` does; none of them appears or changes before all are on the disk."""
    mask = os.umask(0)
    os.umask(mask)
    ready: list[tuple[str, Path]] = []
    try:
        for given, data in files.items():
            path = given.resolve()
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            ready.append((temporary, path))
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o666 & ~mask)  # what open() would have given, instead of mkstemp's 0600
        for temporary, path in ready:
            os.replace(temporary, path)
    except BaseException:
        for temporary, _ in ready:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
        raise


def png(figure: Any, *, dpi: int) -> bytes:
    """A figure of matplotlib as the content of a PNG file."""
    file = io.BytesIO()
    figure.savefig(file, dpi=dpi, format="png")
    return file.getvalue()
