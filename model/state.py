# SPDX-License-Identifier: Apache-2.0
"""State arrays by name: the names of a part's arrays begin with the name of the part and an underscore."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


def named(part: str, arrays: Arrays) -> dict[str, NDArray[Any]]:
    """The arrays of a part under their names in the whole."""
    return {f"{part}_{name}": array for name, array in arrays.items()}


def part_of(arrays: Arrays, part: str) -> dict[str, NDArray[Any]]:
    """The arrays of a part of the whole under their own names."""
    prefix = f"{part}_"
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
