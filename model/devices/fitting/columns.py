# SPDX-License-Identifier: Apache-2.0
"""What the columns of a table are, told by their names or by the user, and conductances made of their values.

Values are conductances in the unit of the file, or they are made of them: 1 / resistance, or current / read voltage, in
siemens if the unit is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from symtrack.model.devices.fitting.table import DECIMALS, Table
from symtrack.model.devices.fitting.text_file import SEPARATORS
from symtrack.model.devices.fitting.words import ROLES, VALUES, Name, Unit, role_of, unit_of
from symtrack.model.spec.validated import check

FORMS = ("auto", "rows", "up-down", "lists")
READ_VOLTAGE_MAX = 1e3
_TIED = 0.01  # of the spread of two columns, within which their ratio or product is constant
_PULSE_MAX = 1e15
_ROUNDED = 0.3  # how far a number may be from the integer that it is taken for

Real = NDArray[np.float64]
Points = dict[int, tuple[int, float | None]]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a user tells about a file; all of it may be left to the reader.

    Attributes
    ----------
    format : one of FORMS.
    columns : ``role=column`` each, with one of ROLES and a name, a number from 1 or a range of them, ``4-7``.
    sheet : of a workbook, name or number from 1.
    separator, decimal : one of `table.SEPARATORS` and `table.DECIMALS`.
    reverse_down : whether lists of pulses downwards are stored backwards.
    unit : of the values, such as ``uS``, ``nA`` or ``kOhm``.
    read_voltage : in volts.
    """

    format: str = "auto"
    columns: Sequence[str] = ()
    sheet: str | None = None
    separator: str | None = None
    decimal: str | None = None
    reverse_down: bool | None = None
    unit: str | None = None
    read_voltage: float | None = None

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("format", self.format, FORMS),
            ("separator", self.separator, SEPARATORS),
            ("decimal", self.decimal, DECIMALS),
        ):
            if value is not None and value not in allowed:
                raise ValueError(f"{name} = {value!r}: must be one of {', '.join(allowed)}")
        if self.unit is not None and (unit_of(self.unit) is None or self.quantity not in VALUES):
            raise ValueError(f"unit = {self.unit!r}: must be one of S, A or Ohm with a prefix, such as uS, nA or kOhm")
        if self.read_voltage is not None:
            volts = check("read_voltage", self.read_voltage, -READ_VOLTAGE_MAX, READ_VOLTAGE_MAX, whole=False)
            if not volts:
                raise ValueError(f"read_voltage = {volts!r}: must be volts other than 0")
        if isinstance(self.columns, str):
            raise TypeError(f"columns = {self.columns!r}: must be a list of role=column")
        for text in self.columns:
            if not isinstance(text, str) or text.partition("=")[0] not in ROLES or not text.partition("=")[2]:
                raise ValueError(f"columns = {text!r}: must be role=column with one of {', '.join(ROLES)}")

    @property
    def quantity(self) -> str:
        """What has the unit."""
        unit = unit_of(self.unit) if self.unit else None
        return unit.kind if unit else ""


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """What the values are, and how conductances are made of them."""

    kind: str = ""  # one of VALUES, empty if nobody said
    unit: Unit | None = None

    def told(self, volts: str) -> str:
        """For the table of what was understood."""
        unit = f"in {self.unit.text}" if self.unit else "without a unit"
        if self.kind == "current":
            return f"currents {unit}, divided by {volts}"
        return {
            "resistance": f"resistances {unit}, inverted",
            "weight": "weights",
            "conductance": f"conductances {unit}",
            "": "taken as conductances, without a unit",
        }[self.kind]

    @property
    def result(self) -> str:
        """Unit of the conductances, empty if it is not known."""
        if self.unit is None or self.kind == "weight":
            return ""
        return self.unit.text if self.kind == "conductance" else "S"


def tied(one: Real, other: Real) -> bool:
    """Whether two columns have a constant ratio or product, so that one is made of the other."""
    there = (one != 0) & (other != 0) & ~np.isnan(one) & ~np.isnan(other)
    first, second = np.log(np.abs(one[there])), np.log(np.abs(other[there]))
    if first.size < 3:
        return False
    spread = min(float(np.std(first + second)), float(np.std(first - second)))
    return spread <= _TIED * max(float(np.std(first)), float(np.std(second)))


