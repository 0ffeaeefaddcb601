# SPDX-License-Identifier: Apache-2.0
"""Tests of calibration and programming of R in RTL, against the golden model bit for bit and against the equations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symtrack.hdl.tile.sequencer
from symtrack.cosim.engine.job import Job
from symtrack.cosim.engine.native.engine import run_job
from symtrack.hdl.output.verilog import tile_verilog
from symtrack.hdl.tile.sequencer import Sequencer
from symtrack.model.arithmetic.formats import WEIGHT_ONE
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import COUNT_BITS
from symtrack.model.tile.operations import Periphery
from tests.cosim.helpers.bent import elaborated_with
from tests.cosim.jobs.calibrating import PULSES, SWEEPS, TOLERANCE, calibrated

SMALLEST = TileConfig(rows=1, columns=2, lanes=1)  # of several reads a sweep
MOST = (1 << COUNT_BITS) - 1
CONFIG = TileConfig(rows=17, columns=12, lanes=4, programmer=1)


def long_calibration(sweeps: int) -> Job:
    """Of the most slots, and so many sweeps of reads."""
    return Job(SMALLEST, "tests.cosim.jobs.calibrating:zeros", {"pulses": MOST, "sweeps": sweeps})


@pytest.fixture(scope="module")
def rtl() -> dict[str, Any]:
    outcome = run_job(Job(CONFIG, "tests.cosim.jobs.calibrating:job", {}))
    assert outcome.verdict.passed, str(outcome.verdict.first_mismatch)
    assert outcome.verdict.compared_cycles > PULSES
    return dict(outcome.result)


def test_rtl_equals_golden(rtl: dict[str, Any]) -> None:
    golden = calibrated(CONFIG, Periphery)
    assert golden.keys() == rtl.keys()
    for name, value in golden.items():
        assert np.array_equal(value, rtl[name]), name
    assert rtl["slots"] == PULSES
    assert rtl["reads"] > SWEEPS * CONFIG.columns  # those of P, and of R to verify
    assert rtl["reference_pulses"] > CONFIG.rows * CONFIG.columns


def test_the_residual_is_that_of_the_closed_form(rtl: dict[str, Any]) -> None:
    """w - w* = (w0 - w*) exp(-k N), give or take the step up or down of the limit cycle."""
    p = rtl["p"] / WEIGHT_ONE
    assert np.abs(p - rtl["expected"]).max() < rtl["step"].max()
    residual, start = (np.sqrt(np.mean(error**2)) for error in (p - rtl["target"], rtl["start"]))
    expected = np.sqrt(np.mean((rtl["expected"] - rtl["target"]) ** 2))
    assert start > 0.25  # of a range from -1 to 1
    assert residual < expected + rtl["step"].max()
    assert expected < start / 25


def test_qref_holds_p(rtl: dict[str, Any]) -> None:
    """The filter has settled to half an LSB (its dead band) of reads that are noisy by some."""
    assert np.abs(rtl["qref_weight"] - rtl["p"]).max() < 2.5 * rtl["lsb"]


def test_r_is_programmed_to_qref(rtl: dict[str, Any]) -> None:
    """A read has a noise of 1.3 LSB, so R ends about as far from Qref, and many good cells count as given up."""
    error = np.abs(rtl["r"] - rtl["qref_weight"]) / rtl["lsb"]
    before = np.abs(rtl["qref_weight"]) / rtl["lsb"]  # R begins at 0
    assert np.sqrt(np.mean(before**2)) > 5
    assert np.sqrt(np.mean(error**2)) < 1.0
    assert np.mean(error < TOLERANCE / 64 + 1) > 0.95
    assert 0 < rtl["unprogrammed"] < 0.6 * error.size


@pytest.mark.parametrize("sweeps", [1 << 12, 1 << COUNT_BITS - 1, MOST])
@pytest.mark.slow
def test_a_long_calibration_ends_on_time(sweeps: int) -> None:
    outcome = run_job(long_calibration(sweeps))
    assert outcome.verdict.passed, str(outcome.verdict.first_mismatch)
    assert outcome.result == SMALLEST.calibration_cycles(MOST, sweeps)


@pytest.mark.parametrize("rounds", [0, 1, 64, *(pytest.param(n, marks=pytest.mark.slow) for n in (63, 128, 255))])
def test_a_programming_has_as_many_rounds_as_it_may(rounds: int) -> None:
    config = SMALLEST.replace(programmer=1)
    outcome = run_job(Job(config, "tests.cosim.jobs.calibrating:stuck", {"rounds": rounds}))
    assert outcome.verdict.passed, str(outcome.verdict.first_mismatch)
    assert outcome.result == (max(1, rounds), 1)


@pytest.mark.slow
def test_an_error_that_needs_as_many_sweeps_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bit 8 of what is left is inverted after every read but the last of a sweep, while bit 15 is high."""
    place = "            with m.If(calibrating & end_of_sweep):\n"
    error = f"{place.replace('& ', '& ~')}                m.d.sync += left[8].eq(left[8] ^ left[15])\n"
    bent = elaborated_with(symtrack.hdl.tile.sequencer, Sequencer, place, error + place)
    monkeypatch.setattr(Sequencer, "elaborate", bent)
    outcome = run_job(long_calibration(1 << COUNT_BITS - 1), verilog=tile_verilog(SMALLEST))
    assert outcome.verdict.first_mismatch is not None
