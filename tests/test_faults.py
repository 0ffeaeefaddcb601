# SPDX-License-Identifier: Apache-2.0
"""Tests of what a machine does to runs: a full disk, a killed worker, truncated files; one clear line, nothing lost."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import symtrack.cosim.tools.build_cache
from symtrack.cosim.campaign import random_configurations as campaign
from symtrack.cosim.campaign.random_configurations import LEAST, Totals
from symtrack.cosim.engine.cocotb.build import cocotb_simulator
from symtrack.cosim.engine.native.build import native_library
from symtrack.cosim.engine.native.tile import NativeTile
from symtrack.cosim.mutation import netlist as mutants
from symtrack.cosim.tools.journal import Journal
from symtrack.cosim.tools.package_links import package_links
from symtrack.cosim.tools.toolchain import ToolError
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.hdl.output.verilog import module_name
from symtrack.model.files import write_all, write_bytes
from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.model.study import runner
from symtrack.model.study.case import Case, key
from symtrack.model.study.store import Store
from symtrack.model.tasks.task import TASKS
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer
from symtrack.scripts import common, train, verify
from tests.model.helpers import tiny
from tests.paths import ROOT

TINY = NAMED["tiny"]


def small_disk(size: int) -> Any:
    """For a child process: no file may grow beyond ``size`` bytes; a write there fails as on a full disk."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def script(arguments: list[str], size: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, preexec_fn=small_disk(size), timeout=300
    )


FULL_WHEN_WRITING = """
import resource, signal, sys
from symtrack.scripts import generate_verilog

def write_all(files, write=generate_verilog.write_all, size=int(sys.argv.pop())):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    write(files)

generate_verilog.write_all = write_all
sys.exit(generate_verilog.main())
"""


@pytest.mark.slow
def test_verilog_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """The last and largest file does not fit: of an earlier package nothing changes, and no remains are left.

    The disk is full from then on: the files that Yosys makes for itself are larger.
    """
    out = tmp_path / "out"
    assert script(["scripts/generate_verilog.py", "--config", "tiny", "--out", str(out)], 10**8).returncode == 0
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    for file in out.iterdir():
        file.write_text("older")
    size = max(map(len, before.values())) - 1
    again = script(["-c", FULL_WHEN_WRITING, "--config", "tiny", "--out", str(out), str(size)], 10**8)
    assert again.returncode == 2
    assert again.stderr.count("\n") == 1
    assert f"--out: '{out}': must be a writable folder (File too large)" in again.stderr
    assert {file.name: file.read_text() for file in out.iterdir()} == dict.fromkeys(before, "older")


def test_where_yosys_cannot_work_a_line_tells_so(tmp_path: Path) -> None:
    out = tmp_path / "out"
    told = script(["scripts/generate_verilog.py", "--config", "tiny", "--out", str(out)], 1000)
    assert told.returncode == common.FAILED
    assert told.stderr.count("\n") == 1
    assert "generate_verilog.py: Yosys, which writes the Verilog, fails: " in told.stderr
    assert "File too large" in told.stderr
    assert not out.exists()


def test_a_result_that_cannot_be_written_is_told_and_shown(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    command = [
        "scripts/train.py",
        "--task",
        "noisy-quadratic",
        "--steps",
        "2",
        "--algorithm",
        "tt-v2",
        "--json",
        str(file),
    ]
    whole = script(command, 10**8)  # which also leaves compiled kernels for the next
    assert whole.returncode == 0
    file.unlink()
    ended = script(command, 64)
    assert (ended.returncode, ended.stderr) == (1, "train.py: File too large\n")
    assert ended.stdout == whole.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(28, "No space left on device", "out.json"), "x.py: out.json: No space left on device\n"),
        (OSError(5, "Input/output error"), "x.py: Input/output error\n"),
        (BrokenProcessPool(), "x.py: a process of its own was killed, as where memory runs out\n"),
    ],
)
def test_a_machine_that_fails_is_told_in_a_line(
    error: Exception, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise error

    monkeypatch.setattr(sys, "argv", ["scripts/x.py"])
    with pytest.raises(SystemExit) as stopped:
        common.run(fail)
    assert (stopped.value.code, capsys.readouterr().err) == (1, line)


def test_a_set_of_files_appears_at_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("older")
    with pytest.raises(FileNotFoundError):
        write_all({tmp_path / "a": b"new", tmp_path / "nowhere" / "b": b"new"})
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a", "older")]
    write_all({tmp_path / "a": b"new", tmp_path / "b": b"new"})
    assert sorted((file.name, file.read_text()) for file in tmp_path.iterdir()) == [("a", "new"), ("b", "new")]


def test_a_link_stays_one_and_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "file")
    write_bytes(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "file").read_bytes() == b"new"
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Exception, match=r"pipe': must be a file"):
        common.output_file(str(tmp_path / "pipe"))


