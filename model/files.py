# SPDX-License-Identifier: Apache-2.0
"""Writes files atomically (they appear whole or not at all), and makes what goes into them: pictures and tables."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

PICTURES: dict[str, dict[str, None]] = {"png": {}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}
"""Formats of pictures, with the metadata that keep equal pictures equal files."""


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


def picture(figure: Any, *, dpi: int, form: str = "png") -> bytes:
    """A figure of matplotlib as the content of a file; ``form`` is one of `PICTURES`."""
    from matplotlib import rc_context  # a second to import, and only pictures need it

    file = io.BytesIO()
    with rc_context({"svg.hashsalt": "symtrack"}):
        figure.savefig(file, dpi=dpi, format=form, metadata=PICTURES[form])
    return file.getvalue()


def markdown(heading: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A table with aligned pipes, ``left`` columns aligned to the left and the others to the right."""
    widths = [max(len(line[index]) for line in (heading, *rows)) for index in range(len(heading))]

    def line(cells: Sequence[str]) -> str:
        pairs = enumerate(zip(cells, widths, strict=True))
        return f"| {' | '.join(cell.ljust(w) if i < left else cell.rjust(w) for i, (cell, w) in pairs)} |"

    rule = ["-" * width if index < left else "-" * (width - 1) + ":" for index, width in enumerate(widths)]
    return "\n".join([line(heading), line(rule), *map(line, rows)])
