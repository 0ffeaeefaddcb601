# SPDX-License-Identifier: Apache-2.0
"""Charts of explorations as inline SVG: pairs of objectives, and parameters side by side, coloured by a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log

from symtrack.cosim.report.charts import Axes, Series, figure, text, ticks
from symtrack.cosim.report.html import Markup, element

Trial = Mapping[str, float | str]
ACROSS, DOWN, EDGE, HEAD, FOOT = 1000, 360, 48, 34, 30  # of the picture of parameters side by side
UNITS = ((1e9, "10⁹"), (1e6, "10⁶"), (1e3, "10³"))
WIDE = 20  # a range of values that is shown by its logarithm
COLOURS = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (222, 200, 37))  # of viridis, the last one darker


def unit(values: Sequence[float]) -> tuple[float, str]:
    """The power of ten that values are shown in, and how it is written."""
    most = max(map(abs, values))
    return next(((factor, name) for factor, name in UNITS if most >= 10 * factor), (1.0, ""))


def scatter(trials: Sequence[Trial], front: Sequence[Trial], x: str, y: str) -> Markup:
    """All trials by two of their figures, those of the front marked."""
    scales = {name: unit([float(one[name]) for one in trials]) for name in (x, y)}

    def points(some: Sequence[Trial]) -> list[tuple[float, float]]:
        return [(float(one[x]) / scales[x][0], float(one[y]) / scales[y][0]) for one in some]

    places = points(trials)
    axes = Axes(*(ticks(min(place[i] for place in places), max(place[i] for place in places)) for i in (0, 1)))
    x_label, y_label = (f"{name}, {scales[name][1]}" if scales[name][1] else name for name in (x, y))
    parts = [axes.draw(x_label, y_label, "{:g}")]
    series = [Series("all trials", "trial", places), Series("front", "front", points(front))]
    for one, some, radius in zip(series, (trials, front), (3, 5), strict=True):
        for place, trial in zip(one.points, some, strict=True):
            across, down = axes.place(*place)
            tip = element("title", f"trial {trial['trial']}: {x} {trial[x]:,}, {y} {trial[y]:,}")
            parts.append(element("circle", tip, cx=across, cy=down, r=radius, class_=f"dot {one.style}"))
    return figure(f"{y} over {x}", f"{len(front)} of {len(trials)} trials are of the front", parts, series)


def colour(share: float) -> str:
    """A colour between the first and the last of `COLOURS`."""
    place = min(max(share, 0.0), 1.0) * (len(COLOURS) - 1)
    index = min(int(place), len(COLOURS) - 2)
    pairs = zip(COLOURS[index], COLOURS[index + 1], strict=True)
    return "#" + "".join(f"{round(low + (high - low) * (place - index)):02x}" for low, high in pairs)


class Scale:
    """Shares of the height of an axis that values have, evenly for texts and by the logarithm for wide ranges."""

    def __init__(self, values: Sequence[float | str]) -> None:
        self._texts = sorted({one for one in values if isinstance(one, str)})
        numbers = [float(one) for one in values if not isinstance(one, str)] or [0.0]
        self.low, self.high = min(numbers), max(numbers)
        self._log = self.low > 0 and self.high > WIDE * self.low

    def share(self, value: float | str) -> float:
        """Where a value is, from 0 to 1."""
        if isinstance(value, str):
            return self._texts.index(value) / max(len(self._texts) - 1, 1)
        if self.high == self.low:
            return 0.5
        if self._log:
            return log(value / self.low) / log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    @property
    def ends(self) -> tuple[str, str]:
        """What is written at the lower and the upper end."""
        return (self._texts[0], self._texts[-1]) if self._texts else (f"{self.low:,.4g}", f"{self.high:,.4g}")


def parallel(trials: Sequence[Trial], front: Sequence[Trial], names: Sequence[str], coloured: str) -> Markup:
    """A line for every trial through its parameters and, at the right, the figure that gives its colour."""
    scales = {name: Scale([one[name] for one in trials]) for name in (*names, coloured)}
    step = (ACROSS - 2 * EDGE) / (len(scales) - 1)

    def place(index: int, share: float) -> tuple[float, float]:
        return round(EDGE + index * step, 1), round(DOWN - FOOT - share * (DOWN - HEAD - FOOT), 1)

    parts = []
    best = {one["trial"] for one in front}
    for one in sorted(trials, key=lambda trial: trial["trial"] in best):
        shares = [scale.share(one[name]) for name, scale in scales.items()]
        line = " ".join("{},{}".format(*place(index, share)) for index, share in enumerate(shares))
        tip = element("title", f"trial {one['trial']}: " + ", ".join(f"{name} {one[name]}" for name in scales))
        style = "path front" if one["trial"] in best else "path"
        parts.append(element("polyline", tip, points=line, stroke=colour(shares[-1]), class_=style))
    for index, (name, scale) in enumerate(scales.items()):
        (x, bottom), (_, top) = place(index, 0.0), place(index, 1.0)
        parts.append(element("line", x1=x, x2=x, y1=top, y2=bottom, class_="axis"))
        parts += [text(scale.ends[0], x, bottom + 14, "middle"), text(scale.ends[1], x, top - 5, "middle")]
        low = DOWN - 4 if index % 2 else 12  # names would not have room beside each other
        parts.append(element("text", name, x=x, y=low, text_anchor="middle", class_="label"))
    label = f"{len(trials)} trials: parameters, and {coloured} as colour"
    picture = element("svg", *parts, viewBox=f"0 0 {ACROSS} {DOWN}", role="img", aria_label=label, class_="parallel")
    return element("div", picture, class_="scroll", tabindex=0, role="region", aria_label=label)
