"""Validated device parameters: a frozen dataclass whose fields know what is allowed.

    class Family(Parameters):
        dw_min: float = number(1e-6, 1.0, 0.001, "step size")
        mult_noise: bool = flag(True, "noise in proportion to the actual step")

Fields without either of them are checked by the class itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any


def number(low: float, high: float, default: float, text: str) -> Any:
    """A field for a number from ``low`` to ``high``."""
    return field(default=default, metadata={"low": low, "high": high, "text": text})


def flag(default: bool, text: str) -> Any:
    """A field for true or false."""
    return field(default=default, metadata={"text": text})


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """What device families inherit their checks from.

    Raises
    ------
    TypeError, ValueError
        A parameter has the wrong type or lies outside its range; the message names it, its value and what is allowed.
    """

    def __post_init__(self) -> None:
        for spec in fields(self):
            value = getattr(self, spec.name)
            if "low" in spec.metadata:
                low, high = spec.metadata["low"], spec.metadata["high"]
                if isinstance(value, bool) or not isinstance(value, (int, float)):
                    raise TypeError(f"{spec.name} = {value!r}: must be a number from {low:g} to {high:g}")
                if not low <= value <= high:
                    raise ValueError(f"{spec.name} = {value!r}: must be from {low:g} to {high:g}")
                if type(value) not in (int, float):  # such as those of numpy, whose names are no numbers in a file
                    object.__setattr__(self, spec.name, float(value))
            elif "text" in spec.metadata and not isinstance(value, bool):
                raise TypeError(f"{spec.name} = {value!r}: must be true or false")
