# SPDX-License-Identifier: Apache-2.0
"""Tests of who imports whom: hdl and model share only the specification, and folders do not import in a circle."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from graphlib import CycleError

import pytest

from symtrack.scripts.documents.imports import folder_graph, imported, levels
from tests.paths import ROOT

SIDES = ("model", "hdl", "cosim", "scripts")


def imports(folder: str) -> set[str]:
    """What the files of a folder import of the package, without its name."""
    names = set().union(*(imported(path) for path in sorted((ROOT / folder).rglob("*.py"))))
    assert names, folder
    return {name.removeprefix("symtrack.") for name in names if name.startswith("symtrack.")}


@pytest.mark.parametrize("folder", ["hdl", "tests/hdl/tile", "tests/hdl/parts", "tests/hdl/controller"])
def test_of_the_model_hdl_and_its_tests_import_the_specification_as_data_only(folder: str) -> None:
    names = {name for name in imports(folder) if name.startswith("model.")}
    assert {name.split(".")[1] for name in names} <= {"spec"}


@pytest.mark.parametrize(
    ("folder", "packages"),
    [("model", ("hdl", "cosim", "scripts")), ("cosim", ("scripts",)), ("hdl", ("cosim", "scripts"))],
)
def test_lower_packages_do_not_import_upper_ones(folder: str, packages: tuple[str, ...]) -> None:
    for package in packages:
        assert not [name for name in imports(folder) if name.split(".")[0] == package]


def test_folders_do_not_import_in_a_circle() -> None:
    graph = folder_graph(ROOT)
    assert len(graph) > 25
    try:
        levels(graph)
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_generating_verilog_needs_no_golden_model_and_no_compiler() -> None:
    """The two sides are independent when they run, too."""
    code = """
import sys
from symtrack.scripts.generate_verilog import main
main(["--config", "tiny", "--out", sys.argv[1]])
allowed = ("symtrack.model.spec", "symtrack.model.cache", "symtrack.model.files")
golden = [name for name in sys.modules if name.startswith("symtrack.model.") and not name.startswith(allowed)]
heavy = [name for name in ("numba", "scipy", "sklearn", "cocotb", "matplotlib") if name in sys.modules]
print("left out" if not golden + heavy else golden + heavy)
"""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "left out", done.stderr


@pytest.mark.parametrize("name", SIDES)
@pytest.mark.parametrize("form", ["from {}.spec import config", "import {}", "import {}.spec.config as c"])
def test_imports_by_bare_names_are_caught(name: str, form: str) -> None:
    """By the linter, wherever a file may be; those of the package are not."""
    for prefix, caught in (("", True), ("symtrack.", False)):
        command = [sys.executable, "-m", "ruff", "check", "--quiet", "--output-format", "concise"]
        done = subprocess.run(
            [*command, "--select", "TID251", "--stdin-filename", "scripts/new.py", "-"],
            input=form.format(prefix + name) + "\n",
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == caught, done.stdout + done.stderr
        assert (f"the package is symtrack: import symtrack.{name}" in done.stdout) == caught


def test_the_linter_looks_for_them() -> None:
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]
    assert "TID251" in ruff["lint"]["select"]
    assert set(ruff["lint"]["flake8-tidy-imports"]["banned-api"]) == set(SIDES)
