# SPDX-License-Identifier: Apache-2.0
"""Tests of RTL and golden model in lock-step under every stimulus scenario."""

from __future__ import annotations

import dataclasses

import pytest

from symtrack.cosim.compare.scenario import play
from symtrack.cosim.compare.training import compare
from symtrack.cosim.engine.cocotb.engine import run_job
from symtrack.cosim.engine.job import Job
from symtrack.cosim.engine.lockstep import STATES_EVERY
from symtrack.model.network.algorithms import ALGORITHMS
from symtrack.model.spec.config import NAMED
from symtrack.model.tasks.task import TASKS, with_layer
from symtrack.model.training.spec import TrainingSpec
from tests.cosim.helpers.bent import random_run

CORNERS = (
    "update",
    "transfer",
    "calibrate",
    "program",
    "hidden_saturated",
    "pulses_clamped",
    "reset in update",
    "reset in transfer",
)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "tiny" else pytest.mark.slow) for name in NAMED]
)
def test_random_stimulus_finds_no_difference(name: str) -> None:
    config = NAMED[name]
    cycles, seed = (10_000, 9) if config.columns < 10 else (24_000, 7)
    report, outcome = play(config, "random", engine="cocotb", cycles=cycles, seed=seed)
    assert outcome.verdict.passed, str(outcome.verdict.first_mismatch)
    assert report["compared_cycles"] == report["cycles"] >= cycles
    words = (report["cycles"] // STATES_EVERY + 1) * 3 * config.rows * config.columns
    assert report["states_compared"] > words, "the memories were not compared"
    # A latch needs two reads of one column with a flip between them: in a wide tile the training scenario gets there.
    # Where H cannot hold more steps than a write may have, no write is clamped.
    never = [] if config.hidden_format.high >> config.threshold_shift > config.pulses_max else ["pulses_clamped"]
    for corner in (*CORNERS, *(["latched beats"] if config.columns < 20 else [])):
        reached = outcome.result.get(corner, 0) > 0
        assert reached == (corner not in never), f"{corner}: {outcome.result}"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMED)
def test_random_stimulus_for_50000_cycles(name: str) -> None:
    outcome = random_run(name, cycles=50_000)
    assert outcome.verdict.passed, str(outcome.verdict.first_mismatch)
    assert outcome.verdict.compared_cycles >= 50_000


# tests/cosim/compare/test_algorithms.py plays all of them on the native engine.
@pytest.mark.parametrize(
    "algorithm",
    [pytest.param(name, marks=[] if name == "e-rider" else pytest.mark.slow) for name in ALGORITHMS],
)
def test_training_with_rtl_in_the_loop_ends_in_the_golden_state(algorithm: str) -> None:
    report = compare(
        TrainingSpec(
            config=NAMED["digits_output"].replace(chopper_period=1),  # so that writes and latches begin after 33 steps
            algorithm=algorithm,
            seed=3,
            reference_mean=0.3,
            reference_std=0.1,
        ),
        engine="cocotb",
        steps=80,
    )
    assert report["first_mismatch"] is None
    assert report["rtl"] == report["golden"]
    assert report["agree"]
    assert (report["golden"]["counts"]["transfer_pulses"] > 0) == (algorithm != "analog-sgd")
    assert report["compared_cycles"] > 1000


def test_every_operation_is_cut_off_by_a_reset() -> None:
    _, outcome = play(NAMED["tiny"].replace(programmer=1), "random", engine="native", cycles=60_000, seed=9)
    assert outcome.verdict.passed, str(outcome.verdict.first_mismatch)
    for state in ("clear", "idle", "update", "transfer", "calibrate", "program"):
        assert outcome.result.get(f"reset in {state}", 0) > 1, f"{state} was never reset: {outcome.result}"


def test_long_stretch_of_the_generators() -> None:
    report, outcome = play(NAMED["tiny"], "slots", engine="cocotb", cycles=6000, seed=5)
    assert outcome.verdict.passed
    assert report["result"]["slots"] >= 6000


@pytest.mark.parametrize("name", ["tiny", pytest.param("odd", marks=pytest.mark.slow)])
def test_operations_that_differ_every_time_are_the_same_in_both_engines(name: str) -> None:
    played = [play(NAMED[name], "varied", engine=engine, cycles=3000, seed=5) for engine in ("cocotb", "native")]
    for report, outcome in played:
        assert outcome.verdict.passed, str(outcome.verdict.first_mismatch)
        assert report["result"]["updates"] > 0
    assert played[0][1].result == played[1][1].result


def test_every_line_alone_decides_which_quadrants_there_are() -> None:
    for name in ("tiny", "odd"):
        config = NAMED[name]
        report, outcome = play(config, "alone", engine="native", cycles=30_000, seed=5)
        assert outcome.verdict.passed, str(outcome.verdict.first_mismatch)
        assert report["result"]["updates"] > 2 * (config.rows + config.columns) * config.magnitude_bits


def test_an_unstalled_operation_takes_the_documented_cycles() -> None:
    for name in ("tiny", "odd"):
        config = NAMED[name]
        outcome = run_job(Job(config, "tests.cosim.jobs.timing:measure"))
        assert outcome.verdict.passed
        for slots, cycles in outcome.result["updates"]:
            assert cycles == config.update_cycles(slots)
        assert outcome.result["transfer"] == config.transfer_cycles
        assert outcome.result["clear"] == config.clear_cycles
        assert outcome.result["seeds"] == config.seed_cycles == 3 * len(config.sources)


def test_a_layer_of_another_size_is_refused() -> None:
    task = TASKS["digits"]()
    with pytest.raises(ValueError, match=r"config = small is 16x16: the layers of the task are 32x65, 10x33"):
        with_layer(task, NAMED["small"])
    wider = dataclasses.replace(NAMED["digits_output"], lanes=5)
    assert with_layer(task, wider).tile_configs == (NAMED["digits_hidden"], wider)
