# SPDX-License-Identifier: Apache-2.0
"""Tests of the build cache: builds kept by hash, rejected with one line, nothing half-made left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

import symtrack.cosim.engine.cocotb.build
import symtrack.cosim.engine.native.build
import symtrack.cosim.tools.build_cache
import symtrack.cosim.tools.lint
import symtrack.cosim.tools.toolchain
from symtrack.cosim.compare.scenario import play
from symtrack.cosim.engine.cocotb.build import cocotb_simulator
from symtrack.cosim.engine.native.build import native_library
from symtrack.cosim.tools.build_cache import temporary_builds
from symtrack.cosim.tools.lint import verilator_warnings
from symtrack.cosim.tools.toolchain import ToolError, find_verilator, run
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.hdl.output.verilog import module_name, tile_ports
from symtrack.model.cache import VariableError
from symtrack.model.spec.config import NAMED, TileConfig
from tests.cosim.helpers.bent import random_run
from tests.paths import ROOT

CONFIG = NAMED["tiny"]
SMALLEST = TileConfig(rows=1, columns=1, lanes=1)
TOP = module_name(CONFIG)


def test_an_equal_design_is_built_once() -> None:
    text = tile_verilog(CONFIG)
    folder = cocotb_simulator(text, TOP, waves=False)
    stamp = (folder / TOP).stat().st_mtime_ns
    assert cocotb_simulator(text, TOP, waves=False) == folder
    assert (folder / TOP).stat().st_mtime_ns == stamp
    assert (folder / "tile.v").read_text(encoding="utf-8") == text


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["native", "cocotb"])
def test_what_a_simulator_is_made_for_changes_no_run(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []
    for value in symtrack.cosim.tools.build_cache.COMPILED:
        monkeypatch.setenv("SYMTRACK_SIMULATOR", value)
        runs.append(play(SMALLEST, "random", engine=engine, cycles=2000, seed=4)[1])
    assert runs[0].verdict.passed
    assert (runs[0].verdict, runs[0].result) == (runs[1].verdict, runs[1].result)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("endmodule", "endmodul"),
        ("  assign ", "  assign nobody = 0; assign "),
        ("input clk;", "input clk; assign clk = 1'b0;"),
    ],
)
def test_verilog_that_verilator_rejects_gives_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    monkeypatch.setattr(symtrack.cosim.tools.build_cache, "root", lambda: tmp_path)
    text = tile_verilog(CONFIG)
    changed = text.replace(old, new, 1)
    assert changed != text
    with pytest.raises(ToolError, match=r"failed with exit code \d+: .*%(Error|Warning)") as caught:
        cocotb_simulator(changed, TOP, waves=False)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["native", "cocotb"])
def test_folders_may_have_spaces(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the builds and that of Verilator."""
    builds, package = tmp_path / "of builds", tmp_path / "of packages"
    builds.mkdir()
    package.mkdir()
    tool = find_verilator()
    root = tool.environment.get("VERILATOR_ROOT")
    if root is not None:  # else it is the system's
        moved = package / "it's $HOME"
        shutil.copytree(root, moved)
        executable = str(moved / Path(tool.executable).relative_to(root))
        tool = replace(tool, executable=executable, environment=tool.environment | {"VERILATOR_ROOT": str(moved)})
    monkeypatch.setattr(symtrack.cosim.engine.native.build, "find_verilator", lambda: tool)
    monkeypatch.setattr(symtrack.cosim.engine.cocotb.build, "find_verilator", lambda: tool)
    monkeypatch.setattr(symtrack.cosim.tools.build_cache, "root", lambda: builds)
    monkeypatch.setattr(symtrack.cosim.tools.lint, "find_verilator", lambda: tool)
    assert verilator_warnings(tile_verilog(SMALLEST), module_name(SMALLEST)) == []
    _, outcome = play(SMALLEST, "random", engine=engine, cycles=1000, seed=4)
    assert outcome.verdict.passed
    assert [path.name for path in builds.iterdir() if path.name.startswith("unfinished")] == []


