"""The version of symtrack, which stands in pyproject.toml and nowhere else."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import metadata

from symtrack.model.cache import checkout


@cache
def version() -> str:
    """The version in the checkout's pyproject.toml, or in the package's metadata where there is no checkout."""
    source = checkout()
    if source is None:
        return metadata.version("symtrack")
    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])
