# SPDX-License-Identifier: Apache-2.0
"""Beside aihwkit itself, in its own environment: presets, defaults, responses, and trainings of matrices.

``make test-aihwkit`` runs it. ``figures.json`` in the folder of the recordings has what was measured.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symtrack.model.exchange import aihwkit_recording
from symtrack.model.exchange.aihwkit_configuration import taken
from symtrack.model.exchange.aihwkit_export import exported
from symtrack.model.exchange.aihwkit_fields import DEFAULTS, VERSION
from tests.model.exchange import programming_runs, recorded
from tests.model.exchange.conftest import VARIABLE
from tests.paths import ROOT

FOLDER = ROOT / "build" / "aihwkit"
PAGE = (ROOT / "docs" / "aihwkit.md").read_text(encoding="utf-8")
TOLERANCE = 1e-4  # of the weight range
TAKEN = {"configurations": 31, "devices": 9}
OF = {"configurations": 54, "devices": 10}
REFUSED_BY = {
    "device = VectorUnitCell": 12,
    "device = PCMPresetUnitCell": 1,
    "rpu_config": 10,
    "device.dw_min_std_add": 1,
}
SIGMAS = 4.0  # by which means of trainings may differ, of the error of their difference
SMALLEST = 0.01  # of the mean, what is taken for that error where seeds agree by chance
figures: dict[str, Any] = {}


def record(*arguments: str | Path) -> None:
    """Run the recording program in the environment of aihwkit."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    words = [os.environ[VARIABLE], aihwkit_recording.__file__, *map(str, arguments)]
    done = subprocess.run(words, env=clean, cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def full() -> Iterator[dict[str, Any]]:
    FOLDER.mkdir(parents=True, exist_ok=True)
    record("presets", FOLDER / "presets.json")
    yield json.loads((FOLDER / "presets.json").read_text(encoding="utf-8"))
    (FOLDER / "figures.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def test_it_is_the_version_that_is_known(full: dict[str, Any]) -> None:
    assert full["version"] == VERSION


def test_fields_and_defaults_are_those_of_the_package(full: dict[str, Any]) -> None:
    for kind, known in DEFAULTS.items():
        given = {name: value for name, value in full["defaults"][kind].items() if name not in ("class", "is_a")}
        assert set(given) == set(known), kind
        for name, value in given.items():
            if not isinstance(value, dict):
                assert value == known[name], (kind, name)
                continue
            default = known[name] if isinstance(known[name], dict) else {"class": known[name]}
            if default["class"] not in DEFAULTS:
                assert value["class"] == default["class"]
                continue
            whole = DEFAULTS[default["class"]] | default
            assert recorded.short(value) == recorded.short(whole), (kind, name)


def test_the_recording_that_is_kept_is_this_one(full: dict[str, Any]) -> None:
    mine = recorded.shortened(full)
    assert mine.keys() == recorded.RECORDED.keys()
    for name in mine.keys() - {"responses"}:
        assert mine[name] == recorded.RECORDED[name], name
    for name, one in mine["responses"].items():
        kept = recorded.RECORDED["responses"][name]
        assert one["device"] == kept["device"]
        assert np.abs(np.subtract(one["weights"], kept["weights"])).max() < TOLERANCE / 10, name


def test_presets_that_are_taken_over(full: dict[str, Any]) -> None:
    counts = dict.fromkeys(TAKEN, 0)
    refused: dict[str, int] = {}
    for room in TAKEN:
        for one in full[room].values():
            try:
                found = taken(one)
            except ValueError as error:
                reason = next(start for start in REFUSED_BY if str(error).startswith(start))
                refused[reason] = refused.get(reason, 0) + 1
                continue
            counts[room] += 1
            if found.slow_device is None or found.thresholds is None or found.thresholds.by_period:
                found.spec(task="digits")
            found.spec(task="weight-programming")
    figures["presets"] = {"taken": counts, "of": OF, "refused": refused}
    assert {room: len(full[room]) for room in OF} == OF
    assert counts == TAKEN
    assert refused == REFUSED_BY


def test_responses_agree_at_every_pulse(full: dict[str, Any]) -> None:
    found = {name: recorded.deviation(one) for name, one in full["responses"].items() if name != "PCMPresetDevice"}
    figures["responses"] = found
    print("\n".join(f"{name:32} {value:.1e}" for name, value in found.items()))
    assert len(found) == 18
    assert max(found.values()) < TOLERANCE
    (told,) = re.findall(r"the largest deviation at any pulse is (\S+) of the weight range", PAGE)
    assert f"{max(found.values()):.1e}".replace("e-0", "e-") == told


def test_programs_of_exports_make_the_configuration(full: dict[str, Any]) -> None:
    """In aihwkit's environment; what it made is the same run here."""
    for name in ("ReRamSBPreset", "TikiTakaReRamESPreset", "TTv2CapacitorPreset", "AGADReRamSBPreset"):
        there = exported(taken(full["configurations"][name], learning_rate=0.05).spec(task="weight-programming"))
        (FOLDER / "made.py").write_text(there.python(), encoding="utf-8")
        record("configuration", "made.py:rpu_config", FOLDER / "made.json")
        made = json.loads((FOLDER / "made.json").read_text(encoding="utf-8"))
        one, other = (taken(each, learning_rate=there.learning_rate) for each in (made, there.config))
        assert (one.device, one.slow_device, one.rates) == (other.device, other.slow_device, other.rates)
        assert (one.tiles, one.thresholds, one.choppers) == (other.tiles, other.thresholds, other.choppers)


@pytest.mark.parametrize("room", ["configurations", "presets"])
def test_matrices_are_trained_as_well(full: dict[str, Any], room: str) -> None:
    """Five seeds of every algorithm in both: the means differ by no more than chance explains."""
    found = programming_runs.configurations()
    if room == "presets":
        found = {name: full["configurations"][name] for name in programming_runs.PRESETS}
    file, results = FOLDER / f"runs_{room}.json", FOLDER / f"programming_{room}.json"
    file.write_text(json.dumps(programming_runs.theirs(found)), encoding="utf-8")
    record("programming", file, results)
    seeds = programming_runs.SEEDS
    errors = np.array(json.loads(results.read_text(encoding="utf-8"))).reshape(-1, seeds)
    far, table = [], {}
    for (name, config), theirs in zip(found.items(), errors, strict=True):
        ours = np.array([programming_runs.ours(config, seed) for seed in range(1, seeds + 1)])
        error = max(np.sqrt((ours.var(ddof=1) + theirs.var(ddof=1)) / seeds), SMALLEST * theirs.mean())
        sigmas = float((ours.mean() - theirs.mean()) / error)
        table[name] = {"ours": ours.tolist(), "theirs": theirs.tolist(), "sigmas": sigmas}
        line = f"{ours.mean():.4f} +- {ours.std(ddof=1):.4f}  {theirs.mean():.4f} +- {theirs.std(ddof=1):.4f}"
        print(f"{name:48} {line}  {sigmas:+.1f}", flush=True)
        far += [name] if abs(sigmas) > SIGMAS else []
        kind, _, how = name.partition(", ")
        row = f"| `{kind}`{', ' if how else ''}{how} | {ours.mean():.4f} ± {ours.std(ddof=1):.4f} | "
        assert row in PAGE, "the page has other figures of ours, which are the same on every machine"
    figures.setdefault("programming", {}).update(table)
    assert not far
