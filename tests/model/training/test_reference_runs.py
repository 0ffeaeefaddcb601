# SPDX-License-Identifier: Apache-2.0
"""Tests that the final states of the reference trainings are the recorded ones, bit for bit.

Who changes what a run computes records the digests anew:
python -m tests.model.helpers.reference_runs > tests/model/training/reference_runs.json
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import pytest

from symtrack.model.network import crossbar
from tests.model.helpers.reference_runs import RUNS, digest
from tests.paths import ROOT

RECORDED: dict[str, str] = json.loads((Path(__file__).parent / "reference_runs.json").read_text(encoding="utf-8"))


def test_all_runs_are_recorded_and_differ() -> None:
    assert RECORDED.keys() == RUNS.keys()
    assert len(set(RECORDED.values())) == len(RUNS) >= 12


@pytest.mark.parametrize("name", RUNS)
def test_the_state_is_the_recorded_one(name: str) -> None:
    assert digest(name) == RECORDED[name]


@pytest.mark.parametrize("name", RUNS)
def test_it_is_the_same_when_two_threads_share_every_update(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    update, shared_by, effects = crossbar.update_shared, [], ("decay", "half_select", "ideal_granularity")

    def update_shared(threads: int, *arguments: Any) -> tuple[int, int]:
        shared_by.append((threads, numba.get_num_threads()))
        result: tuple[int, int] = update(threads, *arguments)
        return result

    monkeypatch.setattr(crossbar, "update_shared", update_shared)
    monkeypatch.setattr(crossbar, "update_alone", None)
    for limit in ("PARALLEL_CELLS", "PARALLEL_PRODUCTS"):
        monkeypatch.setattr(crossbar, limit, 1)
    monkeypatch.setattr("symtrack.model.devices.sharing.Sharing.alone", lambda _: False)
    assert digest(name, threads=2) == RECORDED[name]
    one_by_one = any(
        effect in repr(RUNS[name]) for effect in effects
    )  # what each update leaves behind comes in between
    assert set(shared_by) == (set() if one_by_one else {(2, 2)})


SHORT = [name for name, (_, _, short) in RUNS.items() if short]


@pytest.mark.parametrize("names", [SHORT[::3], pytest.param(SHORT, marks=pytest.mark.slow)], ids=["some", "all"])
def test_it_is_the_same_without_a_compiler(names: list[str]) -> None:
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, "-m", "tests.model.helpers.reference_runs", *names]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {name: RECORDED[name] for name in names}
