# SPDX-License-Identifier: Apache-2.0
"""Tests of the page of an exploration: the front is marked, all figures are there, and it needs no other file."""

import re
from xml.etree import ElementTree

import pytest

from symtrack.cosim.report.exploration_charts import COLOURS, Scale, colour, parallel, scatter, unit
from symtrack.cosim.report.exploration_page import page

OBJECTIVES = {"accuracy": ("maximize", "share of right answers"), "gates": ("minimize", "gates")}


def trial(number: int, accuracy: float, gates: int, **more) -> dict:
    parameters = {"lanes": number + 1, "kind": "ab"[number % 2], "gamma": 10.0**-number}
    figures = {"accuracy": accuracy, "gates": gates}
    known = {"number": number, "parameters": parameters, "figures": figures, "refused": "", "state_sha256": "5a" * 32}
    return known | more


def report() -> dict:
    trials = [trial(0, 0.5, 20_000), trial(1, 0.9, 30_000), trial(2, 0.4, 40_000)]
    trials.append(trial(3, 0, 0, refused="lanes = <4>: must be less", figures={}))
    more = {"tiles": {"custom_1": "rows = 3\n"}, "verilog": ["symtrack generate-verilog"], "train": "symtrack train"}
    return {
        "objectives": OBJECTIVES,
        "parameters": ["lanes", "kind", "gamma"],
        "trials": trials,
        "front": [one | more for one in trials[:2]],
        "importances": {"accuracy": {"gamma": 0.75, "lanes": 0.25}},
        "sampler": "tpe",
        "seed": 7,
        "gates": {"largest": 0.05, "rms": 0.02, "syntheses": 41},
    }


def test_the_page_has_everything_and_needs_nothing() -> None:
    text = page(report(), "symtrack explore --seed 7")
    assert not re.search(r"https?:|<script|<link|@import|src=", text)
    ElementTree.fromstring(re.sub(r"<!DOCTYPE html>|<(meta|br)[^>]*>", "", text))
    told = ["symtrack explore --seed 7", "90.00%", "75%", "30,000", "lanes = &lt;4&gt;: must be less", "5a" * 32]
    told += ["41 syntheses", "2.0% (root mean square)", "5.0% at most", "rows = 3", "symtrack train", "seed 7"]
    for one in told:
        assert one in text, one
    assert text.count("symtrack generate-verilog") == 2
    for anchor in re.findall(r'href="#([\w-]+)"', text):
        assert f'id="{anchor}"' in text


def test_without_refused_trials_and_importances_there_are_none() -> None:
    told = report()
    text = page(told | {"trials": told["trials"][:3], "importances": {}})
    assert "could not be run" not in text
    assert "There are too few trials" in text


def test_the_front_is_marked_in_charts() -> None:
    lines = [{"trial": n, "accuracy": 0.1 * n, "gates": 10_000 * (n + 1), "lanes": n} for n in range(5)]
    chart = scatter(lines, lines[3:], "gates", "accuracy")
    assert (chart.count('class="dot trial"'), chart.count('class="dot front"')) == (5, 2)
    assert "2 of 5 trials are of the front" in chart
    assert "trial 4: gates 50,000, accuracy 0.4" in chart
    chart = parallel(lines, lines[3:], ["lanes"], "accuracy")
    assert (chart.count('class="path"'), chart.count('class="path front"')) == (3, 2)
    assert chart.index('class="path front"') > chart.rindex('class="path"'), "the front is drawn last"


@pytest.mark.parametrize(
    ("values", "shares", "ends"),
    [
        ([1, 2, 3], [0, 0.5, 1], ("1", "3")),
        ([1, 10, 100], [0, 0.5, 1], ("1", "100")),
        ([0, 50, 100], [0, 0.5, 1], ("0", "100")),
        (["b", "a", "c"], [0.5, 0, 1], ("a", "c")),
        ([4, 4], [0.5, 0.5], ("4", "4")),
    ],
)
def test_scales(values: list, shares: list[float], ends: tuple[str, str]) -> None:
    scale = Scale(values)
    assert [scale.share(one) for one in values] == pytest.approx(shares)
    assert scale.ends == ends


def test_units_and_colours() -> None:
    assert [unit([value])[0] for value in (5, 9_999, 20_000, 3e7)] == [1, 1, 1e3, 1e6]
    assert colour(0.0) == "#440154"
    assert colour(1.0) == "#{:02x}{:02x}{:02x}".format(*COLOURS[-1])
    assert colour(2.0) == colour(1.0) != colour(0.9)
