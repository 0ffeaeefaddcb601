# SPDX-License-Identifier: Apache-2.0
"""Small charts as inline SVG, lines and histograms; the style sheet of the page gives light and dark colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

from symtrack.cosim.report.html import Markup, element, join

WIDTH, HEIGHT = 520, 250
LEFT, RIGHT, TOP, BOTTOM = 72, 14, 12, 46  # margins around the axes

Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """One series of a chart: name, CSS class, and points of a line or a histogram of `model.training.history`."""

    name: str
    style: str
    points: Sequence[Point] = ()
    bins: Mapping[str, Any] | None = None


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers from at most ``low`` to at least ``high``, about ``count`` of them."""
    if high <= low:
        margin = abs(low) / 10 or 1.0
        low, high = low - margin, high + margin
    rough = (high - low) / count
    power = 10.0 ** floor(log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [round(step * k, 12) for k in range(first, last + 1)]


@dataclass(frozen=True)
class Axes:
    """The axes of a chart: they map values to positions in the picture."""

    x: Sequence[float]
    y: Sequence[float]

    def place(self, x: float, y: float) -> tuple[float, float]:
        """The position of a point in pixels from the upper left corner."""
        across = (x - self.x[0]) / (self.x[-1] - self.x[0])
        up = (y - self.y[0]) / (self.y[-1] - self.y[0])
        return (
            round(LEFT + across * (WIDTH - LEFT - RIGHT), 2),
            round(HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM), 2),
        )

    def draw(self, x_label: str, y_label: str, y_form: str) -> Markup:
        """The grid, its numbers and the labels of the axes."""
        parts = []
        for value in self.x:
            across, down = self.place(value, self.y[0])
            parts.append(text(f"{value:,g}", across, down + 17, "middle"))
        for value in self.y:
            across, down = self.place(self.x[0], value)
            parts.append(element("line", x1=across, x2=WIDTH - RIGHT, y1=down, y2=down, class_="grid"))
            parts.append(text(y_form.format(value), across - 7, down + 4, "end"))
        middle = (TOP + HEIGHT - BOTTOM) / 2
        turned = element(
            "text", y_label, transform=f"translate(13 {middle}) rotate(-90)", text_anchor="middle", class_="label"
        )
        label = element(
            "text", x_label, x=(LEFT + WIDTH - RIGHT) / 2, y=HEIGHT - 6, text_anchor="middle", class_="label"
        )
        return join((*parts, turned, label))


def line_chart(
    title: str, series: Sequence[Series], *, x_label: str, y_label: str, form: str, tick_form: str = "{:g}"
) -> Markup:
    """A chart of lines over training steps with a dot at every point that shows its value, formatted by ``form``."""
    everything = [point for one in series for point in one.points]
    values = [y for _, y in everything]
    axes = Axes(ticks(0, max(x for x, _ in everything)), ticks(min(values), max(values)))
    parts = [axes.draw(x_label, y_label, tick_form)]
    for one in series:
        if not one.points:
            continue
        places = [axes.place(*point) for point in one.points]
        parts.append(element("polyline", points=" ".join(f"{x},{y}" for x, y in places), class_=f"line {one.style}"))
        parts += [
            element(
                "circle",
                element("title", f"{one.name}, step {step:,g}: {form.format(value)}"),
                cx=x,
                cy=y,
                r=2.2,
                class_=f"dot {one.style}",
            )
            for (x, y), (step, value) in zip(places, one.points, strict=True)
        ]
    last = "; ".join(f"{one.name} ends at {form.format(one.points[-1][1])}" for one in series if one.points)
    return figure(title, f"{y_label} over {x_label}: {last}", parts, series)


def histogram_chart(title: str, series: Sequence[Series], *, x_label: str, note: str = "") -> Markup:
    """A chart of histograms over each other, bars for the first and outlines for the others."""
    ends = [(b["low"], b["low"] + b["width"] * len(b["counts"])) for one in series if (b := one.bins)]
    tallest = max(max(one.bins["counts"]) for one in series if one.bins)
    axes = Axes(ticks(min(low for low, _ in ends), max(high for _, high in ends)), ticks(0, tallest, 4))
    parts = [axes.draw(x_label, "cells", "{:,g}")]
    for index, one in enumerate(series):
        if one.bins:
            shape = _bars(axes, one) if index == 0 else _outline(axes, one)
            counts = " ".join(map(str, one.bins["counts"]))
            parts.append(element("g", shape, class_=one.style, data_series=one.name, data_counts=counts))
    totals = "; ".join(f"{one.name}: {sum(one.bins['counts']):,} cells" for one in series if one.bins)
    return figure(title, f"Histogram over {x_label}. {totals}", parts, series, note)


def _bars(axes: Axes, one: Series) -> Markup:
    assert one.bins is not None
    bars, low, width = [], one.bins["low"], one.bins["width"]
    for index, count in enumerate(one.bins["counts"]):
        if count:
            left, top = axes.place(low + index * width, count)
            right, bottom = axes.place(low + (index + 1) * width, 0)
            tip = f"{one.name}, {low + index * width:.4g} to {low + (index + 1) * width:.4g}: {count:,}"
            size = {"width": round(max(right - left - 0.6, 0.4), 2), "height": round(bottom - top, 2)}
            bars.append(element("rect", element("title", tip), x=left, y=top, **size, class_="bar"))
    return join(bars)


def _outline(axes: Axes, one: Series) -> Markup:
    assert one.bins is not None
    low, width, counts = one.bins["low"], one.bins["width"], one.bins["counts"]
    corners = [axes.place(low, 0)]
    for index, count in enumerate(counts):
        corners += [axes.place(low + (index + side) * width, count) for side in (0, 1)]
    corners.append(axes.place(low + len(counts) * width, 0))
    return element("polyline", points=" ".join(f"{x},{y}" for x, y in corners), class_="outline")


def figure(title: str, description: str, parts: Sequence[Markup], series: Sequence[Series], note: str = "") -> Markup:
    """A picture of these parts with a caption, and a legend of the series that have something to show."""
    drawn = [one for one in series if one.points or one.bins]
    legend = [element("span", element("i", class_=f"key {one.style}"), one.name) for one in drawn]
    picture = element(
        "svg",
        *parts,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=f"{title}. {description}",
    )
    caption = element("figcaption", element("b", title), element("span", *legend, class_="legend"), note)
    return element("figure", caption, picture)


def text(words: str, x: float, y: float, anchor: str) -> Markup:
    """Words at a place of a picture."""
    return element("text", words, x=x, y=y, text_anchor=anchor)