def test_an_error_of_make_is_told(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("all: nothing\n")
    with pytest.raises(ToolError) as caught:
        run(["make", "-C", str(tmp_path)], None, tmp_path / "log")
    assert "*** No rule to make target" in str(caught.value)


def test_another_kind_of_simulator_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYMTRACK_SIMULATOR", "quick")
    with pytest.raises(VariableError) as caught:
        native_library(tile_verilog(CONFIG), CONFIG)
    assert str(caught.value) == "SYMTRACK_SIMULATOR = 'quick': must be one of quick-to-run, quick-to-build"


def test_a_command_with_another_kind_of_simulator_is_bad_input() -> None:
    command = [sys.executable, "scripts/run_cosim.py", "--config", "tiny", "--cycles", "100"]
    environment = {**os.environ, "SYMTRACK_SIMULATOR": "quick"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    line = "run_cosim.py: SYMTRACK_SIMULATOR = 'quick': must be one of quick-to-run, quick-to-build\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", line)


def test_temporary_builds_are_of_one_block_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there is used and stays; what is made inside is seen by nobody else, and goes with the block."""
    monkeypatch.setattr(symtrack.cosim.tools.build_cache, "root", lambda: tmp_path)
    cached, made = symtrack.cosim.tools.build_cache.cached, []

    def product(work: Path) -> Iterable[Path]:
        made.append(work)
        (work / "file").write_text("content")
        return [work / "file"]

    kept = cached(["kept"], product)
    with temporary_builds():
        assert cached(["kept"], product) == kept
        inside = cached(["new"], product)
        assert cached(["new"], product) == inside
        with temporary_builds():
            other = cached(["new"], product)
        assert (other != inside, other.exists(), (inside / "file").read_text()) == (True, False, "content")
    assert len(made) == 3
    assert list(tmp_path.iterdir()) == [kept]


@pytest.mark.slow
def test_each_kind_of_simulator_has_a_build_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    used = set()
    for value in symtrack.cosim.tools.build_cache.COMPILED:
        monkeypatch.setenv("SYMTRACK_SIMULATOR", value)
        used.add(native_library(tile_verilog(SMALLEST), SMALLEST))
    assert len(used) == 2
    monkeypatch.delenv("SYMTRACK_SIMULATOR")
    assert native_library(tile_verilog(SMALLEST), SMALLEST) in used


def test_a_warning_that_is_not_waived_stops_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(symtrack.cosim.tools.build_cache, "root", lambda: tmp_path)
    head = tile_verilog(CONFIG)
    narrow = head + "\nmodule narrow(input [7:0] a, output [3:0] b);\n  assign b = a;\nendmodule\n"
    used = narrow.replace("endmodule", "  wire [3:0] n; narrow narrow_i(.a(8'd1), .b(n));\nendmodule", 1)
    with pytest.raises(ToolError, match="WIDTHTRUNC"):
        cocotb_simulator(used, TOP, waves=False)


@pytest.mark.parametrize("program", ["g++", "make", "perl"])
def test_a_missing_program_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    which = symtrack.cosim.tools.toolchain.shutil.which
    monkeypatch.setattr(
        symtrack.cosim.tools.toolchain.shutil, "which", lambda name: None if name == program else which(name)
    )
    with pytest.raises(ToolError, match=rf"{program[0]}.* is missing: install it, .*apt-get install"):
        find_verilator.__wrapped__()


def test_an_old_system_verilator_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    which = symtrack.cosim.tools.toolchain.shutil.which
    monkeypatch.setattr(
        symtrack.cosim.tools.toolchain.shutil, "which", lambda name: "old" if name == "verilator" else which(name)
    )
    monkeypatch.setattr(
        symtrack.cosim.tools.toolchain, "_version", lambda executable: "Verilator 5.006 2023-01-22 rev (Debian)"
    )
    assert find_verilator.__wrapped__().executable != "old"
    monkeypatch.setattr(symtrack.cosim.tools.toolchain, "_version", lambda executable: "Verilator 5.036 2025-04-27 rev")
    assert find_verilator.__wrapped__().executable == "old"


TEXT = "of the product"


def build(folder: Path, name: str, s: float) -> Path:
    """A stand-in for a design that takes ``s`` seconds; who builds it writes a line into ``log``."""

    def produce(work: Path) -> Iterable[Path]:
        with (folder / "log").open("a") as log:
            log.write(f"{name}\n")
        time.sleep(s)
        (work / "product").write_text(TEXT)
        return [work / "product"]

    os.environ["SYMTRACK_CACHE"] = str(folder)
    return symtrack.cosim.tools.build_cache.cached([name], produce)


def started(folder: Path, name: str, s: float) -> subprocess.Popen[str]:
    code = f"from tests.cosim.tools.test_build_cache import *; print(build(Path({str(folder)!r}), {name!r}, {s}))"
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def built(folder: Path) -> list[str]:
    file = folder / "log"
    return file.read_text().split() if file.exists() else []


def test_processes_that_want_one_design_build_it_once(tmp_path: Path) -> None:
    processes = [started(tmp_path, name, 1.0) for name in ("a", "a", "a", "b")]
    folders = [Path(process.communicate()[0].strip()) for process in processes]
    assert sorted(built(tmp_path)) == ["a", "b"]
    assert folders[0] == folders[1] == folders[2] != folders[3]
    assert all((folder / "product").read_text() == TEXT for folder in folders)


def test_a_killed_build_is_taken_over(tmp_path: Path) -> None:
    """The lock of a process that is gone holds nobody."""
    first = started(tmp_path, "a", 600)
    while not built(tmp_path):
        assert first.poll() is None
        time.sleep(0.01)
    second = started(tmp_path, "a", 0)
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(1)
    assert built(tmp_path) == ["a"]
    first.kill()
    folder = Path(second.communicate(timeout=60)[0].strip())
    assert (folder / "product").read_text() == TEXT
    assert built(tmp_path) == ["a", "a"]


@pytest.mark.slow
def test_waves_show_the_ports(tmp_path: Path) -> None:
    file = tmp_path / "run.vcd"
    assert random_run("tiny", cycles=200, waves=file).verdict.passed
    text = file.read_text(encoding="ascii")
    for port in tile_ports(CONFIG):
        assert f" {port.name} " in text


@pytest.mark.slow
def test_a_changed_netlist_with_the_same_ports_is_judged_by_its_ports() -> None:
    text = tile_verilog(CONFIG)
    renamed = text.replace("words", "bits_of_the_memory")
    outcome = random_run("tiny", cycles=500, verilog=renamed)
    assert outcome.verdict.passed
    whole = random_run("tiny", cycles=500)
    assert outcome.verdict.states_compared == whole.verdict.states_compared - 3 * CONFIG.rows * CONFIG.columns


def test_what_earlier_runs_left_unfinished_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders of processes that are gone, and of others those that are older than a day; nothing else."""
    monkeypatch.setenv("SYMTRACK_CACHE", str(tmp_path))
    module = symtrack.cosim.tools.build_cache
    killed = started(tmp_path, "killed", 600)
    while not built(tmp_path):
        assert killed.poll() is None
        time.sleep(0.01)
    (left,) = (tmp_path / "verilator").glob("unfinished-*")
    kept = [tmp_path / "verilator" / name for name in ("unfinished-young", f"{module._prefix()}x", "0123456789abcdef")]
    old = [tmp_path / "verilator" / f"unfinished-{name}" for name in ("old", "0123abcd_1_old")]
    for folder in (*kept, *old):
        folder.mkdir()
        (folder / "file").touch()
        if folder != kept[0]:
            os.utime(folder, (time.time() - module.STALE_S - 60,) * 2)
    module.sweep()
    assert left.exists()
    killed.kill()
    killed.wait()
    with temporary_builds():
        assert not left.exists()
    build(tmp_path, "another", 0)
    found = {path.name for path in (tmp_path / "verilator").iterdir()}
    assert {path.name for path in kept} < found
    assert found.isdisjoint(path.name for path in (left, *old))
    assert usage_knows(left.name)


def usage_knows(name: str) -> bool:
    """Whether ``symtrack cache --empty`` knows such a name."""
    return symtrack.model.cache._ENTRY.fullmatch(name) is not None