def test_training_outlives_a_checkpoint_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second of four does not fit; the run goes on, the first stays until the third is there."""
    monkeypatch.setitem(TASKS, "tiny", tiny.task)
    monkeypatch.chdir(tmp_path)
    original, saved = Trainer.save, []

    def save(trainer: Trainer, path: Path) -> None:
        saved.append(trainer.steps)
        if len(saved) == 2:
            raise OSError(28, "No space left on device")
        original(trainer, path)

    monkeypatch.setattr(Trainer, "save", save)
    assert train.main(["--task", "tiny", "--epochs", "3", "--checkpoint", "run.npz", "--json", "out.json"]) == 0
    assert saved == [32, 64, 96, 96]
    assert capsys.readouterr().err == "not saved after 64 of 96 steps: run.npz: No space left on device\n"
    assert Path("out.json").is_file()


@pytest.mark.parametrize("content", [b"", b"{", b"[]\n", b"{}\n", b"\xff\n", b'{"key": 1}\n', b"cut"])
def test_a_result_of_a_study_that_was_cut_off_is_made_again(tmp_path: Path, content: bytes) -> None:
    case = Case(experiment="e", labels=(("seed", 1),), run=TrainingSpec(task="noisy-quadratic"), steps=3)
    runner.run_all([case], Store(tmp_path))
    (file,) = tmp_path.glob("*.jsonl")
    whole = file.read_bytes()
    file.write_bytes(whole[:-9] if content == b"cut" else content)
    store = Store(tmp_path)
    assert list(runner.missing([case], store).values()) == [case]
    runner.run_all([case], store)
    metrics = [json.loads(line)["result"]["metrics"] for line in (whole, *_lines(tmp_path)) if b"metrics" in line]
    assert metrics[0] == metrics[-1]
    assert Store(tmp_path).get(key(case)) is not None


def _lines(folder: Path) -> list[bytes]:
    """Whole lines of files of a store."""
    return [
        line for file in folder.glob("*.jsonl") for line in file.read_bytes().splitlines(True) if line.endswith(b"\n")
    ]


@pytest.mark.slow
@pytest.mark.parametrize("damaged", ["tile.so", "runtime-*/verilated.o"])
def test_a_damaged_build_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: str) -> None:
    config = TileConfig(rows=1, columns=1, lanes=1)
    if damaged == "tile.so":  # the runtime of Verilator need not be compiled again
        native_library(tile_verilog(TINY), TINY)
        for runtime in symtrack.cosim.tools.build_cache.root().glob("runtime-*"):
            shutil.copytree(runtime, tmp_path / runtime.name)
    monkeypatch.setattr(symtrack.cosim.tools.build_cache, "root", lambda: tmp_path)
    library = native_library(tile_verilog(config), config)
    file = library if damaged == "tile.so" else next(tmp_path.glob(damaged))
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    if file != library:
        (
            library.parent / symtrack.cosim.tools.build_cache.SIZES
        ).unlink()  # another design, as far as the cache can tell
    assert native_library(tile_verilog(config), config) == library
    assert file.stat().st_size == len(whole)
    NativeTile(library, config)


@pytest.mark.parametrize(
    ("kind", "size"),
    [("nbi", 40), *(pytest.param(*case, marks=pytest.mark.slow) for case in (("nbi", 0), ("nbc", 0), ("nbc", 40)))],
)
@pytest.mark.slow
def test_a_compiled_kernel_that_was_cut_off_is_made_again(tmp_path: Path, kind: str, size: int) -> None:
    shutil.copytree(ROOT / "model", tmp_path / "model", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("scripts/face", "tests", "pyproject.toml"):
        target = tmp_path / name
        target.parent.mkdir(exist_ok=True)
        target.symlink_to(ROOT / name)
    code = (
        "from symtrack.model.tile.low_pass import filter_step; from numpy import array;"
        "print(filter_step(*array([[9], [1]]), 1))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment |= {"PYTHONPATH": str(package_links(tmp_path)), "SYMTRACK_CACHE": str(tmp_path / "build")}

    def play() -> str:
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert play() == "[5]\n"
    files = list((tmp_path / "build/numba").rglob(f"*.{kind}"))
    assert files
    for file in files:
        file.write_bytes(file.read_bytes()[:size])
    assert play() == "[5]\n"
    assert all(file.stat().st_size > size for file in files)


def test_a_machine_that_fails_kills_no_mutant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What all mutants of a batch are said to be, the netlist without an error is, too: nothing of it is kept."""
    file = tmp_path / "log"

    def full(*arguments: Any, **more: Any) -> None:
        raise ToolError("verilator: No space left on device")

    monkeypatch.setattr(mutants, "native_library", full)
    monkeypatch.setattr(mutants, "run_job", full)
    monkeypatch.setattr(mutants, "Pool", lambda *_, **__: ThreadPoolExecutor(1))
    with Journal(file, "key") as journal, pytest.raises(ToolError, match="No space left"):
        mutants.campaign(mutants.CONFIG, 2, 1, jobs=1, journal=journal, progress=lambda done: None)
    assert file.read_text() == ""


