# SPDX-License-Identifier: Apache-2.0
"""Reads measured pulse responses as laboratories have them, in one of three forms.

    rows      a row for each pulse: its direction, and the value after it of one cell, or of several in columns
    up-down   values after pulses upwards in one column, after pulses downwards in another one, maybe with numbers each
    lists     the same one below the other, or in two sheets of a workbook

What columns are is told by their names (`words`), else by what is in them, or by the user. A form that does not say
what is up is refused, and so is a table that can be understood in two ways, with what was seen.

Of lists, pulses downwards come after those upwards, as many cells, as many pulses further. One of them that rises is
stored backwards, if its end is where the list before it ended. Fractional numbers of pulses, as of a digitised figure,
are taken as the next integers, or as consecutive if no two are more than a pulse and a half apart.

Values are conductances in the unit of the file, or they are made of them: 1 / resistance, or current / read voltage, in
siemens if the unit is known. A value that is missing has no number, or no row. The first value of a cell is its start.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from symtrack.model.devices.fitting.data import Recording, make_recording
from symtrack.model.devices.fitting.table import DECIMALS, SEPARATORS, Table, missing, read_tables
from symtrack.model.devices.fitting.words import (
    ROLES,
    VALUES,
    Name,
    Unit,
    direction_of,
    directions_in,
    role_of,
    unit_of,
)

FORMS = ("auto", "rows", "up-down", "lists")
READ_VOLTAGE_MAX = 1e3
_LEVEL = 0.1  # relative spread of voltages that are one
_ROUNDED = 0.3  # how far a number may be from the integer that it is taken for
_FOLLOWS = 3.0  # standard errors that the mean step of a column without a name is above 0
_ENDS = 10  # part of a list whose median is an end of it
_JOINT = 0.25  # of the range, between the end of a list and the beginning of the next one
_SAME = 1e-6  # relative spread of the ratio of two columns that are one quantity

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
        volts = self.read_voltage
        if volts is not None and not (isinstance(volts, int | float) and 0 < abs(volts) <= READ_VOLTAGE_MAX):
            raise ValueError(f"read_voltage = {volts!r}: must be volts other than 0, up to {READ_VOLTAGE_MAX:g}")
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


@dataclass(frozen=True)
class _Values:
    """A column of values, in conductances."""

    cell: str
    numbers: Real


@dataclass(frozen=True)
class _Quantity:
    """What the values are, and how conductances are made of them."""

    kind: str  # one of VALUES, empty if nobody said
    unit: Unit | None

    def told(self, volts: str) -> str:
        """For the table of what was understood."""
        unit = self.unit.text if self.unit else "in a unit of their own"
        if self.kind == "current":
            return f"currents {unit}, divided by {volts}"
        return {
            "resistance": f"resistances {unit}, inverted",
            "weight": "weights",
            "conductance": f"conductances {unit}",
            "": "taken as conductances, in a unit of their own",
        }[self.kind]

    @property
    def result(self) -> str:
        """Unit of the conductances, empty if it is not known."""
        if self.unit is None or self.kind == "weight":
            return ""
        return self.unit.text if self.kind == "conductance" else "S"


@dataclass(frozen=True)
class _Segment:
    """A list of values after pulses of one direction."""

    up: int
    values: Real
    numbers: Real | None
    name: str


class _Reader:
    """One table with its columns' roles."""

    def __init__(self, table: Table, options: Options) -> None:
        self.table, self.options = table, options
        self.width = len(table.rows[0])
        self.told: dict[str, str] = {}
        self.cells: dict[str, Points] = {}
        self.given = bool(options.columns)
        self.roles = self._given() if self.given else self._named()
        self.quantity = _Quantity("", None)

    # What the columns are.

    def _given(self) -> list[Name]:
        roles = [Name("", None, None, "", "")] * self.width
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
                roles[k] = Name(role, unit, direction, kind if direction else "", own.base)
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
        return [role_of(f"{name} ({unit})" if unit_of(unit) else name) for name, unit in zip(names, units, strict=True)]

    def _seen(self) -> str:
        """The columns in a message."""
        if self.table.names:
            return f"columns {', '.join(map(repr, self.table.names))}"
        return f"{self.width} column{'s' if self.width > 1 else ''} without names"

    def _of(self, role: str) -> list[int]:
        return [k for k, own in enumerate(self.roles) if own.role == role]

    def _one(self, role: str, columns: list[int]) -> int | None:
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
        place = self._one("read-voltage", self._of("read-voltage"))
        if volts is not None and kind in ("conductance", "resistance", "weight"):
            raise ValueError(f"read_voltage = {volts:g}: must come with currents, and the values are {kind}s")
        if volts is not None:
            kind = "current"
        self.quantity = _Quantity(kind, unit)
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
        if kind in ("current", "resistance") and any(np.nanmedian(own_values) < 0 for own_values in values):
            raise self.refuse("negative conductances of most rows", "have currents of the sign of the read voltage")
        self.told["values"] = self.quantity.told(divided)
        return values

    def _volts(self, column: int) -> Real:
        unit = self.roles[column].unit
        values = self.table.numbers(column) * (unit.factor if unit else 1.0)
        return np.where(values == 0, np.nan, values)

    # Rows.

    def rows(self) -> None:
        """A row for each pulse."""
        named = self.given or bool(self.table.names)
        pulse, cell, direction, values = self._columns_of_rows() if named else self._guessed_columns()
        voltage = direction in self._of("voltage")
        kind = self._kind(values)
        known = bool(kind or self.options.unit or self.options.read_voltage is not None)
        signs, how = self._directions(direction, voltage)
        numbers = self.conductances(values, kind)
        if voltage and known and all(self._follows(own, signs) < -_FOLLOWS for own in numbers):
            signs, how = -signs, how.replace("positive", "negative")
        if not named:
            self._check_guess(values, numbers, signs)
        label = self.table.texts(cell) if cell is not None else [""] * len(signs)
        for k, own in zip(values, numbers, strict=True):
            name = self.table.name(k) if len(values) > 1 else ""
            names = [" ".join(part for part in (text, name) if part) or "0" for text in label]
            self._add_rows(names, pulse, signs, own, direction)
        where = "pulses are numbered by their rows" if pulse is None else f"numbers of {self.table.label(pulse)}"
        self.told["form"] = f"rows: a pulse each, {where}" + (
            f", cells of {self.table.label(cell)}"
            if cell is not None
            else ", a cell in each column" * (len(values) > 1)
        )
        self.told["direction"] = f"{self.table.label(direction)}: {how}"
        self.told["values"] += f": {', '.join(self.table.label(k) for k in values)}"

    def _kind(self, columns: list[int]) -> str:
        kinds = {self.roles[k].kind if self.roles[k].direction else self.roles[k].role for k in columns}
        kinds = {kind for kind in kinds if kind in VALUES}
        if len(kinds) > 1:
            raise self.refuse(f"values that are {' and '.join(sorted(kinds))}", "be of one kind, chosen by --columns")
        return next(iter(kinds), "")

    def _columns_of_rows(self) -> tuple[int | None, int | None, int, list[int]]:
        """Columns of pulse, cell, direction and values, by their roles."""
        values = next((own for kind in VALUES if (own := self._of(kind))), []) or self._of("device")
        bases = [self.roles[k].base for k in values]
        if not values:
            raise self.refuse("column 'conductance' 0 times", "be there once, or a current or resistance (--columns)")
        if not self.given and len(set(bases)) < len(bases):
            twice = [k for k in values if bases.count(self.roles[k].base) > 1]
            self._one(self.roles[twice[0]].role, twice)
        direction = self._one("direction", self._of("direction"))
        if direction is None:
            direction = self._one("voltage", self._of("voltage"))
        if direction is None:
            raise self.refuse("column 'direction' 0 times", "be there once, or a voltage, or up and down (--columns)")
        cell = self._one("cell", self._of("cell"))
        return self._one("pulse", self._of("pulse")), cell, direction, values

    def _guessed_columns(self) -> tuple[int | None, int | None, int, list[int]]:
        """The same by what is in them."""
        words: list[int] = []
        texts: list[int] = []
        signs, volts, rest = [], [], []
        for k in range(self.width):
            there = [field for field in self.table.texts(k) if not missing(field)]
            if not self.table.numeric(k):
                (words if all(direction_of(field) for field in there) else texts).append(k)
                continue
            levels = set(self.table.numbers(k)[~np.isnan(self.table.numbers(k))].tolist())
            if levels in ({1.0, -1.0}, {0.0, 1.0}):
                signs.append(k)
            elif _two_levels(levels):
                volts.append(k)
            elif len(levels) > 1:
                rest.append(k)
        found = words or [k for k in signs if not self._is_cell(k, rest)] or volts
        if len(found) != 1:
            shown = ", ".join(self.table.label(k) for k in found) or "no column"
            raise self.refuse(f"{shown} of directions", "have one of 1 and -1, 1 and 0, or a voltage (--columns)")
        if self._of("voltage") == [] and not words and found == volts:
            self.roles = [replace(own, role="voltage") if k in volts else own for k, own in enumerate(self.roles)]
        cells = [k for k in [*texts, *signs, *rest] if k not in found and (k in texts or self._is_cell(k, rest))]
        rest = [k for k in rest if k not in cells]
        pulses = [k for k in rest if self._is_pulse(k)]
        if len(cells) > 1 or len(pulses) > 1:
            shown = ", ".join(self.table.label(k) for k in (cells if len(cells) > 1 else pulses))
            raise self.refuse(f"{shown} that may be numbers of pulses or cells", "be told apart by --columns")
        values = [k for k in rest if k not in pulses]
        if not values:
            raise self.refuse("no column of values", "have one (--columns)")
        return (pulses[0] if pulses else None), (cells[0] if cells else None), found[0], values

    def _is_pulse(self, column: int) -> bool:
        """Whether a column without a name counts pulses: by 1, but for a few rows, where it begins anew."""
        numbers = self.table.numbers(column)
        steps = np.diff(numbers)
        return (
            not np.isnan(numbers).any()
            and bool(np.mean(steps == 1) > 0.7)
            and bool((numbers == np.floor(numbers)).all())
        )

    def _is_cell(self, column: int, others: list[int]) -> bool:
        """Whether a column of numbers without a name changes where numbers of pulses begin anew, and nowhere else."""
        changes = np.flatnonzero(np.diff(self.table.numbers(column)))
        for k in others:
            if k != column and self._is_pulse(k):
                return changes.size > 0 and np.array_equal(changes, np.flatnonzero(np.diff(self.table.numbers(k)) < 0))
        return False

    def _directions(self, column: int, voltage: bool) -> tuple[NDArray[np.int64], str]:
        """Signs of the pulses, 0 where there is none, and how they were understood."""
        fields = self.table.texts(column)
        there = [field for field in fields if not (missing(field) and field != "-")]
        kinds = list(dict.fromkeys(field for field in there))
        shown = ", ".join(map(repr, kinds[:6]))
        allowed = "1 or -1, 1 or 0, LTP or LTD, or a voltage above or below 0"
        words = [field for field in there if direction_of(field)]
        if 2 * len(words) > len(there):
            result = [direction_of(field) or 0 for field in fields]
            bad = next((k for k, (f, sign) in enumerate(zip(fields, result, strict=True)) if f and not sign), None)
            if bad is not None and not missing(fields[bad]):
                raise ValueError(f"line {self.table.lines[bad]}: direction = {fields[bad]!r}: must be one of {shown}")
            sides = {sign: "/".join(word for word in kinds if direction_of(word) == sign) for sign in (1, -1)}
            return np.array(result), ", ".join(
                f"{sides[sign]} is {way}" for sign, way in ((1, "up"), (-1, "down")) if sides[sign]
            )
        numbers = self.table.numbers(column, allowed)
        levels = set(numbers[~np.isnan(numbers)].tolist())
        first = int(np.flatnonzero(~np.isnan(numbers))[0]) if levels else 0
        start = levels - {0.0} if numbers[first] == 0 and np.count_nonzero(numbers == 0) == 1 else levels
        if levels <= {0.0, 1.0} and not voltage and np.count_nonzero(numbers == 0) > 1:
            return np.where(np.isnan(numbers), 0, 2 * np.nan_to_num(numbers) - 1).astype(np.int64), "1 is up, 0 is down"
        if start <= {1.0, -1.0}:
            return np.nan_to_num(np.sign(numbers)).astype(np.int64), "1 is up, -1 is down"
        if not _two_levels(start):
            if not voltage and np.mean(np.abs(numbers[~np.isnan(numbers)]) == 1) > 0.8:
                k = int(np.flatnonzero(~np.isnan(numbers) & (np.abs(numbers) != 1))[0])
                raise ValueError(f"line {self.table.lines[k]}: direction = {fields[k]!r}: must be {allowed}")
            raise self.refuse(f"{self.table.label(column)} with {shown}", f"be {allowed}, each of one size")
        return np.nan_to_num(np.sign(numbers)).astype(np.int64), "positive voltage is up"

    def _follows(self, values: Real, signs: NDArray[np.int64]) -> float:
        """Mean step in the direction of the pulses, in standard errors."""
        there = ~np.isnan(values)
        steps = np.diff(values[there]) * signs[there][1:]
        if steps.size < 3:
            return 0.0
        error = float(steps.std()) / math.sqrt(steps.size)
        return float(steps.mean()) / error if error else math.copysign(math.inf, steps.mean())

    def _check_guess(self, columns: list[int], values: list[Real], signs: NDArray[np.int64]) -> None:
        """Refuse columns without a name that do not go where the pulses push them, or are one another's multiples."""
        for k, own in zip(columns, values, strict=True):
            if self._follows(own, signs) < _FOLLOWS:
                raise self.refuse(
                    f"{self.table.label(k)}, which does not rise with pulses upwards and fall with the others,",
                    "be told what they are by --columns or --unit",
                )
        for j, one in enumerate(values):
            for k in range(j):
                with np.errstate(divide="ignore", invalid="ignore"):
                    ratio = one / values[k]
                ratio = ratio[np.isfinite(ratio)]
                if ratio.size and float(np.ptp(ratio)) <= _SAME * abs(float(ratio.mean())):
                    shown = f"{self.table.label(columns[k])} and {self.table.label(columns[j])}"
                    raise self.refuse(f"{shown}, which are proportional,", "be chosen from by --columns")

    def _add_rows(
        self, names: list[str], pulse: int | None, signs: NDArray[np.int64], values: Real, direction: int
    ) -> None:
        """Points of a column of values."""
        order: dict[str, list[int]] = {}
        for k, name in enumerate(names):
            order.setdefault(name, []).append(k)
        given = None if pulse is None else self.table.numbers(pulse, "an integer from 0")
        for name, rows in order.items():
            if given is None:
                numbers = list(range(len(rows)))
            else:
                for k in rows:
                    if not given[k] >= 0:
                        text = self.table.rows[k][pulse or 0]
                        raise ValueError(f"line {self.table.lines[k]}: pulse = {text!r}: must be an integer from 0")
                numbers = self._numbered(given[rows], signs[rows], rows)
            points = self.cells.setdefault(name, {})
            for place, (k, number) in enumerate(zip(rows, numbers, strict=True)):
                sign, value = int(signs[k]), float(values[k])
                if not sign:
                    if math.isnan(value):
                        continue
                    later = [int(signs[j]) for j in rows[place + 1 : place + 2]]
                    if points or not later or not later[0]:  # only the start of a cell comes after no pulse
                        text = self.table.rows[k][direction]
                        raise ValueError(f"line {self.table.lines[k]}: direction = {text!r}: must be 1 or -1")
                    sign = later[0]
                points[number] = (sign, None if math.isnan(value) else value)

    def _numbered(self, given: Real, signs: NDArray[np.int64], rows: list[int]) -> list[int]:
        """Numbers of pulses that may begin anew where the direction changes."""
        if len(set(given.tolist())) == len(given):
            return self._whole(given, rows)
        starts = [0, *(np.flatnonzero(np.diff(given) <= 0) + 1).tolist(), len(given)]
        result: list[int] = []
        for first, stop in pairwise(starts):
            if first and signs[first] == signs[first - 1]:
                text = f"{given[first]:g}"
                raise ValueError(
                    f"line {self.table.lines[rows[first]]}: pulse = {text}: must be there once for each cell"
                )
            own = self._whole(given[first:stop], rows[first:stop])
            shift = result[-1] + (own[0] == 0) if result else 0
            result += [number + shift for number in own]
        return result

    def _whole(self, given: Real, rows: list[int]) -> list[int]:
        """Integers of numbers that are there once."""
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

    # Lists.

    def up_down(self) -> None:
        """Values upwards in one column, downwards in another one."""
        if not self.given and not self.table.names:
            self._guess_up_down()
        ups, downs = self._of("up"), self._of("down")
        if not ups or len(ups) != len(downs):
            raise self.refuse(
                f"{len(ups)} columns of pulses upwards and {len(downs)} downwards", "be as many (--columns)"
            )
        if len(ups) > 1 and not self.given:
            names = [_apart_from_direction(self.roles[k].base) for k in (*ups, *downs)]
            if names[: len(ups)] != names[len(ups) :] or len(set(names)) < len(ups):
                raise self.refuse(f"{len(ups)} pairs of up and down without names in common", "be told by --columns")
        pulses = self._of("pulse")
        if len(pulses) not in (0, 1, len(ups) + len(downs)):
            raise self.refuse(f"{len(pulses)} columns of numbers of pulses", "be one, or one for each list (--columns)")
        both = sorted((*ups, *downs))
        owner = {k: pulses[0 if len(pulses) == 1 else place] for place, k in enumerate(both)} if pulses else {}
        values = dict(zip(both, self.conductances(both, self._kind(both)), strict=True))
        for pair, (up, down) in enumerate(zip(ups, downs, strict=True)):
            name = "0" if len(ups) == 1 else _apart_from_direction(self.roles[up].base) or str(pair + 1)
            segments = [
                _Segment(sign, values[k], self.table.numbers(owner[k]) if owner else None, self.table.label(k))
                for sign, k in ((1, up), (-1, down))
            ]
            self.add_segments(name, segments)
        shown = "; ".join(
            f"{self.table.label(up)} up, {self.table.label(down)} down" for up, down in zip(ups, downs, strict=True)
        )
        numbers = ", numbers of " + ", ".join(self.table.label(k) for k in pulses) if pulses else ""
        self.told["form"] = f"up-down: a list in each column{numbers}"
        self.told["direction"] = shown + self.told.get("direction", "")

    def _guess_up_down(self) -> None:
        """Roles of columns without a name: two lists, or a column of numbers and two, or each with its own."""
        numeric = [self.table.numeric(k) for k in range(self.width)]
        counts = [all(numeric) and self._counts(k) for k in range(self.width)]
        shapes = {
            (False, False): ("up", "down"),
            (True, False, False): ("pulse", "up", "down"),
            (True, False, True, False): ("pulse", "up", "pulse", "down"),
        }
        roles = shapes.get(tuple(counts)) if all(numeric) else None
        if roles is None and self.options.format == "up-down" and all(numeric) and self.width == 2:
            roles = ("up", "down")
        if roles is None:
            raise self.refuse("no column of directions, nor one up and one down,", "be told by --columns or --format")
        self.roles = [Name(role, None, {"up": 1, "down": -1}.get(role), "", "") for role in roles]

    def _counts(self, column: int) -> bool:
        """Whether a column without a name counts pulses, whole or as of a digitised figure."""
        numbers = self.table.numbers(column)
        numbers = numbers[~np.isnan(numbers)]
        steps = np.diff(np.sort(numbers))
        if numbers.size < 3 or numbers.min() < -0.5 or (steps < 0.4).any():
            return False
        size = float(np.median(steps))
        return abs(size - round(size)) < 0.1 * size and bool((np.abs(steps - size) < 0.6).all())

    def lists(self) -> None:
        """Values upwards and then downwards in one column, one below the other."""
        pulses, values, spans = self._parts()
        numbers = self.table.numbers(pulses) if pulses is not None else None
        (conductances,) = self.conductances([values], self._kind([values]))
        segments = [
            _Segment(
                up,
                conductances[first:stop],
                numbers[first:stop] if numbers is not None else None,
                f"lines {self.table.lines[first]} to {self.table.lines[stop - 1]}",
            )
            for up, first, stop in spans
        ]
        self.add_segments("0", segments)
        where = f", numbers of {self.table.label(pulses)}" if pulses is not None else ""
        self.told["form"] = f"lists: one below the other{where}"
        shown = ", ".join(f"{segment.name} {'up' if segment.up == 1 else 'down'}" for segment in segments)
        self.told["direction"] = shown + self.told.get("direction", "")
        self.told["values"] += f": {self.table.label(values)}"

    def _parts(self) -> tuple[int | None, int, list[tuple[int, int, int]]]:
        """Columns of numbers and values, and direction, first and last row of the lists."""
        pulses, values = self.columns_of_list()
        sections = [(directions_in(own.title), own.first, own.stop) for own in self.table.sections]
        if len(sections) > 1:
            if all(len(found) == 1 for found, _, _ in sections):
                return pulses, values, [(next(iter(found)), first, stop) for found, first, stop in sections]
            if any(found for found, _, _ in sections) or len(sections) != 2 or sections[1][0]:
                titles = ", ".join(repr(own.title[:40]) for own in self.table.sections)
                raise self.refuse(f"{len(sections)} sections, {titles},", "say each whether they are up or down")
            starts = [sections[1][1]]
        else:
            starts = list(self.table.gaps) if len(self.table.gaps) == 1 else []
            if pulses is not None and not starts:
                starts = (np.flatnonzero(np.diff(self.table.numbers(pulses)) < 0) + 1).tolist()
        if len(starts) != 1:
            raise self.refuse("no direction of pulses", "have a column of it, or lists for up and down (--columns)")
        return pulses, values, [(1, 0, starts[0]), (-1, starts[0], len(self.table.rows))]

    def columns_of_list(self) -> tuple[int | None, int]:
        """Columns of numbers and values of a list."""
        if self.given or self.table.names:
            values = next((own for kind in VALUES if (own := self._of(kind))), []) or self._of("up") + self._of("down")
            place, pulse = self._one("conductance", values), self._one("pulse", self._of("pulse"))
            if place is None:
                raise self.refuse(
                    "column 'conductance' 0 times", "be there once, or a current or resistance (--columns)"
                )
            return pulse, place
        if self.width == 1:
            return None, 0
        if self.width == 2 and all(self.table.numeric(k) for k in (0, 1)):
            return 0, 1
        raise self.refuse("no direction of pulses", "have a column of it, or lists for up and down (--columns)")

    def add_segments(self, name: str, segments: list[_Segment]) -> None:
        """Points of a cell from lists, one after the other."""
        points: Points = {}
        last, end, backwards = -1, math.nan, 0
        for segment in segments:
            values, numbers = segment.values, segment.numbers
            there = np.flatnonzero(~np.isnan(values))
            if there.size < 3:
                raise ValueError(f"{segment.name}: {there.size} values: must be at least 3 ({self.table.seen})")
            span = slice(int(there[0]), int(there[-1]) + 1)
            values = values[span]
            if numbers is None:
                places = np.arange(len(values))
            else:
                numbers = numbers[span]
                lost = np.isnan(numbers)
                if (lost & ~np.isnan(values)).any():
                    raise ValueError(f"{segment.name}: must have a number of pulses for each value ({self.table.seen})")
                values, numbers = values[~lost], numbers[~lost]
                rows = np.arange(len(self.table.rows))[span][~lost].tolist()
                if (numbers < -_ROUNDED - 0.2).any():
                    raise ValueError(f"{segment.name}: pulse = {numbers.min():g}: must be an integer from 0")
                if len(set(numbers.tolist())) < len(numbers):
                    raise ValueError(f"{segment.name}: must have numbers of pulses that are there once")
                places = np.maximum(self._whole(np.maximum(numbers, 0.0), rows), 0)
                order = np.argsort(places)
                values, places = values[order], places[order]
            rise = _trend(values)
            if rise == 0:
                raise ValueError(f"{segment.name}: must rise or fall, as values after pulses of one direction do")
            if segment.up == 1 and rise < 0:
                raise ValueError(
                    f"{segment.name}: falls from {_first(values):.4g} to {_first(values[::-1]):.4g}: must rise, as it "
                    "has pulses upwards (--columns for another order, --unit for resistances)"
                )
            if segment.up == -1:
                turned = self.options.reverse_down
                if turned is None:
                    turned = rise > 0 and self._backwards(segment, values, end)
                if turned:
                    values, places, rise, backwards = values[::-1], (places[-1] + places[0] - places)[::-1], -rise, 1
                if rise > 0:
                    told = "is turned round by --reverse-down and" if turned else "with --no-reverse-down"
                    raise ValueError(
                        f"{segment.name}: {told} rises from {_first(values):.4g} to {_first(values[::-1]):.4g}: "
                        "must fall, as it has pulses downwards"
                    )
            if last >= 0:
                if places[0] > last:
                    shift = 0
                else:
                    shift = last + 1 - int(places[0]) if numbers is None or places[0] > 1 else last + (places[0] == 0)
                places = places + shift
                if values[0] == points[last][1] and shift:  # the same state once more, before the first pulse
                    values, places = values[1:], places[1:] - 1
            for number, value in zip(places.tolist(), values.tolist(), strict=True):
                points[int(number)] = (segment.up, None if math.isnan(value) else value)
            last, end = int(places[-1]), _first(values[::-1])
        self.cells[name] = points
        if backwards:
            self.told["direction"] = ", stored backwards"

    def _backwards(self, segment: _Segment, values: Real, end: float) -> bool:
        """Whether a list that rises is one of pulses downwards from its end to its beginning."""
        size = abs(_first(values[::-1]) - _first(values))
        if abs(_first(values[::-1]) - end) > _JOINT * max(size, 1e-300):
            raise ValueError(
                f"{segment.name}: rises from {_first(values):.4g} to {_first(values[::-1]):.4g}, and the pulses "
                f"upwards ended at {end:.4g}: must fall, or be turned round by --reverse-down"
            )
        return True

    # All of them.

    def read(self) -> None:
        """Fill ``cells`` by the form of the table."""
        form = self.options.format
        if form == "auto":
            form = self._form()
        {"rows": self.rows, "up-down": self.up_down, "lists": self.lists}[form]()

    def _form(self) -> str:
        if self.given or self.table.names:
            if self._of("up") and self._of("down") and not self._of("direction"):
                return "up-down"
            if self._of("direction") or self._of("voltage"):
                return "rows"
            return "lists" if len(self.table.sections) > 1 or self._begins_anew() else "rows"
        if len(self.table.sections) > 1 or self.width == 1:
            return "lists"
        directions = [k for k in range(self.width) if self._may_be_direction(k)]
        if directions:
            return "rows"
        return "lists" if self.width == 2 and self._begins_anew() else "up-down"

    def _begins_anew(self) -> bool:
        """Whether the numbers of pulses, or those of the first column without a name, begin anew once."""
        pulse = self._of("pulse") if self.given or self.table.names else [0]
        if len(pulse) != 1 or not self.table.numeric(pulse[0]):
            return False
        numbers = self.table.numbers(pulse[0])
        back = np.flatnonzero(np.diff(numbers) < 0) + 1
        if back.size != 1 or np.isnan(numbers).any():
            return False
        steps = [np.diff(part) for part in np.split(numbers, back)]
        if min(map(len, steps)) < 2:
            return False
        sizes = [float(np.median(own)) for own in steps]
        even = all(bool((np.abs(own - size) < 0.7).all()) for own, size in zip(steps, sizes, strict=True))
        return even and min(sizes) > 0.8 and abs(sizes[0] - sizes[1]) < 0.2

    def _may_be_direction(self, column: int) -> bool:
        there = [field for field in self.table.texts(column) if not missing(field)]
        if not self.table.numeric(column):
            return True  # a word for a direction, or a name, which no list has
        numbers = self.table.numbers(column)
        levels = set(numbers[~np.isnan(numbers)].tolist())
        return bool(there) and (levels in ({1.0, -1.0}, {0.0, 1.0}) or _two_levels(levels))


