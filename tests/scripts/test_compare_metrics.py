# SPDX-License-Identifier: Apache-2.0
"""Tests of ``compare_metrics.py``: reports of both engines on the small layer, and exit code 0 for agreement only."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from symtrack.cosim.engine.lockstep import Fault
from symtrack.cosim.engine.native.engine import run_job as run_native
from symtrack.cosim.engine.registry import ENGINES
from symtrack.scripts import compare_metrics
from tests.cosim.jobs.reading import Page

KEYS = {
    *("config", "task", "algorithm", "engine", "seed", "cycles", "compared_cycles"),
    *("mismatches", "first_mismatch", "wall_s", "golden", "rtl"),
}
SIDE = {"accuracy", "loss", "sp_rmse", "state_sha256", "counts"}
COUNTS = {"update_slots", "coincidences", "transfer_pulses", "reads", "reference_pulses", "cycles"}
ARGUMENTS = "--config digits_output --task digits --algorithm e-rider --steps 60 --seed 3"


def compare(engine: str, file: Path, *more: str) -> dict:
    assert compare_metrics.main([*ARGUMENTS.split(), "--engine", engine, "--json", str(file), *more]) == 0
    return json.loads(file.read_text())


def check(report: dict, engine: str) -> None:
    assert set(report) >= KEYS
    expected = ["digits_output", "digits", "e-rider", engine, 3, 60]
    assert [report[key] for key in ("config", "task", "algorithm", "engine", "seed", "steps")] == expected
    assert (report["mismatches"], report["first_mismatch"], report["agree"]) == (0, None, True)
    assert report["wall_s"] > 0
    for side in ("golden", "rtl"):
        assert set(report[side]) >= SIDE
        assert set(report[side]["counts"]) == COUNTS
        assert len(report[side]["state_sha256"]) == 64
    assert report["golden"] == report["rtl"]
    assert report["golden"]["counts"]["update_slots"] > 0
    assert report["golden"]["counts"]["reads"] > 0


@pytest.mark.slow
def test_both_engines_end_in_the_state_of_the_golden_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reports = {}
    for engine in ("cocotb", "native"):
        reports[engine] = compare(engine, tmp_path / f"{engine}.json")
        check(reports[engine], engine)
        assert reports[engine]["compared_cycles"] > 1000
        out, error = capsys.readouterr()
        assert "golden" in out
        assert error == ""
    assert reports["cocotb"]["rtl"] == reports["native"]["rtl"]
    unrecorded = compare("native", tmp_path / "unrecorded.json", "--unrecorded")
    check(unrecorded, "native")
    assert unrecorded["rtl"] == reports["native"]["rtl"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cocotb.json", "native.json", "unrecorded.json"]


def test_disagreement_is_exit_code_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An RTL run of another seed stands for one that computes something else."""

    def other_seed(job, **options):
        return run_native(
            replace(job, arguments=job.arguments | {"run": replace(job.arguments["run"], seed=4)}), **options
        )

    monkeypatch.setitem(ENGINES, "native", other_seed)
    file = tmp_path / "report.json"
    assert compare_metrics.main([*ARGUMENTS.split(), "--engine", "native", "--json", str(file)]) == 1
    report = json.loads(file.read_text())
    assert (report["agree"], report["mismatches"]) == (False, 0)
    assert report["golden"]["state_sha256"] != report["rtl"]["state_sha256"]


@pytest.mark.slow
def test_the_page_has_the_figures_of_the_report_of_either_engine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    histories = {}
    for engine in ("cocotb", "native"):
        folder = tmp_path / "new" / engine
        report = compare(engine, tmp_path / f"{engine}.json", "--report", str(folder))
        check(report, engine)
        assert capsys.readouterr().out.splitlines()[-1] == f"report: {folder / 'report.html'}"
        assert [path.name for path in folder.iterdir()] == ["report.html"]
        read = Page((folder / "report.html").read_text())
        assert "Golden and RTL agree" in read.text
        digest = report["rtl"]["state_sha256"]
        assert read.rows("SHA-256 of the final state: every array of devices and periphery")["RTL"] == [digest]
        assert read.rows("How they were compared")["cycles compared"][0] == f"{report['compared_cycles']:,}"
        assert f"--engine {engine} --json" in read.text
        histories[engine] = report["history"]
        assert histories[engine]["golden"] == histories[engine]["rtl"]
        assert len(histories[engine]["golden"]["samples"]) == 31
    assert histories["cocotb"] == histories["native"]
    plain = compare("native", tmp_path / "plain.json")
    assert plain["history"] is None
    assert plain["golden"] == report["golden"]  # sampling disturbs nothing