def killed(folder: Path, number: int, size: int, lengths: dict[str, int]) -> tuple[Totals, None]:
    """Instead of `campaign.batch`, in its own process: until mended the third dies and takes the fourth with it."""
    index = number & 0xFFFF
    with (folder / "asked").open("a") as file:
        file.write(f"{index} ")
    if index >= 2 and not (folder / "mended").exists():
        if index == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)
    return Totals({f"{number}, {index}" for index in range(size)}, runs=1, cycles=Counter(native=100)), None


def test_a_campaign_outlives_a_killed_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """At most the batches in work are lost."""
    monkeypatch.setattr(campaign, "batch", partial(killed, tmp_path))
    monkeypatch.setattr(sys, "argv", ["scripts/verify.py"])
    log, asked = tmp_path / "log", tmp_path / "asked"

    def verified() -> Any:
        asked.write_text("")
        arguments = ["--configurations", "50", "--jobs", "2", "--log", str(log), "--json", str(tmp_path / "found")]
        with pytest.raises(SystemExit) as stopped:
            common.run(lambda: verify.main(arguments))
        return stopped.value.code, sorted(asked.read_text().split()), capsys.readouterr().err

    code, first, err = verified()
    assert (code, err) == (1, "verify.py: a process of its own was killed, as where memory runs out\n")
    assert first[:3] == ["0", "1", "2"]
    assert [json.loads(line)["batch"] & 0xFFFF for line in log.read_text().splitlines()] in ([0, 1], [1, 0])
    (tmp_path / "mended").touch()
    assert verified() == (0, ["2", "3", "4", "5"], "")
    assert json.loads((tmp_path / "found").read_text())["runs"] == 6


@pytest.mark.parametrize("size", [1, 99, 100, 101, 150])
def test_a_journal_on_a_full_disk_keeps_what_is_whole(tmp_path: Path, size: int) -> None:
    """The last entry that is written is cut off wherever the disk ends; a later run drops it and goes on."""
    file = tmp_path / "journal"
    code = (
        "from symtrack.cosim.tools.journal import Journal; from pathlib import Path\n"
        f"with Journal(Path({str(file)!r}), 'key') as journal:\n"
        "    for number in range(100): journal.append({'n': number})"
    )
    ended = script(["-c", code], size)
    assert ended.returncode == 1
    assert "OSError: [Errno 27] File too large" in ended.stderr
    assert file.stat().st_size == size
    whole = file.read_text().count("\n")
    with Journal(file, "key") as journal:
        assert journal.entries == [{"n": number} for number in range(whole)]
        journal.append({"n": -1})
    with Journal(file, "key") as journal:
        assert [entry["n"] for entry in journal.entries] == [*range(whole), -1]


@pytest.mark.slow
@pytest.mark.parametrize("part", [0.1, 1.0])
def test_a_campaign_on_a_full_disk_finds_no_failure(
    part: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the least configuration can be built: of its simulator a byte is too much, or most."""
    monkeypatch.setattr(symtrack.cosim.tools.build_cache, "root", lambda: tmp_path / "elsewhere")
    least = TINY.replace(**LEAST)
    name = module_name(least)
    size = (cocotb_simulator(tile_verilog(least), name, waves=False) / name).stat().st_size
    log, out = tmp_path / "log", tmp_path / "out"
    cycles = ["--cycles", "1000", "--cocotb-cycles", "1000", "--varied-cycles", "1000"]
    arguments = ["--configurations", "1", *cycles, "--jobs", "1", "--log", str(log), "--out", str(out)]
    ended = script(["scripts/verify.py", *arguments], int(part * size) - 1)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert ended.stderr.startswith("verify.py: the least configuration cannot be played, either: ")
    assert log.read_text() == ""
    assert not out.exists()
