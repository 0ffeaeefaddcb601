# SPDX-License-Identifier: Apache-2.0
"""Tests of SIGTERM: it ends a command as Ctrl-C does, with all that it has started, and leaves nothing unfinished."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from symtrack.cosim.tools.processes import Pool
from symtrack.scripts.exit_codes import descendants
from tests.paths import ROOT

TRAIN = "train --task weight-programming --steps 1000000 --json o.json"
LIMIT_S = 120.0


def started(command: list[str], folder: Path) -> subprocess.Popen[str]:
    environment = os.environ | {"TMPDIR": str(folder), "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(happened: Callable[[], object], work: subprocess.Popen[str]) -> None:
    end = time.monotonic() + LIMIT_S
    while not happened():
        assert work.poll() is None, work.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


def ended(work: subprocess.Popen[str], number: int = signal.SIGTERM) -> tuple[int, str, str]:
    """Exit code, output and errors of a process that gets a signal; nothing that it has started goes on."""
    children = descendants(work.pid)
    work.send_signal(number)
    out, error = work.communicate(timeout=LIMIT_S)
    end = time.monotonic() + 10
    while left := [child for child in children if runs(child)]:
        assert time.monotonic() < end, left
        time.sleep(0.02)
    return work.returncode, out, error


def runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGTERM, 143),
        pytest.param(signal.SIGHUP, 129, marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow),
    ],
)
def test_a_training_leaves_a_checkpoint(number: int, code: int, tmp_path: Path) -> None:
    work = started(["-m", "symtrack", *TRAIN.split(), "--checkpoint", "run.npz"], tmp_path)
    wait_for((tmp_path / "run.npz").exists, work)
    found, out, error = ended(work, number)
    assert (found, out, error.count("\n")) == (code, "", 1)
    assert error.startswith("interrupted after ")
    assert "go on with --resume run.npz" in error
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]


MAIN = """
import subprocess, sys, tempfile, time
from pathlib import Path
from symtrack.scripts.exit_codes import run
def main():
    with tempfile.TemporaryDirectory(prefix="of-the-command-"):
        subprocess.run(["sh", "-c", "sleep 600 & sleep 600"])
    return 0
run(main)
"""


@pytest.mark.parametrize("ignored", [False, True], ids=["", "SIGINT ignored"])
def test_what_a_command_has_started_ends_with_it(ignored: bool, tmp_path: Path) -> None:
    lines = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n{MAIN}" if ignored else MAIN
    work = started(["-c", lines], tmp_path)
    wait_for(lambda: len(descendants(work.pid)) == 3, work)
    assert ended(work) == (143, "", "terminated\n")
    assert list(tmp_path.iterdir()) == []


def hold(seconds: float) -> None:
    """Work of a worker that has a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="of-a-worker-"):
        time.sleep(seconds)


def many() -> int:
    """More work than there are workers."""
    with Pool(2) as pool:
        for future in [pool.submit(hold, 600.0) for _ in range(9)]:
            future.result()
    return 0


def test_workers_end_and_leave_no_folders(tmp_path: Path) -> None:
    lines = "from symtrack.scripts.exit_codes import run; from tests.scripts.test_signals import many; run(many)"
    work = started(["-c", lines], tmp_path)
    wait_for(lambda: len(list(tmp_path.glob("of-a-worker-*"))) == 2, work)
    assert ended(work) == (143, "", "terminated\n")
    assert list(tmp_path.iterdir()) == []


def test_a_pool_passes_on_results_and_faults() -> None:
    with Pool(2) as pool:
        assert [future.result() for future in [pool.submit(divmod, number, 3) for number in (7, 8)]] == [(2, 1), (2, 2)]
        with pytest.raises(ZeroDivisionError):
            pool.submit(divmod, 1, 0).result()


def test_a_simulator_ends_with_its_command(tmp_path: Path) -> None:
    command = "run-cosim --config tiny --cycles 1000000000 --json o.json"
    work = started(["-m", "symtrack", *command.split()], tmp_path)
    wait_for(lambda: list(tmp_path.glob("symtrack-*/progress")), work)
    assert descendants(work.pid)
    assert ended(work) == (143, "", "terminated\n")
    assert list(tmp_path.iterdir()) == []