def _two_levels(levels: set[float]) -> bool:
    """Whether voltages are of one size above 0, and of one below."""
    sides = [[level for level in levels if level * sign > 0] for sign in (1, -1)]
    if 0.0 in levels or not all(sides):
        return False
    return all(max(side) - min(side) <= _LEVEL * abs(sum(side)) / len(side) for side in sides)


def _apart_from_direction(base: str) -> str:
    return " ".join(word for word in base.split() if not directions_in(word)) or "".join(
        letter for letter in base if letter.isdecimal()
    )


def _first(values: Real) -> float:
    """Where a list begins."""
    there = values[~np.isnan(values)]
    return float(np.median(there[: max(len(there) // _ENDS, 1)]))


def _trend(values: Real) -> int:
    """1 if a list rises, -1 if it falls, 0 if nobody can tell."""
    there = values[~np.isnan(values)]
    rise = _first(there[::-1]) - _first(there)
    noise = float(np.median(np.abs(np.diff(there))))
    return 0 if abs(rise) <= noise else 1 if rise > 0 else -1


def _sheets_of_directions(readers: list[_Reader]) -> list[int] | None:
    """Directions of the sheets of a workbook, if their names tell them."""
    found = [directions_in(reader.table.sheet or "") for reader in readers]
    if len(readers) == 2 and {len(own) for own in found} == {1} and found[0] != found[1]:
        return [next(iter(own)) for own in found]
    return None


def _both_sheets(readers: list[_Reader], directions: list[int]) -> _Reader:
    """Lists of two sheets, as one reader."""
    segments = []
    for reader, up in sorted(zip(readers, directions, strict=True), key=lambda pair: -pair[1]):
        pulses, values = reader.columns_of_list()
        (conductances,) = reader.conductances([values], reader._kind([values]))
        numbers = reader.table.numbers(pulses) if pulses is not None else None
        segments.append(_Segment(up, conductances, numbers, f"sheet {reader.table.sheet!r}"))
    if readers[0].quantity != readers[1].quantity:
        raise ValueError(f"values of {segments[0].name} and {segments[1].name}: must be of one kind and unit")
    first = readers[0]
    first.add_segments("0", segments)
    first.told["form"] = "lists: a sheet each"
    first.told["direction"] = f"{segments[0].name} up, {segments[1].name} down" + first.told.get("direction", "")
    return first


def read_recording(
    path: str | Path,
    *,
    scale: float | None = None,
    offset: float | None = None,
    scales: str = "auto",
    options: Options | None = None,
) -> Recording:
    """Read and check a file; see `data.make_recording` for the scales.

    Raises
    ------
    ValueError
        The file cannot be read or used; the message names line or field, value and what is allowed.
    """
    options = options or Options()
    tables = read_tables(path, sheet=options.sheet, separator=options.separator, decimal=options.decimal)
    readers = [_Reader(table, options) for table in tables]
    directions = _sheets_of_directions(readers) if len(readers) > 1 else None
    if len(readers) > 1 and directions is None:
        shown = ", ".join(repr(table.sheet) for table in tables)
        raise ValueError(f"data = {str(path)!r}: must have one sheet with numbers, or --sheet, and has {shown}")
    if directions:
        reader = _both_sheets(readers, directions)
    else:
        reader = readers[0]
        reader.read()
    table = reader.table
    if reader.quantity.kind == "weight":
        scale, offset = 1.0 if scale is None else scale, 0.0 if offset is None else offset
    result = make_recording(reader.cells, scale=scale, offset=offset, scales=scales)
    above = f"names in line {table.header}" if table.header else "no names of columns"
    pulses = sum(len(own) for own in reader.cells.values())
    lost = sum(value is None for own in reader.cells.values() for _, value in own.values())
    understood = {
        "file": f"{table.seen}, {above}",
        "form": reader.told["form"],
        "direction": reader.told["direction"],
        "values": reader.told["values"],
        "points": f"{len(reader.cells)} cell{'s' * (len(reader.cells) > 1)}, {pulses} rows, {lost} without a value",
    }
    return replace(result, understood=understood, unit=reader.quantity.result)
