# SPDX-License-Identifier: Apache-2.0
"""Reads a row for each pulse: its direction, and the value after it of one cell, or of several in columns.

Columns without a name are known by what is in them: a direction is a word for one, 1 and -1, 1 and 0, or a voltage of
one size above 0 and one below; numbers of pulses are integers that go on by 1; a cell changes where they begin anew.
What is left are values, and each has to rise with pulses upwards and fall with the others, else it is refused.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from symtrack.model.devices.fitting.columns import Columns, Real, tied
from symtrack.model.devices.fitting.fields import missing
from symtrack.model.devices.fitting.words import VALUES, direction_of, without_number

_LEVEL = 0.1  # relative spread of voltages that are one
_FOLLOWS = 3.0  # standard errors that the mean step of a column without a name is above 0
_JUMP = 2.0  # of the largest step so far, by which the value of a cell does not jump where numbers begin anew


class Rows(Columns):
    """A table of rows."""

    def read(self) -> None:
        """A row for each pulse."""
        self._check_sections()
        named = self.given or bool(self.table.names)
        pulse, cell, direction, values = self._columns_of_rows() if named else self._guessed_columns()
        voltage = direction in self.of("voltage")
        kind = self.kind(values)
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

    def _check_sections(self) -> None:
        """Refuse text between rows that may be of one cell or several."""
        for own in self.table.sections[1:]:
            if own.title or not self.of("pulse"):
                title = repr(own.title[:40]) if own.title else "the names once more"
                raise ValueError(
                    f"line {self.table.lines[own.first]}: {title} above this row: must be a file for each cell, or a "
                    "column of cells"
                )

    def _columns_of_rows(self) -> tuple[int | None, int | None, int, list[int]]:
        """Columns of pulse, cell, direction and values, by their roles."""
        values = next((own for kind in VALUES if (own := self.of(kind))), []) or self.of("device")
        bases = [self.roles[k].base for k in values]
        if not values:
            raise self.refuse("column 'conductance' 0 times", "be there once, or a current or resistance (--columns)")
        if not self.given and len(set(bases)) < len(bases):
            twice = [k for k in values if bases.count(self.roles[k].base) > 1]
            self.one(self.roles[twice[0]].role, twice)
        if not self.given and len({without_number(base) for base in bases}) > 1:
            shown = ", ".join(self.table.label(k) for k in values)
            raise self.refuse(f"values of {shown}", "be of names that differ in a number, or told by --columns")
        direction = self.one("direction", self.of("direction"))
        if direction is None:
            direction = self.one("voltage", self.of("voltage"))
        if direction is None:
            raise self.refuse("column 'direction' 0 times", "be there once, or a voltage, or up and down (--columns)")
        cell = self.one("cell", self.of("cell"))
        return self.one("pulse", self.of("pulse")), cell, direction, values

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
            elif two_levels(levels):
                volts.append(k)
            elif len(levels) > 1:
                rest.append(k)
        found = words or [k for k in signs if not self._is_cell(k, rest)] or volts
        if len(found) != 1:
            shown = ", ".join(self.table.label(k) for k in found) or "no column"
            raise self.refuse(f"{shown} of directions", "have one of 1 and -1, 1 and 0, or a voltage (--columns)")
        if self.of("voltage") == [] and not words and found == volts:
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
        if start <= {1.0, -1.0} and not voltage:
            return np.nan_to_num(np.sign(numbers)).astype(np.int64), "1 is up, -1 is down"
        if not two_levels(start):
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
                if tied(one, values[k]):
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
                numbers = self._numbered(given[rows], signs[rows], values[rows], rows)
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

    def _numbered(self, given: Real, signs: NDArray[np.int64], values: Real, rows: list[int]) -> list[int]:
        """Numbers of pulses that may begin anew where the direction changes."""
        if len(set(given.tolist())) == len(given):
            return self.whole(given, rows)
        starts = [0, *(np.flatnonzero(np.diff(given) <= 0) + 1).tolist(), len(given)]
        result: list[int] = []
        for first, stop in pairwise(starts):
            once = len(set(signs[first:stop].tolist()) - {0}) == 1
            if first and (signs[first] == signs[first - 1] or not once):
                raise ValueError(
                    f"line {self.table.lines[rows[first]]}: pulse = {given[first]:g}: must be there once for each "
                    "cell, or begin anew wherever the direction changes; rows are counted if --columns names no pulse"
                )
            if first:
                self._check_jump(values, first, starts, rows)
            own = self.whole(given[first:stop], rows[first:stop])
            shift = result[-1] + (own[0] == 0) if result else 0
            result += [number + shift for number in own]
        return result

    def _check_jump(self, values: Real, first: int, starts: list[int], rows: list[int]) -> None:
        """Refuse a value far off where numbers begin anew, as of another cell; an abrupt first way back is none."""
        before, later = values[:first], values[first:]
        before, later = before[~np.isnan(before)], later[~np.isnan(later)]
        if before.size < 3 or not later.size or (first == starts[1] and before.min() <= later[0] <= before.max()):
            return
        size = float(np.abs(np.diff(before)).max())
        if abs(later[0] - before[-1]) > _JUMP * size:
            raise ValueError(
                f"line {self.table.lines[rows[first]]}: numbers of pulses begin anew and the value goes from "
                f"{before[-1]:.4g} to {later[0]:.4g}, steps before are up to {size:.2g}: must be one cell, or have a "
                "column of cells"
            )


def two_levels(levels: set[float]) -> bool:
    """Whether voltages are of one size above 0, and of one below."""
    sides = [[level for level in levels if level * sign > 0] for sign in (1, -1)]
    if 0.0 in levels or not all(sides):
        return False
    return all(max(side) - min(side) <= _LEVEL * abs(sum(side)) / len(side) for side in sides)