def test_a_mismatch_leaves_a_page_and_is_exit_code_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def with_fault(job, **options):
        return run_native(replace(job, faults=(Fault("rtl", "writes__beat", 1, 400),)), **options)

    monkeypatch.setitem(ENGINES, "native", with_fault)
    assert compare_metrics.main([*ARGUMENTS.split(), "--engine", "native", "--report", str(tmp_path)]) == 1
    read = Page((tmp_path / "report.html").read_text())
    where = read.rows("Where and what")
    assert (where["cycle"][0], where["signal"][0]) == ("400", "writes__beat")
    assert "do not agree" in read.text


@pytest.mark.slow
def test_a_history_that_differs_alone_is_no_agreement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def other_sample(job, **options):
        outcome = run_native(job, **options)
        outcome.result["history"]["samples"][7]["sp_rmse"] += 1e-6
        return outcome

    monkeypatch.setitem(ENGINES, "native", other_sample)
    assert compare_metrics.main([*ARGUMENTS.split(), "--engine", "native", "--report", str(tmp_path)]) == 1
    compared = Page((tmp_path / "report.html").read_text()).rows("How they were compared")
    assert compared["histories equal"][0] == "no, sp_rmse at step 14"


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_report_needs_a_folder(place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    folder = str(tmp_path / place)
    with pytest.raises(SystemExit) as end:
        compare_metrics.main(["--report", folder])
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"argument --report: {folder!r}: must be a folder that report.html can be written to" in error


@pytest.fixture
def pressed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ctrl-C once, while the RTL is in the loop, as soon as that has told how far it is; what was going on then."""
    pressed: list[str] = []

    @contextmanager
    def progress(text: str, total: int):
        def advance(amount: int) -> None:
            if text == "RTL in the loop" and not pressed:
                pressed.append(text)
                os.kill(os.getpid(), signal.SIGINT)

        yield advance

    monkeypatch.setattr(compare_metrics, "progress", progress)
    return pressed


@pytest.mark.parametrize("engine", [pytest.param("cocotb", marks=pytest.mark.slow), "native"])
def test_ctrl_c_leaves_nothing(engine: str, pressed: list[str], tmp_path: Path) -> None:
    steps = ["--config", "digits_output", "--seed", "3", "--steps", "60"]
    with pytest.raises(KeyboardInterrupt):
        compare_metrics.main(
            [*steps, "--engine", engine, "--json", str(tmp_path / "run.json"), "--report", str(tmp_path)]
        )
    assert pressed
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_leaves_a_checkpoint_from_which_the_run_goes_on(
    pressed: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.npz"
    command = [*ARGUMENTS.split(), "--engine", "native", "--checkpoint", str(file)]
    assert compare_metrics.main(command) == 130
    assert pressed
    assert capsys.readouterr().err == f"interrupted: go on with --resume {file}\n"
    assert compare_metrics.main([*command, "--resume", str(file), "--json", str(tmp_path / "run.json")]) == 0
    report = json.loads((tmp_path / "run.json").read_text())
    check(report, "native")
    whole = compare("native", tmp_path / "whole.json")
    assert report["rtl"] == whole["rtl"]
    assert report["cycles"] < whole["cycles"]  # the first steps were not taken again


@pytest.mark.slow
def test_ctrl_c_is_one_line_and_exit_code_130(tmp_path: Path) -> None:
    command = [sys.executable, "scripts/compare_metrics.py", "--config", "digits_output", "--steps", "100000"]
    command += ["--engine", "native", "--report", str(tmp_path / "page"), "--json", str(tmp_path / "run.json")]
    work = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "page").is_dir():  # made with the arguments, after all imports
        assert work.poll() is None
        time.sleep(0.05)
    time.sleep(1)
    work.send_signal(signal.SIGINT)
    out, error = work.communicate(timeout=120)
    assert (work.returncode, out, error) == (130, "", "interrupted\n")
    assert [path.name for path in tmp_path.iterdir()] == ["page"]
    assert list((tmp_path / "page").iterdir()) == []
