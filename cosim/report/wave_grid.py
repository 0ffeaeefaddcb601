# SPDX-License-Identifier: Apache-2.0
"""Draws waveforms as SVG: levels for single bits, hexadecimal lanes for words, one column of the grid per cycle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symtrack.cosim.report.html import Markup, element, join

ROW, HEAD = 30, 34  # pixels: a lane, the numbers of the cycles
LEVEL = 18  # between low and high
CHARACTER = 7.0  # width of a digit


@dataclass(frozen=True)
class Lane:
    """One line of a waveform: a signal of one side over the cycles; values that were not recorded are None."""

    name: str
    side: str  # CSS class: golden, rtl or both
    values: Sequence[int | None]
    bit: bool


@dataclass(frozen=True)
class WaveGrid:
    """The grid of a waveform: the width in pixels of the names on the left, and that of a cycle."""

    label: int
    cycle: int

    def wave(self, lane: Lane, low: float, cut: int | None = None) -> Markup:
        """Draw a lane on the line ``low``; the word of the differing cycle ``cut`` gets a box of its own."""
        return self._level(lane, low) if lane.bit else self._bus(lane, low, cut)

    def _level(self, lane: Lane, low: float) -> Markup:
        points: list[str] = []
        for index, value in enumerate(lane.values):
            y = low - LEVEL * bool(value)
            points += [f"{self.label + self.cycle * index},{y}", f"{self.label + self.cycle * (index + 1)},{y}"]
        ends = (f"{self.label},{low}", f"{self.label + self.cycle * len(lane.values)},{low}")
        ground = element("polygon", points=" ".join((ends[0], *points, ends[1])), class_="high")
        return join((ground, element("polyline", points=" ".join(points), class_="level")))

    def _bus(self, lane: Lane, low: float, cut: int | None) -> Markup:
        """Draw a word as runs of equal values; the differing cycle ``cut`` gets a box of its own, or it would drown in
        a run.
        """
        parts, start = [], 0
        for end in range(1, len(lane.values) + 1):
            if end < len(lane.values) and lane.values[end] == lane.values[start] and cut not in (start, end):
                continue
            value = lane.values[start]
            left, right, top = self.label + self.cycle * start, self.label + self.cycle * end, low - LEVEL
            middle, slope = (top + low) / 2, 4
            corners = [(left, middle), (left + slope, top), (right - slope, top), (right, middle)]
            corners += [(right - slope, low), (left + slope, low)]
            text = "–" if value is None else f"{value:x}"
            room = int((right - left - 2 * slope - 2) / CHARACTER)
            shown = text if len(text) <= room else f"{text[: room // 2]}…{text[len(text) - (room - 1) // 2 :]}"
            parts += [
                element(
                    "polygon",
                    element("title", f"{lane.name}: {text}"),
                    points=" ".join(f"{x},{y}" for x, y in corners),
                    class_="differs" if start == cut else "word",
                ),
                element("text", shown, x=(left + right) / 2, y=middle + 4, text_anchor="middle", class_="value"),
            ]
            start = end
        return join(parts)
