# SPDX-License-Identifier: Apache-2.0
"""Tests of the benchmark of a layer's updates: what is updated, in turns, and what is asked of the other program."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from symtrack.model.analysis import network_speed
from symtrack.model.analysis.layer_speed import LAYERS, Layer, LayerWork, layers
from symtrack.model.arithmetic.formats import VALUE_ONE

SMALL = LayerWork(title="small", rows=9, columns=40, bl=5, density=0.5, batch=3, calls=4, goal=2.0)
STAND_IN = """
import json, sys
print(json.dumps({"aihwkit": "0.0"}), flush=True)
for line in sys.stdin:
    with open(sys.argv[0] + ".asked", "a") as file:
        file.write(line)
    print(json.dumps({"ms": 7.0}), flush=True)
"""


def test_a_pair_meets_as_often_as_its_sizes_say() -> None:
    layer = Layer(replace(SMALL, rows=30, bl=31, batch=20, calls=8), seed=1)
    _, coincidences = layer.measured()
    x, delta = (np.abs(values) / VALUE_ONE for values in (layer._x, layer._delta))
    assert abs(coincidences / (31 * np.mean(x.sum(axis=2) * delta.sum(axis=2))) - 1) < 0.03
    assert abs((layer._x != 0).mean() - 0.5) < 0.05


def test_turns_go_to_and_fro(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = tmp_path / "theirs.py"
    theirs.write_text(STAND_IN)
    monkeypatch.setattr(network_speed, "THEIRS", theirs)
    told: list[int] = []
    works = SMALL, replace(SMALL, title="other", goal=None)
    found = list(layers(works=works, against=sys.executable, turns=3, seed=1, advance=told.append))
    assert told == [1] * 8
    asked = [json.loads(line) for line in Path(f"{theirs}.asked").read_text().splitlines()]
    one = {"rows": 9, "columns": 40, "bl": 5, "density": 0.5, "row_density": 1.0, "batch": 3, "calls": 4}
    assert asked == [{"work": "update", **one}] * 8
    for entry, work in zip(found, works, strict=True):
        assert (entry["layer"], entry["goal"], entry["aihwkit_ms_per_update"]) == (work.title, work.goal, 7.0)
        assert entry["ratio"] == pytest.approx(7.0 / entry["ms_per_update"], rel=0.9)
        assert entry["coincidences_per_update"] > 0


def test_the_layers_need_no_other_program() -> None:
    assert {(work.rows, work.columns) for work in LAYERS} == {(128, 128), (512, 512), (256, 785)}
    (entry,) = layers(works=(SMALL,), turns=1, seed=1)
    assert "ratio" not in entry
