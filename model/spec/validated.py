# SPDX-License-Identifier: Apache-2.0
"""Validated parameters: frozen dataclasses whose fields carry what is allowed, checked once at construction.

    @dataclass(frozen=True, kw_only=True)
    class SoftBounds(Validated):
        dw_min: float = number(1e-6, 1.0, 0.001, "step size")
        states: int = integer(2, 4096, 1200, "steps from bound to bound")
        mult_noise: bool = flag(True, "noise in proportion to the actual step")

Fields made in another way are checked by the class itself. `check` is the same for an argument of a function.
"""

from __future__ import annotations

import operator
import os
from contextlib import suppress
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np


def integer(low: int, high: int, default: int, text: str) -> Any:
    """A field for an integer from ``low`` to ``high``."""
    return field(default=default, metadata={"low": low, "high": high, "text": text, "whole": True})


def number(low: float, high: float, default: float, text: str) -> Any:
    """A field for a number from ``low`` to ``high``."""
    return field(default=default, metadata={"low": low, "high": high, "text": text, "whole": False})


def flag(default: bool, text: str) -> Any:
    """A field for true or false."""
    return field(default=default, metadata={"text": text})


def own(default: Any, text: str) -> Any:
    """A field that its class checks itself."""
    return field(default=default, metadata={"text": text, "own": True})


def word(
    default: Any,
    width: int | str,
    text: str,
    *,
    unit: str = "",
    needs: str = "",
    high: str = "",
    without: tuple[str, int] | None = None,
) -> Any:
    """A field for a word of hardware.

    width: its bits, or the name of the property of `TileConfig` that has their number. needs: the field of `TileConfig`
    that must be 1 for any value but 0. high: the field of `TileConfig` that is the largest value, if not all bits are.
    without: a field of `TileConfig`, and the largest value where that is 0.
    """
    allowed = {"needs": needs, "high": high, "without": without}
    return field(default=default, metadata={"width": width, "text": text, "unit": unit, **allowed})


SHOWN = 80  # characters of a value in a message


def shown(value: Any) -> str:
    """A value as messages name it, in one line that is not long; of an array its type and shape."""
    if isinstance(value, np.ndarray) and value.ndim:
        return f"{value.dtype}{list(value.shape)}"
    text = " ".join(repr(value).split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def path_of(name: str, value: Any) -> Path:
    """A path that is a text or an object for paths. Raises TypeError for what is none."""
    if not isinstance(value, (str, os.PathLike)) or not isinstance(os.fspath(value), str):
        raise TypeError(f"{name} = {shown(value)}: must be a path, a text or a Path")
    return Path(value)


def check(name: str, value: Any, low: float, high: float, *, whole: bool = True) -> Any:
    """The value as an int or a float, also if it is one of numpy's, so that equal values are the same everywhere.

    Raises
    ------
    TypeError, ValueError
        It is not in the interval, or no such number; the message names the field, its value and what is allowed.
    """
    allowed = f"from {_told(low)} to {_told(high)}"
    plain = integral(name, value, allowed) if whole else _number(name, value, allowed)
    if not low <= plain <= high:
        raise ValueError(f"{name} = {shown(value)}: must be {allowed}")
    return plain


def integral(name: str, value: Any, allowed: str = "") -> int:
    """A seed or a count as an int, also if it is one of numpy's.

    Raises
    ------
    TypeError
        It is no integer; true and false, 1.0 and "1" are none.
    """
    with suppress(TypeError):
        if not isinstance(value, bool):
            return operator.index(value)
    raise TypeError(f"{name} = {shown(value)}: must be an integer {allowed}".rstrip())


def _number(name: str, value: Any, allowed: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} = {shown(value)}: must be a number {allowed}")
    return integral(name, value) if isinstance(value, Integral) else float(value)


def _told(bound: float) -> str:
    return str(bound) if isinstance(bound, int) else f"{bound:g}"


@dataclass(frozen=True, kw_only=True)
class Validated:
    """What classes of parameters inherit their checks from.

    Raises
    ------
    TypeError, ValueError
        A parameter has the wrong type or lies outside its range; the message names it, its value and what is allowed.
    """

    def __post_init__(self) -> None:
        for spec in fields(self):
            value, allowed = getattr(self, spec.name), spec.metadata
            if "low" in allowed:
                plain = check(spec.name, value, allowed["low"], allowed["high"], whole=allowed["whole"])
                if plain is not value:  # such as those of numpy, whose names are no numbers in a file
                    object.__setattr__(self, spec.name, plain)
            elif "text" in allowed and "own" not in allowed and not isinstance(value, bool):
                raise TypeError(f"{spec.name} = {shown(value)}: must be true or false")
