# SPDX-License-Identifier: Apache-2.0
"""Results of cases in a folder that many processes, also of several machines, write to at once.

The folder has files of JSON Lines. Each writer appends to one of its own, a line for every case,

    {"key": ..., "case": {labels}, "result": {...}}

and everybody reads all of them, so that folders merge by copying their files into one. Of lines with the same key the
first counts, a line that was cut off does not, and what is written is never changed.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

ENDING = ".jsonl"
CLAIMS = "claims"
Result = dict[str, Any]


class Store:
    """The results in a folder, which is made with the first of them.

    Parameters
    ----------
    folder
        Where they are; it may be one that several machines share.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._results: dict[str, Result] = {}
        self._read: dict[Path, int] = {}  # bytes of the files so far
        self._own: Path | None = None
        self.refresh()

    def __len__(self) -> int:
        return len(self._results)

    def get(self, key: str) -> Result | None:
        """The result with a key as of the last `refresh`, None where there is none."""
        return self._results.get(key)

    def refresh(self) -> None:
        """Read what others have written since."""
        for file in sorted(self.folder.glob(f"*{ENDING}")):
            with file.open("rb") as lines:
                lines.seek(self._read.get(file, 0))
                for line in lines:
                    if not line.endswith(b"\n"):  # in work, or cut off
                        break
                    self._read[file] = self._read.get(file, 0) + len(line)
                    self._take(line)

    def _take(self, line: bytes) -> None:
        with suppress(ValueError, TypeError, KeyError):
            content = json.loads(line)
            if isinstance(content["result"], dict):
                self._results.setdefault(content["key"], content["result"])

    def add(self, key: str, result: Result, labels: Mapping[str, Any] | None = None) -> None:
        """Append a result; it is on the disk when this returns."""
        self.add_all([(key, result, labels or {})])

    def add_all(self, results: Iterable[tuple[str, Result, Mapping[str, Any]]]) -> None:
        """Append results with their keys and labels; they are on the disk when this returns."""
        lines = [
            json.dumps({"key": key, "case": dict(labels), "result": result}, allow_nan=False) + "\n"
            for key, result, labels in results
        ]
        if not lines:
            return
        if self._own is None or not self._own.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}{ENDING}"
            self._own = self.folder / name
        with self._own.open("ab") as file:
            file.write("".join(lines).encode())
            file.flush()
            os.fsync(file.fileno())
        for line in lines:
            self._take(line.encode())

    @contextmanager
    def claim(self, key: str) -> Iterator[bool]:
        """Whether the case with a key is this process's to run: no other one runs it, and it has no result yet.

        A claim ends with its context, or with the process.
        """
        claims = self.folder / CLAIMS
        claims.mkdir(parents=True, exist_ok=True)
        lock = FileLock(claims / key)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield False
            return
        try:
            self.refresh()  # who had the claim before may just have ended
            yield self.get(key) is None
        finally:
            with suppress(FileNotFoundError):
                (claims / key).unlink()
            lock.release()
