# SPDX-License-Identifier: Apache-2.0
"""Reads measured pulse responses as laboratories have them, in one of three forms.

    rows      a row for each pulse: its direction, and the value after it of one cell, or of several in columns
    up-down   values after pulses upwards in one column, after pulses downwards in another one, maybe with numbers each
    lists     the same one below the other, or in two sheets of a workbook

What columns are is told by their names (`words`), else by what is in them, or by the user. A form that does not say
what is up is refused, and so is a table that can be understood in two ways, with what was seen. A value that is missing
has no number, or no row. The first value of a cell is its start.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from symtrack.model.devices.fitting.columns import Columns, Options
from symtrack.model.devices.fitting.data import Recording, make_recording
from symtrack.model.devices.fitting.fields import missing
from symtrack.model.devices.fitting.lists import Lists, Segment
from symtrack.model.devices.fitting.reading import read_tables
from symtrack.model.devices.fitting.rows import Rows, two_levels
from symtrack.model.devices.fitting.words import directions_in


class _Form(Columns):
    """Finds out what form a table has."""

    def form(self) -> str:
        """One of FORMS."""
        if self.options.format != "auto":
            return self.options.format
        if self.given or self.table.names:
            if self.of("up") and self.of("down") and not self.of("direction"):
                return "up-down"
            if self.of("direction") or self.of("voltage"):
                return "rows"
            return "lists" if len(self.table.sections) > 1 or self._begins_anew() else "rows"
        if len(self.table.sections) > 1 or self.width == 1:
            return "lists"
        if any(self._may_be_direction(k) for k in range(self.width)):
            return "rows"
        return "lists" if self.width == 2 and self._begins_anew() else "up-down"

    def _begins_anew(self) -> bool:
        """Whether the numbers of pulses, or those of the first column without a name, begin anew once."""
        pulse = self.of("pulse") if self.given or self.table.names else [0]
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
        return bool(there) and (levels in ({1.0, -1.0}, {0.0, 1.0}) or two_levels(levels))


def _sheets_of_directions(readers: list[Lists]) -> list[int] | None:
    """Directions of the sheets of a workbook, if their names tell them."""
    found = [directions_in(reader.table.sheet or "") for reader in readers]
    if len(readers) == 2 and {len(own) for own in found} == {1} and found[0] != found[1]:
        return [next(iter(own)) for own in found]
    return None


def _both_sheets(readers: list[Lists], directions: list[int]) -> Lists:
    """Two sheets with a list each, as one table of lists."""
    segments = []
    for reader, up in sorted(zip(readers, directions, strict=True), key=lambda pair: -pair[1]):
        pulses, values = reader.columns_of_list()
        (conductances,) = reader.conductances([values], reader.kind([values]))
        numbers = reader.table.numbers(pulses) if pulses is not None else None
        segments.append(Segment(up=up, values=conductances, numbers=numbers, name=f"sheet {reader.table.sheet!r}"))
    if readers[0].quantity != readers[1].quantity:
        raise ValueError(f"values of {segments[0].name} and {segments[1].name}: must be of one kind and unit")
    first = readers[0]
    first.sure = True
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
    reader: Rows | Lists
    if len(tables) > 1:
        sheets = [Lists(table, options) for table in tables]
        directions = _sheets_of_directions(sheets)
        if directions is None:
            shown = ", ".join(repr(table.sheet) for table in tables)
            raise ValueError(f"data = {str(path)!r}: must have one sheet with numbers, or --sheet, and has {shown}")
        reader = _both_sheets(sheets, directions)
    else:
        form = _Form(tables[0], options).form()
        if form == "rows" and options.reverse_down is not None:
            raise ValueError(f"reverse_down = {options.reverse_down}: must come with lists, and a row is a pulse each")
        reader = Rows(tables[0], options) if form == "rows" else Lists(tables[0], options)
        reader.read() if isinstance(reader, Rows) else reader.read(form)
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
