# SPDX-License-Identifier: Apache-2.0
"""Compiled numba kernels, kept on disk until a file that they are made of changes.

`njit` is numba's with one difference: numba sees a change of the file that a kernel stands in, but not of the files
whose kernels are compiled into it. So the kernels of a file go to a folder that is named by a digest of that file and
of all files of the model that it imports, directly or not.

    <cache>/numba/<digest>/

NUMBA_CACHE_DIR, where it is set, decides instead. Where the folder cannot be written to, kernels are compiled by every
process: numba by itself would keep them beside the sources, and those may belong to an installed package.

Where a core has vector registers of 512 bits, kernels fill them. LLVM halves them on cores of Intel, whose first ones
lowered their clock for the whole, and a block of cells would be two. numba has one such setting for a process, so it
holds for all that the process compiles; NUMBA_CPU_NAME and NUMBA_CPU_FEATURES, where they are set, decide instead. No
bit of a result depends on it.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba.core.codegen import get_host_cpu_features

from symtrack.model.cache import cache_folder, writable
from symtrack.model.source_files import source_digest

_compiled: set[tuple[str, int, str]] = set()
WIDE = "-prefer-256-bit"


def fill_vectors() -> None:
    """Have numba fill vector registers of 512 bits where the core has them and no setting of the user's decides."""
    features = get_host_cpu_features()
    if numba.config.CPU_NAME is None and numba.config.CPU_FEATURES is None and "+avx512f" in features.split(","):
        numba.config.CPU_FEATURES = f"{features},{WIDE}"


fill_vectors()


def functions() -> frozenset[tuple[str, int, str]]:
    """File, line and name of every function that `njit` has compiled or will, as profilers tell them."""
    return frozenset(_compiled)


def njit(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Compile a function as numba's ``njit`` does; with ``cache`` it is kept in the folder of its file."""
    if function is None:
        return lambda given: njit(given, **options)
    code = function.__code__
    _compiled.add((code.co_filename, code.co_firstlineno, code.co_name))
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


@cache
def _folder(file: Path) -> Path | None:
    folder = cache_folder("numba") / source_digest(file)[:16]
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
