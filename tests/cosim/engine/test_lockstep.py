# SPDX-License-Identifier: Apache-2.0
"""Tests of the lock-step checker: one wrong bit on either side is caught, and the report names it."""

from __future__ import annotations

import pytest

from symtrack.cosim.engine.cocotb.engine import run_job
from symtrack.cosim.engine.job import Engine, Job
from symtrack.cosim.engine.lockstep import STATES_EVERY, Checker, Fault, MismatchError, Verdict
from symtrack.cosim.engine.native import engine as native_engine
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.model.spec.config import BEAT_LATENCY, NAMED
from tests.cosim.helpers.bent import random_run, with_other_polynomial

CONFIG = NAMED["tiny"]


def test_a_flipped_bit_of_golden_qref_shows_in_the_reference() -> None:
    # Column 1 is read in the second transfer; the fault comes before, its effect with the first beat of that column.
    job = Job(CONFIG, "tests.cosim.jobs.timing:measure")
    clean = run_job(job)
    assert clean.verdict.passed
    job.faults = (Fault("golden", "qref", 1, CONFIG.clear_cycles + 1),)
    difference = run_job(job).verdict.first_mismatch
    assert difference is not None
    assert difference.signal == "writes__reference"
    assert difference.golden ^ difference.rtl == 1
    # It appears a pipeline after the first code was accepted, two cycles after the command of the one transfer.
    transfer = clean.verdict.cycles - 1 - CONFIG.transfer_cycles
    assert difference.cycle == transfer + 2 + BEAT_LATENCY


def test_a_flipped_bit_of_an_adc_code_shows_in_the_filter() -> None:
    clean = run_job(Job(CONFIG, "tests.cosim.jobs.timing:measure")).verdict
    first_code = clean.cycles - 1 - CONFIG.transfer_cycles + 2
    fault = Fault("rtl", "codes__code", 0x40, first_code)
    verdict = run_job(Job(CONFIG, "tests.cosim.jobs.timing:measure", faults=(fault,))).verdict
    assert verdict.mismatches == 1
    assert verdict.first_mismatch is not None
    # With gain 0 no output of this transfer depends on the code; the filter state does.
    assert verdict.first_mismatch.signal == "q[0]"
    assert verdict.first_mismatch.cycle == clean.cycles


@pytest.mark.slow
def test_a_flipped_bit_of_an_adc_code_shows_in_the_pulses() -> None:
    clean = random_run("tiny", cycles=3000, seed=11)
    assert clean.verdict.passed
    faults = tuple(Fault("rtl", "codes__code", 0x80, cycle) for cycle in range(400, 3000))
    difference = random_run("tiny", cycles=3000, seed=11, faults=faults).verdict.first_mismatch
    assert difference is not None
    assert difference.signal in ("writes__pulses", "writes__reference", "status__hidden_saturated")
    assert difference.cycle >= 400


def test_a_flipped_line_pulse_is_named_with_its_cycle() -> None:
    verdict = random_run("tiny", cycles=2000, faults=(Fault("rtl", "pulses__rows", 0b100, 321),)).verdict
    difference = verdict.first_mismatch
    assert difference is not None
    assert (difference.signal, difference.cycle) == ("pulses__rows", 321)
    assert difference.golden ^ difference.rtl == 0b100
    assert verdict.compared_cycles == 321
    assert not verdict.passed
    assert [entry["cycle"] for entry in difference.history] == list(range(310, 322))
    table = difference.table()
    assert "pulses__rows" in table
    assert f"{difference.golden:x}/{difference.rtl:x}" in table


@pytest.mark.slow
def test_another_polynomial_in_one_random_source_shows_in_the_row_lines() -> None:
    job = Job(CONFIG, "symtrack.cosim.stimulus.operations:slots", {"cycles": 2000, "seed": 1})
    assert run_job(job).verdict.passed
    bent = tile_verilog(with_other_polynomial(CONFIG, 1))
    assert bent != tile_verilog(CONFIG)
    difference = run_job(job, verilog=bent).verdict.first_mismatch
    assert difference is not None
    assert difference.signal == "pulses__rows"
    # The seeds are equal, so the second slot is the first that can differ, and a few slots later one line must.
    first_slot = CONFIG.clear_cycles + 1 + CONFIG.update_cycles(0)
    assert first_slot < difference.cycle < first_slot + 40


def test_a_wrong_final_state_is_named() -> None:
    checker = Checker(CONFIG)
    state = checker.golden.state_arrays()
    checker.state(state)
    assert checker.states_compared == sum(value.size for value in state.values())
    state["hidden"][2, 1] ^= 4
    with pytest.raises(MismatchError, match=r"hidden\[7\] is 0x4 in the RTL, 0x0"):
        checker.state(state)


@pytest.mark.parametrize("engine", [run_job, native_engine.run_job])
def test_a_wrong_word_that_nobody_reads_is_found_before_it_is_cleared(engine: Engine) -> None:
    """The state is compared on the way, too: at the end of this run it is right again."""
    wrong = Fault("golden", "hidden", mask=4, cycle=500, index=7)
    job = Job(CONFIG, "tests.cosim.jobs.idle:rest", {"cycles": STATES_EVERY + 10}, (wrong,))
    found = engine(job).verdict.first_mismatch
    assert found is not None
    assert (found.cycle, found.signal) == (STATES_EVERY, "hidden[7]")
    assert engine(Job(CONFIG, "tests.cosim.jobs.idle:rest", {"cycles": STATES_EVERY - 100}, (wrong,))).verdict.passed


def test_missing_ports_are_an_error_and_not_a_match() -> None:
    checker = Checker(CONFIG)
    inputs = dict.fromkeys(("rst", *_inputs()), 0)
    outputs = checker.golden.step(inputs)
    outputs.pop("writes__pulses")
    with pytest.raises(KeyError, match="writes__pulses"):
        Checker(CONFIG).cycle(inputs, outputs)


def test_a_run_that_compared_nothing_has_failed() -> None:
    assert not Verdict().passed
    assert Verdict(cycles=1, compared_cycles=1).passed
    assert not run_job(Job(CONFIG, "tests.cosim.jobs.idle:nothing")).verdict.passed


def _inputs() -> list[str]:
    from symtrack.hdl.output.verilog import tile_ports

    return [port.name for port in tile_ports(CONFIG) if not port.output]
