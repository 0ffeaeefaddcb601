# SPDX-License-Identifier: Apache-2.0
"""Tests of the charts: axes end at round numbers that enclose the values, and points lie where the axes say."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from symtrack.cosim.report.charts import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Axes,
    Series,
    histogram_chart,
    line_chart,
    ticks,
)
from symtrack.cosim.report.html import Markup, element, table
from tests.cosim.jobs.reading import Page


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (0, 1437), (-0.31, 0.28), (2.2725, 2.2875), (5, 5), (0, 0), (1e-6, 2e-6), (-3e9, 7)]
)
def test_ticks_are_round_and_enclose(low: float, high: float) -> None:
    marks = ticks(low, high)
    assert marks[0] <= low <= high <= marks[-1]
    assert 2 <= len(marks) <= 8
    steps = {f"{b - a:.6e}" for a, b in pairwise(marks)}
    assert len(steps) == 1
    assert float(steps.pop().split("e")[0]) in (1, 2, 2.5, 5)


def test_points_are_where_the_axes_say() -> None:
    axes = Axes([0, 10], [-1, 3])
    assert axes.place(0, -1) == (LEFT, HEIGHT - BOTTOM)
    assert axes.place(10, 3) == (WIDTH - RIGHT, TOP)
    assert axes.place(5, 1) == ((LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2)


def test_lines_have_a_dot_for_every_point() -> None:
    points = [(0, 0.5), (10, 0.25), (20, 1.0)]
    chart = line_chart(
        "Loss", [Series("golden", "golden", points), Series("RTL", "rtl")], x_label="steps", y_label="loss", form="{:g}"
    )
    assert re.findall(r"<title>(.*?)</title>", chart) == [f"golden, step {x}: {y:g}" for x, y in points]
    drawn = re.search(r'<polyline points="([^"]*)" class="line golden"', chart)
    assert drawn is not None
    heights = [float(pair.split(",")[1]) for pair in drawn.group(1).split()]
    assert heights[2] < heights[0] < heights[1]
    assert "RTL" not in Page(chart).text  # there is nothing of it to see


def test_bars_are_as_high_as_their_counts() -> None:
    bins = {"low": -1.0, "width": 0.5, "counts": [4, 0, 2, 1]}
    chart = histogram_chart(
        "P", [Series("golden", "golden", bins=bins), Series("RTL", "rtl", bins=bins)], x_label="weight"
    )
    heights = [float(value) for value in re.findall(r'<rect [^>]*height="([\d.]+)"', chart)]
    assert heights == pytest.approx([heights[0], heights[0] / 2, heights[0] / 4], abs=0.02)
    assert "golden, 0 to 0.5: 2" in chart
    assert [entry["data-counts"] for entry in Page(chart).drawn] == ["4 0 2 1"] * 2
    assert "golden: 7 cells; RTL: 7 cells" in chart


def test_markup_escapes_what_is_no_markup() -> None:
    assert element("p", "a < b & c", title='"x"') == '<p title="&quot;x&quot;">a &lt; b &amp; c</p>'
    assert element("p", Markup("<b>x</b>"), 3, class_="y", id=None) == '<p class="y"><b>x</b>3</p>'
    assert Page(table("<C>", ["h"], [["<a>", 1]])).tables == {"<C>": [["h"], ["<a>", "1"]]}
