# SPDX-License-Identifier: Apache-2.0
"""The command ``symtrack``: it has every script, explains it, imports the one that is called, and refuses the rest."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import symtrack
from symtrack.model.cache import VARIABLE, checkout
from symtrack.scripts import calibrate, cli, common, cover, demo, mutate, results, run_cosim, verify
from tests.paths import ROOT

SHARED = {"__init__", "cli", "common", "exit_codes", "families", "mutation", "options"}  # modules that are no command

VERSION = version("symtrack")


def call(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[int, str, str]:
    """Exit code, output and errors of the command line."""
    monkeypatch.setattr(sys, "argv", ["/usr/bin/symtrack", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.entry()
    assert isinstance(stop.value.code, int | None)
    return stop.value.code or 0, *capsys.readouterr()


def test_every_script_is_a_command() -> None:
    scripts = {path.stem for path in (ROOT / "scripts").glob("*.py")} - SHARED
    assert {cli.module_of(name) for name in cli.COMMANDS} == scripts
    assert len(set(cli.COMMANDS)) == len(cli.COMMANDS)
    assert set(cli.OF_CHECKOUT) < set(cli.COMMANDS)


def test_help_has_a_text_for_every_command_in_groups(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    code, out, _ = call(["--help"], capsys, monkeypatch)
    lines = out.splitlines()
    assert code == 0
    assert [line[:-1] for line in lines if line.endswith(":")] == list(cli.GROUPS)
    assert list(cli.GROUPS)[:4] == ["design", "train", "verify", "measure"]
    for name in cli.COMMANDS:
        (line,) = [line for line in lines if line.startswith(f"  {name} ")]
        source = (ROOT / f"scripts/{cli.module_of(name)}.py").read_text(encoding="utf-8")
        text = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
        assert text
        needs = " Needs a checkout." if name in cli.OF_CHECKOUT else ""
        assert line.split(maxsplit=1)[1] == text + needs
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = call(["-h"], capsys, monkeypatch)
    assert max(map(len, out.splitlines())) <= 80
    monkeypatch.setenv("COLUMNS", "20")
    _, narrow, _ = call(["-h"], capsys, monkeypatch)
    column = max(map(len, cli.COMMANDS)) + 4
    assert 30 < max(len(line) - column for line in narrow.splitlines() if line.startswith("  ")) <= cli.TEXT_WIDTH
    assert narrow.split() == out.split()


def test_the_version_is_that_of_the_project(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = call(["--version"], capsys, monkeypatch)
    assert (code, out) == (0, f"symtrack {version('symtrack')}\n")
    assert symtrack.__version__ == VERSION
    assert f'\nversion = "{VERSION}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("arguments", [[], ["foo"], ["generate_verilog"], ["--seed", "1", "train"]])
def test_what_is_no_command_gets_one_line_with_those_that_are(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, error = call(arguments, capsys, monkeypatch)
    assert (code, out, error.count("\n")) == (2, "", 1)
    assert error.startswith(f"symtrack: {arguments[0]!r}: must be one of " if arguments else "symtrack: a command must")
    assert ", ".join(cli.COMMANDS) in error


def test_messages_have_the_name_that_was_called(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, error = call(["run-cosim", "--config", "tiny", "--cycles", "0"], capsys, monkeypatch)
    assert (code, out, error.count("\n")) == (2, "", 1)
    assert error.startswith("symtrack run-cosim: argument --cycles: '0': must be an integer from 1")
    assert common.other("fit_device") == "symtrack fit-device"
    code, out, _ = call(["calibrate", "--help"], capsys, monkeypatch)
    assert code == 0
    assert out.startswith("usage: symtrack calibrate ")
    assert "symtrack train --reference-mean=" in out
    monkeypatch.setattr(sys, "argv", ["scripts/calibrate.py"])
    assert calibrate.parser().prog == "calibrate.py"
    assert "\ntrain.py --reference-mean=" in calibrate.parser().format_help()
    assert common.other("fit_device") == "fit_device.py"


def test_what_fails_has_the_name_that_was_called(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(arguments: list[str]) -> int:
        raise OSError(28, "No space left on device", "out.json")

    monkeypatch.setattr(run_cosim, "main", full)
    code, _, error = call(["run-cosim"], capsys, monkeypatch)
    assert (code, error) == (1, "symtrack run-cosim: out.json: No space left on device\n")


@pytest.mark.parametrize("command", sorted(cli.OF_CHECKOUT))
def test_work_on_symtrack_itself_needs_a_checkout(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "checkout", lambda: None)
    code, out, error = call([command], capsys, monkeypatch)
    assert (code, out, error.count("\n")) == (2, "", 1)
    assert error.startswith(f"symtrack {command}: ")
    assert "needs a checkout of symtrack" in error
    monkeypatch.setattr(cli, "checkout", checkout)
    code, out, _ = call([command, "--help"], capsys, monkeypatch)
    assert (code, out.startswith(f"usage: symtrack {command} ")) == (0, True)


def test_help_and_version_import_nothing_heavy() -> None:
    code = "import sys; from symtrack.scripts.cli import entry; sys.argv[1:] = [{!r}]; entry()"
    heavy = "amaranth", "cocotb", "matplotlib", "numba", "numpy", "rich", "scipy"
    for argument in ("--help", "--version"):
        command = [sys.executable, "-X", "importtime", "-c", code.format(argument)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
        assert "symtrack" in imported
        assert imported.isdisjoint(heavy)


def test_the_package_can_be_run(tmp_path: Path) -> None:
    """As ``python -m symtrack``, also where files have names of the project's folders."""
    (tmp_path / "model.py").write_text("raise RuntimeError('not this one')\n")
    (tmp_path / "scripts").mkdir()
    command = [sys.executable, "-m", "symtrack", "cache", "--json", "cache.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads((tmp_path / "cache.json").read_text())
    assert done.stdout.splitlines()[0] == report["folder"]


def defaults(monkeypatch: pytest.MonkeyPatch, main: object) -> dict[str, Path]:
    """Options that are files or folders, as a command has them that was told none."""
    found: dict[str, Path] = {}

    class Stop(Exception):  # noqa: N818
        pass

    def parse(parser: common.Parser, *_: object) -> None:
        found.update({a.dest: a.default for a in parser._actions if isinstance(a.default, Path)})
        raise Stop

    monkeypatch.setattr(common.Parser, "parse_args", parse)
    with pytest.raises(Stop):
        main([])  # type: ignore[operator]
    return found


def test_outputs_have_a_folder_of_their_own_where_there_is_no_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    here = [defaults(monkeypatch, script.main) for script in (demo, cover, mutate, verify, results)]
    assert [{name: str(path) for name, path in some.items()} for some in here] == [
        {"out": "build/demo"},
        {"out": "build/coverage"},
        {"log": "build/mutants.jsonl"},
        {"log": "build/verify.jsonl", "out": "build/verify"},
        {"out": "docs", "cache": "build/results"},
    ]
    for module in (common, results):
        monkeypatch.setattr(module, "checkout", lambda: None)
    for script in (demo, cover, mutate, results):
        for path in defaults(monkeypatch, script.main).values():
            assert path.parts[0] == "symtrack-output"
            assert not path.is_absolute()


def test_emptying_the_cache_tells_what_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    kernel = tmp_path / "cache/numba/0123456789abcdef/kernel.nbc"
    kernel.parent.mkdir(parents=True)
    kernel.write_bytes(bytes(1_500_000))
    (tmp_path / "cache/mine.txt").touch()
    file = tmp_path / "cache.json"
    arguments = ["cache", "--json", str(file)]
    for more, emptied in (([], False), (["--empty"], True)):
        code, out, error = call([*arguments, *more], capsys, monkeypatch)
        assert (code, error) == (0, "")
        assert out.splitlines()[0] == str(tmp_path / "cache")
        assert "numba             1.5 MB in 1 entries: compiled kernels" in out
        assert ("emptied of 1.5 MB" in out) == emptied
        report = json.loads(file.read_text())
        assert report["folder"] == str(tmp_path / "cache")
        assert report["kinds"]["numba"] == {"entries": 1, "bytes": 1_500_000}
        assert (report["bytes"], report["emptied"]) == (1_500_000, emptied)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["mine.txt"]
