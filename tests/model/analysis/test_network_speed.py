# SPDX-License-Identifier: Apache-2.0
"""Tests of the benchmark of whole trainings: its figures belong together, and turns go to and fro; never how large."""

from __future__ import annotations

import ast
import json
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from symtrack.model.analysis import network_speed as measures
from symtrack.model.analysis.network_speed import WORKS, Work, compiled_ms, images, networks, task, trainer
from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.scripts import benchmark

PAPER = dict(WORKS)  # as the module has them
STAND_IN = """
import json, sys
import numpy as np
data = np.load(sys.argv[1])
print(json.dumps({"aihwkit": "0.0", "images": list(data["images"].shape)}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    with open(sys.argv[1] + ".asked", "a") as file:
        file.write(line)
    print(json.dumps({"ms": 7.0 if asked["work"] == "perceptron" else 9.0}), flush=True)
"""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Networks that take no time, images that are not fetched, and a stand-in for aihwkit's side."""
    monkeypatch.setenv("SYMTRACK_CACHE", str(tmp_path / "cache"))
    small = {"perceptron": {"hidden": (3,)}, "lenet5": {"hidden": (2,)}}
    for name, options in small.items():
        monkeypatch.setitem(WORKS, name, Work(title=name, options=options, batch=2, steps=2, goal=4.0))
    (tmp_path / "theirs.py").write_text(STAND_IN)
    monkeypatch.setattr(measures, "THEIRS", tmp_path / "theirs.py")


def test_images_are_those_of_the_set_or_as_sparse(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, labels = images(500, 3)
    assert pixels.shape == (500, 28, 28)
    assert abs((pixels > 0).mean() - 0.19) < 0.01
    assert set(labels.tolist()) == set(range(10))
    assert not measures.are_fetched()
    assert not np.array_equal(pixels, images(500, 4)[0])

    class Fetched:
        train_x = np.arange(10 * 784).reshape(10, 784) * (VALUE_ONE // 8000)
        train_y = np.arange(10)

    monkeypatch.setattr(measures, "are_fetched", lambda: True)
    monkeypatch.setattr(measures, "image_set", lambda name, **options: Fetched)
    pixels, labels = images(4, 3)
    assert np.array_equal(pixels.reshape(4, -1) * VALUE_ONE, Fetched.train_x[:4])
    assert labels.tolist() == [0, 1, 2, 3]


def test_the_networks_are_those_of_the_paper() -> None:
    samples = np.zeros((3, 28, 28)), np.zeros(3, np.int64)
    samples[0][:, 5, 5] = 0.5
    made = {name: task(work, samples) for name, work in PAPER.items()}
    shapes = {name: [(tile.rows, tile.columns) for tile in one.tile_configs] for name, one in made.items()}
    assert shapes["perceptron"] == [(256, 785), (128, 257), (10, 129)]
    assert shapes["lenet5"] == [(16, 26), (32, 401), (128, 513), (10, 129)]
    assert made["perceptron"].train_x.max() == VALUE_ONE // 2


def test_turns_go_to_and_fro(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    ours, theirs = measures.measured, measures.Aihwkit.milliseconds
    monkeypatch.setattr(measures, "measured", lambda *a, **k: (order.append("ours"), ours(*a, **k))[1])
    monkeypatch.setattr(measures.Aihwkit, "milliseconds", lambda *a: (order.append("theirs"), theirs(*a))[1])
    told: list[int] = []
    found = list(networks(against=sys.executable, turns=3, seed=1, advance=told.append))
    assert order == ["ours", "ours", "theirs"] * 4 * 2
    assert told == [1] * 8
    assert [(one["network"], one["algorithm"]) for one in found] == [
        (name, algorithm) for name in WORKS for algorithm in ("agad", "e-rider")
    ]
    for one in found:
        assert one["aihwkit_ms_per_sample"] == (7.0 if one["network"] == "perceptron" else 9.0)
        assert one["aihwkit"] == "0.0"
        assert one["ratio"] > 0
        assert 0 <= one["python_share"] < 1
        assert one["coincidences_per_sample"] > 0
        assert one["images"] == "random"


def test_the_ratio_is_the_median_of_those_of_the_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([9.0, 9.0, 1.0, 2.0, 4.0, 1.0, 2.0, 8.0])
    monkeypatch.setattr(measures, "measured", lambda *_, **__: (next(times), 5.0))
    found = list(networks(names=("perceptron",), against=sys.executable, turns=3, seed=1))
    assert [one["ms_per_sample"] for one in found] == [2.0, 2.0]
    assert [one["ratio"] for one in found] == [3.5, 3.5]  # agad 1, 4, 2 and e-rider 2, 1, 8, theirs always 7


def test_pythons_share_is_what_compiled_calls_leave() -> None:
    run = trainer(WORKS["perceptron"], "agad", images(20, 1), threads=1, seed=1)
    run.run(2)
    start = time.process_time()
    inside = compiled_ms(run, 2) * 2 * run.spec.batch / 1e3
    assert 0 < inside < 0.9 * (time.process_time() - start)  # networks of three neurons: most is Python's


def test_a_process_that_ends_is_told(tmp_path: Path) -> None:
    measures.THEIRS.write_text("raise SystemExit(3)\n")
    with pytest.raises(ValueError, match="it ends with exit code 3 and without an answer"):
        list(networks(against=sys.executable, turns=1, seed=1))
    with pytest.raises(ValueError, match=r"'nowhere': must be a Python that can be run \(No such file"):
        list(networks(against="nowhere", turns=1, seed=1))


def test_aihwkits_side_needs_nothing_of_symtrack() -> None:
    tree = ast.parse(Path(measures.__file__).with_name("aihwkit_networks.py").read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not any("symtrack" in name for name in names)
    assert {"torch", "aihwkit"} <= names


def test_the_command_prints_goals_and_writes_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.json"
    assert benchmark.main(["--against", sys.executable, "--repeats", "1", "--json", str(file)]) == 0
    report = json.loads(file.read_text())
    assert [one["network"] for one in report["networks"]] == ["perceptron"] * 2 + ["lenet5"] * 2
    printed = capsys.readouterr().out
    assert "4 x aihwkit" in printed
    assert "random" in printed
    record = tmp_path / "performance.md"
    assert benchmark.main(["--against", sys.executable, "--repeats", "1", "--record", str(record)]) == 0
    assert record.read_text().count("| perceptron |") == 2
    assert benchmark.main(["--networks", "--quick"]) == 0
    assert "–" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--against", "nowhere"], "argument --against: 'nowhere': must be a Python that can be run"),
        (["--networks", "--plot", "f.png"], "argument --plot: must be left out with --networks and --against"),
    ],
)
def test_bad_input(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        benchmark.main(arguments)
    assert end.value.code == 2
    assert message in capsys.readouterr().err
