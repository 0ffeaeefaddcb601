# SPDX-License-Identifier: Apache-2.0
"""Reads plain data of aihwkit's parameters field by field, so that none goes by unnoticed.

A field is taken, has to have one value, or is without effect. `Fields.done` finds those that are none of it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, is_dataclass
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from symtrack.model.exchange.aihwkit_fields import DEFAULTS, VERSION
from symtrack.model.exchange.aihwkit_recording import plain
from symtrack.model.spec.validated import shown

_SMALLEST, _LARGEST = 1e-30, 1e30  # in size: products of a few numbers and their inverses stay finite
_RANGE = f"from {_SMALLEST:g} to {_LARGEST:g}"


@dataclass(frozen=True, kw_only=True)
class Remarks:
    """What is said about a configuration.

    Attributes
    ----------
    notes : a line for each value that became another one, or works in another way.
    ignored : a line for each value that has no effect.
    """

    notes: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def loaded(source: Any) -> Any:
    """Plain data of a live configuration, of data that are plain already, or of a JSON file.

    Raises
    ------
    TypeError, ValueError
        It is none of these, or the file cannot be read.
    """
    if is_dataclass(source):
        return plain(source() if isinstance(source, type) else source)
    if isinstance(source, Mapping):
        return source
    if not isinstance(source, (str, Path)):
        allowed = "a configuration of aihwkit, plain data of one, or the path of a JSON file"
        raise TypeError(f"rpu_config = {shown(source)}: must be {allowed}")
    try:
        return json.loads(Path(source).read_text(encoding="utf-8"), object_pairs_hook=_once)
    except OSError as error:
        raise ValueError(f"rpu_config = {str(source)!r}: must be a readable file ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"rpu_config = {str(source)!r}: must be valid JSON ({error})") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, none of whose names comes twice."""
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{shown(name)} comes more than once in an object")
    return dict(pairs)


def kind_of(data: Any, path: str, known: Collection[str], told: str = "") -> str:
    """The first of the known classes that plain data are of; ``told`` is what an error says of them.

    Raises
    ------
    ValueError
        They are of none.
    """
    allowed = "must be " + (told or f"one of {', '.join(known)}")
    if not isinstance(data, Mapping) or not isinstance(data.get("class"), str):
        raise ValueError(f"{path} = {shown(data)}: {allowed}")
    below = data.get("is_a", ())
    if not isinstance(below, (list, tuple)) or not all(isinstance(name, str) for name in below):
        raise ValueError(f"{path}.is_a = {shown(below)}: must be a list of classes")
    found = next((name for name in (data["class"], *below) if name in known), None)
    if found is None:
        raise ValueError(f"{path} = {' '.join(data['class'].split()):.60}: {allowed}")
    return found


