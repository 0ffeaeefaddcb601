# SPDX-License-Identifier: Apache-2.0
"""Reads lists: values after pulses upwards, and after pulses downwards, in columns or one below the other.

Pulses downwards come after those upwards, as many further as they have numbers. A list of them that has a name and
rises is stored backwards, if its end is where the list before it ended; without a name, the user has to say so.
Fractional numbers of pulses, as of a digitised figure, are taken as the next integers, or as consecutive if no two are
more than a pulse and a half apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from symtrack.model.devices.fitting.columns import Columns, Points, Real, tied
from symtrack.model.devices.fitting.words import VALUES, Name, directions_in, without_number

_ENDS = 10  # part of a list whose median is an end of it
_JOINT = 0.25  # of the range, between the end of a list and the beginning of the next one
_BACK = 0.5  # of the range, by which a list does not go back
_EVEN = 0.2  # relative spread of the steps of a column that is an axis
_NEAR = 5  # readings about one, whose median is taken


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A list of values after pulses of one direction."""

    up: int
    values: Real
    numbers: Real | None
    name: str


class Lists(Columns):
    """A table of lists.

    Attributes
    ----------
    sure : whether names say which pulses were upwards, not the order alone.
    """

    sure = False

    def read(self, form: str) -> None:
        """Read it as ``up-down`` or ``lists``."""
        self.up_down() if form == "up-down" else self.lists()

    def up_down(self) -> None:
        """Values upwards in one column, downwards in another one."""
        self.sure = self.given or bool(self.table.names)
        if not self.sure:
            self._guess_up_down()
        ups, downs = self.of("up"), self.of("down")
        if not ups or len(ups) != len(downs):
            raise self.refuse(
                f"{len(ups)} columns of pulses upwards and {len(downs)} downwards", "be as many (--columns)"
            )
        if len(ups) > 1 and not self.given:
            names = [_apart_from_direction(self.roles[k].base) for k in (*ups, *downs)]
            if names[: len(ups)] != names[len(ups) :] or len(set(names)) < len(ups):
                raise self.refuse(f"{len(ups)} pairs of up and down without names in common", "be told by --columns")
            if len({without_number(name) for name in names}) > 1:
                shown = ", ".join(map(repr, names[: len(ups)]))
                raise self.refuse(f"pairs of up and down {shown}", "differ in a number, or be told by --columns")
        pulses = self.of("pulse")
        if len(pulses) not in (0, 1, len(ups) + len(downs)):
            raise self.refuse(f"{len(pulses)} columns of numbers of pulses", "be one, or one for each list (--columns)")
        both = sorted((*ups, *downs))
        owner = {k: pulses[0 if len(pulses) == 1 else place] for place, k in enumerate(both)} if pulses else {}
        values = dict(zip(both, self.conductances(both, self.kind(both)), strict=True))
        for pair, (up, down) in enumerate(zip(ups, downs, strict=True)):
            name = "0" if len(ups) == 1 else _apart_from_direction(self.roles[up].base) or str(pair + 1)
            segments = [
                Segment(
                    up=sign,
                    values=values[k],
                    numbers=self.table.numbers(owner[k]) if owner else None,
                    name=self.table.label(k),
                )
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
        self.roles = [Name(role=role, direction={"up": 1, "down": -1}.get(role)) for role in roles]
        up, down = (self.of(role)[0] for role in ("up", "down"))
        for k in (up, down):
            steps = np.diff(self.table.numbers(k))
            steps = steps[~np.isnan(steps)]
            if steps.size > 1 and float(steps.std()) <= _EVEN * abs(float(steps.mean())):
                raise self.refuse(
                    f"{self.table.label(k)} of equal steps, as of times or voltages,", "be told what it is by --columns"
                )
        if tied(self.table.numbers(up), self.table.numbers(down)):
            raise self.refuse(
                f"{self.table.label(up)} and {self.table.label(down)} of a constant product or ratio",
                "be told what they are by --columns",
            )

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
        (conductances,) = self.conductances([values], self.kind([values]))
        segments = [
            Segment(
                up=up,
                values=conductances[first:stop],
                numbers=numbers[first:stop] if numbers is not None else None,
                name=f"lines {self.table.lines[first]} to {self.table.lines[stop - 1]}",
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
        if self.roles[values].direction and not sections[0][0]:  # the name of the column is that of the first list
            sections[0][0].add(self.roles[values].direction or 0)
        if len(sections) > 1:
            if all(len(found) == 1 for found, _, _ in sections):
                self.sure = True
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
            values = next((own for kind in VALUES if (own := self.of(kind))), []) or self.of("up") + self.of("down")
            place, pulse = self.one("conductance", values), self.one("pulse", self.of("pulse"))
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

    def add_segments(self, name: str, segments: list[Segment]) -> None:
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
                if (numbers < -0.5).any():
                    raise ValueError(f"{segment.name}: pulse = {numbers.min():g}: must be an integer from 0")
                if len(set(numbers.tolist())) < len(numbers):
                    raise ValueError(f"{segment.name}: must have numbers of pulses that are there once")
                places = np.maximum(self.whole(np.maximum(numbers, 0.0), rows), 0)
                order = np.argsort(places)
                values, places = values[order], places[order]
            rise = _trend(values)
            if _falls_back(values):
                raise ValueError(
                    f"{segment.name}: goes up and down by more than half of its range: must be after pulses of one "
                    "direction, as a list for each ramp"
                )
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
            if last >= 0 and not self.sure:
                self._check_joint(segment, values, points, end)
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

    def _check_joint(self, segment: Segment, values: Real, points: Points, end: float) -> None:
        """Refuse a list without a name that does not begin where the one before it ended, by the smaller range."""
        before = np.array([math.nan if value is None else value for _, value in points.values()])
        begin = float(np.median(values[~np.isnan(values)][:3]))
        if abs(begin - end) > _JOINT * min(float(np.nanmax(own) - np.nanmin(own)) for own in (before, values)):
            raise ValueError(
                f"{segment.name}: begins at {begin:.4g}, has no name, and the list before it ends at {end:.4g}: must "
                "begin near there, or be told what it is by --columns"
            )

    def _backwards(self, segment: Segment, values: Real, end: float) -> bool:
        """Whether a list that rises is one of pulses downwards from its end to its beginning."""
        size = abs(_first(values[::-1]) - _first(values))
        if not self.sure:
            raise ValueError(
                f"{segment.name}: rises from {_first(values):.4g} to {_first(values[::-1]):.4g} and has no name: must "
                "fall, or be turned round by --reverse-down if it is stored backwards"
            )
        if abs(_first(values[::-1]) - end) > _JOINT * max(size, 1e-300):
            raise ValueError(
                f"{segment.name}: rises from {_first(values):.4g} to {_first(values[::-1]):.4g}, and the pulses "
                f"upwards ended at {end:.4g}: must fall, or be turned round by --reverse-down"
            )
        return True


def _apart_from_direction(base: str) -> str:
    return " ".join(word for word in base.split() if not directions_in(word)) or "".join(
        letter for letter in base if letter.isdecimal()
    )


def _first(values: Real) -> float:
    """Where a list begins."""
    there = values[~np.isnan(values)]
    return float(np.median(there[: max(len(there) // _ENDS, 1)]))


def _falls_back(values: Real) -> bool:
    """Whether a list turns back in its middle, a single reading aside."""
    there = values[~np.isnan(values)]
    if there.size < 2 * _NEAR:
        return False
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(there, _NEAR), axis=1)
    down = float((np.maximum.accumulate(smooth) - smooth).max())
    up = float((smooth - np.minimum.accumulate(smooth)).max())
    return min(down, up) > _BACK * float(np.ptp(smooth))


def _trend(values: Real) -> int:
    """1 if a list rises, -1 if it falls, 0 if nobody can tell."""
    there = values[~np.isnan(values)]
    rise = _first(there[::-1]) - _first(there)
    noise = float(np.median(np.abs(np.diff(there))))
    return 0 if abs(rise) <= noise else 1 if rise > 0 else -1