class Columns:
    """A table with what its columns are, of which a form reads the points.

    Attributes
    ----------
    told : how the table was understood.
    cells : the points, as `data.make_recording` takes them.
    quantity : what the values are.
    """

    def __init__(self, table: Table, options: Options) -> None:
        self.table, self.options = table, options
        self.width = len(table.rows[0])
        self.told: dict[str, str] = {}
        self.cells: dict[str, Points] = {}
        self.given = bool(options.columns)
        self.roles = self._given() if self.given else self._named()
        self.quantity = Quantity()

    # What the columns are.

    def _given(self) -> list[Name]:
        roles = [Name()] * self.width
        for text in self.options.columns:
            role, _, where = text.partition("=")
            for k in self._places(text, where):
                if roles[k].role:
                    raise ValueError(f"columns = {text!r}: must be another column than that of {roles[k].role}")
                try:
                    own = role_of(self.table.names[k]) if self.table.names else roles[k]
                except ValueError:
                    own = roles[k]
                direction = {"up": 1, "down": -1}.get(role)
                unit = own.unit if own.unit and (role not in VALUES or own.unit.kind == role) else None
                kind = own.kind or (own.role if own.role in VALUES else "") or (unit.kind if unit else "")
                roles[k] = Name(
                    role=role, unit=unit, direction=direction, kind=kind if direction else "", base=own.base
                )
        return roles

    def _places(self, text: str, where: str) -> list[int]:
        names = [name.lower() for name in self.table.names]
        if names.count(where.lower()) == 1:
            return [names.index(where.lower())]
        first, _, last = where.partition("-")
        if first.isdecimal() and (last.isdecimal() or not last):
            low, high = int(first), int(last or first)
            if 1 <= low <= high <= self.width:
                return list(range(low - 1, high))
        raise ValueError(f"columns = {text!r}: must name one of {self._seen()}")

    def _named(self) -> list[Name]:
        names = self.table.names or [""] * self.width
        units = self.table.units or [""] * self.width
        roles = [role_of(f"{own} ({unit})" if unit_of(unit) else own) for own, unit in zip(names, units, strict=True)]
        counts = [k for k, own in enumerate(roles) if own.role == "pulse" and own.direction is None]
        clear = [k for k in counts if "pulse" in roles[k].base or roles[k].base == "#"]
        if len(clear) == 1:  # then one that is called n or x is another thing
            roles = [replace(own, role="") if k in counts and k not in clear else own for k, own in enumerate(roles)]
        if any(own.role in ("up", "down", *VALUES) and not own.by_unit for own in roles):
            roles = [replace(own, role="") if own.by_unit else own for own in roles]
        return roles

    def _seen(self) -> str:
        """The columns in a message."""
        if self.table.names:
            return f"columns {', '.join(map(repr, self.table.names))}"
        return f"{self.width} column{'s' if self.width > 1 else ''} without names"

    def of(self, role: str) -> list[int]:
        """The columns of a role."""
        return [k for k, own in enumerate(self.roles) if own.role == role]

    def one(self, role: str, columns: list[int]) -> int | None:
        """The column of a role that only one can have."""
        if len(columns) > 1:
            shown = ", ".join(self.table.label(k) for k in columns)
            line = f"line {self.table.header}: " if self.table.header else ""
            raise ValueError(f"{line}column {role!r} {len(columns)} times: must be there once, of {shown} (--columns)")
        return columns[0] if columns else None

    def refuse(self, why: str, must: str) -> ValueError:
        """An error that says what was seen."""
        line = f"line {self.table.header}: " if self.table.header else ""
        return ValueError(f"{line}{why} in {self._seen()} ({self.table.seen}): must {must}")

    # Conductances.

    def conductances(self, columns: list[int], kind: str) -> list[Real]:
        """The values of columns of one kind as conductances; what the name does not tell is the user's --unit."""
        units = {self.roles[k].unit for k in columns if self.roles[k].unit}
        if len(units) > 1:
            shown = ", ".join(self.table.label(k) for k in columns)
            raise self.refuse(f"{len(units)} units of {shown}", "be of one unit, chosen by --columns")
        unit = next(iter(units), None)
        own = unit_of(self.options.unit) if self.options.unit else None
        if own:
            if (kind and kind != own.kind) or (unit and unit.text != own.text):
                raise ValueError(
                    f"unit = {self.options.unit!r}: must be one of {self.table.label(columns[0])}, whose values are "
                    f"{kind}s{' in ' + unit.text if unit else ''}"
                )
            unit, kind = own, own.kind
        volts = self.options.read_voltage
        place = self.one("read-voltage", self.of("read-voltage"))
        if volts is not None and kind in ("conductance", "resistance", "weight"):
            raise ValueError(f"read_voltage = {volts:g}: must come with currents, and the values are {kind}s")
        if volts is not None:
            kind = "current"
        self.quantity = Quantity(kind=kind, unit=unit)
        values = [self.table.numbers(k) for k in columns]
        divided = ""
        if kind == "current":
            divided = f"{volts:g} V" if volts is not None else f"{self.table.label(place)}" if place is not None else ""
            if not divided:
                raise self.refuse(
                    f"currents of {self.table.label(columns[0])} without a read voltage",
                    "come with --read-voltage, in volts",
                )
            by = np.float64(volts) if volts is not None else self._volts(place or 0)
            values = [own_values * (unit.factor if unit else 1.0) / by for own_values in values]
        if kind == "resistance":
            for k, own_values in zip(columns, values, strict=True):
                bad = np.flatnonzero(own_values <= 0)
                if bad.size:
                    text = self.table.rows[bad[0]][k]
                    raise ValueError(
                        f"line {self.table.lines[bad[0]]}: {self.table.name(k)} = {text!r}: must be above 0"
                    )
            values = [1 / (own_values * (unit.factor if unit else 1.0)) for own_values in values]
        if kind in ("current", "resistance") and any((own < 0).sum() > (own > 0).sum() for own in values):
            raise self.refuse("negative conductances of most rows", "have currents of the sign of the read voltage")
        self.told["values"] = self.quantity.told(divided)
        return values

    def _volts(self, column: int) -> Real:
        unit = self.roles[column].unit
        values = self.table.numbers(column) * (unit.factor if unit else 1.0)
        return np.where(values == 0, np.nan, values)

    def kind(self, columns: list[int]) -> str:
        """What the values of columns are, one of VALUES, or empty if nobody says."""
        kinds = {self.roles[k].kind if self.roles[k].direction else self.roles[k].role for k in columns}
        kinds = {kind for kind in kinds if kind in VALUES}
        if len(kinds) > 1:
            raise self.refuse(f"values that are {' and '.join(sorted(kinds))}", "be of one kind, chosen by --columns")
        return next(iter(kinds), "")

    def whole(self, given: Real, rows: list[int]) -> list[int]:
        """Integers of numbers that are there once."""
        if (large := np.flatnonzero(given > _PULSE_MAX)).size:
            k = int(large[0])
            raise ValueError(
                f"line {self.table.lines[rows[k]]}: pulse = '{given[k]:g}': must be an integer from 0 to {_PULSE_MAX:g}"
            )
        if (given == np.floor(given)).all():
            return given.astype(np.int64).tolist()
        order = np.argsort(given, kind="stable")
        steps = np.diff(given[order])
        result = np.empty(len(given), dtype=np.int64)
        if ((steps > 0.5) & (steps < 1.5)).all():
            result[order] = round(float(given[order[0]])) + np.arange(len(given))
            return result.tolist()
        near = np.rint(given)
        off = np.abs(given - near)
        bad = np.flatnonzero(off > _ROUNDED)
        if not bad.size and len(set(near.tolist())) == len(near):
            return near.astype(np.int64).tolist()
        k = int(bad[0]) if bad.size else int(order[1:][np.diff(near[order]) == 0][0])
        raise ValueError(
            f"line {self.table.lines[rows[k]]}: pulse = '{given[k]:g}': must be an integer from 0, or near one that no "
            "other is near"
        )