class Fields:
    """The fields of one object of plain data; those that it does not have are as aihwkit has them.

    Attributes
    ----------
    kind : its class, or the one below that is known.
    path : where it stands.

    Raises
    ------
    ValueError
        It is of another class, or has a field that the class does not have.
    """

    def __init__(self, data: Any, path: str, known: Collection[str], remarks: Remarks) -> None:
        self.kind = kind_of(data, path, known)
        self.path, self.remarks = path, remarks
        self.default = DEFAULTS[self.kind]
        for name, value in data.items():
            if name not in self.default and name not in ("class", "is_a"):
                raise ValueError(
                    f"{self.name(name)} = {shown(value)}: must be a field of {self.kind} of aihwkit {VERSION}, "
                    f"which are {', '.join(self.default)}"
                )
        self._values = {name: data.get(name, default) for name, default in self.default.items()}
        self._seen: set[str] = set()

    def name(self, field_name: str) -> str:
        """A field with where it stands."""
        return f"{self.path}.{field_name}" if self.path else field_name

    def take(self, name: str) -> Any:
        """The value of a field, which is of the type of its default; numbers are finite, also in lists.

        Raises
        ------
        TypeError
            It is of another type.
        ValueError
            It is no finite number.
        """
        value, default = self._listed(name), self.default[name]
        if isinstance(default, bool):
            if not isinstance(value, bool):
                raise TypeError(f"{self.name(name)} = {shown(value)}: must be true or false")
        elif isinstance(default, (int, float)):
            self._check_number(self.name(name), value)
        elif isinstance(default, str) and not isinstance(value, str):
            raise TypeError(f"{self.name(name)} = {shown(value)}: must be a text, such as {default}")
        elif isinstance(default, list):
            for k, one in enumerate(value):
                self._check_number(f"{self.name(name)}[{k}]", one)
        return value

    def whole(self, name: str, low: int, high: int | None = None) -> int:
        """The value of a field that is an integer from ``low`` to ``high``; None for no highest.

        Raises
        ------
        TypeError, ValueError
            It is none.
        """
        value = self.take(name)
        if value != int(value) or value < low or (high is not None and value > high):
            limits = f"of at least {low}" if high is None else f"from {low} to {high}"
            raise self.refused(name, f"an integer {limits}")
        return int(value)

    def _listed(self, name: str) -> Any:
        """The value of a field, a list if its default is one."""
        self._seen.add(name)
        value = self._values[name]
        if isinstance(self.default[name], list) and isinstance(value, np.ndarray) and value.ndim == 1:
            value = self._values[name] = value.tolist()
        if isinstance(self.default[name], list) and not isinstance(value, (list, tuple)):
            raise TypeError(f"{self.name(name)} = {shown(value)}: must be a list")
        return value

    @staticmethod
    def _check_number(where: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, Real):
            raise TypeError(f"{where} = {shown(value)}: must be a number")
        size: Any = abs(value)
        if size != 0 and not _SMALLEST <= size <= _LARGEST:  # NaN neither
            raise ValueError(f"{where} = {shown(value)}: must be a finite number, 0 or {_RANGE} in size")

    def take_all(self, *names: str) -> dict[str, Any]:
        """Fields by name."""
        return {name: self.take(name) for name in names}

    def shown(self, name: str) -> str:
        """A field with where it stands and its value."""
        value = self._values[name]
        named = isinstance(value, Mapping) and "class" in value
        told = " ".join(str(value["class"]).split()) if named else shown(value)
        return f"{self.name(name)} = {told}"

    def refused(self, name: str, allowed: str) -> ValueError:
        """The error of a value that has no counterpart."""
        return ValueError(f"{self.shown(name)}: must be {allowed}")

    def must(self, why: str, **values: Any) -> None:
        """Fields with the one value that has a counterpart, or a tuple of such values.

        Raises
        ------
        ValueError
            A value is another one.
        """
        for name, allowed in values.items():
            value, several = self.take(name), allowed if isinstance(allowed, tuple) else (allowed,)
            if value not in several:
                raise self.refused(name, f"{' or '.join(str(one) for one in several)}, {why}")

    def ignore(self, reason: str, *names: str) -> None:
        """Fields without effect; told where they are not as aihwkit has them."""
        for name in names:
            self._seen.add(name)
            if self._values[name] != self.default[name]:
                self.remarks.ignored.append(f"{self.name(name)} = {shown(self._values[name])}: {reason}")

    def note(self, name: str, text: str) -> None:
        """Say what a value became."""
        self.remarks.notes.append(f"{self.name(name)} = {shown(self._values[name])}: {text}")

    def child(self, name: str, *known: str) -> Fields:
        """Parameters that a field holds."""
        self._seen.add(name)
        value = self._values[name]
        if isinstance(value, str) and value in DEFAULTS:
            value = {"class": value}
        return Fields(value, self.name(name), known, self.remarks)

    def children(self, name: str, *known: str) -> list[Fields]:
        """Parameters that a field holds in a list."""
        return [Fields(one, f"{self.name(name)}[{k}]", known, self.remarks) for k, one in enumerate(self._listed(name))]

    def done(self) -> None:
        """All fields have been looked at."""
        missing = [name for name in self.default if name not in self._seen]
        assert not missing, f"{self.kind}: {missing}"
