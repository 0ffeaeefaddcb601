# SPDX-License-Identifier: Apache-2.0
"""Waveforms of the cycles before a mismatch of RTL and golden model, as inline SVG for the HTML report.

The signals that differ come first, golden above RTL; then the handshakes of the differing streams, and the signals
that move. Values of a cycle are drawn between its grid lines; the differing cycle, the last one played, is marked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from symtrack.cosim.report.html import Markup, element, folded, join, table
from symtrack.cosim.report.wave_grid import HEAD, ROW, Lane, WaveGrid

HANDSHAKES = ("valid", "ready", "busy")
GRID = WaveGrid(label=232, cycle=76)
LANES = 24  # at most; all values are in the table


def waveforms(difference: Mapping[str, Any], widths: Mapping[str, int]) -> Markup:
    """The picture and the table of a difference, or words where it has no history of cycles.

    Parameters
    ----------
    difference
        A `cosim.engine.lockstep.Difference` as plain data.
    widths
        Widths of the ports, by name.
    """
    history = difference["history"]
    if not history:
        return element("p", "No cycles were recorded before this difference, so there are no waveforms.")
    chosen = lanes(difference, widths)
    left_out = len({name for name in history[0]["rtl"] if _moves(history, name)} - {lane.name for lane in chosen})
    note = f" {left_out} more signals that move are in the table only." if left_out > 0 else ""
    caption = element(
        "figcaption",
        element("b", f"The last {len(history)} cycles up to cycle {difference['cycle']:,}"),
        f" – values in hexadecimal; where there is one lane, golden and RTL are equal. "
        f"The run ends with the first difference.{note}",
    )
    picture = element("div", _picture(difference, chosen), class_="scroll", tabindex=0, role="group")
    return join((element("figure", caption, picture, class_="wide"), folded("All values", _table(history))))


def lanes(difference: Mapping[str, Any], widths: Mapping[str, int]) -> list[Lane]:
    """The signals that are drawn, in order."""
    history = difference["history"]
    named, at = difference["signal"], history[-1]
    differing = [name for name, value in at["golden"].items() if at["rtl"].get(name, value) != value]
    differing.sort(key=lambda name: name != named)
    stream = {name.split("__")[0] for name in differing}

    def rank(name: str) -> tuple[bool, int]:
        group, _, field = name.partition("__")
        return group not in stream, HANDSHAKES.index(field) if field in HANDSHAKES else len(HANDSHAKES)

    others = [name for name in at["rtl"] if name not in differing]
    moving = [name for name in others if rank(name) < (False, len(HANDSHAKES)) or _moves(history, name)]

    drawn = []
    for name in differing:
        for side in ("golden", "rtl"):
            drawn.append(Lane(name, side, [entry[side].get(name) for entry in history], widths.get(name) == 1))
    for name in sorted(moving, key=rank):
        drawn.append(Lane(name, "both", [entry["rtl"].get(name) for entry in history], widths.get(name) == 1))
    return drawn[: max(LANES, 2 * len(differing))]


def _moves(history: Sequence[Mapping[str, Any]], name: str) -> bool:
    return len({entry["rtl"].get(name) for entry in history}) > 1


def _picture(difference: Mapping[str, Any], chosen: Sequence[Lane]) -> Markup:
    history = difference["history"]
    numbers = [entry["cycle"] for entry in history]
    width, height = GRID.label + GRID.cycle * len(numbers) + 8, HEAD + ROW * len(chosen) + 8
    parts = []
    for index, number in enumerate(numbers):
        x = GRID.label + GRID.cycle * index
        if number == difference["cycle"]:
            parts.append(element("rect", x=x, y=0, width=GRID.cycle, height=height, class_="mark"))
        parts.append(element("line", x1=x, x2=x, y1=HEAD - 8, y2=height, class_="grid"))
        parts.append(element("text", f"{number:,}", x=x + GRID.cycle / 2, y=18, text_anchor="middle"))
    marked = numbers.index(difference["cycle"]) if difference["cycle"] in numbers else None
    for index, lane in enumerate(chosen):
        low = HEAD + ROW * index + ROW - 6
        side = {"golden": " · golden", "rtl": " · RTL", "both": ""}[lane.side]
        parts.append(element("text", lane.name + side, x=GRID.label - 10, y=low - 4, text_anchor="end", class_="name"))
        wave = GRID.wave(lane, low, marked if lane.side != "both" else None)
        values = " ".join("-" if value is None else f"{value:x}" for value in lane.values)
        parts.append(element("g", wave, class_=lane.side, data_signal=lane.name, data_values=values))
    at = history[-1]
    words = f"cycle {difference['cycle']}, {difference['signal']}"
    values = f"golden {difference['golden']:#x}, RTL {difference['rtl']:#x}"
    return element(
        "svg",
        *parts,
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=f"Waveforms of cycles {numbers[0]} to {at['cycle']}; first difference: {words}, {values}",
        class_="waves",
    )


def _table(history: Sequence[Mapping[str, Any]]) -> Markup:
    """A table of every port in every cycle, with golden/RTL where they differ."""
    rows = []
    for name in history[-1]["rtl"]:
        cells: list[object] = []
        for entry in history:
            rtl, golden = entry["rtl"].get(name), entry["golden"].get(name)
            same = golden is None or golden == rtl
            cells.append(f"{rtl:x}" if same else element("strong", f"{golden:x}/{rtl:x}"))
        rows.append([name, *cells])
    head = ["port", *(f"{entry['cycle']:,}" for entry in history)]
    return table("All ports, hexadecimal; golden/RTL where they differ", head, rows, class_="ports")
