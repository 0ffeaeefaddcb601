# SPDX-License-Identifier: Apache-2.0
"""Trains every algorithm under every chopper with the RTL of all layers in the loop, in lock-step with golden.

One configuration serves all of it, so there are two builds, and two of tiles with ``residual_memory``; rows without
choppers of their own are `test_identities`'.
"""

from __future__ import annotations

import pytest

from symtrack.cosim.engine.job import Job, Outcome
from symtrack.cosim.engine.native.engine import run_job
from symtrack.model.network.algorithms import ALGORITHMS, Choppers, Rates, without_effect
from symtrack.model.spec.settings import ChopperMode, Scope
from symtrack.model.tasks.task import TASKS
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer
from tests.model.helpers import tiny

CHOPPERS = {
    "own": Choppers(),
    "off": Choppers(chopper=ChopperMode.OFF),
    "regular": Choppers(chopper=ChopperMode.REGULAR, scope=Scope.COLUMN),
    "regular, tile": Choppers(chopper=ChopperMode.REGULAR, scope=Scope.TILE),
    "random": Choppers(chopper=ChopperMode.RANDOM, scope=Scope.COLUMN),
    "random, tile": Choppers(chopper=ChopperMode.RANDOM, scope=Scope.TILE),
    "regular, rows too": Choppers(chopper=ChopperMode.REGULAR, row_chopper=ChopperMode.REGULAR),
    "random, rows too": Choppers(chopper=ChopperMode.RANDOM, row_chopper=ChopperMode.RANDOM),
    "tile, rows too": Choppers(chopper=ChopperMode.REGULAR, scope=Scope.TILE, row_chopper=ChopperMode.RANDOM),
    "rows alone": Choppers(chopper=ChopperMode.OFF, row_chopper=ChopperMode.REGULAR),
}
STALE = [("e-rider", "own"), ("e-rider", "random, rows too"), ("rider", "own"), ("e-rider-b", "regular, tile")]
CASES = [(name, key) for name in ALGORITHMS for key in CHOPPERS if name != "analog-sgd" or key == "own"]


@pytest.fixture(autouse=True)
def _tiny_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TASKS, "tiny", tiny.task)


def check(name: str, key: str, cycles: int, calibration: int = 0, residual: str = "analog") -> Outcome:
    run = TrainingSpec(
        task="tiny",
        algorithm=name,
        tiles={"row_chopper": 1, "chopper_probability": 0.2},
        reference_mean=0.3,
        reference_std=0.1,
        rates=Rates.of(name, **({} if "granularity" in without_effect(ALGORITHMS[name]) else {"granularity": 20.0})),
        choppers=CHOPPERS[key],
        calibration=calibration,
        residual=residual,
        seed=len(name) + len(key),
    )
    job = Job(
        run.problem().tile_configs[0], "symtrack.cosim.stimulus.training:training", {"run": run, "cycles": cycles}
    )
    outcome = run_job(job)
    assert outcome.verdict.passed, str(outcome.verdict.first_mismatch)
    assert outcome.verdict.compared_cycles >= cycles
    golden, flipped = Trainer(run), {"chopper": False, "row_chopper": False}
    for _ in range(outcome.result["steps"]):
        golden.run(1)
        for side in flipped:
            flipped[side] |= any((getattr(tile.periphery, side) < 0).any() for tile in golden.network.tiles)
    result = golden.metrics()
    assert outcome.result["state_sha256"] == result.state_sha256
    assert outcome.result["counts"] == result.counts
    assert (result.counts["transfer_pulses"] > 0) == (name != "analog-sgd")
    assert flipped == {side: getattr(golden.rule, side) != ChopperMode.OFF for side in flipped}
    if calibration:
        assert all(tile.periphery.qref.any() for tile in golden.network.tiles)
    return outcome


@pytest.mark.parametrize(("name", "key"), CASES)
def test_rtl_is_golden(name: str, key: str) -> None:
    check(name, key, 4_000)


@pytest.mark.parametrize(("name", "key"), STALE)
def test_rtl_is_golden_with_a_stale_residual(name: str, key: str) -> None:
    """Each product takes the words that the RTL has told, so golden and RTL part at once where one of them differs."""
    check(name, key, 4_000, residual="stale")


@pytest.mark.parametrize("name", ["tt-v1", "tt-v2", "residual"])
def test_rtl_is_golden_with_a_calibrated_reference(name: str) -> None:
    check(name, "own", 8_000, calibration=200)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "key"), STALE)
def test_rtl_is_golden_with_a_stale_residual_for_100000_cycles(name: str, key: str) -> None:
    check(name, key, 100_000, residual="stale")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "key"), CASES)
def test_rtl_is_golden_for_100000_cycles(name: str, key: str) -> None:
    check(name, key, 100_000)
