# SPDX-License-Identifier: Apache-2.0
"""Journal of a long run: one line of JSON per finished item, so that an interrupted run can go on.

A line that was cut off by the end of a run is dropped: what it stood for is done again.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

_START = '{"key": "'  # of every line


def key_of(*parts: object) -> str:
    """The key of a journal's entries: a digest of everything that outcomes depend on."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


class Journal:
    """A file of entries; those with the same ``key`` are visible, all others stay in the file untouched.

    Attributes
    ----------
    entries : entries of this key that were in the file already.

    Raises
    ------
    OSError
        The file cannot be read or written.
    ValueError
        It has a line that no journal has.
    """

    def __init__(self, file: Path, key: str) -> None:
        self.key = key
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file.open("a+", encoding="utf-8")
        self._file.seek(0)
        *lines, torn = self._file.read().split("\n")
        if torn and not (torn.startswith(_START) or _START.startswith(torn)):
            self._file.close()
            raise ValueError(f"{file}, line {len(lines) + 1}: must be what an earlier run has written")
        if torn:
            os.ftruncate(self._file.fileno(), sum(len(line.encode()) + 1 for line in lines))
        self.entries: list[dict[str, Any]] = []
        for number, line in enumerate(lines, 1):
            try:
                entry = json.loads(line)
                mine = entry.pop("key") == key
            except (ValueError, AttributeError, KeyError, TypeError):
                self._file.close()
                raise ValueError(f"{file}, line {number}: must be what an earlier run has written") from None
            if mine:
                self.entries.append(entry)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def append(self, entry: dict[str, Any]) -> None:
        """Write an entry and force it to disk."""
        self._file.write(json.dumps({"key": self.key, **entry}) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
