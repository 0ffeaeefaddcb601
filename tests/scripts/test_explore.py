# SPDX-License-Identifier: Apache-2.0
"""Tests of ``explore.py``: commands of its page repeat designs, workers are killed and nothing is lost, bad input."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from symtrack.model.study.store import Store
from symtrack.scripts import cli, explore

TASK = ["--hidden", "4", "--train-samples", "40", "--test-samples", "30", "--epochs", "1"]


def folders(tmp_path: Path) -> list[str]:
    return ["--out", str(tmp_path / "out"), "--cache", str(tmp_path / "cache")]


def test_commands_of_the_page_repeat_a_design(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    task = [*TASK, "--reference-mean", "0.2", "--macro", "12x70", "--tile", "pulses_max=7", "--batch", "2"]
    assert explore.main([*task, *folders(tmp_path), "--trials", "3", "--fix", "lanes=2", "--gamma", "0.05"]) == 0
    printed = capsys.readouterr().out
    out = tmp_path / "out"
    assert re.search(rf"the front, \d of 3 trials: {out / explore.PAGE}$", printed)
    table = pd.read_csv(out / explore.TABLE)
    assert len(table) == 3
    assert not {"lanes", "gamma", "pulses_max"} & set(table.columns)
    text = (out / explore.PAGE).read_text()
    assert not re.search(r"https?://|<script|<link|@import", text)
    number = int(table[table["front"]]["trial"].iloc[0])
    part = text.partition(f'id="trial-{number}"')[2].partition("</div>")[0]
    commands = re.search(r"<code>(symtrack train.*?)</code>", part, re.S)[1].splitlines()
    state = table[table["trial"] == number]["state_sha256"].item()
    assert state in part
    monkeypatch.chdir(out)
    assert len(commands) >= 2
    for command in commands:
        words = shlex.split(command)
        assert words[0] == "symtrack"
        assert cli.main(words[1:]) == 0
    printed = capsys.readouterr().out
    assert f"state of seed 1: {state}" in printed
    netlists = [word.partition("/")[2] for line in commands for word in line.split() if word.startswith("verilog/")]
    assert netlists
    assert all(list((out / "verilog" / name).glob("*.v")) for name in netlists)


def test_the_same_again_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = [*TASK, *folders(tmp_path), "--trials", "4", "--vary", "adc_bits", "bl_max", "--objectives", "loss", "gates"]
    assert explore.main(task) == 0
    first = (tmp_path / "out" / explore.TABLE).read_bytes()
    monkeypatch.setattr("symtrack.model.study.runner.golden", None)
    assert explore.main(task) == 0
    assert (tmp_path / "out" / explore.TABLE).read_bytes() == first


def test_regressions_have_steps(tmp_path: Path) -> None:
    task = ["--task", "noisy-quadratic", "--steps", "5", "--objectives", "loss", "cycles", "--trials", "2"]
    assert explore.main([*task, *folders(tmp_path), "--vary", "bl_max"]) == 0
    assert "--steps 5" in (tmp_path / "out" / explore.PAGE).read_text()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--vary", "rows"], "argument --vary: invalid choice: 'rows'"),
        (["--fix", "rows=3"], "fix = 'rows': must be one of adc_bits"),
        (["--fix", "lanes"], "argument --fix: 'lanes': must be NAME=NUMBER"),
        (["--fix", "gamma=1", "--gamma", "1"], "argument --fix: gamma=1: must be there once"),
        (["--fix", "adc_bits=99"], "adc_bits = 99: must be"),
        (["--fix", "adc_bits=9.5"], "adc_bits = 9.5: must be"),
        (["--algorithm", "agad", "--vary", "gamma"], "vary = 'gamma': must be left out with agad"),
        (["--task", "noisy-quadratic"], "objectives = 'accuracy': must be another one, such as loss"),
        (["--trials", "0"], "argument --trials: '0': must be an integer from 1"),
        (["--storage", "mongo://x"], "storage = 'mongo://x': must be the path of a journal file"),
        (["--storage", "/no/where/x"], "storage = '/no/where/x': must be the path of a journal file"),
        (["--output-bound", "0"], "argument --output-bound: '0': must be a number from 0.001"),
    ],
)
def test_bad_input(options: list[str], text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task = [] if "--task" in options else TASK
    with pytest.raises(SystemExit) as end:
        explore.main([*task, *folders(tmp_path), "--trials", "2", *options])
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert text in error
    assert error.count("\n") == 1


def start(tmp_path: Path, name: str, storage: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "symtrack", "explore", *TASK, "--trials", "14", "--storage", storage]
    command += ["--out", str(tmp_path / name), "--cache", str(tmp_path / "cache")]
    return subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["journal", "sqlite"])
def test_workers_are_killed_and_started_again(kind: str, tmp_path: Path) -> None:
    """No trial is lost, and none is run twice."""
    storage = str(tmp_path / "journal.log") if kind == "journal" else f"sqlite:///{tmp_path}/trials.db"
    workers = [start(tmp_path, name, storage) for name in ("one", "two")]
    begin = time.monotonic()
    while len(Store(tmp_path / "cache")) < 3 and time.monotonic() - begin < 300:
        assert all(worker.poll() is None for worker in workers), [worker.stdout.read() for worker in workers]
        time.sleep(0.05)
    for worker in workers:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
    assert 3 <= len(Store(tmp_path / "cache")) < 14
    workers = [start(tmp_path, name, storage) for name in ("one", "two")]
    for worker in workers:
        printed, _ = worker.communicate(timeout=300)
        assert worker.returncode == 0, printed
    tables = [pd.read_csv(tmp_path / name / explore.TABLE) for name in ("one", "two")]
    assert tables[0].equals(tables[1])
    assert len(tables[0]) == 14
    lines = [json.loads(line) for file in (tmp_path / "cache").glob("*.jsonl") for line in file.open()]
    keys = [line["key"] for line in lines]
    assert len(keys) == len(set(keys)), "none is run twice"
    assert set(keys) == set(tables[0]["key"].dropna())


@pytest.mark.slow
def test_a_kill_in_the_middle_changes_no_trial(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "symtrack", "explore", *TASK, "--trials", "20"]
    whole = subprocess.run([*command, *folders(tmp_path / "whole"), "--jobs", "2"], check=False)
    assert whole.returncode == 0
    killed = subprocess.Popen([*command, *folders(tmp_path / "killed")], start_new_session=True)
    begin = time.monotonic()
    while len(Store(tmp_path / "killed" / "cache")) < 9 and time.monotonic() - begin < 300:
        time.sleep(0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    before = len(Store(tmp_path / "killed" / "cache"))
    assert 9 <= before < 20
    again = subprocess.run([*command, *folders(tmp_path / "killed")], check=False)
    assert again.returncode == 0
    tables = [(tmp_path / name / "out" / explore.TABLE).read_bytes() for name in ("whole", "killed")]
    assert tables[0] == tables[1]
