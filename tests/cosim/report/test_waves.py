# SPDX-License-Identifier: Apache-2.0
"""Tests of the drawn waveforms: both values where they differ, levels for bits, hexadecimal lanes for words."""

from __future__ import annotations

import re
from typing import Any

import pytest

from symtrack.cosim.engine.lockstep import Difference, Fault
from symtrack.cosim.report.waves import LANES, lanes, waveforms
from symtrack.model.spec.config import NAMED
from tests.cosim.engine.test_lockstep import CONFIG
from tests.cosim.helpers.bent import random_run
from tests.cosim.jobs.reading import Page

WIDTHS = {"a__valid": 1, "a__ready": 1, "a__word": 80, "b__valid": 1, "b__word": 4, "still": 1, "status__busy": 1}


def difference(signal: str = "a__word", golden: int = 0xABC, rtl: int = 0xABD, cycles: int = 5) -> dict[str, Any]:
    """A made-up difference in the last cycle."""
    history = []
    for cycle in range(cycles):
        outputs = {"a__valid": 1, "a__ready": cycle % 2, "a__word": 0xABC, "b__valid": cycle & 1, "b__word": cycle}
        outputs |= {"still": 1, "status__busy": 0}
        history.append({"cycle": 1000 + cycle, "rtl": outputs, "golden": dict(outputs)})
    history[-1]["golden"][signal], history[-1]["rtl"][signal] = golden, rtl
    last = history[-1]["cycle"]
    return {"cycle": last, "signal": signal, "golden": golden, "rtl": rtl, "history": history, "tile": ""}


def test_lanes_are_in_order_and_complete() -> None:
    drawn = lanes(difference(), WIDTHS)
    names = [(lane.name, lane.side) for lane in drawn]
    assert names[:2] == [("a__word", "golden"), ("a__word", "rtl")]
    assert names[2:4] == [("a__valid", "both"), ("a__ready", "both")]  # the handshake, though valid never moves
    assert {name for name, _ in names[4:]} == {"b__valid", "b__word"}  # of others, what moves
    assert drawn[0].values == [0xABC] * 5
    assert drawn[1].values == [0xABC] * 4 + [0xABD]
    assert [lane.bit for lane in drawn] == [WIDTHS[lane.name] == 1 for lane in drawn]


def test_both_values_stand_in_the_marked_cycle() -> None:
    source = waveforms(difference(), WIDTHS)
    read = Page(source)
    cells = re.findall(r'<polygon points="([\d.]+),[^"]*" class="differs"><title>([^<]*)</title>', source)
    assert [text for _, text in cells] == ["a__word: abc", "a__word: abd"]
    mark = re.search(r'<rect x="(\d+)"[^>]*class="mark"', source)
    assert mark is not None
    assert {left for left, _ in cells} == {mark.group(1)}
    assert re.findall(r">(abc|abd)</text>", source) == ["abc", "abc", "abc", "abd"]  # run and cycle, on either side
    assert read.tables["All ports, hexadecimal; golden/RTL where they differ"][3] == [
        "a__word",
        *["abc"] * 4,
        "abc/abd",
    ]
    assert "1,004" in read.text
    assert any("golden 0xabc, RTL 0xabd" in value for _, _, value in read.attributes)


def test_a_bit_is_a_level() -> None:
    source = waveforms(difference("b__valid", 0, 1), WIDTHS)
    drawn = [entry for entry in Page(source).drawn if entry["data-signal"] == "b__valid"]
    assert [entry["data-values"].split() for entry in drawn] == [list("01010"), list("01011")]
    levels = re.findall(r'<polyline points="([^"]*)" class="level">', source)
    heights = [[float(point.split(",")[1]) for point in level.split()] for level in levels[:2]]
    assert [len(set(one)) for one in heights] == [2, 2]
    assert [one[-1] == min(one) for one in heights] == [False, True]


def test_long_words_are_shortened_but_told_in_full() -> None:
    golden = int("123456789abcdef01234", 16)
    source = waveforms(difference(golden=golden, rtl=golden + 1), WIDTHS)
    assert "<title>a__word: 123456789abcdef01235</title>" in source
    assert "…" in source
    assert "123456789abcdef01234/123456789abcdef01235" in Page(source).text


def test_many_signals_are_limited_and_a_missing_history_is_said() -> None:
    data = difference()
    for entry in data["history"]:
        for index in range(40):
            for side in ("rtl", "golden"):
                entry[side][f"more{index}"] = entry["cycle"] + index
    assert len(lanes(data, WIDTHS)) == LANES
    assert f"{40 + 6 - (LANES - 1)} more signals" not in waveforms(data, WIDTHS)
    left_out = {f"more{k}" for k in range(40)} - {lane.name for lane in lanes(data, WIDTHS)}
    assert f"{len(left_out)} more signals that move are in the table only" in waveforms(data, WIDTHS)
    assert "no waveforms" in waveforms({**data, "history": []}, WIDTHS)


@pytest.mark.parametrize("name", ["pulses__rows", "pulses__valid"])
def test_an_injected_fault_is_drawn_where_it_is(name: str) -> None:
    found = random_run("tiny", cycles=600, faults=(Fault("rtl", name, 1, 321),)).verdict.first_mismatch
    assert isinstance(found, Difference)
    assert (found.signal, found.cycle) == (name, 321)
    data = {**vars(found)}
    source = waveforms(data, {name: 1 if name.endswith("valid") else CONFIG.rows})
    drawn = [entry for entry in Page(source).drawn if entry["data-signal"] == name]
    golden, rtl = (entry["data-values"].split()[-1] for entry in drawn)
    assert [entry["class"] for entry in drawn] == ["golden", "rtl"]
    assert (int(golden, 16), int(rtl, 16)) == (found.golden, found.rtl)
    assert int(golden, 16) ^ int(rtl, 16) == 1
    assert f"first difference: cycle 321, {name}" in source
    assert NAMED["tiny"] == CONFIG
